"""Instruction sets of processors, as far as they change the answers of an 8-bit network.

ONNX Runtime multiplies unsigned activations with signed weights. With VNNI (or Arm's dot product) it adds four products in 32
bits, which is exact. Without VNNI, AVX2 and AVX-512 add two products in 16 bits (`vpmaddubsw`), which saturates: 255 times 127
and once more give 32,767 instead of 64,770. So the same file is another network on another processor (microsoft/onnxruntime,
issues 6004 and 14642).
"""

from __future__ import annotations

import re
from typing import Literal

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
    return next((found for flag, found in _FLAGS.items() if flag in listed), None)


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
