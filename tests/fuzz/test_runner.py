"""The runner can fail: each way in which an input may go wrong is told apart, and leaves what went wrong behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.runner import Kind, Limits, Refusal, Trial, verdicts
from tests.patience import PATIENCE_S


def endless(trial, folder):
    while True:
        pass


def hungry(trial, folder):
    return bytearray(2**31) and None


def asleep(trial, folder):
    subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], check=True)


def broken(trial, folder):
    raise ZeroDivisionError("division by zero")


def gone(trial, folder):
    os.kill(os.getpid(), signal.SIGUSR1)


WAYS = {
    "ran": (lambda trial, folder: None, ""),
    "refused": (lambda trial, folder: Refusal("a.yaml:1:1: id: missing", placed=True), "id: missing"),
    "no place": (lambda trial, folder: Refusal("it does not work", placed=False), "it does not work"),
    "crash": (broken, "ZeroDivisionError"),
    "crash, by a signal": (gone, "the process ended with -10"),
    "no end": (endless, "had not ended"),
    "no end, though it takes no processor": (asleep, "had not ended"),
    "memory": (hungry, "MemoryError"),
}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="without it memory is not limited")
@pytest.mark.parametrize(
    ("ending", "attempt", "said"),
    [pytest.param(name, *way, marks=pytest.mark.long if way[0] is asleep else (), id=name) for name, way in WAYS.items()],
)
def test_every_ending_is_told_apart(ending, attempt, said, tmp_path):
    limits = Limits(1 if attempt is endless else 60, 3 if attempt is asleep else PATIENCE_S, memory_mib=512)
    kind = Kind("tried", 1, lambda seed, count: [], attempt, limits=limits)
    [verdict] = verdicts(kind, [Trial("0", {"deep/a.txt": b"x"}, changed="nothing")], tmp_path, at_once=2)
    assert verdict.ending == ending.split(",")[0]
    assert said in verdict.said
    assert verdict.failed == (ending not in ("ran", "refused"))
    assert (tmp_path / "tried" / "0" / "deep" / "a.txt").exists() == verdict.failed


def test_all_trials_are_tried_each_once_whatever_ends_first(tmp_path):
    def attempt(trial, folder):
        return Refusal(trial.name, placed=True)

    trials = [Trial(str(number)) for number in range(9)]
    found = verdicts(Kind("many", 1, lambda seed, count: [], attempt), trials, tmp_path, at_once=4)
    assert sorted(verdict.said for verdict in found) == sorted(trial.name for trial in trials)
