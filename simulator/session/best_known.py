"""The best known design of a shipped case, and what each of its choices is worth: searched and run beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic import BaseModel, ConfigDict

from simulator.case.choices import Pick
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.paths import BEST_KNOWN


class WorthOfChoice(BaseModel):
    """A choice in which the best known design differs from the default, and the objectives that are lost without it.

    choice, pick: in the best known design; lost: metrics of objectives that it does not miss with the pick, and misses without
    shortfall: how much farther it misses its objectives without the pick, as `Verdict.loss` has it, summed
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    choice: str
    pick: Pick
    lost: tuple[str, ...]
    shortfall: float


class BestKnown(BaseModel):
    """The best design that a search found; choices: the one that mattered most first.

    designs: tried by the search; replications: of a verdict; seed: of search and verdicts
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario_hash: str
    picks: Mapping[str, Pick]
    verdicts: Mapping[str, str]
    choices: tuple[WorthOfChoice, ...]
    designs: int
    replications: int
    seed: int
    command: str


@cache
def _read(case: str) -> BestKnown | None:
    file = BEST_KNOWN / f"{case}.json"
    return BestKnown.model_validate_json(file.read_bytes()) if file.is_file() else None


def best_known(scenario: Scenario) -> BestKnown | None:
    """Return the best known design of a case; None where none was searched, or the case was edited since."""
    best = _read(scenario.id)
    return best if best is not None and best.scenario_hash == case_hash(scenario) else None
