"""Long commands that SIGTERM or SIGINT stops at five moments: how soon and how they end, what they say, what is left."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import numpy as np
import psutil

from tests.families import CASESIM, family, kept_designs, left, started
from tests.kills.subjects import Words, nothing, photos, serve, train
from tests.kills.trial import surroundings

#: A stopped command ends within this time, in s.
SOON_S = 2.0

#: Moments of the signal, in s after the start: while Python and the packages start, then during the work.
MOMENTS_S = (0.4, 3.0, 6.0, 10.0, 15.0)

#: Longest that is waited for an end, in s.
_PATIENCE_S = 60.0

SENT = (signal.SIGTERM, signal.SIGINT)

DATA = Path(__file__).parents[3] / "shared" / "data"
DETECTOR = DATA / "coco_detectors" / "yolox_nano.onnx"

_BEGINS, _DONE = "nothing has begun", "the work was done"
_DESIGNS = "the designs that have run are kept; the same command goes on from there"
_NOTHING = "nothing is kept; the same command begins again"
_UNWRITTEN = "nothing was written"
_RESUMES = "finished networks and epochs are saved; the same command resumes from there"
_OVER = ["--over", "replicas=1:6", "--over", "operating_point", "--replications", 20]


@dataclass(frozen=True)
class Stop:
    """A command that takes long, in a folder of its own. says: the end of the line on what is kept"""

    name: str
    command: Callable[[Path], Words]
    says: str
    prepare: Callable[[Path], object] = nothing

    @property
    def can_run(self) -> bool:
        with TemporaryDirectory() as folder:  # a command may write what it is told there
            return DETECTOR.is_file() or str(DETECTOR) not in map(str, self.command(Path(folder)))


@dataclass(frozen=True)
class Stopped:
    """The end of a command.

    status: as a shell shows it, None where it had ended before the signal; seconds: from the signal to the end
    orphans: processes that are left; kept: files of finished designs
    """

    stop: Stop
    sent: signal.Signals
    moment_s: float
    status: int | None
    seconds: float
    line: str
    orphans: int
    kept: int

    @property
    def fault(self) -> str:
        """What is wrong; empty where nothing is."""
        if self.status is None:
            return ""
        if self.status != 128 + self.sent:
            return f"status {self.status}"
        if self.orphans:
            return f"{self.orphans} processes left"
        if self.seconds > SOON_S:
            return "late"
        starting = self.moment_s == MOMENTS_S[0] and not self.line  # Python itself was starting
        return "" if starting or self.line.endswith((self.stop.says, _BEGINS, _NOTHING, _DONE)) else "another line"

    @property
    def cells(self) -> tuple[str, ...]:
        status = "was done" if self.status is None else str(self.status)
        times = f"{self.moment_s:g}", self.sent.name, status, "" if self.status is None else f"{self.seconds:.2f}"
        return self.stop.name, *times, self.line, str(self.kept), self.fault


def _of_a_case(command: str, *more: object) -> Callable[[Path], Words]:
    return lambda _folder: [*CASESIM, command, "skin-cancer-triage", *more]


def _report(folder: Path) -> Words:
    return [*CASESIM, "report", "skin-cancer-triage", "--replications", 1000, "--out", folder / "report.html"]


def _two_tables(folder: Path) -> None:
    rng = np.random.default_rng(1)
    for name in ("reference", "production"):
        rows = "\n".join(",".join(map(str, row)) for row in rng.normal(size=(20_000, 12)).round(4))
        (folder / f"{name}.csv").write_text(f"{','.join('abcdefghijkl')}\n{rows}\n", encoding="utf-8")


def _monitor(folder: Path) -> Words:
    return [*CASESIM, "monitor", folder / "reference.csv", folder / "production.csv"]


def _profile(folder: Path) -> Words:
    return [*CASESIM, "profile", "--onnx", DETECTOR, "--out", folder / "out"]


def _judge(_folder: Path) -> Words:
    return [*CASESIM, "detect-eval", "--onnx", DETECTOR, "--data", DATA / "coco_val2017_128", "--conditions", "fog,rain"]


def _fidelity(folder: Path) -> Words:
    return [*CASESIM, "fidelity", "--quick", "--out", folder / "report.json"]


STOPS = [
    Stop("sweep", _of_a_case("sweep", *_OVER), _DESIGNS),
    Stop("pareto", _of_a_case("pareto", *_OVER), _DESIGNS),
    Stop("best", _of_a_case("best"), _DESIGNS),
    Stop("sensitivity", _of_a_case("sensitivity", "--points", 64), _DESIGNS),
    Stop("capacity", _of_a_case("capacity"), _DESIGNS),
    Stop("breakeven", _of_a_case("breakeven"), _DESIGNS),
    Stop("levers", _of_a_case("levers", "--trials", 20), _NOTHING),
    Stop("run", _of_a_case("run", "--replications", 1000), _NOTHING),
    Stop("report", _report, _NOTHING),
    Stop("incident", lambda _folder: [*CASESIM, "incident", "production-drift", "--play", "sensible"], _NOTHING),
    Stop("monitor", _monitor, _NOTHING, _two_tables),
    Stop("profile", _profile, _UNWRITTEN),
    Stop("detect-eval", _judge, _UNWRITTEN),
    Stop("scores train", lambda folder: train(folder, 0), _RESUMES, photos),
    Stop("fidelity", _fidelity, "the same command begins again"),
    Stop("serve", lambda folder: serve(folder, 0), "the server has ended; designs and verdicts are stored"),
]


def stopped(stop: Stop, moments_s: Sequence[float] = MOMENTS_S) -> Iterator[Stopped]:
    """Stop it once at each moment, by the two signals in turn."""
    first = STOPS.index(stop)
    for number, moment_s in enumerate(moments_s, start=first):
        with TemporaryDirectory(prefix="casesim-stops-") as folder:
            yield _stopped_at(stop, SENT[number % 2], moment_s, Path(folder))


def _stopped_at(stop: Stop, sent: signal.Signals, moment_s: float, folder: Path) -> Stopped:
    stop.prepare(folder)
    with (folder / "stderr").open("wb") as said:
        first = started(stop.command(folder), env=surroundings(folder), stderr=said, cwd=folder)
    sleep(moment_s)
    everybody, begun = family(first), monotonic()
    if first.poll() is not None:
        return Stopped(stop, sent, moment_s, None, 0.0, "", 0, len(kept_designs(folder)))
    for one in everybody if sent == signal.SIGINT else [first]:  # an interrupt reaches everybody, as from a terminal
        try:
            one.send_signal(sent)
        except psutil.NoSuchProcess:
            continue
    try:
        status = first.wait(timeout=_PATIENCE_S)
    except psutil.TimeoutExpired:
        first.kill()
        status = 0
    seconds = monotonic() - begun
    orphans = len(left(everybody[1:], within_s=5.0))
    text = (folder / "stderr").read_text(encoding="utf-8", errors="replace")
    line = next((line for line in text.splitlines()[::-1] if "stopped: " in line), "Traceback" if "Traceback" in text else "")
    kept = len(kept_designs(folder))
    return Stopped(stop, sent, moment_s, 128 - status if status < 0 else status, seconds, line, orphans, kept)
