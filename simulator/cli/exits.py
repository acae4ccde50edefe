"""Output of a command and its ends: text that is safe for a terminal, progress, exit statuses, and sentences on errors."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from functools import partial
from math import isfinite
from time import monotonic
from typing import IO, TYPE_CHECKING, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from simulator.case.document import Fault, ScenarioError, fault_lines
from simulator.cli.misuse import misuse
from simulator.cli.signals import INTERRUPTED, TERMINATED, stop_line, stopped_status
from simulator.errors import InputError, suggest
from simulator.limits import FAULTS_SHOWN
from simulator.units import counted

if TYPE_CHECKING:
    import pandas as pd

#: Characters that a terminal obeys, except tabs and new lines: control characters, marks that turn the direction
#: of writing, and bytes that are no text.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: object) -> str:
    return _OBEYED.sub(lambda match: match[0].encode("unicode_escape").decode(), str(text))


def say(text: object, file: IO[str] | None = None) -> None:
    print(visible(text), file=file)


class VisibleConsole(Console):
    """A console that shows what `visible` shows; where a program reads it, no line ends in spaces.

    A number between two colons, as in a place in a file, is never taken for the name of a picture.
    """

    def __init__(self, **how: Any) -> None:
        super().__init__(**{"emoji": False, **how})

    def print(self, *objects: Any, **how: Any) -> None:
        if self.is_terminal or self.record:
            super().print(*objects, **how)
            return
        with self.capture() as captured:
            super().print(*objects, **how)
        self.file.write("".join(f"{line.rstrip(' ')}\n" for line in captured.get().split("\n")).removesuffix("\n"))

    def paragraph(self, markup: str, indent: int = 0, **how: Any) -> None:
        """Print a text in lines of at most `PROSE` columns, also where a program reads it."""
        self.print(Padding(self.render_str(markup), (0, 0, 0, indent), expand=False), width=min(self.width, PROSE), **how)

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(visible(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


#: Messages to a person go here, so that standard output carries only the answer.
err = VisibleConsole(stderr=True, highlight=False, soft_wrap=True)

#: Columns of a line where a program reads it and no screen ends: wide enough for every table.
_WIDEST = 1000

#: Columns of a paragraph on a wide screen, and where a program reads it.
PROSE = 100


def table_console() -> VisibleConsole:
    """Return a console for tables: as wide as the terminal, or as wide as their content where a program reads them."""
    out = VisibleConsole()
    return out if out.is_terminal else VisibleConsole(width=_WIDEST)


#: Where standard error is no terminal, a line comes at most this often, in s.
LINE_EVERY_S = 10.0


class Bars(Progress):
    """Progress bars. Where their console is no terminal, a line with the work under way at most every LINE_EVERY_S."""

    def __init__(self, *columns: Any, console: Console, **how: Any) -> None:
        super().__init__(*columns, console=console, disable=not console.is_terminal, **how)
        self._line_at = monotonic()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._line(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._line(task_id)

    def _line(self, task_id: TaskID) -> None:
        now = monotonic()
        if self.console.is_terminal or now - self._line_at < LINE_EVERY_S:
            return
        self._line_at = now
        task = self._tasks[task_id]
        done = f": {task.percentage:.0f}%" if task.total else ""
        self.console.print(f"{task.description}{done}", markup=False)


#: Changes a bar, as `rich.progress.Progress.update` does.
Update = Callable[..., None]


@contextmanager
def progress_bar(what: str, total: float | None, *columns: ProgressColumn, transient: bool = False) -> Iterator[Update]:
    """Show a bar with these columns behind it. transient: it goes at the end"""
    with Bars(TextColumn("{task.description}"), BarColumn(), *columns, console=err, transient=transient) as bar:
        yield partial(bar.update, bar.add_task(what, total=total))


#: Reports the number done, and the total.
ReportDone = Callable[[int, int], None]


@contextmanager
def counting_bar(what: str, total: int) -> Iterator[ReportDone]:
    """Show a bar with the number done and the time to go."""
    with progress_bar(what, total, MofNCompleteColumn(), TimeRemainingColumn(), transient=True) as update:
        yield lambda done, _: update(completed=done)


@contextmanager
def working_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for work in several parts; yields a function of a part's name, the number done and the total, 0 if unknown."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[parts]}"))
    with Bars(*columns, TimeElapsedColumn(), console=err, transient=True) as bar:
        task = bar.add_task("beginning", total=None, parts="")

        def report(what: str, done: int, total: int) -> None:
            parts = f"{done:,} of {total:,}" if total else f"{done:,}" if done else ""
            bar.update(task, description=what, completed=done, total=total or None, parts=parts)

        yield report


def finite(record: Any) -> Any:
    """Return plain data with None in place of each figure that is not finite."""
    match record:
        case float():
            return float(record) if isfinite(record) else None
        case list() | tuple():
            return [finite(value) for value in record]
        case dict():
            return {name: finite(value) for name, value in record.items()}
    return record


class Line(Text):
    """A line whose words are no markup, and which the console does not break."""

    def __init__(self, words: object, style: str = "") -> None:
        super().__init__(visible(words), style)


def answer(as_json: bool, record: Any, parts: Iterable[Any], indent: int | None = 2, least: int = 0) -> None:
    """Print the answer of a command: its record as JSON, or else its sentences and tables.

    parts: texts with markup, lines, and what rich draws; a generator makes them only where they are printed
    least: the columns that the tables need, also on a narrower terminal
    """
    if as_json:
        print(json.dumps(record, indent=indent, allow_nan=False))
        return
    out = table_console()
    if least:
        out = VisibleConsole(width=max(out.width, least), highlight=False)
    for part in parts:
        out.print(part, soft_wrap=isinstance(part, Line))


def table_of(rows: Iterable[Iterable[Any]], *columns: Column | str, **how: Any) -> Table:
    """Return a table without lines. rows: cells with markup, as many as there are columns"""
    table = Table(*columns, **{"box": None, **how})
    for row in rows:
        table.add_row(*row)
    return table


def table_of_frame(frame: pd.DataFrame, **how: Any) -> Table:
    return table_of((map(str, row) for row in frame.itertuples(index=False)), *map(str, frame), **how)


def right(*headings: str, **how: Any) -> list[Column]:
    """Return columns of figures."""
    return [Column(heading, justify="right", **how) for heading in headings]


class Status(IntEnum):
    """The exit statuses of a command, as in BSD's sysexits.h and in shells."""

    DONE = 0
    NO = 1  # the answer is no: an objective is not met
    WRONG_USE = 2  # or wrong input
    OWN_FAULT = 70
    NOT_THROUGH = 74  # standard output, or a file, takes no more: a full disk
    STOPPED = INTERRUPTED
    UNREAD = 128 + getattr(signal, "SIGPIPE", 13)  # standard output has no reader any more: `| head`
    ENDED = TERMINATED


class UsageError(InputError):
    """The command line cannot work; the message says what would."""


#: The packages of each optional extra, by import name.
EXTRAS = {
    "author": {"lsprotocol", "pygls"},
    "measure": {"onnx", "onnxruntime", "PIL", "psutil", "pycocotools"},
    "zoo": {
        "efficientnet_lite_pytorch",
        "onnxscript",
        "segmentation_models_pytorch",
        "torch",
        "torchvision",
        "yolox",
    },
    "tracking": {"supervision", "trackers"},
    "fidelity": {"mlperf_loadgen", "mosec"},
    "lab": {"sklearn"},
    "monitors": {"river"},
    "tradeoffs": {"SALib", "optuna"},
    "cluster": {"distributed"},
    "pictures": {"kaleido"},
}

#: The extras that an extra includes.
_INCLUDED = {"zoo": ("lab", "measure"), "fidelity": ("lab", "measure", "zoo")}


@contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """Run what needs an extra; raises UsageError that names the missing package and how to install it."""
    packages = EXTRAS[extra].union(*(EXTRAS[name] for name in _INCLUDED.get(extra, ())))
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing not in packages:
            raise
        raise UsageError(f"{what} needs {missing}, which is not installed: pip install 'casesim[{extra}]'") from error


def known(what: str, name: str, there: Iterable[str]) -> str:
    """Return the name, if it exists; raises UsageError that suggests the nearest."""
    if name not in (names := list(there)):
        raise UsageError(f"there is no {what} '{name}'; {suggest(name, names)}")
    return name


#: Typer's error for a command line: a class whose module depends on typer's version.
_Misused = typer.BadParameter.__mro__[2]


def tell(error: BaseException) -> Status:
    """Print on standard error the reason why a command ended, and return its exit status."""
    _give_up_output()
    match error:
        case ScenarioError():
            _report_faults(error.faults)
        case InputError():
            _complain(error)
        case _ if isinstance(error, _Misused):
            _complain(misuse(error, sys.argv[1:]))
        case BrokenPipeError():
            return Status.UNREAD
        case OSError() if error.filename:
            _complain(f"{error.filename}: {error.strerror}")
        case OSError():
            _complain(f"reading or writing failed: {error.strerror or error}")
            return Status.NOT_THROUGH
        case MemoryError():
            _complain("this machine has not enough memory for this; run less at once")
        case KeyboardInterrupt():
            if line := stop_line():
                _complain(line)
            return Status(stopped_status())
        case _:
            _tell_own_fault(error)
            return Status.OWN_FAULT
    return Status.WRONG_USE


def _complain(text: object) -> None:
    with suppress(OSError):  # there is no other place to say it
        say(text, sys.stderr)


def _give_up_output() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_faults(faults: list[Fault]) -> None:
    picked = [fault for fault in faults if fault.choices]  # the user's own picks, not a mistake in the file
    for fault in picked:
        _complain(f"{', '.join(f'--set {name}' for name in fault.choices)}: {fault.message}")
    written = [fault for fault in faults if not fault.choices]
    for line in fault_lines(written):
        _complain(line)
    if written and len(written) <= FAULTS_SHOWN.most:
        _complain(counted(len(written), "fault"))


def _tell_own_fault(error: BaseException) -> None:
    if os.environ.get("CASESIM_DEBUG"):
        traceback.print_exception(error)
        return
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    _complain(
        f"this is a bug in CaseSim, not in your input: {summary[:200]}\n"
        f"please report it with the command line: {shlex.join(['casesim', *sys.argv[1:]])[:1000]}\n"
        "set CASESIM_DEBUG=1 in the environment to see where"
    )
