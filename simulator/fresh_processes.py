"""Work on unknown input in a fresh process, which starts with nothing loaded and is ended from outside.

A native library cannot be interrupted within a call, and its crash ends its process alone.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from simulator.errors import InputError
from simulator.limits import Limit
from simulator.processes import begin_worker, undisturbed

if TYPE_CHECKING:
    from psutil import Process

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
#: Sends an object to the caller that waits for the answer.
Tell = Callable[[Any], None]


class CrashError(RuntimeError):
    """The process ended before it answered."""


class ExceededError(RuntimeError):
    """The work took more memory, or more time, than it may; the message completes a sentence about it."""


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
        """Return the memory of the process and all that it started. It needs psutil."""
        from psutil import Error

        taken = 0
        for process in self._family():
            with suppress(Error):  # it has ended meanwhile
                taken += process.memory_info().rss
        return taken

    def end(self) -> None:
        """Kill the process and all that it started."""
        if find_spec("psutil"):  # of the extra `measure`: nothing else starts processes of its own
            self._end_family()
        self.process.kill()
        self.process.join()

    def _end_family(self) -> None:
        """Kill all that the process started, and then itself.

        Each is suspended before its children are looked for, and killed after them: so none starts another meanwhile, and none
        lives to see its parent gone, and to complain.
        """
        from psutil import Error

        family = self._first()
        for member in family:
            with suppress(Error):  # it has ended meanwhile
                member.suspend()
                family += member.children()
        for member in reversed(family):
            with suppress(Error):
                member.kill()

    def _family(self) -> list[Process]:
        from psutil import Error

        first = self._first()
        with suppress(Error):
            return [*first, *(child for process in first for child in process.children(recursive=True))]
        return first

    def _first(self) -> list[Process]:
        from psutil import NoSuchProcess, Process

        try:
            return [Process(self.process.pid)]
        except NoSuchProcess:
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


def in_bounds(memory: Limit, seconds: Limit, work: Callable[..., Answer], *given: object) -> Answer:
    """Return `work(*given)` from a fresh process that may take this memory beyond its start, and this time.

    The system refuses more memory on Linux alone. Raises ExceededError, and what the work raises.
    """
    with apart(_in_memory, memory.most, work, given) as process:
        if not process.says_within(seconds.most):
            raise ExceededError(f"is not done within {seconds}, the limit")
        try:
            return process.heard()[1]  # type: ignore[no-any-return]
        except MemoryError as error:
            raise ExceededError(f"takes more than {memory}, the limit") from error
        except CrashError as error:
            raise ExceededError(f"ended its process, most likely for lack of memory; it may take {memory}") from error


def _in_memory(_tell: Tell, most: int, work: Callable[..., Answer], given: tuple[Any, ...]) -> Answer:
    statm = Path("/proc/self/statm")
    if statm.is_file():
        import resource

        mapped = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + most, resource.getrlimit(resource.RLIMIT_AS)[1]))
    return work(*given)


def _work(connection: Connection, work: Callable[..., Any], given: tuple[object, ...]) -> None:
    begin_worker()
    with suppress(OSError):  # where memory runs out, it is the first to go
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    try:
        connection.send(("answer", work(lambda what: connection.send(("message", what)), *given)))
    except Exception as error:
        connection.send(("error", _sendable(error)))


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 what was pickled just now
    except Exception:  # whatever its class makes of that
        return InputError(str(error)) if isinstance(error, InputError) else RuntimeError(f"{type(error).__name__}: {error}")
    return error
