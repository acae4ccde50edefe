"""Links: addresses of the page of a case."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from hypothesis import strategies as st

from simulator.app.links import link, read
from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan
from tests.fuzz.mutate import drawn
from tests.fuzz.runner import Kind, Refusal, Trial

_CASES = ("skin-cancer-triage", "retry-storm", "av-perception")
_VALUES = (
    "", "0", "-1", "1", "3", "1e999", "-inf", "nan", "9" * 5000, "0x10", "1_000", "١٢", "1.5", " 2 ", "x@1", "@", "x@", "a@b@c",
    "\x1b[2J", "\x00", "\ud800", "<script>", "[a](javascript:x)", "../../x", "true", "None", "1e-400",
)  # fmt: skip


def trials(begin: int, count: int) -> Iterator[Trial]:
    """Addresses of keys that exist and keys that do not, with values of every sort."""
    random = Random(begin)
    texts = drawn(st.text(max_size=40), 300, begin)
    for number in range(count):
        scenario = _loaded(random.choice(_CASES))
        keys = [*scenario.choices, "case", "version", "seed", "replications", "strike", "strike", "run", random.choice(texts)]
        words = [scenario.id]
        for _ in range(random.choice((1, 1, 2, 5, 40))):
            words += [random.choice(keys), _value(scenario, random, texts)]
        yield Trial(f"{number:05d}", words=tuple(words))


@cache
def _loaded(name: str) -> Scenario:
    return load(name)


def _value(scenario: Scenario, random: Random, texts: list[str]) -> str:
    offered = [str(random.choice(choice.picks())) for choice in scenario.choices.values()]
    ball = random.choice(list(scenario.curveballs) or ["x"])
    return random.choice([*_VALUES, random.choice(texts), ball, f"{ball}@{random.choice(_VALUES)}", *offered])


def attempt(trial: Trial, folder: Path) -> Refusal | None:
    """Read the address; what it asks for makes a plan, and a link that asks for the same."""
    name, *pairs = trial.words
    scenario = _loaded(name)
    address: dict[str, list[str]] = {}
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        address.setdefault(key, []).append(value)
    asked = read(scenario, address)
    try:
        plan = compile_plan(scenario, asked.picks, asked.strikes)
    except ScenarioError as error:
        return Refusal(str(error), all(fault.line >= 1 for fault in error.faults))
    link(plan, asked.seed, asked.replications)
    unnamed = [one for one in asked.complaints if not any(key[:20] in one for key in [*address, "more names"] if key)]
    return Refusal("\n".join(asked.complaints), not unnamed) if asked.complaints else None


KIND = Kind("links", 500, trials, attempt, prepare=lambda: [_loaded(name) for name in _CASES])
