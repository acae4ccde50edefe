"""A base class offers only members that at least two kinds override, or that are final."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.case.any_stage import STAGE_KINDS, AnyStage
from simulator.case.case_contract import ARRIVAL_KINDS, AnyArrivals
from simulator.engine.arrivals.arrival import Process
from simulator.engine.contract import Stage, StageModel
from simulator.engine.stages import STAGES
from simulator.engine.stages.stage import ServiceStage

#: Members that one kind alone overrides, each with the reason.
ALLOWED = {
    "AnyStage.routing": "a gate alone chooses between routes; its callers ask for this one capability",
    "Stage.may_reach": "a gate alone knows the route of a request before the run",
}

BASES: dict[type[Any], dict[str, type[Any]]] = {
    AnyStage: STAGE_KINDS,
    StageModel: STAGE_KINDS,
    Stage: STAGES,
    ServiceStage: STAGES,
    AnyArrivals: ARRIVAL_KINDS,
    Process: ARRIVAL_KINDS,
}


def members(base: type[Any]) -> Iterator[tuple[str, bool]]:
    """Every public member that a base class is the first to declare, and whether it is final."""
    for name, value in vars(base).items():
        inherited = any(name in vars(above) for above in base.__mro__[1:])
        if not name.startswith(("_", "model_")) and not inherited:
            function = getattr(value, "fget", getattr(value, "__func__", value))
            yield name, getattr(function, "__final__", False)


def subclasses(base: type[Any]) -> Iterator[type[Any]]:
    for below in base.__subclasses__():
        yield below
        yield from subclasses(below)


def implementations(base: type[Any], registered: type[Any]) -> set[type[Any]]:
    """The classes of one kind below a base: its own bases, and all that share one of them or its module."""
    own = {cls for cls in registered.__mro__ if issubclass(cls, base) and cls not in BASES}
    return own | {
        cls
        for cls in subclasses(base)
        if cls not in BASES and (cls.__module__ == registered.__module__ or own & {*cls.__mro__})
    }


def overriding(base: type[Any]) -> dict[str, set[str]]:
    """By member of a base class, the kinds of the package that override it."""
    found: dict[str, set[str]] = {name: set() for name, _ in members(base)}
    for kind, registered in BASES[base].items():
        classes = implementations(base, registered) if base in (Stage, ServiceStage) else {*registered.__mro__} - {base}
        for cls in classes if registered.__module__.startswith("simulator.") else ():
            for name in found.keys() & vars(cls).keys() if issubclass(cls, base) else ():
                found[name].add(kind)
    return found


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.__name__)
def test_at_least_two_kinds_override_each_member_that_is_not_final(base):
    kinds, final = overriding(base), dict(members(base))
    lonely = {f"{base.__name__}.{name}": sorted(kinds[name]) for name in kinds if not final[name] and len(kinds[name]) < 2}
    assert lonely.keys() == {name for name in ALLOWED if name.startswith(f"{base.__name__}.")}, lonely
    assert not {name for name in kinds if final[name] and kinds[name]}


def test_few_members_are_excused():
    assert len(ALLOWED) <= 3
