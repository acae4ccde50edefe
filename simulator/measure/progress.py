"""Options of measurements, and their progress: events, shown to a person in a terminal, or line by line to a program.

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
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import median
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from simulator.paths import OWN_PROFILES

_EVERY_S = 0.5


@dataclass(frozen=True)
class Setup:
    """Model, precision, device, threads and batch sizes of a measurement."""

    model: str
    precision: str
    device: str
    threads: Sequence[int]
    batches: Sequence[int]


@dataclass(frozen=True)
class ProfileOptions:
    """Models to measure, the effort, and the form of the answer; None where the file or the machine decides."""

    model: Annotated[list[str] | None, "a model to measure; repeat for more; default all"] = None
    precision: Annotated[list[str] | None, "a precision; repeat for more; default all"] = None
    batch: Annotated[list[int] | None, typer.Option(min=1, max=4096, help="a batch size; default 1, 2, 4, 8, 16")] = None
    threads: Annotated[list[int] | None, typer.Option(min=1, max=1024, help="a thread count; default 1, 2")] = None
    device: Annotated[str | None, "name of this machine; default from its processor"] = None
    photos: Annotated[Path | None, "folder of photos for calibration and decoding"] = None
    photos_from: Annotated[str | None, "where the photos come from, for the record"] = None
    trained: Annotated[Path | None, "folder of trained ONNX files for the coco_... models"] = None
    onnx: Annotated[Path | None, "measure this ONNX file, a vision model of your own"] = None
    input_shape: Annotated[str | None, "with --onnx: shape of one image, such as 3,224,224"] = None
    name: Annotated[str | None, "with --onnx: what to call the model; default from its file"] = None
    provider: Annotated[str, "cpu, cuda, tensorrt, openvino or coreml"] = "cpu"
    progress_json: Annotated[bool, "with --onnx: progress as lines of JSON"] = False
    until_input_ends: Annotated[bool, "end when standard input does, as when the program at its end has gone"] = False
    out: Annotated[Path | None, "folder for DEVICE/MODEL.PRECISION.json; default with --onnx: your user data"] = None
    budget: Annotated[float, typer.Option(min=0.1, help="seconds of calls for each thread count")] = 30.0
    overwrite: Annotated[bool, "measure again what has a profile or failed before"] = False
    prepare: Annotated[bool, "export and quantize only, without measuring"] = False
    list_: Annotated[bool, "--list", "list the profiles and failures in the folder and stop"] = False
    delete: Annotated[str | None, "delete your own profile DEVICE/MODEL.PRECISION and stop"] = None
    json_: Annotated[bool, "--json", "print one JSON list"] = False

    @property
    def thread_counts(self) -> tuple[int, ...]:
        return tuple(sorted(set(self.threads or (1, 2))))

    @property
    def batches(self) -> tuple[int, ...]:
        return tuple(sorted(set(self.batch or ())))

    @property
    def own_folder(self) -> Path:
        return self.out or OWN_PROFILES

    def arguments(self) -> list[str]:
        """Return the words of a command line that asks for the same."""
        words: list[str] = []
        for option in fields(self):
            name, value = f"--{option.name.strip('_').replace('_', '-')}", getattr(self, option.name)
            if value is True:
                words.append(name)
            elif value and value != option.default:
                words += [word for each in (value if isinstance(value, list) else [value]) for word in (name, str(each))]
        return words


@dataclass(frozen=True)
class OwnDetector:
    """Your own detector, the images that judge it, and the form of the answer; None where the file or the layout decides."""

    onnx: Annotated[Path | None, "the detector; without it, print the report of the detection tables"] = None
    data: Annotated[Path | None, "folder of labelled images, in YOLO's or COCO's format"] = None
    layout: Annotated[str | None, "how to read the outputs; default: guessed from their shapes"] = None
    size: Annotated[int | None, typer.Option(min=32, max=4096, help="side of the input in px, if the file leaves it open")] = (
        None
    )
    fit: Annotated[str | None, "letterbox, corner or stretch; default: usual for the layout"] = None
    values: Annotated[str | None, "0-255, 0-1 or imagenet; default: usual for the layout"] = None
    channels: Annotated[str | None, "rgb or bgr; default: usual for the layout"] = None
    class_ids: Annotated[str, "place (0 for the first class) or id (as COCO's file numbers it)"] = "place"
    conditions: Annotated[str, "such as clean,fog:2,bgr; a corruption alone means all severities"] = "clean"
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="seed of corruptions and of the bootstrap")] = 1
    resamples: Annotated[int, typer.Option(min=100, max=10000, help="bootstrap samples")] = 500
    out: Annotated[Path | None, "write the result for each labelled box to this CSV file"] = None
    as_json: Annotated[bool, "--json", "print one JSON object and nothing else"] = False

    @property
    def file(self) -> Path:
        return self.onnx or Path()

    @property
    def images(self) -> Path:
        return self.data or Path()


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
