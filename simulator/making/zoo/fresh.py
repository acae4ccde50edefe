"""Work in a process of its own: it starts with nothing loaded, and a crash of a native library ends it alone."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import psutil

from simulator.errors import InputError
from simulator.processes import begin_worker, undisturbed

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
#: Hands something to whoever waits for the answer.
Tell = Callable[[Any], None]


class CrashError(RuntimeError):
    """The process ended before it answered."""


@dataclass(frozen=True)
class Apart:
    """A process at work."""

    process: BaseProcess
    _said: Connection

    def says_within(self, seconds: float | None) -> bool:
        """Whether it has said something by then; waits for so long, and without a number for ever."""
        return self._said.poll(seconds)

    def heard(self) -> tuple[bool, Any]:
        """Whether that is its answer, and what it is. Raises what the work raised, and CrashError."""
        try:
            kind, what = self._said.recv()
        except (EOFError, OSError) as error:
            raise CrashError("its process crashed, or was ended for want of memory") from error
        if kind == "error":
            raise what
        return kind == "answer", what

    @property
    def resident_bytes(self) -> int:
        """The memory that it has, and all that it started."""
        found = 0
        for one in self._family():
            with suppress(psutil.Error):  # it has ended meanwhile
                found += one.memory_info().rss
        return found

    def end(self) -> None:
        """Kill it and all that it started.

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
    """A process that does `work(tell, *given)`, all of which is pickled, for as long as the context lasts."""
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
    """What `work` answers; it and what it is given are pickled. Raises what `work` raises, or CrashError."""
    with apart(_telling_nothing, work, given, named) as process:
        return process.heard()[1]  # type: ignore[no-any-return]


def _telling_nothing(_tell: Tell, work: Callable[..., Answer], given: tuple[Any, ...], named: dict[str, Any]) -> Answer:
    return work(*given, **named)


def _work(said: Connection, work: Callable[..., Any], given: tuple[object, ...]) -> None:
    begin_worker()
    _first_to_go()
    try:
        answer = "answer", work(lambda what: said.send(("told", what)), *given)
    except Exception as error:
        answer = "error", _sendable(error)
    said.send(answer)


def _first_to_go() -> None:
    """Where the machine runs out of memory, Linux ends this process rather than another."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _sendable(error: Exception) -> Exception:
    """The error, if it survives being sent; else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 what was pickled just now
    except Exception:  # whatever its class makes of that
        return InputError(str(error)) if isinstance(error, InputError) else RuntimeError(f"{type(error).__name__}: {error}")
    return error
