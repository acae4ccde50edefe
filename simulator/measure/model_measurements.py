"""Measurement of a user's own model: `casesim profile --onnx` as a separate process, followed from the page.

The command writes a line of JSON for each event to a file; the page reads it whenever it is drawn. So no thread listens,
and a reloaded page shows the measurement again.
"""

from __future__ import annotations

import atexit
import json
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import monotonic
from typing import Any

from cachetools import FIFOCache

from simulator.app.uploads import uploads
from simulator.measure.progress import ProfileOptions
from simulator.phrases import phrase
from simulator.units import duration

#: The number of measurements in memory, one a user, with their uploaded files.
KEPT = 16

#: The longest name of a file, in bytes, on common systems.
_LONGEST_NAME = 255

#: The usual time before the first timed call (s).
_BEFORE_S = 20.0

_ENDINGS = ("done", "stopped", "error")


class MeasurementError(ValueError):
    """A measurement cannot start; the message gives the reason and the fix."""


@dataclass
class Measurement:
    """One run of the command; its events and uploads are in the folder, which is deleted with this object.

    about_s: estimated duration in seconds
    """

    file: Path
    process: subprocess.Popen[bytes]
    folder: TemporaryDirectory[str]
    about_s: float
    began: float = field(default_factory=monotonic)

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for line in self._lines() if (event := _event(line))]

    @property
    def share(self) -> float:
        return max((float(event["done"]) for event in self._all("progress")), default=0.0)

    @property
    def remaining_s(self) -> float:
        so_far = monotonic() - self.began
        return so_far * (1 / self.share - 1) if self.share else max(self.about_s - so_far, 1.0)

    @property
    def title(self) -> str:
        begun = next(self._all("start"), None)
        return f"{begun['model']} {begun['precision']} on {begun['device']}" if begun else self.file.name

    @property
    def medians(self) -> dict[int, dict[int, float]]:
        """Return the medians so far in ms, by thread count and batch size."""
        found: dict[int, dict[int, float]] = {}
        for event in self._all("progress"):
            if event["medians_ms"]:
                found[int(event["threads"])] = {int(size): float(value) for size, value in event["medians_ms"].items()}
        return found

    @property
    def notes(self) -> list[str]:
        return [str(event["text"]) for event in self._all("note")]

    @property
    def ending(self) -> str:
        if self.running:
            return ""
        return next((str(event["event"]) for event in reversed(self.events) if event["event"] in _ENDINGS), "error")

    @property
    def complaint(self) -> str:
        sentence = next((str(event["text"]) for event in self._all("error")), None)
        return sentence or phrase("profiles.ended", status=str(self.process.returncode), words=self._last_words())

    @property
    def profile(self) -> Path:
        return Path(next(str(event["profile"]) for event in self._all("done")))

    def cancel(self) -> None:
        self.process.terminate()

    def _all(self, kind: str) -> Iterator[dict[str, Any]]:
        return (event for event in self.events if event["event"] == kind)

    def _lines(self) -> list[str]:
        return _events_file(self.folder).read_text(encoding="utf-8", errors="replace").splitlines()

    def _last_words(self) -> str:
        return next((line.strip() for line in reversed(self._lines()) if line.strip()), "it printed nothing")


def _events_file(folder: TemporaryDirectory[str]) -> Path:
    return Path(folder.name) / "progress.jsonl"


def _event(line: str) -> dict[str, Any] | None:
    """Parse the event of a line; return None for output of a library."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


class Measurements:
    """The last measurement of each user. One runs at a time: two would slow each other down."""

    def __init__(self, command: Sequence[str] = (sys.executable, "-m", "simulator.cli")) -> None:
        self._command = list(command)
        self._kept: FIFOCache[str, Measurement] = FIFOCache(KEPT)
        self._lock = Lock()
        atexit.register(self.stop)

    def of(self, owner: str) -> Measurement | None:
        return self._kept.get(owner)

    @property
    def running(self) -> Measurement | None:
        return next((measurement for measurement in self._kept.values() if measurement.running), None)

    def start(self, owner: str, file: Path, options: ProfileOptions) -> Measurement:
        return self._begin(owner, _folder(), _there(file), options)

    def start_upload(self, owner: str, files: Mapping[str, bytes | memoryview], options: ProfileOptions) -> Measurement:
        """Measure the one `.onnx` file among these by name; the others are its weights. Raises MeasurementError."""
        models = [name for name in files if name.endswith(".onnx")]
        if len(models) != 1:
            raise MeasurementError(f"expected one file that ends in .onnx, got {len(models)}; its weights may come with it")
        names = {name: _file_name(name) for name in files}
        folder = _folder()
        inside = Path(folder.name) / "model"
        inside.mkdir()
        for name, content in files.items():
            (inside / names[name]).write_bytes(content)
        return self._begin(owner, folder, inside / names[models[0]], options)

    def _begin(self, owner: str, folder: TemporaryDirectory[str], file: Path, options: ProfileOptions) -> Measurement:
        with self._lock:
            if busy := self.running:
                raise MeasurementError(f"another measurement is running; yours can begin in about {duration(busy.remaining_s)}")
            # The pipe ends with this server, and so does the command.
            wanted = replace(options, onnx=file, progress_json=True, until_input_ends=True)
            command = [*self._command, "profile", *wanted.arguments()]
            with _events_file(folder).open("wb") as stream:
                process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stream)  # noqa: S603
            begun = Measurement(file, process, folder, options.budget * len(options.thread_counts) + _BEFORE_S)
            self._kept.pop(owner, None)
            self._kept[owner] = begun
        return begun

    def stop(self) -> None:
        if self.running:
            self.running.cancel()


def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="measurement-", dir=uploads().root)


def _there(file: Path) -> Path:
    """Resolve a path on this machine. Raises MeasurementError if the file cannot be measured."""
    try:
        path = file.expanduser().absolute()
        mode = path.stat().st_mode
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MeasurementError(f"the path cannot be used: {reason}; expected that of an ONNX file on this machine") from error
    if not stat.S_ISREG(mode):
        raise MeasurementError(f"{str(path)[:_LONGEST_NAME]} is no file; expected an ONNX file on this machine")
    return path


def _file_name(given: str) -> str:
    """Return the name of an uploaded file, without a folder. Raises MeasurementError for an impossible name."""
    name = Path(given).name
    if not name or not name.isprintable():
        raise MeasurementError("the name of an uploaded file holds a character that no name can hold; give it another name")
    if len(name.encode()) > _LONGEST_NAME:
        raise MeasurementError(phrase("profiles.long_name", name=name[:40], length=len(name), most=_LONGEST_NAME))
    return name


@cache
def measurements() -> Measurements:
    return Measurements()
