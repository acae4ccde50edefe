"""Progress of a measurement: events, shown to a person in a terminal, or line by line to a program.

The program (`--progress-json`) reads standard error, where each line is one JSON object with an `event`:

    {"event": "start", "model": "m", "precision": "fp32", "device": "d", "threads": [1, 2], "batches": [1, 2, 4, 8, 16]}
    {"event": "progress", "done": 0.42, "threads": 1, "medians_ms": {"1": 3.1, "2": 5.9}}
    {"event": "note", "text": "a sentence for the user"}
    {"event": "done", "profile": "/where/it/was/written.json"}
    {"event": "stopped", "text": "nothing was written"}
    {"event": "error", "text": "what is wrong, and what would be right"}

`done` goes from 0 to 1 over all thread counts. `medians_ms` are the calls timed so far at `threads`, by batch size, so that
the curve can be drawn while it grows; during the first cold starts `threads` is 0 and they are empty. A `progress` comes at
most twice a second and once at the end. A `note` may come before `start`; where the same file has a profile already, there is
no `start`. Exactly one of done, stopped and error comes last; the exit status is then 0, 130 (143 after SIGTERM) or 2. To
cancel, send the process an interrupt or a terminate signal: a profile is written whole or not at all. Standard output carries
the answer alone. A driver may write lines of its own to standard error; a reader skips what is no JSON.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_EVERY_S = 0.5


@dataclass(frozen=True)
class Setup:
    """Model, precision, device, threads and batch sizes of a measurement."""

    model: str
    precision: str
    device: str
    threads: Sequence[int]
    batches: Sequence[int]


Event = Mapping[str, Any]
#: Is shown each event.
Show = Callable[[Event], None]


@dataclass
class ToPerson:
    """Draws a bar on the console, and prints notes and the end."""

    console: Console
    _bar: Progress | None = None

    def __call__(self, event: Event) -> None:
        if event["event"] == "start":
            self._start(event)
        elif event["event"] == "progress":
            if self._bar:
                self._bar.update(self._bar.task_ids[0], completed=event["done"])
        else:
            if self._bar and event["event"] != "note":
                self._bar.stop()
            self.console.print(event.get("text") or f"written to {event['profile']}", markup=False)

    def _start(self, event: Event) -> None:
        from simulator.cli.exits import Bars  # not in the process that measures

        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("left:"), TimeRemainingColumn()
        self._bar = Bars(*columns, console=self.console)
        self._bar.add_task(f"{event['model']}.{event['precision']}", total=1)
        self._bar.start()


def to_program(stream: TextIO) -> Show:
    return lambda event: print(json.dumps(event), file=stream, flush=True)


@dataclass
class EventReporter:
    """Turns the progress of a measurement into events, seldom enough not to disturb it."""

    show: Show
    _parts: int = 1
    _done: float = 0.0
    _threads: int = 0
    _told_at: float = 0.0
    _calls: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def start(self, setup: Setup) -> None:
        self._parts = len(setup.threads)
        sizes = {"threads": list(setup.threads), "batches": list(setup.batches)}
        self._write("start", model=setup.model, precision=setup.precision, device=setup.device, **sizes)

    def advance(self, part: float) -> None:
        self._done = min(self._done + part / self._parts, 1.0)
        if time.monotonic() - self._told_at >= _EVERY_S:
            self._progress()

    def call(self, threads: int, batch: int, latency_ms: float) -> None:
        if threads != self._threads:
            self._calls.clear()
        self._threads = threads
        self._calls[batch].append(latency_ms)

    def note(self, text: str) -> None:
        self._write("note", text=text)

    def all_done(self) -> None:
        self._done = 1.0
        self._progress()

    def _progress(self) -> None:
        self._told_at = time.monotonic()
        medians = {str(batch): round(median(times), 4) for batch, times in sorted(self._calls.items())}
        self._write("progress", done=round(self._done, 4), threads=self._threads, medians_ms=medians)

    def _write(self, event: str, **fields: Any) -> None:
        self.show({"event": event} | fields)
