"""A stranger's model at work, in a process that is ended from outside: within a call, a runtime answers to nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

from simulator.limits import GIB, MODEL_MEMORY, MODEL_SILENCE
from simulator.making.zoo.fresh import Apart, CrashError, Tell, apart
from simulator.making.zoo.refusals import CannotMeasureError

Answer = TypeVar("Answer")

#: How often is looked at how it goes, in s: seldom enough that a measurement does not feel it.
_LOOK_S = 0.4
#: A model may take this part of the memory that is free when it begins.
_FREE_SHARE = 0.75


@dataclass(frozen=True)
class Allowed:
    """What a stranger's model may take. file: the model; less: what takes less; seconds: in all, None for any number."""

    file: Path
    less: str
    seconds: float | None = None


def guarded(allowed: Allowed, told: Tell, work: Callable[..., Answer], *given: object) -> Answer:
    """What `work(tell, *given)` answers in a process of its own, which ends with this call, and all that it started.

    told: handed what the work tells meanwhile. Raises CannotMeasureError where it crashes or takes more than is allowed, and
    what the work raises.
    """
    with apart(work, *given) as process:
        watch = _Watch(allowed, process)
        try:
            while True:
                if process.says_within(_LOOK_S):
                    answered, what = process.heard()
                    if answered:
                        return what  # type: ignore[no-any-return]
                    told(what)
                    watch.heard()
                watch.look()
        except CrashError as error:
            raise watch.refusal("the process that ran it died, most likely for want of memory") from error


@dataclass
class _Watch:
    """Whether a process, with all that it started, stays within what is allowed."""

    allowed: Allowed
    process: Apart
    memory: float = field(default_factory=lambda: min(MODEL_MEMORY.most, _FREE_SHARE * psutil.virtual_memory().available))

    def __post_init__(self) -> None:
        self._begun = self._heard_at = self._looked_at = time.monotonic()

    def heard(self) -> None:
        """It has told something."""
        self._heard_at = time.monotonic()

    def look(self) -> None:
        """Raise CannotMeasureError where it takes more than is allowed; looks no oftener than now and then."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_S:
            return
        self._looked_at = now
        if now - self._heard_at > MODEL_SILENCE.most:
            raise self.refusal(f"a call of it has not ended within {MODEL_SILENCE}, the most that one may take")
        if self.allowed.seconds is not None and now - self._begun > self.allowed.seconds:
            raise self.refusal(f"is not done within {self.allowed.seconds:,g} seconds, the most that it may take")
        if (taken := self.process.resident_bytes) > self.memory:
            most = f"{self.memory / GIB:.3g} GiB on this machine"
            raise self.refusal(f"took {taken / GIB:.3g} GiB of memory, and may take {most}")

    def refusal(self, why: str) -> CannotMeasureError:
        """Why it is not measured, and what would be."""
        return CannotMeasureError(f"{self.allowed.file}: {why}; {self.allowed.less}")
