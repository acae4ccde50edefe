"""Cases: the shipped ones and a small one, changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from ruamel.yaml import YAML

from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.metrics.summary import summarise
from simulator.paths import SCENARIOS
from tests.case.texts import SMALL
from tests.fuzz.mutate import ANYTHING, as_yaml, changed_text, changed_tree, drawn
from tests.fuzz.runner import Kind, Limits, Refusal, Trial

#: The cases that are changed, with how often; the larger ones take longer to read.
_OFTEN = {"small": 10, "retry-storm": 6, "skin-cancer-triage": 3, "av-perception": 1, "production-drift": 1}
#: Short runs, where the case's own is long.
_RUNS = {"skin-cancer-triage": {"days": 0.05, "drain_days": 1, "starts_at": "12:00"}}
WORDS = (
    b"!!str ", b"!!python/object/apply:os.system [id] ", b"&a ", b"*a", b"<<: *a", b"\t", b"\x00", b"\x1b[2J", b"\xff", b"? ",
    b"- ", b": ", b"{", b"[" * 2000, b"|\n", b"%YAML 9.9\n", b"---\n", b"\xe2\x80\xae", b'"', b"'", b"1e999", b"!!binary x",
)  # fmt: skip
_PLACE = re.compile(r"^.*?:\d+:\d+: .+: .+", re.DOTALL)


@cache
def bases() -> dict[str, tuple[dict[str, Any], bytes]]:
    """Each case by name: its data, and its text."""
    small = SMALL.replace("model: tiny", "model: efficientnet_lite0").replace(
        "scores: tiny", "scores: pad_ufes20.efficientnet_lite0"
    )
    texts = {"small": small.encode()}
    texts |= {file.stem: file.read_bytes() for file in SCENARIOS.glob("*.yaml") if file.stem in _OFTEN}
    found = {}
    for name, text in texts.items():
        data = YAML(typ="safe", pure=True).load(text)
        data["run"] |= _RUNS.get(name, {})
        found[name] = (data, text)
    return found


def trials(begin: int, count: int) -> Iterator[Trial]:
    """Cases with their tree or their text changed."""
    random, cases = Random(begin), bases()
    extra = drawn(ANYTHING, 200, begin)
    names, often = list(cases), [_OFTEN[name] for name in cases]
    for number in range(count):
        name = random.choices(names, often)[0]
        data, text = cases[name]
        if random.random() < 0.8:
            tree, how = changed_tree(data, random, extra)
            content = as_yaml(tree)
        else:
            content, how = changed_text(text, random, WORDS)
        yield Trial(f"{number:05d}", {"case.yaml": content}, changed=f"{name}: {how}")


def attempt(trial: Trial, folder: Path) -> Refusal | None:
    """Read the case, and run it once."""
    try:
        scenario = load(folder / "case.yaml")
        summarise([simulate(compile_plan(scenario), seed=1)])
    except ScenarioError as error:
        placed = bool(error.faults) and all(_PLACE.match(str(fault)) for fault in error.faults)
        return Refusal(str(error), placed)
    return None


def prepare() -> None:
    """Import all that a run imports, and read the evidence once."""
    scenario = load("retry-storm")
    summarise([simulate(compile_plan(scenario), seed=1)])


KIND = Kind("scenarios", 2000, trials, attempt, prepare, Limits(cpu_s=60, wall_s=180))
