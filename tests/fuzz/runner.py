"""Tries what a person may bring along, each in a process of its own with limits, and judges how that ended."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Literal

Ending = Literal["ran", "refused", "no place", "crash", "no end", "memory"]
ENDINGS: tuple[Ending, ...] = ("ran", "refused", "no place", "crash", "no end", "memory")
#: The endings that no input may have.
FAILURES: tuple[Ending, ...] = ("no place", "crash", "no end", "memory")

#: Characters that a terminal obeys; no output of a command that is read by a program may hold one.
STEERING = {chr(number) for number in (*range(32), *range(127, 160))} - set("\n\t")


@dataclass(frozen=True)
class Limits:
    """What one attempt may take: seconds of processor and of wall clock, MiB beyond what the parent has."""

    cpu_s: int = 40
    wall_s: float = 120
    memory_mib: int = 2048


@dataclass(frozen=True)
class Trial:
    """One hostile input. files: by their path in the folder of the trial; words: a command line; changed: what is hostile."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    changed: str = ""


@dataclass(frozen=True)
class Refusal:
    """What was said against an input, and whether that names the place of the fault."""

    sentence: str
    placed: bool


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    trials: the inputs that a seed gives, so many
    attempt: uses one that lies in a folder; None if that worked. Whatever it raises is a crash
    prepare: imports what the attempts need, once, before they are forked
    """

    name: str
    least: int
    trials: Callable[[int, int], Iterable[Trial]]
    attempt: Callable[[Trial, Path], Refusal | None]
    prepare: Callable[[], object] = lambda: None
    limits: Limits = Limits()


@dataclass(frozen=True)
class Verdict:
    """How a trial ended, and the words that go with it."""

    trial: Trial
    ending: Ending
    said: str
    seconds: float

    @property
    def failed(self) -> bool:
        return self.ending in FAILURES


@dataclass
class _Running:
    trial: Trial
    folder: Path
    begun: float = field(default_factory=monotonic)


def verdicts(kind: Kind, trials: Iterable[Trial], work: Path, at_once: int) -> Iterator[Verdict]:
    """Try each in a forked process, so many at once; a verdict as each ends. Folders of what failed stay in `work`."""
    kind.prepare()
    running: dict[int, _Running] = {}
    waiting = iter(trials)
    while True:
        while len(running) < at_once and (trial := next(waiting, None)):
            folder = work / kind.name / trial.name
            running[_forked(kind, trial, folder)] = _Running(trial, folder)
        if not running:
            return
        yield from _ended(kind, running)
        sleep(0.002)


def _forked(kind: Kind, trial: Trial, folder: Path) -> int:
    _sweep(folder)
    for name, content in trial.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".trial").write_text(json.dumps({"words": trial.words, "changed": trial.changed}), encoding="utf-8")
    sys.stdout.flush()
    child = os.fork()
    if not child:
        _child(kind, trial, folder)
    return child


def _child(kind: Kind, trial: Trial, folder: Path) -> None:
    """In the forked process: try it, leave the answer in a file, and end without unwinding the parent's frames."""
    os.setsid()  # whatever it starts can be ended with it
    streams = os.open(folder / ".streams", os.O_RDWR | os.O_CREAT)
    os.dup2(streams, 1)
    os.dup2(streams, 2)
    _limit(kind.limits)
    try:
        refusal = kind.attempt(trial, folder)
        ending, said = ("ran", "") if refusal is None else ("refused" if refusal.placed else "no place", refusal.sentence)
    except MemoryError as error:
        ending, said = "memory", repr(error)
    except BaseException:
        ending, said = "crash", traceback.format_exc()
    sys.setrecursionlimit(10_000)
    (folder / ".verdict").write_text(json.dumps([ending, said]), encoding="utf-8")
    os._exit(0)


def _limit(limits: Limits) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    most = pages * resource.getpagesize() + limits.memory_mib * 2**20
    if pages:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 2**20, 64 * 2**20))


def _ended(kind: Kind, running: dict[int, _Running]) -> Iterator[Verdict]:
    for child, one in list(running.items()):
        taken = monotonic() - one.begun
        done, status = os.waitpid(child, os.WNOHANG)
        late = not done and taken > kind.limits.wall_s
        if not done and not late:
            continue
        _end_family(child)
        if late:
            os.waitpid(child, 0)
        del running[child]
        verdict = Verdict(one.trial, *_judged(one.folder, status, late), taken)
        if not verdict.failed:
            _sweep(one.folder)
        yield verdict


def _sweep(folder: Path) -> None:
    """Remove a folder. A command may have made a thousand in it, one in the other, and `shutil` calls itself for each."""
    if folder.exists():
        subprocess.run(["rm", "-rf", "--", folder], check=True)


def _end_family(child: int) -> None:
    """End what the attempt has started and left."""
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def _judged(folder: Path, status: int, late: bool) -> tuple[Ending, str]:
    answer = folder / ".verdict"
    if late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)):
        return "no end", "it had not ended when its seconds were over"
    if answer.is_file() and (text := answer.read_text(encoding="utf-8")):
        ending, said = json.loads(text)
        return ending, said
    last = (folder / ".streams").read_text(encoding="utf-8", errors="replace")[-2000:]
    return "crash", f"the process ended with {os.waitstatus_to_exitcode(status)}: {last}"
