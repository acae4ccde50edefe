"""Faults and cautions as text for a person, as JSON for a program, and as annotations of GitHub."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

from simulator.authoring.case_checker import CheckedCase
from simulator.authoring.finding_codes import Severity, severity_of
from simulator.case.document import Fault
from simulator.limits import FAULTS_SHOWN
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
    findings = [*case.faults, *case.cautions]
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
        yield f"more than {FAULTS_SHOWN}; fix these first"
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
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "field": finding.field,
        "code": finding.code,
        "severity": severity_of(finding.code),
        "message": finding.message,
    }


def _annotation(finding: Fault) -> str:
    """Return a workflow command of GitHub: https://docs.github.com/actions/reference/workflow-commands-for-github-actions."""
    values = {"file": finding.file, "line": finding.line, "col": finding.column, "title": f"casesim {finding.code}"}
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in values.items())
    return f"::{_LEVELS[severity_of(finding.code)]} {properties}::{_escaped(f'{finding.field}: {finding.message}')}"


def _escaped(text: str, further: str = "") -> str:
    """Escape the characters that end a workflow command, or one of its values."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for character in further:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
