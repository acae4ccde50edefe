"""What one field alone cannot tell: names that refer to each other, ways that lead somewhere, metrics that exist."""

from collections.abc import Iterator

from simulator.scenario.faults import Fault, Path, suggest
from simulator.scenario.schema import Scenario
from simulator.scenario.stages import Gate, People, Pool, Retake

LATENCIES = ("latency_mean_s", "latency_p50_s", "latency_p95_s", "latency_p99_s")
SHARES = ("done_share", "shed_share", "timed_out_share", "unfinished_share")
QUALITIES = ("sensitivity", "specificity", "missed_per_1000", "referred_share")


def metric_names(scenario: Scenario) -> list[str]:
    """Every metric that a run of this scenario can report, in the order of the screen."""
    names = [*LATENCIES, "throughput_per_s", "cost_per_1000_usd", *SHARES]
    if scenario.population is not None:
        names += QUALITIES
    served = [name for name, stage in scenario.stages.items() if isinstance(stage, Pool | People)]
    names += [f"utilization.{stage}" for stage in served]
    for stage in served:
        names += [f"wait_p50_s.{stage}", f"wait_p95_s.{stage}"]
        if isinstance(scenario.stages[stage], People):
            names += [f"wait_p95_s.{stage}.{tag}" for tag in tags(scenario)]
    return names


def tags(scenario: Scenario) -> list[str]:
    """The tags that gates give to requests, in the order of the file."""
    routes = [route for stage in scenario.stages.values() if isinstance(stage, Gate) for route in stage.routes]
    return list(dict.fromkeys(route.tag for route in routes if route.tag))


def check(scenario: Scenario) -> list[Fault]:
    """Every fault of a scenario whose fields are right one by one; empty when it may run."""
    found = [
        *_targets(scenario),
        *_reachable(scenario),
        *_objectives(scenario),
        *_population(scenario),
        *_instant_loops(scenario),
    ]
    return [scenario.document.fault(path, message) for path, message in found]


def _targets(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    places = [*scenario.stages, *scenario.ends]
    for name in set(scenario.stages) & set(scenario.ends):
        yield ("ends", name), f"'{name}' names a stage and an end; rename one"
    if scenario.start not in scenario.stages:
        yield ("start",), f"'{scenario.start}' is not a stage; {suggest(scenario.start, scenario.stages)}"
    for name, stage in scenario.stages.items():
        for path, target in stage.targets().items():
            if target not in places:
                yield ("stages", name, *path), f"'{target}' is neither a stage nor an end; {suggest(target, places)}"


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


def _instant_loops(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A ring of gates alone would hand a request round for ever in no time."""
    gates = {name: stage for name, stage in scenario.stages.items() if isinstance(stage, Gate)}
    for name in gates:
        ahead, seen = set(gates[name].targets().values()), set[str]()
        while ahead:
            step = ahead.pop()
            if step == name:
                yield (
                    ("stages", name),
                    "this gate leads back to itself through gates alone; put a stage that takes time in between",
                )
                break
            if step in gates and step not in seen:
                seen.add(step)
                ahead |= set(gates[step].targets().values())


def _objectives(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    known = metric_names(scenario)
    for index, objective in enumerate(scenario.objectives):
        if objective.metric not in known:
            yield (
                ("objectives", index, "metric"),
                f"'{objective.metric}' is not a metric here; {suggest(objective.metric, known)}",
            )


def _population(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    population = scenario.population
    for name, stage in scenario.stages.items():
        if isinstance(stage, Pool) and stage.scores and population is None:
            yield ("stages", name, "scores"), "scores need a `population` section that states the prevalence"
        if isinstance(stage, Gate) and stage.by == "quality" and (population is None or population.quality is None):
            yield ("stages", name, "by"), "a gate by quality needs `population.quality`"
        if isinstance(stage, Retake) and population is None:
            yield ("stages", name, "kind"), "a retake needs a `population` section"
        if isinstance(stage, Gate) and stage.by == "score" and not _some_scores(scenario):
            yield ("stages", name, "by"), "a gate by score needs a pool with `scores`"


def _some_scores(scenario: Scenario) -> bool:
    return any(isinstance(stage, Pool) and stage.scores for stage in scenario.stages.values())
