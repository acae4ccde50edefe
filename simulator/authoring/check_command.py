"""`casesim check`, `casesim lint` and `casesim explain`: faults and cautions as text, as JSON and as annotations of GitHub."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

import typer

from simulator.authoring.case_checker import CheckedCase, check_case
from simulator.authoring.check_results import workflow_command
from simulator.authoring.finding_codes import FINDINGS, Severity, explanation, severity_of
from simulator.case.document import Fault
from simulator.cli.exits import Status, known, say
from simulator.limits import FAULTS_SHOWN
from simulator.phrases import phrase
from simulator.units import counted, listed

Format = Literal["text", "json", "github"]
FORMATS: tuple[Format, ...] = get_args(Format)

#: The levels of GitHub's annotations.
_LEVELS: dict[Severity, str] = {"fault": "error", "caution": "warning", "note": "notice"}

#: The longest source line that is printed whole, in characters.
_WIDEST = 160

#: The word at a column, which the caret underlines.
_WORD = re.compile(r"[\w.+/-]+")


def lines_of(case: CheckedCase, form: Format) -> Iterator[str]:
    """Yield the output for a checked case, line by line."""
    findings = case.findings
    if form == "json":
        yield json.dumps([_record(finding) for finding in findings], indent=2)
    elif form == "github":
        yield from (_annotation(finding) for finding in findings)
    else:
        yield from _text(case, findings)


def _text(case: CheckedCase, findings: Sequence[Fault]) -> Iterator[str]:
    source = case.source.split("\n")
    for finding in findings[: FAULTS_SHOWN.most]:
        yield f"{finding} [{finding.code}]"
        yield from _excerpt(source, finding)
    if len(findings) > FAULTS_SHOWN.most:
        yield phrase("check.more", most=str(FAULTS_SHOWN))
    numbers = Counter(severity_of(finding.code) for finding in findings)
    counts = [counted(numbers[severity], severity) for severity in get_args(Severity) if numbers[severity]]
    yield f"{case.name}: {listed(counts if case.faults else ['no faults', *counts])}"


def _excerpt(source: Sequence[str], finding: Fault) -> Iterator[str]:
    """Yield the line of a finding with a caret below its column, as far as the line is not too long to read."""
    if not 1 <= finding.line <= len(source):
        return
    line, at = source[finding.line - 1].rstrip("\r").replace("\t", " "), finding.column - 1
    if not line.strip() or at > _WIDEST:
        return
    word = _WORD.match(line, at)
    width = max(min(word.end(), _WIDEST) - at, 1) if word else 1
    number = str(finding.line)
    margin = " " * len(number)
    yield f"{margin} |"
    yield f"{number} | {line[:_WIDEST]}{'…' if len(line) > _WIDEST else ''}"
    yield f"{margin} | {' ' * at}^{'~' * (width - 1)}"


def _record(finding: Fault) -> dict[str, Any]:
    record = {name: getattr(finding, name) for name in ("file", "line", "column", "field", "code")}
    return record | {"severity": severity_of(finding.code), "message": finding.message}


def _annotation(finding: Fault) -> str:
    where = {"file": finding.file, "line": finding.line, "col": finding.column, "title": f"casesim {finding.code}"}
    return workflow_command(_LEVELS[severity_of(finding.code)], f"{finding.field}: {finding.message}", **where)


CaseFile = Annotated[str, "CASE", "the id of a case, or the path to a YAML file"]
AsFormat = Annotated[Format, "--format", "text for a person, json for a program, github for annotations of a workflow"]


@dataclass(frozen=True)
class CheckCommand:
    """Look for every fault of a case, also in what its options refer to, and print cautions; exit status 1 for a fault."""

    case: CaseFile
    form: AsFormat = "text"
    passes: ClassVar = {"caution", "note"}

    def run(self) -> None:
        checked = check_case(self.case)
        for line in lines_of(checked, self.form):
            say(line)
        if any(severity_of(finding.code) not in self.passes for finding in checked.findings):
            raise typer.Exit(Status.NO)


class LintCommand(CheckCommand):
    """Check a case as `casesim check` does; exit status 1 also for a caution."""

    passes = {"note"}


_CODE = "a code, as `casesim check` prints it in brackets"


def explain(code: Annotated[str | None, typer.Argument(help=_CODE, show_default=False)] = None) -> None:
    """Explain a code of `casesim check` with a wrong and a right example; without a code, list all codes."""
    if code is None:
        widest = max(map(len, FINDINGS))
        for name, finding in FINDINGS.items():
            say(f"{name:{widest}}  {finding.severity:7}  {finding.title}")
        return
    say(explanation(known("code", code.strip("[]"), FINDINGS)))
