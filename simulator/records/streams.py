"""Named random streams: one question, one stream, so that a further stage or option shifts no other draw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from simulator.keeper import remembers
from simulator.limits import MIB

#: The bytes of the latest draws that are remembered: hundreds of designs of a sweep meet the same requests, drawn once.
DRAWN = 32 * MIB


class Streams:
    """The random streams of one replication.

    A stream depends on the seed, the replication and its own name alone: two designs that draw `arrivals` meet the same
    arrivals (common random numbers).
    """

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed = seed
        self.replication = replication

    def named(self, name: str) -> np.random.Generator:
        digest = hashlib.sha256(name.encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, self.replication, *words])))

    def uniform(self, name: str, n: int, dtype: Any = np.float64) -> NDArray[Any]:
        """Return the first n uniform draws of a fresh stream, shape (n,), read-only."""
        return self.once(name, ("uniform", n, np.dtype(dtype).char), lambda rng: rng.random(n, dtype))

    def normal(self, name: str, n: int) -> NDArray[np.float32]:
        """Return the first n standard normal draws of a fresh stream, shape (n,), read-only."""
        return self.once(name, ("normal", n), lambda rng: rng.standard_normal(n, np.float32))

    @remembers(
        DRAWN, lambda streams, name, what, _: (streams.seed, streams.replication, name, what), lambda column: column.nbytes
    )
    def once(self, name: str, what: Hashable, draw: Callable[[np.random.Generator], NDArray[Any]]) -> NDArray[Any]:
        """Return the column that `draw` makes of a fresh stream, read-only; all runs of this process share it.

        what: identifies the column among all that are drawn from the stream
        """
        column = draw(self.named(name))
        column.flags.writeable = False
        return column


class Answering(Protocol):
    """A plan, which holds what follows from it alone."""

    @property
    def answers(self) -> dict[Hashable, Any]: ...


Plan = TypeVar("Plan", bound=Answering)
P = ParamSpec("P")
T = TypeVar("T")


def cache_per_plan(compute: Callable[Concatenate[Plan, P], T]) -> Callable[Concatenate[Plan, P], T]:
    """Cache a function's results for each plan, for as long as the plan lives. Callers must not change a result.

    Other arguments, if any, are positional and hashable.
    """

    @wraps(compute)
    def cached(plan: Plan, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return once_per_plan(plan, (compute, args), lambda: compute(plan, *args, **kwargs))

    return cached


def once_per_plan(plan: Plan, what: Hashable, find: Callable[[], T]) -> T:
    """Return what depends on a plan alone, found once for as long as the plan lives. Callers must not change it."""
    answers = plan.answers  # another thread may empty it
    answer = answers.get(what, answers)
    if answer is answers:
        answer = answers[what] = find()
    return cast(T, answer)
