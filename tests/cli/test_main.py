"""The command as a whole: that it starts light, and that whatever ends it ends in a status and at most a sentence."""

import inspect
import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from time import monotonic, sleep

import pytest
import typer

from simulator.cli.commands import COMMANDS, summary_of
from tests.patience import PATIENCE_S

COMMAND = [sys.executable, "-m", "simulator.cli"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


def run(words, **how):
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    return subprocess.run([*COMMAND, *words], check=False, **how)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name):
    module, _, function = COMMANDS[name].partition(":")
    found = getattr(import_module(f"simulator.{module}"), function)
    told = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
    assert told.split("\n\n")[0].replace("\n", " ") == summary_of(name)


def test_help_and_version_import_none_of_the_heavy_packages():
    heavy = "{'numpy', 'pandas', 'scipy', 'pydantic', 'streamlit', 'simulator.case.schema', 'simulator.evidence'}"
    code = f"""
import sys, simulator.cli.main as command
sys.argv = ["casesim", "--help"]
try: command.main()
except SystemExit as ended: assert ended.code == 0
assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "casesim: there is no command 'nosuch'; casesim --help lists the options\n"),
        (["rum"], "casesim: there is no command 'rum'; did you mean 'run'? casesim --help lists the options\n"),
        (["run"], "casesim run: CASE is missing: the id of a case, or the path of a YAML file; casesim run --help"),
        (["run", "retry-storm", "b c"], "casesim run: b c: one argument too many; expected CASE alone, with quotation marks"),
        (["run", "retry-storm", "replicas=3"], "one argument too many; did you mean '--set replicas=3'? casesim run"),
        (["proof", "retry-storm"], "casesim proof: retry-storm: this command takes no case; type its options alone, such as"),
        (["lab", "retry-storm"], "type its options alone, such as casesim lab --photos PHOTOS; casesim lab --help lists"),
        (["cases", "retry-storm"], "type its options alone, such as casesim cases --"),
        (["run", "retry-storm", "--nosuch"], "casesim run: there is no option --nosuch; casesim run --help"),
        (["run", "retry-storm", "--sed", "1"], "casesim run: there is no option --sed; did you mean '--seed'? casesim run"),
        (
            ["run", "retry-storm", "--seed", "\x1b[31m"],
            r"casesim run: --seed \x1b[31m: expected a whole number",
        ),
        (["run", "retry-storm", "--seed", "1.5"], "casesim run: --seed 1.5: expected a whole number from 0 to 2,147,483,647;"),
        (["run", "retry-storm", "--replications", "0"], "--replications 0: expected a whole number from 2 to 1,000;"),
        (["run", "retry-storm", "--replications"], "casesim run: --replications has no value; expected one behind it;"),
        (["run", "retry-storm", "--json=yes"], "casesim run: --json stands alone; expected no value behind it;"),
        (
            ["run", "retry-storm", "--set", "replicas=99"],
            "--set replicas=99: 99 is out of range; expected 2 to 4 in steps of 1",
        ),
        (["levers", "retry-storm", "--set", "x=1"], "--set x=1: there is no choice 'x'; expected one of: network, "),
        (
            ["sweep", "retry-storm", "--set", "retries=nave"],
            "--set retries=nave: 'nave' is not an option; did you mean 'naive'",
        ),
        (["sweep", "retry-storm", "--points=1"], "casesim sweep: --points 1: expected a whole number of at least 2;"),
        (["profile", "--batch", "2", "--batch", "0"], "casesim profile: --batch 0: expected a whole number from 1 to 4,096;"),
        (["profile", "--budget", "0"], "casesim profile: --budget 0: expected a number of at least 0.1;"),
        (["serve", "--uploads", "min"], "casesim serve: --uploads min: did you mean 'mine'?"),
        (["report", "retry-storm"], "casesim report: --out is missing: where to write it;"),
        (["scores", "lst"], "casesim scores: there is no command 'lst'; did you mean 'list'?"),
        (["run", ""], "there is no such case or file"),
        (["run", "x" * 5000], "there is no such case or file"),
        (["run", "\udcff\x1b.yaml"], r"\udcff\x1b.yaml"),
        (["run", "retry-storm", "--trace-out", "."], ".: is a folder; name a file in it, such as trace.json"),
        (["run", "retry-storm", "--trace-out", ""], ".: is a folder"),
        (["run", "retry-storm", "--trace-out", "x" * 260 + ".json"], "File name too long"),
    ],
)
def test_a_wrong_command_line_is_answered_in_a_sentence(words, said, casesim):
    status, out, err = casesim(*words)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert "\x1b" not in err


@pytest.mark.long
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_behind_standard_output_is_told():
    with Path("/dev/full").open("w") as full:
        ended = run(["cases", "--json"], stdout=full)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (74, 1)
    assert b"No space left on device" in ended.stderr


@pytest.mark.long
@pytest.mark.parametrize("words", [["cases"], ["--help"], ["run", "--help"]])
def test_nobody_is_told_that_nobody_reads(words):
    read, write = os.pipe()
    os.close(read)
    ended = run(words, stdout=write)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.long
def test_a_terminal_of_ascii_gets_escapes_for_what_it_cannot_show(tmp_path):
    name = "fälle\udcff.yaml"
    ended = run(["run", os.fsencode(name)], env=os.environ | ASCII)
    assert ended.returncode == 2
    assert rb"f\xe4lle" in ended.stderr or rb"f\udcc3\udca4lle" in ended.stderr
    assert b"Traceback" not in ended.stderr


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="a shell closes streams in this way on POSIX")
def test_closed_streams_do_not_matter():
    line = f"{sys.executable} -m simulator.cli cases >&- 2>&-"
    assert subprocess.run(["sh", "-c", line], check=False).returncode == 0


def catches(process, number):
    """Return whether a process has a handler of a signal; Python has none of SIGTERM before the command sets its own."""
    [line] = [line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith("SigCgt")]
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the handlers of a process stand in /proc on Linux")
@pytest.mark.parametrize("after_s", [0.0, 0.5, 1.2])
def test_an_interrupt_while_modules_are_imported_ends_it_quietly(after_s):
    process = subprocess.Popen([*COMMAND, "levers", "av-perception"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = monotonic() + PATIENCE_S
    while not catches(process, signal.SIGTERM) and monotonic() < until:
        sleep(0.01)
    sleep(after_s)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err
