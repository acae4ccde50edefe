"""What lies between a fork and the join where its branches meet, and what may lie there.

The branches of a fork work on the same request at the same time. They may share nothing that one of them writes and another
one reads, so that which of them is simulated first makes no difference. So they may share a stage only where one visit of a
request there leaves no trace that another one meets: a link, or a pool that gives no scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulator.scenario.faults import Path
from simulator.scenario.stages import PLANNED_FIELDS, Assemble, Fork, Gate, Join, Link, People, Pool, Retake, Retry, Stage

Stages = Mapping[str, Stage]


def reached(stages: Stages, start: str, stop: str | None = None) -> set[str]:
    """Every stage and end on the ways from `start` on, itself included, up to `stop`, which is left out."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name != stop and name not in found:
            found.add(name)
            waiting += stages[name].targets().values() if name in stages else ()
    return found


def branches(stages: Stages, fork: Fork, join: str) -> list[set[str]]:
    """The stages of each branch, in the order of the fork."""
    return [reached(stages, target, join) for target in fork.to]


def meeting(stages: Stages, fork: Fork) -> str | None:
    """The first join that every way from the fork comes through; None where there is none."""
    met = {}
    for name in (name for name, stage in stages.items() if isinstance(stage, Join)):
        within = set[str]().union(*branches(stages, fork, name))
        entered = {*fork.to, *(target for inner in within & stages.keys() for target in stages[inner].targets().values())}
        if name in entered and within <= stages.keys():
            met[name] = within
    return min(met, key=lambda name: len(met[name]), default=None)


def check_branches(stages: Stages, start: str) -> Iterator[tuple[Path, str]]:
    """Every fault of forks and joins: place, message."""
    forks = {name: stage for name, stage in stages.items() if isinstance(stage, Fork)}
    met = {name: meeting(stages, fork) for name, fork in forks.items()}
    for name, fork in forks.items():
        if name in set[str]().union(*(reached(stages, target) for target in fork.to)):
            yield ("stages", name), "a request could come back to this fork; it may pass a fork once"
        elif met[name] is None:
            yield ("stages", name, "to"), "the branches do not meet: all ways from here, fallbacks included, lead to one join"
    yield from _joined_once(stages, list(met.values()))
    for name, fork in forks.items():
        if join := met[name]:
            yield from _entered_by_the_fork_alone(stages, start, name, branches(stages, fork, join), join)
            yield from _apart(stages, name, branches(stages, fork, join))
            yield from _allowed(stages, _own(stages, fork, join), join)


def _joined_once(stages: Stages, met: list[str | None]) -> Iterator[tuple[Path, str]]:
    for name, stage in stages.items():
        if isinstance(stage, Join) and met.count(name) != 1 and None not in met:
            found = "two forks meet" if name in met else "no fork meet"
            yield ("stages", name), f"the branches of {found} here; a join has one fork of its own"


def _entered_by_the_fork_alone(
    stages: Stages, start: str, fork: str, each: list[set[str]], join: str
) -> Iterator[tuple[Path, str]]:
    inside = set[str]().union(*each)
    if start in inside | {join}:
        yield ("start",), f"'{start}' lies behind the fork '{fork}'; start before it"
    for name, stage in stages.items():
        for path, target in stage.targets().items():
            if name not in inside | {fork} and target in inside | {join}:
                yield ("stages", name, *path), f"'{target}' lies behind the fork '{fork}', the only way there"


def _apart(stages: Stages, fork: str, each: list[set[str]]) -> Iterator[tuple[Path, str]]:
    shared = {name for name in stages if sum(name in branch for branch in each) > 1}
    for name in (name for name in stages if name in shared and not is_shareable(stages[name])):
        what = "give each a stage of its own; they may share a link, or a pool without scores"
        yield ("stages", name), f"two branches of '{fork}' come through here; {what}"
    marking = [[name for name in stages if name in branch - shared and marks(stages[name])] for branch in each]
    for names in [names for names in marking if names][1:]:
        what = "scores or tags requests, and so does another branch"
        yield ("stages", names[0]), f"this {what} of '{fork}'; one branch may"


def is_shareable(stage: Stage) -> bool:
    """Whether several branches of one fork may come through a stage: a link, or a pool that gives no scores."""
    return isinstance(stage, Link) or (isinstance(stage, Pool) and stage.scores is None)


def times_shared(stages: Stages) -> dict[str, int]:
    """In how many branches each stage lies that lies in any: so often may one request be there at the same time."""
    found: dict[str, int] = {}
    for fork in (stage for stage in stages.values() if isinstance(stage, Fork)):
        join = meeting(stages, fork)
        each = branches(stages, fork, join) if join else []
        for name in set[str]().union(*each):
            found[name] = found.get(name, 1) * max(1, sum(name in branch for branch in each))
    return found


def marks(stage: Stage) -> bool:
    """Whether a stage writes on a request what others read."""
    tags = isinstance(stage, Gate) and any(route.tag for route in stage.routes)
    return tags or (isinstance(stage, Pool) and stage.scores is not None)


def _own(stages: Stages, fork: Fork, join: str) -> set[str]:
    """The stages of a fork's branches that lie in no fork within them."""
    inside = set[str]().union(*branches(stages, fork, join))
    inner = [(stage, meeting(stages, stage)) for name in inside if isinstance(stage := stages[name], Fork)]
    return inside.difference(*(set[str]().union(*branches(stages, stage, met)) for stage, met in inner if met))


def _allowed(stages: Stages, inside: set[str], join: str) -> Iterator[tuple[Path, str]]:
    """A branch that turns a request away says so to its join, or tries again: what became of the request is told behind it."""
    for name in sorted(inside):
        stage = stages[name]
        if isinstance(stage, People | Retake | Assemble):
            yield ("stages", name, "kind"), f"{stage.kind} cannot stand between a fork and its join '{join}'"
            continue
        for path, target in stage.targets().items():
            if path[0] not in PLANNED_FIELDS and target != join and not isinstance(stages.get(target), Retry):
                yield ("stages", name, *path), f"in a branch of a fork this leads to its join '{join}' or to a retry"
