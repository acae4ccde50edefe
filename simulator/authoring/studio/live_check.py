"""The check of a text that is being written: faults of the text at once, its evidence and cautions once the author pauses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from simulator.authoring.case_checker import checked_case
from simulator.authoring.finding_codes import severity_of
from simulator.case.document import Document, Fault, ScenarioError, parse_document
from simulator.case.load import loads
from simulator.case.schema import Scenario
from simulator.limits import FAULTS_SHOWN

#: The words of the editor for the severities of the checker.
_SEVERITIES = {"fault": "error", "caution": "warning", "note": "info"}


class CheckedText(NamedTuple):
    """A text and what a look at it finds.

    error: why the text is no case; scenario: the case that can be run, with faults perhaps that are never right
    further: faults and cautions that `casesim check` adds; whole: these were looked for, and the evidence of every option
    """

    text: str
    error: ScenarioError | None = None
    scenario: Scenario | None = None
    further: tuple[Fault, ...] = ()
    whole: bool = False

    @property
    def findings(self) -> list[Fault]:
        return [*(self.error.faults if self.error else ()), *self.further]

    @property
    def faults(self) -> list[Fault]:
        return [finding for finding in self.findings if severity_of(finding.code) == "fault"]

    def diagnostics(self) -> list[dict[str, Any]]:
        """Return faults and cautions as the editor reads them; lines and columns count from 1."""
        return [_diagnostic(finding) for finding in self.findings[: FAULTS_SHOWN.most]]


def _diagnostic(fault: Fault) -> dict[str, Any]:
    where = {"line": fault.line, "column": fault.column, "field": fault.field}
    return {"severity": _SEVERITIES[severity_of(fault.code)], "message": fault.message, "code": fault.code, **where}


def check_text(text: str, file: Path, parse: Callable[[str, str], Document] = parse_document) -> CheckedText:
    """Check all that the text alone decides; that takes a tenth of a second for a thousand lines."""
    try:
        return CheckedText(text, scenario=loads(text, str(file), parse))
    except ScenarioError as error:
        return CheckedText(text, error=error)


def check_whole(checked: CheckedText, file: Path) -> CheckedText:
    """Check as `casesim check` does; what `check_text` has read is not read again."""

    def read() -> Scenario:
        if checked.error is not None:
            raise checked.error
        assert checked.scenario is not None
        return checked.scenario

    case = checked_case(read, str(file), checked.text)
    return CheckedText(checked.text, None, checked.scenario, (*case.faults, *case.cautions), whole=True)
