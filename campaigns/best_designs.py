"""Search the best known design of each shipped case, and find what each of its choices is worth.

`python -m campaigns.best_designs [CASE ...] [--designs N]` writes scenarios/best_known/CASE.json. The same runs judge what the
search finds, the designs that the case itself shows, and the one in the file. A choice is worth how much farther the design
misses its objectives when that choice alone goes back to its default, on the same requests.
"""

from __future__ import annotations

import shlex
from argparse import ArgumentParser
from collections.abc import Mapping

from simulator.case.choices import Pick
from simulator.case.load import load, scenario_ids
from simulator.case.schema import Scenario
from simulator.cli.options import workers
from simulator.engine.compiled_plan import case_hash
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.explain.result import Result, replicate
from simulator.paths import BEST_KNOWN
from simulator.session.best_known import BestKnown, WorthOfChoice
from simulator.sweeps.outcome_cache import OutcomeCache
from simulator.tradeoffs.best_design import FEW, cost_goal, search_over
from simulator.tradeoffs.breakeven_claims import claims_of
from simulator.tradeoffs.study_commands import judged
from simulator.tradeoffs.sweep_commands import DesignOptions

SEED, DESIGNS = 1, 96


def searched(scenario: Scenario, budget: int) -> tuple[dict[str, Pick], int, str]:
    """Return the best picks, the number of designs that were tried, and the way they were found in words.

    The case's own designs and the best one known before are among the candidates. So the best known design is never worse.
    budget: of the search; 0 judges these candidates alone
    """
    claims, cost = claims_of(scenario, []), cost_goal(scenario)
    names = [name for name, choice in scenario.choices.items() if not choice.situation]
    request = DesignOptions().around(scenario, names, judged(claims, cost), SEED, FEW)
    with workers(None) as submit:
        search = search_over(request, claims, cost, submit, OutcomeCache(), kept_before(scenario))
        best = search.find(budget).best if budget else search.best_of_known()
    line = shlex.join(["casesim", "best", scenario.id, "--seed", str(SEED), "--designs", str(budget)])
    line += ", with the best design known before among its proposals,"
    line = line if budget else "A comparison of the case's own designs with the best one known before"
    return {axis.name: best.point.picks[axis.name] for axis in search.axes}, len(search.tried), line


def kept_before(scenario: Scenario) -> list[dict[str, Pick]]:
    """Return the picks of the design in the file, as far as the case still has their choices."""
    file = BEST_KNOWN / f"{scenario.id}.json"
    if not file.is_file():
        return []
    picks = BestKnown.model_validate_json(file.read_bytes()).picks
    return [{name: pick for name, pick in picks.items() if name in scenario.choices}]


def run(scenario: Scenario, picks: Mapping[str, Pick]) -> Result:
    return replicate(compile_plan(scenario, picks), SEED)


def worth(scenario: Scenario, picks: Mapping[str, Pick], whole: Result, choice: str) -> WorthOfChoice | None:
    """Return what a choice is worth in a design; None where the design cannot run without it."""
    try:
        without = run(scenario, {**picks, choice: scenario.defaults()[choice]})
    except InputError:
        return None
    pairs = zip(whole.verdicts, without.verdicts, strict=True)
    lost = [after.metric.name for before, after in pairs if before.standing != "not met" and after.standing == "not met"]
    return WorthOfChoice(choice=choice, pick=picks[choice], lost=tuple(lost), shortfall=loss(without) - loss(whole))


def loss(result: Result) -> float:
    return sum(verdict.loss for verdict in result.verdicts)


def best_of(case: str, budget: int = DESIGNS) -> BestKnown:
    scenario = load(case)
    picks, designs, line = searched(scenario, budget)
    whole, defaults = run(scenario, picks), scenario.defaults()
    changed = [name for name in picks if picks[name] != defaults[name]]
    choices = [found for name in changed if (found := worth(scenario, picks, whole, name)) is not None]
    return BestKnown(
        scenario_hash=case_hash(scenario),
        picks=picks,
        verdicts={one.metric.name: one.standing for one in whole.verdicts},
        choices=tuple(sorted(choices, key=lambda one: -one.shortfall)),
        designs=designs,
        replications=scenario.run.replications,
        seed=SEED,
        command=line,
    )


def main() -> None:
    arguments = ArgumentParser(prog="python -m campaigns.best_designs")
    arguments.add_argument("cases", nargs="*", default=scenario_ids())
    arguments.add_argument("--designs", type=int, default=DESIGNS, help="designs to try before the race; 0 for no search")
    given = arguments.parse_args()
    for case in given.cases:
        found = best_of(case, given.designs)
        BEST_KNOWN.mkdir(exist_ok=True)
        (BEST_KNOWN / f"{case}.json").write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
        print(case, dict(found.picks), dict(found.verdicts), *found.choices, sep="\n  ", flush=True)


if __name__ == "__main__":
    main()
