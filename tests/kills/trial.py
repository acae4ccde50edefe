"""One subject killed many times: every other time at any moment, else just when it has begun to write."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import psutil

from tests.families import environment, family, left, started
from tests.kills.subjects import Subject

#: How long after the first change of a file, at most, it is killed, in s; and how long it may take to write one at all.
_SOON_S, _PATIENCE_S = 0.05, 120.0

#: A subject is begun at most so often for each time that it is to be killed.
_TRIES = 4

#: So long Python itself takes to start, which an interrupt then ends with a traceback of its own, in s.
_PYTHON_S = 0.3


@dataclass
class Found:
    """How often something was wrong, of so many kills; leftovers: files of killed writers after one last undisturbed call."""

    kills: int = 0
    faults: list[str] = field(default_factory=list)
    orphans: int = 0
    wrong_exits: list[int] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.faults or self.orphans or self.wrong_exits or self.leftovers)


def tried(subject: Subject, times: int, folder: Path, seed: int = 1) -> Found:
    """Kill it so often; all that it writes is in this folder."""
    rng, found, begun = random.Random(seed), Found(), monotonic()
    (folder / subject.written).mkdir(parents=True)
    subject.prepare(folder)
    usual_s = _undisturbed(subject, folder)
    for time in range(_TRIES * times):  # some are done before the signal comes
        if found.kills == times:
            break
        _killed(subject, folder, time, rng, usual_s, found)
        if fault := subject.fault(folder):
            found.faults.append(fault)
    if not subject.engage:
        _undisturbed(subject, folder)
    found.leftovers = [path.name for path in folder.rglob("*.part*") if path.is_file()]
    found.seconds = monotonic() - begun
    return found


def _undisturbed(subject: Subject, folder: Path) -> float:
    """How long it takes, in s; of a server, which takes for ever, how long its run is left alone."""
    if subject.engage:
        return 5.0
    begun = monotonic()
    said = subprocess.DEVNULL
    subprocess.run([*map(str, subject.command(folder, 0))], check=True, env=surroundings(folder), stdout=said, stderr=said)
    return monotonic() - begun


def _killed(subject: Subject, folder: Path, time: int, rng: random.Random, usual_s: float, found: Found) -> None:
    before = _stamps(folder / subject.written)
    with (folder / "stderr").open("wb") as said:
        first = started(subject.command(folder, time), env=surroundings(folder), stderr=said)
    if subject.engage:
        subject.engage(folder, first)
    if subject.signal == signal.SIGINT:
        sleep(rng.uniform(min(_PYTHON_S, usual_s), usual_s))
    elif time % 2 or subject.status is not None or subject.engage:
        sleep(rng.uniform(0.0, usual_s))
    else:
        _until_it_writes(folder / subject.written, before, first)
        sleep(rng.uniform(0.0, _SOON_S))
    victim, everybody = subject.victim(first), family(first)
    if first.poll() is not None:  # it was done
        return
    for one in everybody if subject.signal == signal.SIGINT else [victim]:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(subject.signal)
    found.kills += 1
    _look(subject, first, victim, found)
    found.orphans += len(left(everybody[1:], within_s=15.0))


def _look(subject: Subject, first: psutil.Popen, victim: psutil.Process, found: Found) -> None:
    """How the command ended, and whether it did."""
    try:
        status = first.wait(timeout=_PATIENCE_S)
    except psutil.TimeoutExpired:
        found.faults.append("it does not end")
        first.kill()
        return
    interrupted = subject.signal == signal.SIGINT
    early = [-signal.SIGINT] if interrupted else []  # before Python was there to be told
    if subject.status is not None and (interrupted or victim != first) and status not in [subject.status, 0, *early]:
        found.wrong_exits.append(status)


def _until_it_writes(folder: Path, before: dict[Path, int], first: psutil.Popen) -> None:
    deadline = monotonic() + _PATIENCE_S
    while _stamps(folder) == before and first.poll() is None and monotonic() < deadline:
        sleep(0.002)


def _stamps(folder: Path) -> dict[Path, int]:
    found = {}
    for path in folder.rglob("*"):
        try:
            found[path] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return found


def surroundings(folder: Path) -> dict[str, str]:
    return environment(folder) | {"STREAMLIT_SERVER_HEADLESS": "true", "PYTHONWARNINGS": "ignore", "HOME": os.fspath(folder)}
