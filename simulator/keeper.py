"""One keeper of answers for the whole package, beside `lru_cache`: for arguments without a hash, or with a bound in bytes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import RLock
from typing import Any, ParamSpec, TypeVar, cast

from cachetools import LRUCache, cached

P = ParamSpec("P")
T = TypeVar("T")


def remembers(
    most: int, key: Callable[..., Hashable], nbytes: Callable[[Any], int] | None = None
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Cache the latest answers of a function, for all threads together. Callers must not change an answer.

    most: of the answers, or of their bytes where `nbytes` tells those of one
    key: makes a key of the arguments, equal where the answers are
    """
    return cast("Callable[[Callable[P, T]], Callable[P, T]]", cached(LRUCache(most, nbytes), key, RLock()))
