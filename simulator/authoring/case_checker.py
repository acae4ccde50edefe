"""The checker of a case: all faults and cautions of a file or of a text, for the command, an editor and a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.authoring.author_faults import author_faults
from simulator.authoring.lint_rules import lint_cautions
from simulator.case.document import Fault, ScenarioError, beyond
from simulator.case.load import find, load, loads
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan, read_whole


@dataclass(frozen=True)
class CheckedCase:
    """A case with its faults and cautions, in the order of the file; cautions are looked for in a case without faults.

    scenario: None for a case with faults; source: the text of the file
    """

    name: str
    source: str
    faults: list[Fault]
    cautions: list[Fault]
    scenario: Scenario | None = None


def check_case(case: str) -> CheckedCase:
    """Check a case by id or path; raises ScenarioError where there is no file."""
    file = find(case)
    if not file.is_file():
        load(case)  # raises the error that says so
    return checked_case(lambda: load(case), case, file)


def check_text(text: str, name: str = "scenario.yaml") -> CheckedCase:
    """Check the text of a case; `name` stands for its file."""
    return checked_case(lambda: loads(text, name), name, text)


def checked_case(read: Callable[[], Scenario], name: str, source: str | Path) -> CheckedCase:
    """Check the case that `read` returns, or whose ScenarioError it raises; source: its text, or its file."""
    try:
        scenario = read_whole(read)
    except ScenarioError as error:
        further = author_faults(error.scenario) if error.scenario is not None and not error.doubtful else []
        faults = sorted({*error.faults, *beyond(error.faults, further, error.doubtful)})
        return CheckedCase(name, _text_of(source), faults, [])
    if faults := sorted(set(author_faults(scenario))):
        return CheckedCase(name, _text_of(source), faults, [])
    cautions = sorted(set(lint_cautions(compile_plan(scenario))))
    return CheckedCase(scenario.id, _text_of(source), [], cautions, scenario)


def _text_of(source: str | Path) -> str:
    return source if isinstance(source, str) else source.read_bytes().decode("utf-8", errors="replace")
