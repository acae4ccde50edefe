"""The catalogue: published facts about hardware and its price, each with its source; and instruction sets of processors.

An instruction set changes the answers of an 8-bit network. ONNX Runtime multiplies unsigned activations with signed weights.
With VNNI (or Arm's dot product) it adds four products in 32 bits, which is exact. Without VNNI, AVX2 and AVX-512 add two
products in 16 bits (`vpmaddubsw`), which saturates: 255 times 127 and once more give 32,767 instead of 64,770. So the same file
is another network on another processor (microsoft/onnxruntime, issues 6004 and 14642).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from simulator.errors import suggest
from simulator.evidence.evidence_files import EvidenceError, EvidenceRecord, read_yaml
from simulator.files import remembered
from simulator.paths import CATALOGUE
from simulator.phrases import phrase

#: Named by what multiplies 8-bit numbers.
InstructionSet = Literal["avx2", "avx512", "avx_vnni", "avx512_vnni", "neon_dotprod"]

_SATURATING = frozenset({"avx2", "avx512"})
#: Recipes without saturation: half-size weights, or unsigned ones.
UNSATURATED = frozenset({"int8_static_7bit", "int8_static_unsigned"})
WORDS: dict[InstructionSet, str] = {
    "avx2": "AVX2 without VNNI",
    "avx512": "AVX-512 without VNNI",
    "avx_vnni": "AVX2 with VNNI",
    "avx512_vnni": "AVX-512 with VNNI",
    "neon_dotprod": "Arm's dot product",
}
#: As systems list them, the most telling first.
_FLAGS: dict[str, InstructionSet] = {
    "avx512_vnni": "avx512_vnni",
    "avx_vnni": "avx_vnni",
    "avx512f": "avx512",
    "avx2": "avx2",
    "asimddp": "neon_dotprod",
}


def instruction_set_of(processor: str) -> InstructionSet | None:
    """Return the instruction set that a profile's or a table's `processor` lists; None where it lists none."""
    listed = set(re.findall(r"\w+", processor))
    return next((instructions for flag, instructions in _FLAGS.items() if flag in listed), None)


def variant(precision: str, runs_on: InstructionSet | None) -> str:
    """Return the precision in the name of a table that was measured on one instruction set, such as `int8_static@avx2`."""
    return f"{precision}@{runs_on}" if runs_on else precision


def table_precision(precision: str, measured_on: InstructionSet | None) -> str:
    """Return the precision in the name of a new table; one of saturated sums has a name of its own."""
    cut = measured_on is not None and saturates(measured_on) and is_eight_bits(precision) and precision not in UNSATURATED
    return variant(precision, measured_on) if cut else precision


def saturates(on: InstructionSet) -> bool:
    """Return whether sums of 8-bit products saturate."""
    return on in _SATURATING


def changes_answers(precision: str, measured_on: InstructionSet, runs_on: InstructionSet) -> bool:
    """Return whether the file of an 8-bit network answers otherwise on `runs_on` than on `measured_on`."""
    return is_eight_bits(precision) and precision not in UNSATURATED and saturates(measured_on) != saturates(runs_on)


def is_eight_bits(precision: str) -> bool:
    return precision.startswith("int8")


#: What a device computes in, as published latencies name it.
Computes = Literal["fp32", "fp16", "int8"]

#: The machines and their prices.
HARDWARE = CATALOGUE / "hardware.yaml"

Positive = Annotated[float, Field(gt=0, le=1e9)]


class Hardware(EvidenceRecord):
    """One kind of machine or accelerator.

    instruction_set: of a processor, what multiplies 8-bit numbers; an accelerator has none
    vcpus: a processor is paid by the thread; an accelerator, which has none, as a whole
    peak_tops: dense operations a second, in units of 1e12; a multiply-add is two
    price_evidence: `published`, or `assumed` for what is bought and not rented
    """

    label: str
    processor: str
    kind: Literal["cpu", "gpu", "edge", "phone"] = "cpu"
    instruction_set: InstructionSet | None = None
    vcpus: int | None = Field(default=None, ge=1, le=4096)
    usd_per_hour: Positive | None = None
    price_source: str | None = None
    price_evidence: Literal["published", "assumed"] = "published"
    peak_tops: dict[Computes, Positive] = {}
    bandwidth_gb_per_s: Positive | None = None
    memory_gb: Positive | None = None
    power_w: Positive | None = None
    source: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Hardware:
        if (self.usd_per_hour is None) != (self.price_source is None):
            raise ValueError("usd_per_hour and price_source go together: no price without a source")
        if self.kind == "cpu" and self.vcpus is None:
            raise ValueError("a processor needs vcpus, to share out its price")
        if self.source is None and (self.peak_tops or self.bandwidth_gb_per_s or self.memory_gb):
            raise ValueError("source is missing: it says where peaks, bandwidth and memory come from")
        return self

    def caution(self, precision: str, measured_on: InstructionSet | None) -> str:
        """Return a doubt about an 8-bit accuracy that was measured on a processor and is used here; empty without one."""
        if measured_on is None or not is_eight_bits(precision):
            return ""
        slots = {"measured": WORDS[measured_on], "label": self.label}
        if self.kind != "cpu":
            return phrase("eight_bits.accelerator", **slots)
        here = self.instruction_set
        if here is None or not changes_answers(precision, measured_on, here):
            return ""
        return phrase("eight_bits.processor", **slots, here=WORDS[here], saturates=saturates(here))

    def usd_per_thread_hour(self) -> float:
        return self._price() / (self.vcpus or 1)

    def usd_per_replica_hour(self, threads: int) -> float:
        return self._price() if self.vcpus is None else threads * self.usd_per_thread_hour()

    def _price(self) -> float:
        if self.usd_per_hour is None:
            raise EvidenceError(f"{self.label} has no price")
        return self.usd_per_hour


@remembered()
def hardware(path: Path = HARDWARE) -> dict[str, Hardware]:
    """Read every machine of the catalogue, by id; raises EvidenceError with the first fault."""
    return read_yaml(path, TypeAdapter(dict[str, Hardware]))


def machine(name: str) -> Hardware:
    """Return the machine `name`; raises EvidenceError that lists the machines."""
    machines = hardware()
    if name not in machines:
        hint = suggest(name, machines, f"assets/catalogue/{HARDWARE.name}")
        raise EvidenceError(f"the catalogue has no machine '{name}'; {hint}")
    return machines[name]


Share = Annotated[float, Field(ge=0, le=1)]


class FieldFinding(EvidenceRecord):
    """Results of a study; each figure is the range that was published, two equal ends where it was one number."""

    sensitivity: tuple[Share, Share]
    specificity: tuple[Share, Share]
    source: str


class FieldDrop(EvidenceRecord):
    """One product on the bench and in the field.

    scores: the score table that rests on the same bench, if there is one
    beside: beginnings of the names of score tables about the same product
    """

    what: str
    bench: FieldFinding
    field: FieldFinding
    scores: str | None = None
    beside: list[str] = []

    def stands_beside(self, table: str) -> bool:
        return any(table.startswith(beginning) for beginning in self.beside)


def field_drop_of(table: str) -> FieldDrop | None:
    """Return the drop in the field of the product behind a score table; None where no study is known."""
    return next((drop for drop in field_drops() if drop.scores and table.startswith(f"{drop.scores}.")), None)


@remembered()
def field_drops(path: Path = CATALOGUE / "field.yaml") -> list[FieldDrop]:
    """Read every product of the catalogue; raises EvidenceError with the first fault."""
    return read_yaml(path, TypeAdapter(list[FieldDrop]))
