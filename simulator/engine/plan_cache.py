"""What follows from a plan alone is worked out once, however many replications ask for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from simulator.engine.plan import Plan

P = ParamSpec("P")
T = TypeVar("T")


def once_a_plan(of: Callable[Concatenate[Plan, P], T]) -> Callable[Concatenate[Plan, P], T]:
    """Remember what a function says of a plan for as long as that plan lives; whoever asks must not change it.

    Its other arguments, if any, are positional and hashable.
    """
    known: dict[int, tuple[ref[Plan], dict[Any, T]]] = {}

    @wraps(of)
    def remembered(plan: Plan, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = id(plan)
        found = known.get(key)
        if found is None or found[0]() is not plan:
            found = known[key] = ref(plan, lambda _: known.pop(key, None)), {}
        if args not in found[1]:
            found[1][args] = of(plan, *args, **kwargs)
        return found[1][args]

    return remembered
