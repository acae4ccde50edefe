"""An unknown model in a process of its own, which starts with nothing loaded and is ended from outside.

A runtime cannot be interrupted within a call, and a crash of a native library ends its process alone.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import psutil

from simulator.errors import InputError
from simulator.evidence.profiles import FailedStep
from simulator.limits import GIB, MODEL_MEMORY, MODEL_SILENCE
from simulator.processes import begin_worker, undisturbed

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


class MissingFileError(InputError):
    """The file of a requested trained network was not given."""


@contextmanager
def at_step(step: FailedStep) -> Iterator[None]:
    """Turn a tool's error into RefusedError, except for bad photos and missing packages."""
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


Given = ParamSpec("Given")
Answer = TypeVar("Answer")
#: Sends an object to the caller that waits for the answer.
Tell = Callable[[Any], None]


class CrashError(RuntimeError):
    """The process ended before it answered."""


@dataclass(frozen=True)
class Apart:
    """A process at work."""

    process: BaseProcess
    _said: Connection

    def says_within(self, seconds: float | None) -> bool:
        return self._said.poll(seconds)

    def heard(self) -> tuple[bool, Any]:
        """Return whether a message is the answer, and the answer. Raises the work's error, and CrashError."""
        try:
            kind, what = self._said.recv()
        except (EOFError, OSError) as error:
            raise CrashError("its process crashed, or was ended for want of memory") from error
        if kind == "error":
            raise what
        return kind == "answer", what

    @property
    def resident_bytes(self) -> int:
        """Return the memory of the process and all that it started."""
        found = 0
        for one in self._family():
            with suppress(psutil.Error):  # it has ended meanwhile
                found += one.memory_info().rss
        return found

    def end(self) -> None:
        """Kill the process and all that it started.

        Each is suspended before its children are looked for, and killed after them: so none starts another meanwhile, and none
        lives to see its parent gone, and to complain.
        """
        family = self._first()
        for one in family:
            with suppress(psutil.Error):  # it has ended meanwhile
                one.suspend()
                family += one.children()
        for one in reversed(family):
            with suppress(psutil.Error):
                one.kill()
        self.process.join()

    def _family(self) -> list[psutil.Process]:
        first = self._first()
        with suppress(psutil.Error):
            return [*first, *(later for one in first for later in one.children(recursive=True))]
        return first

    def _first(self) -> list[psutil.Process]:
        try:
            return [psutil.Process(self.process.pid)]
        except psutil.NoSuchProcess:
            return []


@contextmanager
def apart(work: Callable[..., object], *given: object) -> Iterator[Apart]:
    """Run `work(tell, *given)` in a process, all of it pickled, for as long as the context lasts."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_work, args=(theirs, work, given))
    with undisturbed():
        process.start()
    theirs.close()
    begun = Apart(process, ours)
    try:
        yield begun
    finally:
        begun.end()
        ours.close()


def in_fresh_process(work: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs) -> Answer:
    with apart(_telling_nothing, work, given, named) as process:
        return process.heard()[1]  # type: ignore[no-any-return]


def _telling_nothing(_tell: Tell, work: Callable[..., Answer], given: tuple[Any, ...], named: dict[str, Any]) -> Answer:
    return work(*given, **named)


def _work(connection: Connection, work: Callable[..., Any], given: tuple[object, ...]) -> None:
    begin_worker()
    _first_to_go()
    try:
        answer = "answer", work(lambda what: connection.send(("message", what)), *given)
    except Exception as error:
        answer = "error", _sendable(error)
    connection.send(answer)


def _first_to_go() -> None:
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 what was pickled just now
    except Exception:  # whatever its class makes of that
        return InputError(str(error)) if isinstance(error, InputError) else RuntimeError(f"{type(error).__name__}: {error}")
    return error


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
