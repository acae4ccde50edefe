"""Changes of a design: one choice with another pick, compiled, ranked by scores before a run, and compared with the design."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from simulator.case.choices import Choice, Options, Pick
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.engine.actions import with_actions
from simulator.engine.compiled_plan import Plan, changes_of
from simulator.engine.contract import stage_of
from simulator.engine.plan import compile_plan
from simulator.engine.stages.gate import score_gates
from simulator.explain.bottleneck import FEW, load_on, turning_away
from simulator.explain.claims import Claim, figure, on_metric
from simulator.metrics.estimates import Estimator
from simulator.metrics.label_uncertainty import plain_ways
from simulator.metrics.servers import servers
from simulator.metrics.summary import Summary, Verdict
from simulator.records.timetables import HOUR_S


@dataclass(frozen=True)
class DesignChange:
    """One choice with another pick; `plan` is None where that design cannot run, and `refused` gives the reason."""

    choice: str
    label: str
    before: str
    after: str
    pick: Pick
    plan: Plan | None
    refused: str = ""
    unit: str = ""

    @property
    def words(self) -> str:
        return f"{self.label}: {self.before.removesuffix(f' {self.unit}')} → {self.after}"


def change_design(plan: Plan, name: str, pick: Pick) -> DesignChange:
    """Change one pick of a design under the same curveballs, figures and later changes.

    The case is compiled as its author wrote it. The plan's own scenario holds what the present pick wrote, and a pick that
    writes elsewhere would leave that in place.
    """
    choice = plan.scenario.choices[name]
    words = (choice.label, choice.label_of(plan.design[name]), choice.label_of(pick))
    unit = "" if isinstance(choice, Options) else choice.unit
    try:
        changed = compile_plan(plan.authored or plan.scenario, {**plan.design, name: pick}, plan.strikes, plan.figures)
        changed = with_actions(changed, changes_of(plan)) if plan.later else changed
    except ScenarioError as error:
        return DesignChange(name, *words, pick, None, error.faults[0].message, unit)
    return DesignChange(name, *words, pick, changed, unit=unit)


def changes_of_choice(plan: Plan, name: str) -> list[DesignChange]:
    return [change_design(plan, name, pick) for pick in plan.scenario.choices[name].next_to(plan.design[name])]


def changes_of_design(plan: Plan) -> list[DesignChange]:
    own = [(name, choice) for name, choice in plan.scenario.choices.items() if not choice.situation]
    return [change for name, _ in sorted(own, key=lambda pair: pair[1].folded) for change in changes_of_choice(plan, name)]


def count_changes(plan: Plan) -> int:
    """Count the steps of a design, without a look at which of them can run."""
    own = {name: choice for name, choice in plan.scenario.choices.items() if not choice.situation}
    return sum(len(choice.next_to(plan.design[name])) for name, choice in own.items())


def longer_changes(plan: Plan, change: DesignChange) -> Iterator[DesignChange]:
    """Go on from a change of a number, on the same side of the design; skip numbers that cannot run."""
    choice, now = plan.scenario.choices[change.choice], plan.design[change.choice]
    if isinstance(choice, Options):
        return
    pick = float(change.pick)
    while onward := [option for option in choice.next_to(pick) if (float(option) > pick) == (float(change.pick) > float(now))]:
        (pick,) = map(float, onward)
        longer = change_design(plan, change.choice, choice.read(pick))
        if longer.plan is not None:
            yield longer


#: The load at which a stage is expected to keep up.
FREE = 0.95

#: A smaller relative change of a figure promises nothing.
SMALL = 1e-3


@dataclass(frozen=True)
class LeverScore:
    """Score of a changed design, known before it is run: the lower, the more it promises for an objective.

    stages: those that decide on the objective, the most important first; written: other parts of the scenario that decide
    enough: the score of a design that is expected to meet the objective; None where that is not known
    """

    stages: Sequence[str]
    score: Callable[[Plan], float]
    enough: float | None = None
    written: Sequence[str] = ()

    def of(self, change: DesignChange) -> float:
        assert change.plan is not None
        return self.score(change.plan)


@dataclass(frozen=True)
class ObjectiveCause:
    """The cause that an objective is not met, in words, and the exhibits that show it, the best first.

    parts: the claims of its clauses; split: the sentence of those that are parts of a whole, which a picture may say instead
    unprovable: the sentence that says why no design can prove the objective with this evidence; empty where one can
    """

    sentence: str
    exhibits: Sequence[str]
    levers: LeverScore
    parts: Sequence[Claim] = ()
    unprovable: str = ""
    split: str = ""

    @property
    def stage(self) -> str | None:
        """The stage that decides; None where none does."""
        return next(iter(self.levers.stages), None)

    def claim(self, verdict: Verdict) -> Claim:
        """Claim the cause of an objective, and that it has no figure where it has none."""
        none = (figure(verdict.metric, None, self.sentence),) if verdict.estimate is None else ()
        return on_metric(verdict.metric, "causes", self.stage, self.sentence, parts=(*none, *self.parts))


def by_ways(summary: Summary, verdict: Verdict, stages: Sequence[str]) -> LeverScore:
    return LeverScore(stages, _of_ways(summary, verdict), -_short(verdict), ["population"])


def by_cost(summary: Summary, verdict: Verdict, stages: Sequence[str]) -> LeverScore:
    """Score by the rise of a cost: of other ways through gates, and of servers; by load where requests are turned away."""
    ways, paid = _of_ways(summary, verdict), _paid_per_1000(summary, summary.plan)
    lost = turning_away(summary, summary.metric("done_share"))
    if lost is not None and lost == next(iter(stages), None):
        return LeverScore(stages, by_load(summary, lost).score, FREE, ["costs"])
    cost = sum(max(part.value, 0.0) for part in summary.costs.values())

    def score(plan: Plan) -> float:
        return _change(cost, cost + ways(plan) + _paid_per_1000(summary, plan) - paid)

    return LeverScore(stages, score, -_short(verdict), ["costs", "population"])


def by_load(summary: Summary, name: str) -> LeverScore:
    """Score by theory the delay at a stage: a batching delay in s, or a load.

    The load is that with all retries where requests are turned away, that at the peak if only that is too high, or the mean.
    """
    figure = _held_up_by(summary, name)
    return LeverScore([name], figure, FREE, ["arrivals"]) if figure else in_order([name])


def in_order(stages: Sequence[str], written: Sequence[str] = ()) -> LeverScore:
    return LeverScore(stages, lambda plan: 0.0, written=written)


def by_warning(stages: Sequence[str], warning: str | None) -> LeverScore:
    return LeverScore(stages, lambda plan: float(warning in plan.warnings), 0.0)


def promising(plan: Plan, levers: LeverScore, changes: Callable[[str], Sequence[DesignChange]]) -> list[DesignChange]:
    """Return the best change of each choice that bears on an objective, the most promising first, then the other changes.

    changes: those of a choice that can run
    """
    each = [
        sorted(of_choice, key=levers.of)
        for name in writing(plan.scenario, levers)
        if (of_choice := changes(name)) and any(_bears_on(plan, levers, change) for change in of_choice)
    ]
    best, others = [of_choice[0] for of_choice in each], [change for of_choice in each for change in of_choice[1:]]
    return [*sorted(best, key=levers.of), *sorted(others, key=levers.of)]


def with_longer_ones(plan: Plan, levers: LeverScore, changes: Sequence[DesignChange]) -> Iterator[DesignChange]:
    """Yield the changes; after one that is not expected to do, also the first longer one of its choice that is."""
    for change in changes:
        yield change
        if levers.enough is not None and levers.of(change) > levers.enough:
            yield from islice((longer for longer in longer_changes(plan, change) if levers.of(longer) <= levers.enough), 1)


def writing(scenario: Scenario, levers: LeverScore) -> list[str]:
    parts = [*(f"stages.{name}" for name in _with_feeders(scenario, levers.stages)), *levers.written]
    own = {key: choice for key, choice in scenario.choices.items() if not choice.situation}
    return list(dict.fromkeys(key for part in parts for key, choice in own.items() if _writes_to(choice, part)))


def _with_feeders(scenario: Scenario, stages: Sequence[str]) -> Iterator[str]:
    # each stage that decides is followed by those it goes by: the scorer of a gate, the retries that send back to it
    for name in stages:
        yield name
        if name in score_gates(scenario):
            yield scenario.scorer_of(score_gates(scenario)[name])
        targets = scenario.stages[name].fallbacks().values()
        yield from (key for key in targets if key in scenario.stages and scenario.stages[key].repeats.resends)


def _writes_to(choice: Choice, part: str) -> bool:
    paths = [path for option in choice.options.values() for path in option.set] if isinstance(choice, Options) else choice.set
    return any(f"{path}.".startswith(f"{part}.") for path in paths)


def _bears_on(plan: Plan, levers: LeverScore, change: DesignChange) -> bool:
    scenario, choice = plan.scenario, plan.scenario.choices[change.choice]
    gates = {name: scenario.scorer_of(gate) for name, gate in score_gates(scenario).items() if name in levers.stages}
    others = set(_with_feeders(scenario, levers.stages)) - gates.keys() - (set(gates.values()) - set(levers.stages))
    if any(_writes_to(choice, part) for part in [*(f"stages.{name}" for name in others), *levers.written]):
        return True
    return levers.of(change) != 0


def _of_ways(summary: Summary, verdict: Verdict) -> Callable[[Plan], float]:
    estimator, up = Estimator(summary.measures, None), verdict.objective.at_least is not None

    def expected(plan: Plan) -> float:
        ways = plain_ways(summary.plan, plan)
        figure = estimator.rerouted(verdict.metric, ways) if ways else None
        return 0.0 if figure is None else figure

    now = expected(summary.plan)
    return lambda plan: _change(now, expected(plan)) * (-1 if up else 1)


def _change(before: float, after: float) -> float:
    return after - before if abs(after - before) > SMALL * abs(before) else 0.0


def _paid_per_1000(summary: Summary, plan: Plan) -> float:
    """Return the pay of a design's servers for 1,000 requests, as far as it is known before a run, in USD."""
    paying = [name for name, stage in plan.scenario.stages.items() if stage.servers and stage.servers.cost_part]
    hours = {name: servers(plan, name).total(plan.arrivals_end_s) / HOUR_S for name in paying}
    usd = sum(hours[name] * stage_of(plan, name).hourly_usd(plan, name) for name in paying)
    return usd / (summary.requests / summary.replications / 1000)


def _held_up_by(summary: Summary, name: str) -> Callable[[Plan], float] | None:
    """Return the figure of a design that should be lower; None for a stage without servers."""
    plan, times, load = summary.plan, summary.stages[name], load_on(summary.plan, name)
    if load is None:
        return None
    if load.retried is not None and times.turned_away >= FEW * times.visits:
        figure = "retried"
    elif plan.scenario.stages[name].service.batching_delay_s and times.held_s > times.waited_s / 2:
        return lambda other: other.scenario.stages[name].service.batching_delay_s
    else:
        figure = "peak" if load.at_peak >= 1 > load.mean else "mean"

    def of(other: Plan) -> float:
        then = load_on(other, name)
        return 0.0 if then is None else float(getattr(then, figure) or then.mean)

    return of


def _short(verdict: Verdict) -> float:
    return max(-verdict.margin, 0.0) if verdict.margin is not None else 0.0
