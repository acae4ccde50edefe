"""No process outlives whoever started it, and what a killed one was at begins again, once."""

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from time import sleep

import pytest

from campaigns.over_processes import over_processes
from simulator.processes import KilledError, ProcessPool
from tests.families import CASESIM, busy_family, left, started
from tests.patience import PATIENCE_S

AGAIN = "a worker process was killed, perhaps for lack of memory; its work was restarted\n"

ASLEEP = """
from threading import Thread, main_thread
from time import sleep
from simulator.processes import ProcessPool
if __name__ == "__main__":
    with ProcessPool(2) as pool:
        list(pool.map(sleep, [300, 300]))
"""


@pytest.mark.long
def test_workers_end_with_their_parent(tmp_path):
    program = tmp_path / "asleep.py"
    program.write_text(ASLEEP, encoding="utf-8")
    parent = started([sys.executable, program])
    everybody = busy_family(parent, 3)
    sleep(0.5)
    parent.kill()
    assert left(everybody) == []


@pytest.mark.long
def test_the_workers_of_a_command_end_with_it():
    parent = started([*CASESIM, "run", "skin-cancer-triage", "--replications", 1000])
    everybody = busy_family(parent, 2)
    parent.kill()
    assert left(everybody) == []


def test_a_command_ends_with_the_pipe_that_is_its_input():
    program = "from time import sleep; from simulator.processes import end_with_input; end_with_input(); print(); sleep(300)"
    child = started([sys.executable, "-u", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline()
    assert child.is_running()
    child.stdin.close()
    assert child.wait(timeout=PATIENCE_S) == -signal.SIGTERM


def test_a_command_that_watches_its_input_can_end_by_itself():
    program = "from simulator.processes import end_with_input; end_with_input()"
    child = started([sys.executable, "-c", program], stdin=subprocess.PIPE)
    assert child.wait(timeout=PATIENCE_S) == 0
    child.stdin.close()


def killed_until(mark, times):
    """A worker that kills itself until it has done so this often, the times being counted in a file."""
    with mark.open("a") as file:
        file.write("x")
    if len(mark.read_text()) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def test_what_a_killed_worker_was_at_begins_again_once_and_says_so(tmp_path, capsys):
    with ProcessPool(1) as pool:
        assert pool.submit(killed_until, tmp_path / "once", 1).result() == "done"
        assert capsys.readouterr().err == AGAIN
        with pytest.raises(KilledError, match="was killed twice, perhaps for lack of memory"):
            pool.submit(killed_until, tmp_path / "twice", 2).result()
        assert pool.submit(abs, -1).result() == 1


def squared(given):
    """The square of a number; the process that meets the last one first dies of it."""
    number, mark = given
    if mark and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


@pytest.mark.parametrize("count", [1, 2])
def test_what_comes_of_many_is_told_in_order(count):
    assert list(over_processes(abs, [-3, 2, -1], count)) == [3, 2, 1]


def test_of_many_only_the_killed_one_begins_again(tmp_path, capsys):
    wanted = [(number, tmp_path / "mark" if number == 19 else None) for number in range(20)]
    assert list(over_processes(squared, wanted, 2)) == [number**2 for number in range(20)]
    assert capsys.readouterr().err == AGAIN


def test_work_is_dropped_where_its_reason_is_gone():
    with pytest.raises(KeyboardInterrupt), ProcessPool(1) as pool:
        pool.submit(sleep, 300)
        raise KeyboardInterrupt


def sent_in_part(connection, answer, *given):
    """Send the head of a long answer and half of the rest, and kill this process."""
    if len(answer) > 2**20:
        send(connection, answer[: len(answer) // 2], *given)
        os.kill(os.getpid(), signal.SIGKILL)
    send(connection, answer, *given)


send = Connection._send


def long_answer(mark):
    """A long answer; the first time only a part of it comes."""
    if not mark.exists():
        mark.touch()
        Connection._send = sent_in_part
    return bytes(2**26)


def test_an_answer_that_is_cut_off_leaves_nobody_waiting(tmp_path, capsys):
    with ProcessPool(2) as pool:
        assert len(pool.submit(long_answer, tmp_path / "mark").result(timeout=PATIENCE_S)) == 2**26
    assert capsys.readouterr().err == AGAIN
