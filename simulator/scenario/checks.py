"""What one field alone cannot tell: ways that lead somewhere, sections that need each other."""

from collections.abc import Iterator
from math import inf

from simulator.scenario.arrivals import Daily, Loop, Open, Weekly
from simulator.scenario.attribute_checks import check_attributes
from simulator.scenario.branches import check_branches, reached
from simulator.scenario.choices import Options
from simulator.scenario.curveballs import (
    AccuracyDrop,
    Curveball,
    Drift,
    Network,
    Price,
    ReplicaLoss,
    SlowReplicas,
    Traffic,
    ZoneLoss,
)
from simulator.scenario.faults import Fault, Path, suggest
from simulator.scenario.schema import Scenario
from simulator.scenario.stages import PLANNED_FIELDS, Gate, Join, Link, People, Pool, Retake, Retry, Stage
from simulator.scenario.stages.gate import QUALITY, SCORE

#: Names that a page's address uses for itself, beside the choices.
ADDRESS_KEYS = frozenset(
    {"case", "version", "run", "seed", "replications", "panel", "whom", "percentile", "until", "strike", "strike_min"}
)


def check(scenario: Scenario) -> list[Fault]:
    """Every fault of a scenario whose fields and names are right one by one; empty when it may run."""
    found = [
        *_reachable(scenario),
        *_thresholds(scenario),
        *_population(scenario),
        *_spikes(scenario),
        *_scorers(scenario),
        *check_attributes(scenario),
        *_endless_rings(scenario),
        *_staffed(scenario),
        *_retries(scenario),
        *_joins(scenario),
        *_choices(scenario),
        *_classes(scenario),
        *_steady(scenario),
        *_curveballs(scenario),
    ]
    return [scenario.document.fault(path, message) for path, message in found]


def _reachable(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    seen: set[str] = set()
    waiting = [scenario.start]
    while waiting:
        name = waiting.pop()
        if name in scenario.stages and name not in seen:
            waiting += scenario.stages[name].targets().values()
        seen.add(name)
    if scenario.start in scenario.stages:
        for name in scenario.stages:
            if name not in seen:
                yield ("stages", name), "no request can reach this stage; name it in another stage's `to`, or delete it"


def _endless_rings(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A ring in which nobody serves a request, and no try is counted, would hand it round for ever."""
    ways = {name: _unserved(stage) for name, stage in scenario.stages.items()}
    for name in ways:
        ahead, seen = set(ways[name]), set[str]()
        while ahead:
            step = ahead.pop()
            if step not in seen:
                seen.add(step)
                ahead |= ways.get(step, set())
        if name in seen:
            yield ("stages", name), "requests could go round from here to here for ever, served by nobody; break the ring"


def _unserved(stage: Stage) -> set[str]:
    """Where a request may go on to that was neither served nor kept waiting here."""
    kept = set() if isinstance(stage, Gate | Link) else {("to",), ("on_timeout",), ("positive_to",), ("negative_to",)}
    return {target for path, target in stage.targets().items() if path not in kept}


def _thresholds(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A threshold that a route before it passes as well is never reached."""
    for name, stage in scenario.stages.items():
        highest, lowest, strictest = 0.0, inf, 1.0
        for index, route in enumerate(stage.routes if isinstance(stage, Gate) else []):
            if route.at_least is not None and route.at_least >= lowest:
                message = f"{route.at_least:g} is not below {lowest:g} of a route before it, so nobody comes here"
                yield ("stages", name, "routes", index, "at_least"), message
            lowest = min(lowest, inf if route.at_least is None else route.at_least)
            if route.at_sensitivity is not None and route.at_sensitivity < highest:
                message = f"{route.at_sensitivity:g} is below {highest:g} of a route before it; the strictest comes first"
                yield ("stages", name, "routes", index, "at_sensitivity"), message
            highest = max(highest, route.at_sensitivity or 0.0)
            if route.at_specificity is not None and route.at_specificity > strictest:
                message = f"{route.at_specificity:g} is above {strictest:g} of a route before it; the strictest comes first"
                yield ("stages", name, "routes", index, "at_specificity"), message
            strictest = min(strictest, 1.0 if route.at_specificity is None else route.at_specificity)


def _staffed(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    for name, stage in scenario.stages.items():
        if isinstance(stage, People) and not any(shift.people for shift in stage.shifts):
            yield ("stages", name, "shifts"), "nobody is ever on duty; give one shift at least one person"


def _retries(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    for name, path, target in planned_ways(scenario):
        if isinstance(scenario.stages.get(target), Retry):
            yield (
                ("stages", name, *path),
                f"'{target}' sends again what was turned away; name it in a fallback, as `on_timeout`",
            )


def _joins(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    faults = list(check_branches(scenario.stages, scenario.start))
    yield from faults
    for name, stage in scenario.stages.items():
        if isinstance(stage, Join) and not faults and stage.needed(scenario.inputs_of(name)) > scenario.inputs_of(name):
            yield (
                ("stages", name, "needs"),
                f"{stage.needs} inputs are needed, but {scenario.inputs_of(name)} branches meet here",
            )


def planned_ways(scenario: Scenario) -> Iterator[tuple[str, Path, str]]:
    """Every way that a request may take without being turned away: stage, place of the target in it, target."""
    for name, stage in scenario.stages.items():
        for path, target in stage.targets().items():
            if path[0] in PLANNED_FIELDS:
                yield name, path, target


def _steady(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    if scenario.run.warm_up == "mser5" and isinstance(scenario.arrivals, Daily | Weekly):
        message = "arrivals that follow the time of day reach no steady state; use `none`, or arrivals at a constant rate"
        yield ("run", "warm_up"), message


def _choices(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """An address names choices beside its own keys, and options by their labels: neither may be ambiguous."""
    for name, choice in scenario.choices.items():
        if name in ADDRESS_KEYS:
            yield ("choices", name), f"'{name}' has a meaning of its own in a page's address; rename the choice"
        seen: set[str] = set()
        for key, option in choice.options.items() if isinstance(choice, Options) else ():
            if option.label in seen:
                yield ("choices", name, "options", key, "label"), f"the label '{option.label}' stands twice in this choice"
            seen.add(option.label)


def _classes(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """Classes share all requests among them; priorities and deadlines are theirs."""
    total = sum(kind.share.value for kind in scenario.classes.values())
    if scenario.classes and abs(total - 1) > 1e-6:
        yield ("classes",), f"the shares of the classes add up to {total:g}; they should add up to 1"
    has_deadline = any(kind.deadline_s is not None for kind in scenario.classes.values())
    for name, stage in scenario.stages.items():
        order = getattr(stage, "order", None)
        if order == "priority" and not scenario.classes:
            yield ("stages", name, "order"), "an order by priority needs a `classes` section that states the priorities"
        if order == "deadline" and not has_deadline:
            yield ("stages", name, "order"), "an order by deadline needs a class with `deadline_s` in `classes`"
        if isinstance(stage, Pool) and stage.sheds_late and not has_deadline:
            yield ("stages", name, "sheds_late"), "shedding by deadline needs a class with `deadline_s` in `classes`"


def _spikes(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A spike that no request would meet is a mistake of the clock."""
    end, spec = 86_400 * scenario.run.days, scenario.arrivals
    for index, spike in enumerate(spec.spikes if isinstance(spec, Open) else []):
        if spike.at_s >= end:
            yield ("arrivals", "spikes", index, "at_s"), f"begins at {spike.at_s:,g} s; requests come for {end:,g} s (run.days)"


def _population(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    population = scenario.population
    for name, stage in scenario.stages.items():
        if isinstance(stage, Pool) and stage.scores and population is None:
            yield ("stages", name, "scores"), "scores need a `population` section that states the prevalence"
        if isinstance(stage, Gate) and stage.by == QUALITY and (population is None or population.quality is None):
            yield ("stages", name, "by"), "a gate by quality needs `population.quality`"
        if isinstance(stage, Retake) and population is None:
            yield ("stages", name, "kind"), "a retake needs a `population` section"


def _scorers(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A gate by score goes by the scores of one pool, which the requests have seen."""
    scorers = scenario.scorers()
    for name, stage in scenario.stages.items():
        if not isinstance(stage, Gate):
            continue
        if stage.by != SCORE:
            if stage.of:
                yield ("stages", name, "of"), f"a gate by {stage.by} goes by no pool's scores; delete this line"
        elif not scorers:
            yield ("stages", name, "by"), "a gate by score needs a pool with `scores`"
        elif stage.of and stage.of not in scorers:
            yield ("stages", name, "of"), f"'{stage.of}' is not a pool with scores; {suggest(stage.of, scorers)}"
        elif stage.of is None and len(scorers) > 1:
            yield ("stages", name, "by"), f"several pools carry scores; say whose with `of`: {', '.join(scorers)}"
        elif name not in reached(scenario.stages, scenario.scorer_of(stage)):
            yield ("stages", name, "by"), f"no request comes here from '{scenario.scorer_of(stage)}', whose scores it goes by"


def _curveballs(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A curveball strikes what is there, within the run."""
    for name, ball in scenario.curveballs.items():
        stage, struck = getattr(ball, "stage", None), _struck_kinds(ball)
        if stage in scenario.stages and struck and scenario.stages[stage].kind not in struck:
            what = f"'{stage}' is a stage of the kind {scenario.stages[stage].kind}; this strikes {' or '.join(struck)}"
            yield ("curveballs", name, "stage"), what
        elif stage is None and struck and not any(isinstance(one, Pool) for one in scenario.stages.values()):
            yield ("curveballs", name, "kind"), "there is no pool for it to strike"
        elif isinstance(ball, AccuracyDrop) and not ball.of_people and not getattr(scenario.stages[ball.stage], "scores", None):
            yield ("curveballs", name, "positives_shift"), f"'{stage}' has no `scores` to shift"
        yield from _striking_arrivals(scenario, name, ball)
        if isinstance(ball, Drift) and ball.prevalence is not None and scenario.population is None:
            yield ("curveballs", name, "prevalence"), "a drift of the prevalence needs a `population` section"
        if isinstance(ball, Drift) and ball.scores_shift is not None and not scenario.scorers():
            yield ("curveballs", name, "scores_shift"), "a shift of scores needs a pool with `scores`"
        at_s = ball.own_time(scenario.run.starts_at)
        if at_s is not None and (message := too_late(scenario, ball, at_s)):
            yield ("curveballs", name, "at_s" if ball.at is None else "at"), message


def _striking_arrivals(scenario: Scenario, name: str, ball: Curveball) -> Iterator[tuple[Path, str]]:
    """What strikes requests by the time at which they come needs to know that time beforehand."""
    by_time = isinstance(ball, Drift) or (isinstance(ball, AccuracyDrop) and not ball.of_people)
    if isinstance(ball, Traffic) and not isinstance(scenario.arrivals, Open):
        what = f"arrivals of the kind {scenario.arrivals.kind} have no rate that traffic could multiply"
        yield ("curveballs", name, "kind"), what
    elif by_time and isinstance(scenario.arrivals, Loop):
        what = f"arrivals of the kind {scenario.arrivals.kind} wait for answers; this strikes requests whose time is known"
        yield ("curveballs", name, "kind"), what


def _struck_kinds(ball: Curveball) -> tuple[str, ...]:
    """The kinds of stages that a curveball may strike; none where it strikes no stage."""
    if isinstance(ball, ReplicaLoss | ZoneLoss | SlowReplicas):
        return ("pool",)
    if isinstance(ball, AccuracyDrop):
        return ("people",) if ball.of_people else ("pool",)
    return {Network: ("link",), Price: ("pool", "people")}.get(type(ball), ())


def too_late(scenario: Scenario, ball: Curveball, at_s: float) -> str:
    """Why a curveball cannot strike at a time; empty where it can."""
    if isinstance(ball, Traffic | Drift | Price):
        limit, end = scenario.run.days, "the last request comes"
    else:
        limit, end = scenario.run.days + scenario.run.drain_days, "the run ends"
    return (
        ""
        if 0 <= at_s < limit * 86_400
        else f"should strike from 0 s on and before {limit * 86_400:,.0f} s, when {end}; got {at_s:,.0f}"
    )
