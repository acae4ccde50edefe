"""What is worked out of frozen models, remembered as long as they live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ref

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)
Found = TypeVar("Found")

#: Models that are remembered; beyond them all are forgotten, which costs time alone.
_MOST = 20_000


class ModelMemo(Generic[Model, Found]):
    """A function of a frozen model, remembered by the model's identity: designs share the models that no pick changes.

    No callback runs when a model goes: one that is interrupted would print a traceback. A dead model's entry is replaced by the
    next model at its place in memory, or forgotten with all others.
    """

    def __init__(self, work: Callable[[Model], Found]) -> None:
        self._work = work
        self._known: dict[int, tuple[ref[Model], Found]] = {}

    def of(self, model: Model) -> Found:
        """Return what the function gives for a model."""
        known = self._known.get(id(model))
        if known is None or known[0]() is not model:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[id(model)] = ref(model), self._work(model)
        return known[1]
