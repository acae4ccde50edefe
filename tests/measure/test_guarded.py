"""A stranger's model takes no more than is allowed, and nothing of it is left."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from simulator.errors import InputError
from simulator.limits import MIB, Limit
from simulator.measure import guarded as module
from simulator.measure.guarded import Allowed, RefusedError, guarded
from tests.families import left

pytestmark = pytest.mark.zoo

FILE = Path("strange.onnx")
LESS = "measure a smaller one"


def told_and_done(tell: Callable[[object], None], *words: str) -> int:
    for word in words:
        tell(word)
    return os.getpid()


def asleep(tell: Callable[[object], None], signs_of_life: int = 0) -> None:
    """With a child of its own, whose id is told."""
    child = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(300,))
    child.start()
    tell(child.pid)
    for _ in range(signs_of_life):
        tell(child.pid)
        time.sleep(0.1)
    time.sleep(300)


def greedy(_tell: object) -> None:
    kept = []
    while True:
        kept.append(b"1" * (16 * MIB))


def refusing(_tell: object, how: str) -> None:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise RefusedError("run", "no") if how == "input" else ZeroDivisionError("bad luck")


def under_guard(work: Callable[..., Any], *given: object, seconds: float | None = None) -> tuple[Any, list[Any]]:
    told: list[Any] = []
    return guarded(Allowed(FILE, LESS, seconds), told.append, work, *given), told


def test_the_work_is_done_elsewhere_and_what_it_tells_is_handed_on() -> None:
    answer, told = under_guard(told_and_done, "one", "two")
    assert answer != os.getpid()
    assert not psutil.pid_exists(answer)
    assert told == ["one", "two"]


@pytest.mark.long
def test_a_silence_is_ended_with_all_that_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODEL_SILENCE", Limit("a call", 3, "seconds", "a test"))
    told: list[int] = []
    with pytest.raises(InputError) as error:
        guarded(Allowed(FILE, LESS), told.append, asleep)
    assert str(error.value) == f"{FILE}: one call of the model has not ended within 3 seconds, the limit; {LESS}"
    assert left([psutil.Process(pid) for pid in told if psutil.pid_exists(pid)]) == []


@pytest.mark.long
def test_who_tells_something_now_and_then_is_ended_by_the_time_in_all() -> None:
    with pytest.raises(InputError, match=f"is not done within 3 seconds, the most that it may take; {LESS}"):
        under_guard(asleep, 10_000, seconds=3)


def test_too_much_memory_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODEL_MEMORY", Limit("memory", 300 * MIB, "bytes", "a test"))
    with pytest.raises(InputError, match=rf"took \S+ GiB of memory, and may take 0.293 GiB on this machine; {LESS}"):
        under_guard(greedy)


@pytest.mark.parametrize(
    ("how", "error", "sentence"),
    [
        ("input", InputError, "no"),
        ("bug", ZeroDivisionError, "bad luck"),
        (
            "kill",
            InputError,
            "strange.onnx: the process that ran it died, most likely for lack of memory; measure a smaller one",
        ),
    ],
)
def test_what_goes_wrong_there_is_raised_here(how: str, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as raised:
        under_guard(refusing, how)
    assert str(raised.value) == sentence


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone can be told whom to end first")
def test_where_memory_runs_out_it_is_the_first_to_go() -> None:
    assert under_guard(how_expendable)[0] == 1000


def how_expendable(_tell: object) -> int:
    return int(Path("/proc/self/oom_score_adj").read_text())
