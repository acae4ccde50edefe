"""Which choices bear on an objective, and which of their steps promises most: what is known of a design before it is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from simulator.case.choices import Choice, Options
from simulator.case.schema import Scenario
from simulator.engine.calendar import HOUR_S
from simulator.engine.plan import Plan
from simulator.engine.servers import kind, servers
from simulator.explain.advice import AdvisedStep, Trials, further
from simulator.explain.bottleneck import FEW, load_on, turning_away
from simulator.metrics.estimates import Estimator
from simulator.metrics.label_uncertainty import plain_ways
from simulator.metrics.summary import Summary, Verdict

#: The load at which a stage is expected to keep up.
FREE = 0.95

#: A smaller relative change of a figure promises nothing.
SMALL = 1e-3

#: What a step promises: the lower the better.
Promise = Callable[[AdvisedStep], float]


@dataclass(frozen=True)
class ObjectiveHandle:
    """What moves an objective.

    stages: those that decide, the most important first; written: other parts of the scenario that it hangs on
    promise: of a step; enough: what a step has to promise to be expected to do; None where that is not known
    """

    stages: Sequence[str]
    promise: Promise
    enough: float | None = None
    written: Sequence[str] = ()


@dataclass(frozen=True)
class ObjectiveCause:
    """What an objective hangs on, in words, and the exhibits that show it, the best first."""

    sentence: str
    exhibits: Sequence[str]
    handle: ObjectiveHandle


def by_ways(summary: Summary, verdict: Verdict, stages: Sequence[str]) -> ObjectiveHandle:
    """Promised: how much worse the figure gets if only the labelled items take other ways through the gates by score."""
    return ObjectiveHandle(stages, _of_ways(summary, verdict), -_short(verdict), ["population"])


def by_cost(summary: Summary, verdict: Verdict, stages: Sequence[str]) -> ObjectiveHandle:
    """Promised: the same of a cost, and what servers are paid more; where requests are turned away, the load comes first."""
    ways, paid = _of_ways(summary, verdict), _paid_per_1000(summary, summary.plan)
    lost = turning_away(summary, summary.metric("done_share"))
    if lost is not None and lost == next(iter(stages), None):
        return ObjectiveHandle(stages, by_load(summary, lost).promise, FREE, ["costs"])
    cost = sum(part.value for part in summary.costs.values())

    def promise(step: AdvisedStep) -> float:
        return _change(cost, cost + ways(step) + _paid_per_1000(summary, step.plan) - paid)

    return ObjectiveHandle(stages, promise, -_short(verdict), ["costs", "population"])


def by_load(summary: Summary, name: str) -> ObjectiveHandle:
    """Promised: what theory says of what holds requests up at a stage: a batching delay in s, or a load.

    The load is that with all retries where requests are turned away, that at the peak if only that is too high, or the mean.
    """
    figure = _held_up_by(summary, name)
    return ObjectiveHandle([name], lambda step: figure(step.plan), FREE, ["arrivals"]) if figure else in_order([name])


def in_order(stages: Sequence[str], written: Sequence[str] = ()) -> ObjectiveHandle:
    """Nothing is promised: the order of what decides, and of the file."""
    return ObjectiveHandle(stages, lambda step: 0.0, written=written)


def by_warning(stages: Sequence[str], warning: str | None) -> ObjectiveHandle:
    """Promised: whether a design does without a warning."""
    return ObjectiveHandle(stages, lambda step: float(warning in step.plan.warnings), 0.0)


def promising(plan: Plan, handle: ObjectiveHandle, trials: Trials) -> list[AdvisedStep]:
    """The best step of each choice that bears on an objective, the most promising first; behind them the other steps."""
    each = [
        sorted(mine, key=handle.promise)
        for name in writing(plan.scenario, handle)
        if (mine := trials.steps(name)) and any(_bears_on(plan, handle, step) for step in mine)
    ]
    best, others = [mine[0] for mine in each], [step for mine in each for step in mine[1:]]
    return [*sorted(best, key=handle.promise), *sorted(others, key=handle.promise)]


def with_longer_ones(plan: Plan, handle: ObjectiveHandle, steps: Sequence[AdvisedStep]) -> Iterator[AdvisedStep]:
    """The steps; behind one that is not expected to do, the first longer one of its choice that is."""
    for step in steps:
        yield step
        if handle.enough is not None and handle.promise(step) > handle.enough:
            yield from islice((one for one in further(plan, step) if handle.promise(one) <= handle.enough), 1)


def writing(scenario: Scenario, handle: ObjectiveHandle) -> list[str]:
    """The names of the choices that write to what decides, in the order of what they write to."""
    parts = [*(f"stages.{name}" for name in _with_feeders(scenario, handle.stages)), *handle.written]
    own = {key: choice for key, choice in scenario.choices.items() if not choice.situation}
    return list(dict.fromkeys(key for part in parts for key, choice in own.items() if _writes_to(choice, part)))


def _with_feeders(scenario: Scenario, stages: Sequence[str]) -> Iterator[str]:
    """The stages that decide, each followed by those it goes by: the scorer of a gate, the retries that send back to it."""
    for name in stages:
        yield name
        if scenario.stages[name].by_score:
            yield scenario.scorer_of(scenario.score_gates()[name])
        targets = scenario.stages[name].fallbacks().values()
        yield from (key for key in targets if key in scenario.stages and scenario.stages[key].sends_again)


def _writes_to(choice: Choice, part: str) -> bool:
    paths = [path for option in choice.options.values() for path in option.set] if isinstance(choice, Options) else choice.set
    return any(f"{path}.".startswith(f"{part}.") for path in paths)


def _bears_on(plan: Plan, handle: ObjectiveHandle, step: AdvisedStep) -> bool:
    """Whether a step changes what decides: of a gate by score, who passes it, and not how fast its scorer answers."""
    scenario, choice = plan.scenario, plan.scenario.choices[step.choice]
    gates = {name: scenario.scorer_of(gate) for name, gate in scenario.score_gates().items() if name in handle.stages}
    others = set(_with_feeders(scenario, handle.stages)) - gates.keys() - (set(gates.values()) - set(handle.stages))
    if any(_writes_to(choice, part) for part in [*(f"stages.{name}" for name in others), *handle.written]):
        return True
    return handle.promise(step) != 0


def _of_ways(summary: Summary, verdict: Verdict) -> Promise:
    estimator, up = Estimator(summary.measures, None), verdict.objective.at_least is not None

    def expected(plan: Plan) -> float:
        ways = plain_ways(summary.plan, plan)
        found = estimator.rerouted(verdict.metric, ways) if ways else None
        return 0.0 if found is None else found

    now = expected(summary.plan)
    return lambda step: _change(now, expected(step.plan)) * (-1 if up else 1)


def _change(before: float, after: float) -> float:
    """A change; none where it is too small to matter."""
    return after - before if abs(after - before) > SMALL * abs(before) else 0.0


def _paid_per_1000(summary: Summary, plan: Plan) -> float:
    """What the servers of a design are paid for 1,000 requests, as far as that is known before a run, in USD."""
    paying = [name for name, stage in plan.scenario.stages.items() if stage.cost_part and stage.server]
    hours = {name: servers(plan, name).total(plan.arrivals_end_s) / HOUR_S for name in paying}
    usd = sum(hours[name] * kind(plan, name).usd_per_hour(plan, name) for name in paying)
    return usd / (summary.requests / summary.replications / 1000)


def _held_up_by(summary: Summary, name: str) -> Callable[[Plan], float] | None:
    """The figure of a design that should be lower; None of a stage without servers."""
    plan, times, load = summary.plan, summary.stages[name], load_on(summary.plan, name)
    if load is None:
        return None
    if load.retried is not None and times.turned_away >= FEW * times.visits:
        figure = "retried"
    elif plan.scenario.stages[name].company_s and times.held_s > times.waited_s / 2:
        return lambda other: other.scenario.stages[name].company_s
    else:
        figure = "peak" if load.peak is not None and load.peak >= 1 > load.mean else "mean"

    def of(other: Plan) -> float:
        then = load_on(other, name)
        return 0.0 if then is None else float(getattr(then, figure) or then.mean)

    return of


def _short(verdict: Verdict) -> float:
    """How far the value is from the bound; 0 where it meets it."""
    return max(-verdict.margin, 0.0) if verdict.margin is not None else 0.0
