"""CONTRIBUTING.md is true: its stops are called in their order, its files exist, and what it says suffices for an addition."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from shutil import copyfile, copytree
from types import FrameType
from typing import Any

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from tests.house_picture import PICTURE, picture
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
STOPS = re.findall(r"^\| \d+ \| `([\w.]+)` \|", PAGE, re.M)


def _function(place: str) -> Any:
    """Return the function at a dotted place, which may be a method."""
    parts = place.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AssertionError(f"{place} names no function")


def test_a_run_passes_the_stops_in_their_order():
    assert len(STOPS) <= 12
    codes = {_function(stop).__code__: stop for stop in STOPS}
    passed: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        stop = codes.get(frame.f_code) if event == "call" else None
        if stop and stop not in passed:
            passed.append(stop)

    sys.setprofile(note)
    try:
        assert replicate(compile_plan(load("production-drift")), seed=1, replications=2).reasons is not None
    finally:
        sys.setprofile(None)
    assert passed == STOPS


def test_every_file_that_the_page_names_exists():
    named = re.findall(r"`((?:simulator|tests|docs|pages|scenarios|campaigns|assets|\.ci)/[\w/.*<>-]*)`", PAGE)
    assert named
    for name in named:
        pattern = re.sub(r"<\w+>", "*", name).rstrip("/")
        assert list(ROOT.glob(pattern)), f"CONTRIBUTING.md names {name}, which does not exist"


def test_the_picture_is_that_of_the_imports():
    assert PICTURE.read_text(encoding="utf-8") == picture(), "run `make docs`"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A temporary copy of the package, with cases and assets beside it; folders that no test changes are links."""
    (tmp_path / "simulator").mkdir()
    for part in (ROOT / "simulator").iterdir():
        target = tmp_path / "simulator" / part.name
        if part.name in ("case", "engine", "metrics", "practice", "session"):
            copytree(part, target)  # with what Python has compiled
        elif part.is_file():
            copyfile(part, target)  # a test writes its texts into the catalogue
        else:
            target.symlink_to(part)
    for folder in ("scenarios", "assets", "pages"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    return tmp_path


def _run(copy: Path, script: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(copy)}
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _insert(file: Path, before: str, line: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, line + before), encoding="utf-8")


STAGE = '''"""A belt: every request takes its constant time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.case.any_stage import Target
from simulator.engine.contract import Stage, StageModel


class Belt(StageModel):
    """A belt that carries each request for `seconds`."""

    kind: Literal["belt"]
    seconds: Annotated[float, Field(gt=0)]
    to: Target


class BeltStage(Stage):
    """Hands each request on after the time of the belt."""

    def connect(self):
        self.to = self.run.receiver(self.spec.to)

    def accept(self, rows, time):
        self.to.accept(rows, time + self.spec.seconds)
'''

CASE = """
id: carried
version: 1
title: A belt
summary: One request a second.
brief: How long does it take?
run: {days: 0.01, drain_days: 0.01, replications: 2}
arrivals: {kind: constant, rate_per_s: {value: 1, assumed: a test}}
start: belt
stages:
  belt: {kind: belt, label: Belt, seconds: 7, to: done}
ends:
  done: {label: Carried, escalated: false, detected: {value: 1, assumed: no}, usd: {value: 0, assumed: no}}
"""

RUN = f'''
from simulator import compile_plan, simulate, summarise
from simulator.case.load import loads
metrics = summarise(simulate(compile_plan(loads("""{CASE}""")), seed=1, replication=one) for one in range(2))
print({{name: round(one.value, 6) for name, one in metrics.items()}})
'''


def _add_belt(copy: Path) -> None:
    (copy / "simulator/engine/stages/belt.py").write_text(STAGE, encoding="utf-8")
    registry = copy / "simulator/engine/stages/__init__.py"
    _insert(registry, "from simulator.engine.stages.fork import", "from simulator.engine.stages.belt import Belt, BeltStage\n")
    _insert(registry, "    (Fork, ForkStage),\n", "    (Belt, BeltStage),\n")


def test_a_stage_kind_is_its_file_and_a_line(copy: Path):
    _add_belt(copy)
    assert "'latency_mean_s': 7.0" in _run(copy, RUN)


TURNSTILE = '''"""A turnstile: a policy that lets so many requests a second in, and sends the others elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.case.any_stage import Target
from simulator.engine.contract import StageModel
from simulator.engine.stages.stage import OrderedStage
from simulator.records.trace import SHED


class Turnstile(StageModel):
    """A turnstile that opens at most `per_s` times a second."""

    kind: Literal["turnstile"]
    per_s: Annotated[float, Field(gt=0)]
    to: Target
    on_full: Target


class TurnstileStage(OrderedStage):
    """Lets a request in if the turnstile is open by then; the others are turned away."""

    goes_on_with = (*OrderedStage.goes_on_with, "opens_at")

    def __init__(self, run, name, spec):
        super().__init__(run, name, spec)
        self.opens_at = 0.0

    def connect(self):
        super().connect()
        self.to, self.on_full = self.run.receiver(self.spec.to), self.run.receiver(self.spec.on_full)

    def pass_on(self, rows, times):
        for row, time in zip(rows.tolist(), times.tolist()):
            if time < self.opens_at:
                self.turn_away(row, SHED, time, time, time, self.on_full)
            else:
                self.opens_at = time + 1 / self.spec.per_s
                self.to.accept((row,), time)
'''


def test_a_stage_kind_with_a_policy_is_its_file_and_a_line(copy: Path):
    """Two requests a second meet a turnstile that lets one in: every other one is turned away."""
    (copy / "simulator/engine/stages/turnstile.py").write_text(TURNSTILE, encoding="utf-8")
    registry, place = copy / "simulator/engine/stages/__init__.py", "simulator.engine.stages.turnstile"
    _insert(registry, "from simulator.engine.stages.fork import", f"from {place} import Turnstile, TurnstileStage\n")
    _insert(registry, "    (Fork, ForkStage),\n", "    (Turnstile, TurnstileStage),\n")
    stage = "{kind: turnstile, label: Turnstile, per_s: 1, to: done, on_full: away}"
    away = "  away: {label: Turned away, escalated: true, detected: {value: 0, assumed: no}, usd: {value: 0, assumed: no}}\n"
    case = CASE.replace("{kind: belt, label: Belt, seconds: 7, to: done}", stage).replace(
        "value: 1, assumed: a", "value: 2, assumed: a"
    )
    assert "'done_share': 0.5" in _run(copy, RUN.replace(CASE, case + away))


def test_a_metric_is_a_few_lines_in_its_family(copy: Path):
    family = copy / "simulator/metrics/request_metrics.py"
    with family.open("a", encoding="utf-8") as file:
        file.write(
            "\n\ndef slow(case):\n"
            '    yield CountedMetric(share_metric("slow_share", "Slow requests", "lower"), _slow)\n'
            "\n\ndef _slow(run):\n"
            "    return run.ratio((run.columns.answered - run.columns.sent > 5)[run.own].sum(), run.n)\n"
        )
    registry = copy / "simulator/metrics/__init__.py"
    text = registry.read_text(encoding="utf-8").replace(
        "import cost, cost_of_found, latencies, outcomes", "import cost, cost_of_found, latencies, outcomes, slow"
    )
    registry.write_text(text, encoding="utf-8")
    _insert(registry, '    MetricFamily("cost", cost),\n', '    MetricFamily("slow", slow),\n')
    _add_belt(copy)
    assert "'slow_share': 1.0" in _run(copy, RUN)


def test_a_panel_is_its_record_and_its_drawing(copy: Path):
    _insert(
        copy / "simulator/case/exhibits.py",
        '    "cost": Exhibit(',
        '    "hello": Exhibit("A greeting", "costs", "practice.hello_panel"),\n',
    )
    (copy / "simulator/practice/hello_panel.py").write_text(
        "from simulator.app.exhibit_drawings import panel\n\n\n"
        '@panel("hello")\ndef _hello(result):\n    print(f"Hello, {result}")\n',
        encoding="utf-8",
    )
    script = """
from simulator.app.exhibit_drawings import drawings
from simulator.case.exhibits import offered
from simulator.case.load import load
assert "hello" in offered(load("retry-storm"))
drawings().panels["hello"]("run")
"""
    assert "Hello, run" in _run(copy, script)


def test_a_signal_is_one_record_and_its_texts(copy: Path):
    record = '    CaseSignal("repair", "monitor", on_card=True),\n'
    _insert(copy / "simulator/case/interview.py", '    CaseSignal("communication"', record)
    levels = "".join(f'repair_{level} = "{level}"\n' for level in ("very_weak", "weak", "strong", "very_strong"))
    _insert(copy / "simulator/english.toml", 'communication = "Communication"\n', f'repair = "Repair"\n{levels}')
    script = """
from simulator.case.load import load
from simulator.rooms.room_events import CARD_SIGNALS
from simulator.session.session_signals import signals_of
print("repair" in CARD_SIGNALS, [signal.label for signal in signals_of(load("retry-storm")) if signal.name == "repair"])
"""
    assert "True ['Repair']" in _run(copy, script)


def test_a_curveball_is_its_model_and_its_name_in_a_list(copy: Path):
    curveballs = copy / "simulator/case/curveballs.py"
    model = '''class Calm(AnyCurveball):
    """A share of the requests stays away."""

    changes: ClassVar = {AffectedQuantity.RATE: "comes"}

    kind: Literal["calm"]
    comes: Share


'''
    _insert(curveballs, "class _OfPools(AnyCurveball):", model)
    _insert(curveballs, "    AccuracyDrop, Price, Weather\n", "    Calm,\n")
    _add_belt(copy)
    script = f'''
from simulator import compile_plan, simulate
from simulator.case.load import loads
case = loads("""{CASE}
curveballs:
  night: {{kind: calm, label: Night, comes: 0.5}}
""")
print([len(simulate(compile_plan(case, {{}}, strikes), 1).requests) for strikes in ({{}}, {{"night": 0.0}})])
'''
    usual, calm = json.loads(_run(copy, script))
    assert usual == 864
    assert calm == usual / 2


def test_an_event_of_a_session_is_its_class(copy: Path):
    event = '''class RiskNamed(AnyEvent):
    """A risk in the person's own words."""

    adds_to = "risks"
    what = "Risk"

    text: SomeWords

    def details(self, scenario: Scenario, state: SessionState) -> str:
        return self.text


'''
    _insert(copy / "simulator/session/session_events.py", "class DefenceAnswered(AnyEvent):", event)
    field = "    risks: tuple[Logged[events.RiskNamed], ...] = ()\n"
    _insert(copy / "simulator/session/session_state.py", "    ratings: Mapping[str, str] =", field)
    script = """
from simulator.case.load import load
from simulator.session.event_log import Logged, Session, read_event
from simulator.session.session_record import record
from simulator.session.session_state import SessionState
head = Session("s" * 22, "retry-storm", 1, "0" * 12, "t" * 22, 1, 30, True, 1000.0)
event = read_event({"kind": "risk_named", "text": "clocks differ"})
state = SessionState.of(head, [Logged(0, 1060.0, "candidate", event)])
print([tuple(row) for row in record(load("retry-storm"), state)])
"""
    assert "(0, 1.0, 'Risk', 'clocks differ')" in _run(copy, script)
