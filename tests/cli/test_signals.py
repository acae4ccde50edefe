"""A signal ends a command soon, whatever the command is at; a line says what is kept."""

import os
import signal
import subprocess
import sys
from io import StringIO
from threading import Event

import psutil
import pytest
from rich.console import Console

from simulator.cli.exits import LINE_EVERY_S, Bars
from simulator.cli.signals import keeping, stop_line
from simulator.cli.watchdog import CHILDREN_S, GRACE_S
from simulator.processes import over_threads
from tests.families import CASESIM, environment, family, kept_designs, left, spins, started, until
from tests.patience import PATIENCE_S

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
both = pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])

BEGINNING = """
import re
import time
from simulator.cli.signals import keeping, killed_if_stuck, unwinding
from simulator.cli.exits import tell
"""

SWALLOWS = """
with unwinding(), keeping("two parts are kept"):
    while True:
        try:
            print("ready", flush=True)
            time.sleep(300)
        except BaseException:
            pass
"""

#: Python cannot raise what a finalizer raises; so it prints it, and goes on.
SWALLOWS_IN_A_FINALIZER = """
class Waits:
    def __del__(self):
        print("ready", flush=True)
        time.sleep(300)
with unwinding(), keeping("two parts are kept"):
    while True:
        Waits()
"""

TURNS = """
import simulator.cli.commands as commands
from simulator.cli.main import main

def call(words):
    try:
        print("ready", flush=True)
        time.sleep(300)
    except BaseException as error:
        raise ImportError("a module that was interrupted") from error

commands.call = call
main()
"""

#: However long a machine stands still: the command ends by itself.
PATIENTLY = """
from simulator.cli import signals
signals.GRACE_S = 1000
"""

CLEANS_UP = f"""{PATIENTLY}
try:
    with unwinding():
        try:
            with keeping("two parts are kept"):
                print("ready", flush=True)
                time.sleep(300)
        finally:
            print("cleaned up", flush=True)
except KeyboardInterrupt as error:
    raise SystemExit(tell(error))
"""

CLEANS_UP_BESIDE_ANOTHER = CLEANS_UP.replace("unwinding()", "unwinding(), killed_if_stuck()")

#: A thread in `re` holds the interpreter's lock for years; the main thread would heed a signal there.
STUCK = """
from threading import Thread
def hold():
    print("ready", flush=True)
    re.match("(a+)+$", "a" * 60 + "b")
with unwinding(), killed_if_stuck():
    Thread(target=hold).start()
    time.sleep(300)
"""

STUCK_BELOW = """
from simulator.processes import lone_worker
with unwinding(), killed_if_stuck():
    worker = lone_worker()
    worker.submit(re.match, "(a+)+$", "a" * 60 + "b")
    print(*worker._processes, flush=True)
    while True:
        try:
            time.sleep(300)
        except BaseException:
            pass
"""

KILLED = "stopped: the process was at a call that did not return, and was killed\n"


def asleep(process):
    until(lambda: process.status() == psutil.STATUS_SLEEPING, "a process that sleeps")


def ended(program, sent, ready=lambda process: None):
    """The exit status, the output and the errors of a program that gets a signal once it has printed a line and is ready."""
    process = started([sys.executable, "-c", BEGINNING + program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    ready(process)
    process.send_signal(sent)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out.decode(), err.decode()


@posix
@both
@pytest.mark.parametrize("swallows", [SWALLOWS, SWALLOWS_IN_A_FINALIZER])
def test_a_command_that_swallows_the_signal_is_ended_all_the_same(swallows, sent, status):
    # A sleeping thread is woken by the signal; one that has just printed may wait for a processor until all is over.
    status_was, out, err = ended(swallows, sent, asleep)
    assert (status_was, {*out.split()}, err) == (status, {"ready"}, "stopped: two parts are kept\n")


@posix
def test_a_command_whose_threads_all_wait_for_the_interpreter_is_killed_from_beside():
    assert ended(STUCK, signal.SIGTERM, spins) == (-signal.SIGKILL, "", KILLED)
    assert GRACE_S + CHILDREN_S < 5


@posix
@both
def test_a_process_beside_a_command_changes_nothing_where_the_command_ends_by_itself(sent, status):
    assert ended(CLEANS_UP_BESIDE_ANOTHER, sent) == (status, "cleaned up\n", "stopped: two parts are kept\n")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the processes below another are not listed")
def test_a_worker_that_is_stuck_ends_with_its_command():
    process = started([sys.executable, "-c", BEGINNING + STUCK_BELOW], stdout=subprocess.PIPE)
    worker = psutil.Process(int(process.stdout.readline()))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) == 143
    assert left([worker]) == []


@posix
@both
def test_a_second_signal_ends_a_command_at_once_and_says_nothing(sent, status):
    words = [sys.executable, "-c", BEGINNING + PATIENTLY + SWALLOWS]
    process = started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(2):  # the second line comes once the first signal has been swallowed
        process.stdout.readline()
        process.send_signal(sent)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (status, b"")


@posix
@both
def test_a_signal_that_a_library_turns_into_another_error_stops_the_command_all_the_same(sent, status):
    assert ended(TURNS, sent) == (status, "", "stopped: nothing is kept; the same command begins again\n")


@posix
@both
def test_a_command_cleans_up_before_it_says_what_is_kept(sent, status):
    assert ended(CLEANS_UP, sent) == (status, "cleaned up\n", "stopped: two parts are kept\n")


@pytest.mark.long
@posix
def test_a_search_in_threads_ends_with_its_processes_and_keeps_its_designs(tmp_path):
    words = [*CASESIM, "capacity", "retry-storm", "--replications", 2]
    process = started(words, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: kept_designs(tmp_path) or process.poll() is not None, "a design")
    everybody = family(process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (143, b"")
    assert err.decode() == "stopped: the designs that have run are kept; the same command goes on from there\n"
    assert left(everybody[1:]) == []


def test_an_error_does_not_wait_for_threads_whose_work_goes_on():
    released, through = Event(), []

    def work(number):
        if number:
            released.wait(PATIENCE_S)
            through.append(number)
        return number

    with pytest.raises(KeyboardInterrupt):
        for _ in over_threads(work, [0, 1], 2):
            raise KeyboardInterrupt
    assert through == []
    released.set()


def test_threads_give_their_results_in_order():
    assert [*over_threads(abs, [-3, 2, -1], 2)] == [3, 2, 1]


def test_only_work_that_ends_by_itself_puts_back_the_sentence_before(monkeypatch):
    monkeypatch.setattr("simulator.cli.signals._Stop.kept", "nothing")
    monkeypatch.setattr("simulator.cli.signals._Stop.said", False)
    with keeping("one part"):
        pass
    with pytest.raises(KeyboardInterrupt), keeping("two parts"):
        with keeping(lambda: "three parts"):
            pass
        raise KeyboardInterrupt
    assert (stop_line(), stop_line()) == ("stopped: two parts", "")


def test_where_there_is_no_terminal_a_line_comes_at_most_every_ten_seconds(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("simulator.cli.exits.monotonic", lambda: now[0])
    out = StringIO()
    with Bars(console=Console(file=out), transient=True) as bar:
        task = bar.add_task("designs", total=200)
        for done in range(1, 101):  # a design takes a quarter of a second
            now[0] += LINE_EVERY_S / 40
            bar.update(task, completed=done)
    assert out.getvalue().split() == ["designs:", "20%", "designs:", "40%"]


def test_a_terminal_keeps_its_bar(monkeypatch):
    monkeypatch.setattr("simulator.cli.exits.LINE_EVERY_S", 0)
    out = StringIO()
    with Bars(console=Console(file=out, force_terminal=True), transient=True) as bar:
        bar.update(bar.add_task("designs", total=4), completed=1)
    assert "\x1b[" in out.getvalue()
    assert "designs: 25%" not in out.getvalue()
