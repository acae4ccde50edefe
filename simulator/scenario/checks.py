"""What one field alone cannot tell: ways that lead somewhere, sections that need each other."""

from collections.abc import Iterator

from simulator.scenario.arrivals import Daily, Loop, Open, Weekly
from simulator.scenario.choices import Options
from simulator.scenario.controllers import REQUEST_SIGNALS
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
from simulator.scenario.exhibits import EXHIBITS, offered
from simulator.scenario.faults import Fault, Path, dotted, suggest
from simulator.scenario.schema import Scenario

#: Names that a page's address uses for itself, beside the choices.
ADDRESS_KEYS = frozenset(
    {"case", "version", "run", "seed", "replications", "panel", "whom", "percentile", "until", "strike", "strike_min"}
)


def check(scenario: Scenario) -> list[Fault]:
    """Every fault of a scenario whose fields and names are right one by one; empty when it may run."""
    found = [
        *scenario.network.faults(scenario.start),
        *_stages(scenario),
        *_retries(scenario),
        *_spikes(scenario),
        *_choices(scenario),
        *_classes(scenario),
        *_steady(scenario),
        *_curveballs(scenario),
        *_exhibits(scenario),
        *_controllers(scenario),
    ]
    return [scenario.document.fault(path, message) for path, message in found]


def _stages(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """What each kind of stage says of itself."""
    for name, stage in scenario.stages.items():
        yield from ((("stages", name, *path), message) for path, message in stage.check(name, scenario))


def _retries(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    for name, stage in scenario.stages.items():
        for path, target in stage.planned_targets().items():
            if target in scenario.stages and scenario.stages[target].sends_again:
                message = f"'{target}' sends again what was turned away; name it in a fallback, as `on_timeout`"
                yield ("stages", name, *path), message


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


def _spikes(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A spike that no request would meet is a mistake of the clock."""
    end, spec = 86_400 * scenario.run.days, scenario.arrivals
    for index, spike in enumerate(spec.spikes if isinstance(spec, Open) else []):
        if spike.at_s >= end:
            yield ("arrivals", "spikes", index, "at_s"), f"begins at {spike.at_s:,g} s; requests come for {end:,g} s (run.days)"


def _exhibits(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """An exhibit stands on the page once, and has something to show."""
    can = offered(scenario.stages.values())
    for index, name in enumerate(scenario.exhibits):
        if name in scenario.exhibits[:index]:
            yield ("exhibits", index), f"'{name}' is named twice; delete one"
        elif name not in can:
            yield ("exhibits", index), f"'{name}' has nothing to show here: it needs {EXHIBITS[name].needs}"


def _curveballs(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A curveball strikes what is there, within the run."""
    for name, ball in scenario.curveballs.items():
        stage, struck = getattr(ball, "stage", None), _struck_kinds(ball)
        if stage in scenario.stages and struck and scenario.stages[stage].kind not in struck:
            what = f"'{stage}' is a stage of the kind {scenario.stages[stage].kind}; this strikes {' or '.join(struck)}"
            yield ("curveballs", name, "stage"), what
        elif stage is None and struck and not any(one.cost_part == "machines" for one in scenario.stages.values()):
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


def _controllers(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A controller watches what there is, and changes what can change while a run goes on."""
    for name, controller in scenario.controllers.items():
        stage, at = controller.queue_of, ("controllers", name)
        if stage is None and controller.watches not in REQUEST_SIGNALS:
            known = [*(f"queue.{one}" for one in scenario.stages), *REQUEST_SIGNALS]
            yield (*at, "watches"), f"'{controller.watches}' is not a signal; {suggest(controller.watches, known)}"
        elif stage is not None and stage not in scenario.stages:
            yield (*at, "watches"), f"'{stage}' is not a stage; {suggest(stage, scenario.stages)}"
        for choice, pick in controller.set.items():
            if choice not in scenario.choices:
                yield (*at, "set", choice), f"there is no choice '{choice}'; {suggest(choice, scenario.choices)}"
                continue
            try:
                written = scenario.choices[choice].changes(pick)
            except ValueError as error:
                yield (*at, "set", choice), str(error)
                continue
            for path in (path for path in written if path[0] != "stages"):
                yield (*at, "set", choice), f"writes {dotted(path)}; while a run goes on, what is below `stages` can change"


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
