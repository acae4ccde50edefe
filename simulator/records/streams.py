"""Named random streams: one question, one stream, so that a further stage or option shifts no other draw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from weakref import ref

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from simulator.limits import MIB

if TYPE_CHECKING:
    from simulator.engine.plan import Plan

#: The draws that were asked for last, in so many bytes: hundreds of designs of a sweep meet the same requests, drawn once.
_DRAWN: LRUCache[Hashable, NDArray[Any]] = LRUCache(32 * MIB, lambda drawn: drawn.nbytes)
_LOCK = Lock()


class Streams:
    """The random streams of one replication.

    A stream depends on the seed, the replication and its own name alone: two designs that ask for `arrivals` meet the same
    arrivals (common random numbers).
    """

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed = seed
        self.replication = replication

    def named(self, name: str) -> np.random.Generator:
        """A fresh generator for the stream `name`; asking twice gives the same draws twice."""
        digest = hashlib.sha256(name.encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, self.replication, *words])))

    def uniform(self, name: str, n: int, dtype: Any = np.float64) -> NDArray[Any]:
        """The first n uniform draws of a fresh stream, shape (n,); nobody may write to them."""
        return self.once(name, ("uniform", n, np.dtype(dtype).char), lambda rng: rng.random(n, dtype))

    def normal(self, name: str, n: int) -> NDArray[np.float32]:
        """The first n standard normal draws of a fresh stream, shape (n,); nobody may write to them."""
        return self.once(name, ("normal", n), lambda rng: rng.standard_normal(n, np.float32))

    def once(self, name: str, what: Hashable, draw: Callable[[np.random.Generator], NDArray[Any]]) -> NDArray[Any]:
        """What `draw` makes of a fresh stream, which all runs of this process share that ask for the same.

        what: identifies it among all that is drawn from the stream. Nobody may write to it.
        """
        key = self.seed, self.replication, name, what
        with _LOCK:
            found = _DRAWN.get(key)
        if found is None:
            found = draw(self.named(name))
            found.flags.writeable = False
            with _LOCK:
                if found.nbytes <= _DRAWN.maxsize:
                    _DRAWN[key] = found
        return found


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
