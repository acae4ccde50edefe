"""Evidence in JSON: latency profiles, which a case then runs with, and fidelity reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from unittest.mock import patch

from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.errors import InputError
from simulator.evidence.fidelity_reports import read_report
from simulator.evidence.profiles import read_profile
from simulator.measure.fidelity_command import report_parts
from simulator.metrics.summary import summarise
from simulator.paths import FIDELITY, PROFILES
from tests.case.texts import SMALL
from tests.fuzz.mutate import ANYTHING, changed_text, changed_tree, drawn
from tests.fuzz.runner import Kind, Refusal, Trial

_WORDS = (
    b"NaN",
    b"1e999",
    b"-1",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"\x00",
    b"\xff",
    b"null",
    b'"',
    b"," * 3,
    b"\\ud800",
    b"9" * 5000,
)
_PROFILE = "epyc-zen4-2c/tiny.fp32.json"
_CASE = SMALL.replace("scores: tiny", "scores: pad_ufes20.efficientnet_lite0")


def _trials(name: str, text: bytes, begin: int, count: int, beside: dict[str, bytes]) -> Iterator[Trial]:
    random, extra, tree = Random(begin), drawn(ANYTHING, 100, begin), json.loads(text)
    for number in range(count):
        if random.random() < 0.75:
            changed, how = changed_tree(tree, random, extra)
            content = json.dumps(changed).encode()
        else:
            content, how = changed_text(text, random, _WORDS)
        yield Trial(f"{number:05d}", {name: content, **beside}, changed=how)


def profile_trials(begin: int, count: int) -> Iterator[Trial]:
    """Profiles with a part of what was measured changed."""
    told = json.loads(next(PROFILES.glob("*/efficientnet_lite0.fp32.json")).read_bytes())
    told |= {"model": "tiny", "runs": told["runs"][:1]}
    for calls in told["runs"][0]["calls"]:
        calls["latency_ms"], calls["idle_ms"] = calls["latency_ms"][:8], calls["idle_ms"][:8]
    return _trials(_PROFILE, json.dumps(told, indent=1).encode(), begin, count, {"small.yaml": _CASE.encode()})


def try_profile(trial: Trial, folder: Path) -> Refusal | None:
    """Read it, and run a case with it."""
    try:
        read_profile(folder / _PROFILE)
        with patch("simulator.evidence.profiles.FOLDERS", (folder,)):
            summarise([simulate(compile_plan(load(folder / "small.yaml")), seed=1)])
    except (InputError, ScenarioError) as error:
        return Refusal(str(error), "tiny" in str(error) or "small.yaml:" in str(error))
    return None


def report_trials(begin: int, count: int) -> Iterator[Trial]:
    """Fidelity reports of a few points, changed."""
    told = json.loads(next(iter(sorted(FIDELITY.glob("*.json")))).read_bytes())
    told["points"] = told["points"][:3]
    return _trials("report.json", json.dumps(told, indent=1).encode(), begin, count, {})


def try_report(trial: Trial, folder: Path) -> Refusal | None:
    """Read it, and tell it as the command does."""
    try:
        report = read_report(folder / "report.json")
        list(report_parts(report))
    except InputError as error:
        return Refusal(str(error), "report.json" in str(error))
    return None


PROFILE_KIND = Kind("profiles", 500, profile_trials, try_profile)
REPORT_KIND = Kind("reports", 500, report_trials, try_report)
