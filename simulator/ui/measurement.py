"""Measuring a person's own model: `casesim profile --onnx` as a separate process, followed from the page.

The command writes a line of JSON for each event; it goes to a file, which is read whenever the page is drawn. So no
thread has to listen, and a reloaded page finds the measurement again.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import streamlit as st
from cachetools import FIFOCache

#: How many measurements are kept, with the files that were uploaded for them.
KEPT = 4

_ENDINGS = ("done", "stopped", "error")


class MeasurementError(ValueError):
    """A measurement cannot start; the message says why and what would be right."""


@dataclass(frozen=True)
class Options:
    """How to measure, as the command takes it; None where the file decides."""

    threads: Sequence[int] = (1, 2)
    batches: Sequence[int] = ()
    budget_s: float = 30.0
    input_shape: str | None = None
    name: str | None = None
    device: str | None = None
    provider: str = "cpu"
    overwrite: bool = False

    def arguments(self) -> list[str]:
        """The arguments after `casesim profile --onnx FILE`."""
        repeated = [("--threads", str(count)) for count in self.threads] + [("--batch", str(size)) for size in self.batches]
        given = [("--input-shape", self.input_shape), ("--name", self.name), ("--device", self.device)]
        told = [*repeated, ("--budget", f"{self.budget_s:g}"), *given, ("--provider", self.provider)]
        pairs = [(name, value) for name, value in told if value]
        return [part for pair in pairs for part in pair] + (["--overwrite"] if self.overwrite else [])


@dataclass
class Measurement:
    """One run of the command; its events and uploads are in the folder, which is deleted with this object."""

    file: Path
    process: subprocess.Popen[bytes]
    folder: TemporaryDirectory[str]
    id: str = field(default_factory=lambda: token_hex(4))

    @property
    def running(self) -> bool:
        """Whether the command is still running."""
        return self.process.poll() is None

    @property
    def events(self) -> list[dict[str, Any]]:
        """The command's events so far; `simulator.making.zoo.progress` describes each."""
        return [event for line in self._lines() if (event := _event(line))]

    @property
    def share(self) -> float:
        """The share that is done, 0 to 1."""
        return max((float(event["done"]) for event in self._all("progress")), default=0.0)

    @property
    def title(self) -> str:
        """The model as the command names it; the file's name until the command has read it."""
        begun = next(self._all("start"), None)
        return f"{begun['model']} {begun['precision']} on {begun['device']}" if begun else self.file.name

    @property
    def medians(self) -> dict[int, dict[int, float]]:
        """The medians so far in ms, by thread count and batch size."""
        found: dict[int, dict[int, float]] = {}
        for event in self._all("progress"):
            if event["medians_ms"]:
                found[int(event["threads"])] = {int(size): float(value) for size, value in event["medians_ms"].items()}
        return found

    @property
    def notes(self) -> list[str]:
        """What a person should know."""
        return [str(event["text"]) for event in self._all("note")]

    @property
    def ending(self) -> str:
        """done, stopped or error once the command has ended; empty before."""
        if self.running:
            return ""
        return next((str(event["event"]) for event in reversed(self.events) if event["event"] in _ENDINGS), "error")

    @property
    def complaint(self) -> str:
        """The command's own sentence about what went wrong, once it has ended with one."""
        said = next((str(event["text"]) for event in self._all("error")), None)
        return said or f"the command ended with status {self.process.returncode}: {self._last_words()}"

    @property
    def profile(self) -> Path:
        """Where the profile was written; only after the ending `done`."""
        return Path(next(str(event["profile"]) for event in self._all("done")))

    def cancel(self) -> None:
        """Ask the command to stop; it then writes nothing."""
        self.process.terminate()

    def _all(self, kind: str) -> Iterator[dict[str, Any]]:
        return (event for event in self.events if event["event"] == kind)

    def _lines(self) -> list[str]:
        return _told(self.folder).read_text(encoding="utf-8", errors="replace").splitlines()

    def _last_words(self) -> str:
        return next((line.strip() for line in reversed(self._lines()) if line.strip()), "it printed nothing")


def _told(folder: TemporaryDirectory[str]) -> Path:
    """Where the command's events are written."""
    return Path(folder.name) / "progress.jsonl"


def _event(line: str) -> dict[str, Any] | None:
    """The event of a line; None for output of a library."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


class Measurements:
    """The measurements of all sessions. One runs at a time: two would slow each other down."""

    def __init__(self, command: Sequence[str] = (sys.executable, "-m", "simulator.commands")) -> None:
        self._command = list(command)
        self._kept: FIFOCache[str, Measurement] = FIFOCache(KEPT)
        self._lock = Lock()
        atexit.register(self.stop)

    def get(self, key: str | None) -> Measurement | None:
        """The measurement of that id, if it is still kept."""
        return self._kept.get(key or "")

    @property
    def running(self) -> Measurement | None:
        """The one that is running."""
        return next((one for one in self._kept.values() if one.running), None)

    def start(self, file: Path, options: Options) -> Measurement:
        """Measure a file on this machine. Raises MeasurementError while another measurement runs."""
        return self._begin(TemporaryDirectory(prefix="casesim-"), file.expanduser().absolute(), options)

    def start_upload(self, files: Mapping[str, bytes | memoryview], options: Options) -> Measurement:
        """Measure the one `.onnx` file among these by name; the others are its weights. Raises MeasurementError."""
        models = [name for name in files if name.endswith(".onnx")]
        if len(models) != 1:
            raise MeasurementError(f"expected one file that ends in .onnx, got {len(models)}; its weights may come with it")
        folder = TemporaryDirectory(prefix="casesim-")
        inside = Path(folder.name) / "model"
        inside.mkdir()
        for name, content in files.items():
            (inside / Path(name).name).write_bytes(content)
        return self._begin(folder, inside / Path(models[0]).name, options)

    def _begin(self, folder: TemporaryDirectory[str], file: Path, options: Options) -> Measurement:
        with self._lock:
            if busy := self.running:
                raise MeasurementError(f"{busy.title} is being measured; two at once would slow each other down")
            told = "--progress-json", "--until-input-ends"  # the pipe ends with this server, and so does the command
            command = [*self._command, "profile", "--onnx", str(file), *told, *options.arguments()]
            with _told(folder).open("wb") as stream:
                process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stream)  # noqa: S603
            begun = Measurement(file, process, folder)
            self._kept[begun.id] = begun
        return begun

    def stop(self) -> None:
        """End the running measurement when the server ends."""
        if self.running:
            self.running.cancel()


@st.cache_resource(show_spinner=False)
def measurements() -> Measurements:
    """The one list of this server."""
    return Measurements()
