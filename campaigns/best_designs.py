"""Search the best known design of each shipped case, and find what each of its choices is worth.

`python -m campaigns.best_designs [CASE ...]` writes scenarios/best_known/CASE.json. A choice is worth the objectives that the
design loses when that choice alone goes back to its default, on the same requests.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping

from simulator.case.choices import Pick
from simulator.case.load import load, scenario_ids
from simulator.case.schema import Scenario
from simulator.engine.plan import case_hash, compile_plan
from simulator.errors import InputError
from simulator.explain.result import Result, replicate
from simulator.metrics.summary import Verdict
from simulator.paths import BEST_KNOWN
from simulator.session.best_known import BestKnown, WorthOfChoice

SEED, DESIGNS = 1, 96


def searched(case: str) -> tuple[dict[str, Pick], int, str]:
    """Return the best picks that the command finds, the number of designs that it tried, and its line."""
    arguments = ["best", case, "--seed", str(SEED), "--designs", str(DESIGNS), "--json"]
    done = subprocess.run([sys.executable, "-m", "simulator.cli", *arguments], check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    return found["best"]["picks"], found["designs"], shlex.join(["casesim", *arguments[:-1]])


def run(scenario: Scenario, picks: Mapping[str, Pick]) -> Result:
    return replicate(compile_plan(scenario, picks), SEED)


def worth(scenario: Scenario, picks: Mapping[str, Pick], whole: Result, choice: str) -> WorthOfChoice | None:
    """Return what a choice is worth in a design; None where the design cannot run without it."""
    try:
        without = run(scenario, {**picks, choice: scenario.defaults()[choice]})
    except InputError:
        return None
    pairs = zip(whole.verdicts, without.verdicts, strict=True)
    lost = [after for before, after in pairs if before.standing != "not met" and after.standing == "not met"]
    return WorthOfChoice(
        choice=choice, pick=picks[choice], lost=tuple(one.metric.name for one in lost), shortfall=sum(map(_shortfall, lost))
    )


def _shortfall(verdict: Verdict) -> float:
    """Return the distance from the bound as a share of it; 1 where the run has no figure."""
    if verdict.estimate is None or not verdict.bound:
        return 1.0
    return abs(verdict.estimate.value - verdict.bound) / abs(verdict.bound)


def best_of(case: str) -> BestKnown:
    scenario = load(case)
    picks, designs, line = searched(case)
    whole, defaults = run(scenario, picks), scenario.defaults()
    changed = [name for name in picks if picks[name] != defaults[name]]
    choices = [found for name in changed if (found := worth(scenario, picks, whole, name)) is not None]
    return BestKnown(
        scenario_hash=case_hash(scenario),
        picks=picks,
        verdicts={one.metric.name: one.standing for one in whole.verdicts},
        choices=tuple(sorted(choices, key=lambda one: (-len(one.lost), -one.shortfall))),
        designs=designs,
        replications=scenario.run.replications,
        seed=SEED,
        command=line,
    )


def main() -> None:
    for case in sys.argv[1:] or scenario_ids():
        found = best_of(case)
        BEST_KNOWN.mkdir(exist_ok=True)
        (BEST_KNOWN / f"{case}.json").write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
        print(case, dict(found.picks), dict(found.verdicts), *found.choices, sep="\n  ", flush=True)


if __name__ == "__main__":
    main()
