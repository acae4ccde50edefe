"""What is killed: a command, whose files are looked at afterwards, or a server at work."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from simulator.case.load import find
from simulator.cli.exits import INTERRUPTED
from tests.families import CASESIM, family, until

#: Words of a command line.
Words = list[object]


def nothing(_folder: Path) -> None:
    """Neither prepared, nor at fault."""


@dataclass(frozen=True)
class Subject:
    """Something that is killed.

    command: its words, in a folder of its own, at each of many times; written: the folder in which it writes
    fault: what is mixed or half written there, None for nothing; engage: gets it to work, once it has begun
    victim: who is killed, of it and all below it; status: of a command that outlives the victim, or ends by itself
    signal: by which; an interrupt reaches everybody, as from a terminal
    """

    name: str
    command: Callable[[Path, int], Words]
    written: str = "out"
    prepare: Callable[[Path], object] = nothing
    fault: Callable[[Path], str | None] = nothing
    engage: Callable[[Path, psutil.Popen], object] | None = None
    victim: Callable[[psutil.Popen], psutil.Process] = lambda first: first
    status: int | None = None
    signal: signal.Signals = signal.SIGKILL


def _unreadable(folder: Path) -> str | None:
    """The first file of JSON that is not whole."""
    for path in folder.rglob("*.json"):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            return f"{path.name} is half written"
    return None


# A run, one of whose workers is killed, or which is killed while it writes its trace.


def _content(folder: Path) -> None:
    """A case of which every objective is met: then no advice is tried, and nothing but the run and its trace takes time."""
    text = find("skin-cancer-triage").read_text(encoding="utf-8")
    text = re.sub(r"at_least: [\d.]+, label", "at_least: 0, label", re.sub(r"at_most: \d+, label", "at_most: 1e9, label", text))
    (folder / "content.yaml").write_text(text.replace("id: skin-cancer-triage", "id: content"), encoding="utf-8")


def _run(folder: Path, _time: int) -> Words:
    return [*CASESIM, "run", folder / "content.yaml", "--replications", 6, "--trace-out", folder / "out" / "run.json"]


def _complains(folder: Path) -> str | None:
    said = (folder / "stderr").read_text(encoding="utf-8", errors="replace")
    return f"it printed a traceback:\n{said}" if "Traceback" in said else _unreadable(folder)


def _levers(folder: Path, _time: int) -> Words:
    return [*CASESIM, "levers", folder / "content.yaml", "--replications", 4, "--trials", 2]


def _some_worker(first: psutil.Popen) -> psutil.Process:
    until(lambda: len(family(first)) > 1 or first.poll() is not None, "a worker")
    return random.choice(family(first)[1:] or [first])


# An import of a table of one size over one of another.


def _tables(folder: Path) -> None:
    for size in (4000, 6000):
        rows = "".join(f"i{row},p{row},{row % 2},{(row * 7919 % size) / size}\n" for row in range(size))
        (folder / f"{size}.csv").write_text(f"id,group,label,score\n{rows}", encoding="utf-8")


def _import(folder: Path, time: int) -> Words:
    return [*CASESIM, "scores", "import", folder / f"{(4000, 6000)[time % 2]}.csv", "--model", "mine", "--overwrite"]


def _mixed(folder: Path) -> str | None:
    """Whether a reader takes the rows of one table under the description of the other."""
    from simulator.evidence.score_tables import score_names, score_rows

    there = folder / "data" / "casesim" / "scores"
    with suppress(Exception):  # a table that is refused is neither, and counts as such
        for name in score_names(there):
            if (found := len(score_rows(name, there))) not in (4000, 6000):
                return f"{found} rows"
        return None
    return "no table can be read"


# A measurement of a small model, and a training of a small network.


def _model(folder: Path) -> None:
    from tests.hostile import elsewhere

    (folder / "w.bin").write_bytes(b"1234")
    elsewhere(folder / "net.onnx", "w.bin")


def _profile(folder: Path, _time: int) -> Words:
    quick = ["--threads", 1, "--batch", 1, "--budget", 0.5, "--device", "here", "--overwrite"]
    return [*CASESIM, "profile", "--onnx", folder / "net.onnx", *quick, "--out", folder / "out"]


TRAINING = """
import sys
from pathlib import Path
from simulator.cli.main import main
from simulator.cli.signals import at_once
with at_once():
    from torch import nn
    from simulator.measure import score_training as tables
    from simulator.measure.architectures import ARCHITECTURES, Architecture
    from simulator.measure.score_training import Fitted, Mean

class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self._fc = nn.Linear(32, 5)

    def forward(self, image):
        return self._fc(self.body(image))

half = (0.5, 0.5, 0.5)
ARCHITECTURES["tiny"] = Architecture("tiny", 16, "random", half, half, Tiny)
tables.FITTED, tables.MODELS = {"tiny": Fitted("tiny")}, {"tiny": Mean(("tiny",))}
if __name__ == "__main__":
    main()
"""


def photos(folder: Path) -> None:
    import numpy as np
    from PIL import Image

    (folder / "train.py").write_text(TRAINING, encoding="utf-8")
    (folder / "photos" / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = ["file,patient_id,malignant,diagnostic,fitspatrick"]
    for number in range(20):
        Image.fromarray(rng.integers(0, 200, (16, 16, 3), dtype=np.uint8)).save(folder / "photos" / "images" / f"{number}.png")
        lines.append(f"{number}.png,P{number},{number % 2},{'MEL' if number % 2 else 'NEV'},{number % 6 + 1}")
    (folder / "photos" / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def train(folder: Path, _time: int) -> Words:
    words = ["scores", "train", folder / "photos", "--precision", "fp32", "--out", folder / "out"]
    return [sys.executable, folder / "train.py", *words]


def _half_a_table(folder: Path) -> str | None:
    """Whether a table lies there without its description, whole or in part."""
    rows = [len(path.read_text(encoding="utf-8").splitlines()) for path in (folder / "out").glob("*.csv")]
    return "a table is half written" if any(count != 21 for count in rows) else None


# A server at a run.


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def serve(folder: Path, _time: int) -> Words:
    (folder / "port").write_text(str(_free_port()), encoding="utf-8")
    return [*CASESIM, "serve", "--port", (folder / "port").read_text()]


def _at_a_run(folder: Path, server: psutil.Popen) -> None:
    """Open the page of a case, whose run begins by itself, and go on reading it until the server is gone."""
    address = f"http://127.0.0.1:{(folder / 'port').read_text()}"
    running = threading.Event()
    until(lambda: _answers(folder) or server.poll() is not None, "a server")
    threading.Thread(target=lambda: asyncio.run(_visit(address, running)), daemon=True).start()
    running.wait(timeout=120)


async def _visit(address: str, running: threading.Event) -> Any:
    from benchmarks.crowd.tab import opened

    with suppress(Exception):  # the server is going to be killed
        async with opened(address, "practice", "case=skin-cancer-triage") as tab:
            await tab.until(lambda: tab.said, 120)
            running.set()
            await asyncio.sleep(60)


def _answers(folder: Path) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", int((folder / "port").read_text()))) == 0


def _port_taken(folder: Path) -> str | None:
    return "the port is taken" if _answers(folder) else None


SUBJECTS = [
    Subject("server", serve, "data", fault=_port_taken, engage=_at_a_run),
    Subject("worker of a run", _run, prepare=_content, fault=_unreadable, victim=_some_worker, status=0),
    Subject("run, interrupted", _run, prepare=_content, fault=_complains, status=INTERRUPTED, signal=signal.SIGINT),
    Subject("levers, interrupted", _levers, prepare=_content, fault=_complains, status=INTERRUPTED, signal=signal.SIGINT),
    Subject("run --trace-out", _run, prepare=_content, fault=_unreadable),
    Subject("scores import --overwrite", _import, "data/casesim/scores", _tables, _mixed),
    Subject("profile --onnx", _profile, prepare=_model, fault=_unreadable),
    Subject("scores train", train, prepare=photos, fault=_half_a_table),
]
