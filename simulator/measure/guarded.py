"""An unknown model in a fresh process, which is watched and ended from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

from simulator.errors import InputError
from simulator.evidence.profiles import FailedStep
from simulator.fresh_processes import Apart, CrashError, Tell, apart
from simulator.limits import GIB, MODEL_MEMORY, MODEL_SILENCE

# Refusals of a tool to work on a model, with the step and the tool's own words.

_SENTENCES: dict[FailedStep, str] = {
    "export": "it cannot be turned into ONNX",
    "quantize": "the quantizer cannot convert it",
    "run": "ONNX Runtime cannot run it",
}
_LONGEST = 300


class RefusedError(InputError):
    """A model cannot be converted to a precision; `step` names the failed step, the message the reason."""

    def __init__(self, step: FailedStep, reason: str) -> None:
        super().__init__(reason)
        self.step: FailedStep = step


class CannotMeasureError(InputError):
    """A model cannot be measured here; the message says which, why, and what would help."""


@contextmanager
def at_step(step: FailedStep) -> Iterator[None]:
    """Turn a tool's error into RefusedError, except for faults of the input and missing packages."""
    try:
        yield
    except (InputError, ModuleNotFoundError):
        raise
    except Exception as error:
        raise RefusedError(step, f"{_SENTENCES[step]}: {_in_short(error)}") from error


def _in_short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    summary = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return summary if len(summary) <= _LONGEST else f"{summary[:_LONGEST]}…"


Answer = TypeVar("Answer")

#: Time between two looks at the process, in s: long enough not to disturb a measurement.
_LOOK_S = 0.4
#: A model may take this part of the memory that is free when it begins.
_FREE_SHARE = 0.75


@dataclass(frozen=True)
class Allowed:
    """Limits for an unknown model. file: the model; less: advice that lowers its use; seconds: in all, None without a limit."""

    file: Path
    less: str
    seconds: float | None = None


def guarded(allowed: Allowed, on_message: Tell, work: Callable[..., Answer], *given: object) -> Answer:
    """Return the result of `work(tell, *given)` from a process of its own; it and all that it started end with this call.

    on_message: called with each message of the work. Raises CannotMeasureError where it crashes or exceeds a limit, and
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
                    on_message(what)
                    watch.heard()
                watch.look()
        except CrashError as error:
            raise watch.refusal("the process that ran it died, most likely for lack of memory") from error


@dataclass
class _Watch:
    """Watch over a process, with all that it started, for its limits."""

    allowed: Allowed
    process: Apart
    memory: float = field(default_factory=lambda: min(MODEL_MEMORY.most, _FREE_SHARE * psutil.virtual_memory().available))

    def __post_init__(self) -> None:
        self._begun = self._heard_at = self._looked_at = time.monotonic()

    def heard(self) -> None:
        self._heard_at = time.monotonic()

    def look(self) -> None:
        """Raise CannotMeasureError where the process takes more than is allowed; looks at intervals only."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_S:
            return
        self._looked_at = now
        if now - self._heard_at > MODEL_SILENCE.most:
            raise self.refusal(f"one call of the model has not ended within {MODEL_SILENCE}, the limit")
        if self.allowed.seconds is not None and now - self._begun > self.allowed.seconds:
            raise self.refusal(f"is not done within {self.allowed.seconds:,g} seconds, the most that it may take")
        if (taken := self.process.resident_bytes) > self.memory:
            most = f"{self.memory / GIB:.3g} GiB on this machine"
            raise self.refusal(f"took {taken / GIB:.3g} GiB of memory, and may take {most}")

    def refusal(self, why: str) -> CannotMeasureError:
        return CannotMeasureError(f"{self.allowed.file}: {why}; {self.allowed.less}")
