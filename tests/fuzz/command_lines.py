"""Command lines: every command with options that exist and some that do not, and with values of every sort."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from unittest.mock import patch

from hypothesis import strategies as st

from simulator.cli.main import main
from tests.case.texts import SMALL
from tests.fuzz.mutate import drawn
from tests.fuzz.runner import STEERING, Kind, Limits, Refusal, Trial

_FILES = {
    "small.yaml": SMALL.replace("scores: tiny", "scores: pad_ufes20.efficientnet_lite0")
    .replace("model: tiny", "model: efficientnet_lite0")
    .encode(),
    "broken.yaml": b"id: broken\nstages: [",
    "empty.yaml": b"",
    "t.csv": ("label,score\n" + "1,0.7\n0,0.2\n" * 40).encode(),
    "net.onnx": b"\x08\x09no network",
    "folder/notes.txt": b"",
    "script.yaml": b"- {kind: wait}\n",
    "\x1b[31m.yaml": b"id: red\n",
}
_PATHS = (
    ".", "..", "", "/", "folder", "small.yaml", "broken.yaml", "empty.yaml", "t.csv", "net.onnx", "script.yaml", "nosuch",
    "/dev/zero",
    "/dev/full", "/proc/self/mem", "x" * 260, "x" * 5000, "a/" * 2000, "~nosuchuser/x", "\x1b[31m.yaml", "\udcff.yaml",
    "é.json",
    "out.json", "folder/out.json", "nosuch/out.json", "\n", " ",
)  # fmt: skip
_NUMBERS = ("0", "1", "2", "-1", "3.5", "1e999", "nan", "", "x", "9" * 5000, "0x1", "١", "2147483648", "\x1b[2J", "--", "1_0")
_PAIRS = (
    "point=0.6", "point=1e999", "point=nan", "point=", "=", "", "point", "point=0.6=0.9", "reading=expert",
    "reading=\x1b[31m", "x=y",
    "point=" + "9" * 5000, "urgent=-inf", "\udcff=\udcff", "point=0.6@5", "point=0.6@x", "point=0.6@1e999", "@",
    "urgent=0.3@-1",
)  # fmt: skip
_AXES = (
    "point", "reading", "point=0.6,0.9", "urgent=0.3:0.5", "population.prevalence", "population.prevalence=0.1:0.9:2",
    "traffic=0.5:2:2", "traffic=0:1e308", "traffic=nan:2", "population.prevalence=0:2", "point=", "=", "", "x=1:2",
    "urgent=1:1",
    "point=\x1b[31m", "population.prevalence=1:2:9999999", "urgent=0.3:0.5:x", "arrivals.rate_per_s=1e5:1e6",
)  # fmt: skip
_METRICS = ("sensitivity", "cost_per_1000_usd", "latency_p95_s", "escalated_share", "x", "", "\x1b[2J", "nan")
_FEW = ("2", "3", "8", "2", "0", "-1", "x", "1e3", "9" * 50)
_ANYWHERE = ("--nosuch", "-x", "--", "--help", "--version", "\x1b")
_WORDS = (
    "p50",
    "p99.9",
    "p100",
    "p-1",
    "pnan",
    "slowest",
    "x",
    "",
    "\x1b[2J",
    "none",
    "holm",
    "ks,mmd",
    "cpu",
    "cuda",
    "3,224,224",
)

#: The options of commands that do no long work on what is given here, each with the values it is tried with; "": an argument.
_COMMANDS: dict[str, dict[str, tuple[str, ...]]] = {
    "run": {
        "": ("small.yaml", "small.yaml", "small.yaml", "small.yaml", *_PATHS), "--set": _PAIRS, "--strike": _PAIRS,
        "--seed": _NUMBERS,
        "--replications": ("2", "2", "2", *_NUMBERS), "--change": _PAIRS, "--against": _PAIRS, "--explain": _WORDS,
        "--trace-out": _PATHS, "--all": (), "--json": (), "--strict": (),
    },
    "check": {"": _PATHS, "--format": ("text", "json", "github", *_WORDS)},
    "lint": {"": _PATHS, "--format": ("text", "json", "github", *_WORDS)},
    "explain": {"": _WORDS},
    "cases": {"--json": (), "": _PATHS, "--remove": _WORDS},
    "pack": {"": ("small.yaml", *_PATHS), "--out": _PATHS, "--licence": _WORDS, "--with": _PATHS},
    "install": {"": _PATHS, "--yes": (), "--replace": ()},
    "serve": {
        "": _PATHS, "--port": _NUMBERS, "--address": ("127.0.0.1", "", "x" * 300, "::", "\x1b"), "--allow-host": _WORDS,
        "--token": (*_WORDS, "sixteen letters!"), "--no-token": (),
    },
    "levers": {"": ("small.yaml", *_PATHS), "--set": _PAIRS, "--replications": ("2", *_NUMBERS), "--trials": ("2", *_NUMBERS)},
    "sweep": {
        "": ("small.yaml", *_PATHS), "--over": _AXES, " --over": _AXES, "--set": _PAIRS, "--figure": _PAIRS, "--metric": _WORDS,
        "--method": ("grid", "sobol", "lhs", *_WORDS), "--points": _FEW, "--replications": _FEW, "--out": _PATHS, "--json": (),
    },
    "pareto": {
        "": ("small.yaml", *_PATHS), "--over": _AXES, "--metric": _METRICS, " --metric": _METRICS, "--replications": _FEW,
    },
    "best": {"": ("small.yaml", *_PATHS), "--over": _AXES, "--least": _METRICS, "--designs": _FEW, "--objective": _METRICS},
    "sensitivity": {
        "": ("small.yaml", *_PATHS), "--over": _AXES, "--way": ("sobol", *_WORDS), "--points": _FEW, "--replications": _FEW,
    },
    "capacity": {"": ("small.yaml", *_PATHS), "--objective": _METRICS, "--figure": _PAIRS, "--replications": _FEW},
    "breakeven": {
        "": ("small.yaml", *_PATHS), "--doubt": _AXES, "--against": _PAIRS, "--metric": _METRICS, "--together": _FEW,
        "--replications": _FEW,
    },
    "report": {"": ("small.yaml", *_PATHS), "--out": ("out.html", *_PATHS), "--set": _PAIRS, "--replications": _FEW},
    "monitor": {
        "": _PATHS, " ": _PATHS, "--by": _WORDS, "--time": _WORDS, "--window": _NUMBERS, "--test": _WORDS, "--columns": _WORDS,
        "--level": _NUMBERS, "--correct": _WORDS, "--json": (),
    },
    "scores import": {"": _PATHS, "--dataset": _WORDS, "--model": _WORDS, "--precision": _WORDS, "--source": _WORDS},
    "scores train": {"": _PATHS, "--model": _WORDS, "--out": _PATHS},
    "profile": {"--list": (), "--out": _PATHS, "--model": _WORDS, "--precision": _WORDS, "--batch": _NUMBERS, "--json": ()},
    "profile --onnx net.onnx": {"--input-shape": _WORDS, "--name": _WORDS, "--out": _PATHS, "--provider": _WORDS,
    "--budget": _NUMBERS},
    "fidelity": {"--quick": (), "--out": _PATHS},
    "incident": {"": _PATHS, "--secret": _NUMBERS, "--script": _PATHS, "--play": _WORDS, "--cause": _WORDS},
    "detect-eval": {
        "--onnx": _PATHS, "--data": _PATHS, "--layout": _WORDS, "--size": _NUMBERS, "--conditions": _WORDS, "--seed": _NUMBERS,
        "--resamples": _NUMBERS, "--out": _PATHS,
    },
    "evidence": {"": _PATHS, "--json": ()},
    "projection": {"--json": (), "": _WORDS},
    "nosuch": {"": _PATHS},
}  # fmt: skip

#: What would take minutes, or never end, is left out once its command line has been understood.
_LONG = (
    "simulator.measure.profile_command._measure_waiting",
    "simulator.measure.fidelity_command._run_grid",
    "simulator.serving.server.run",
)


def trials(begin: int, count: int) -> Iterator[Trial]:
    """Every command in turn, with some of its options."""
    random, texts = Random(begin), drawn(st.text(st.characters(exclude_characters="\0"), max_size=20), 200, begin)
    for number in range(count):
        command = list(_COMMANDS)[number % len(_COMMANDS)]
        words = command.split()
        for option, values in _COMMANDS[command].items():
            if random.random() < (0.95 if not option.strip() else 0.25):
                value = random.choice([*values, random.choice(texts)]) if values else None
                words += [word for word in (option.strip(), value) if word is not None and (word or word is value)]
        if random.random() < 0.05:
            words.insert(
                random.randrange(len(words) + 1), random.choice(("--nosuch", "-x", "--", "--help", "--version", "\x1b"))
            )
        yield Trial(f"{number:05d}", _FILES, tuple(words), changed=command)


def attempt(trial: Trial, folder: Path) -> Refusal | None:
    """Call the command as a shell would; wrong use has to be told, and nothing may steer a terminal."""
    os.chdir(folder)
    sys.argv = ["casesim", *trial.words]
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    status: int | str | None = 0
    with ExitStack() as replaced:
        for place in _LONG:
            replaced.enter_context(patch(place, side_effect=SystemExit(0)))
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    said = (folder / ".streams").read_text(encoding="utf-8", errors="replace")
    assert status in (0, 1, 2, None), f"status {status}: {said[-2000:]}"
    assert "Traceback" not in said, said[-2000:]
    assert not STEERING & set(said), f"steers the terminal: {said[:2000]!a}"
    return Refusal(said[-2000:], bool(said.strip())) if status == 2 else None


def prepare() -> None:
    """Import what most of the commands import."""


KIND = Kind("commands", 500, trials, attempt, prepare, Limits(cpu_s=60, wall_s=150))
