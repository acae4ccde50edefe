"""Results of the checks of a case: records, and their output as text, JSON or annotations of GitHub."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path as FilePath
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from simulator.case.document import Path, dotted
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.evidence.evidence_files import in_one_step
from simulator.files import UnreadableError, read_within
from simulator.limits import CASE_FILE
from simulator.paths import OWN_TESTED, SCENARIOS, TESTED
from simulator.units import counted

Outcome = Literal["pass", "fail", "cannot be told", "caution", "skipped"]

#: The outcomes that make `casesim test` end with exit status 1.
FAILING: tuple[Outcome, ...] = ("fail", "cannot be told")


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    check: the name of the kind, such as `dead choice`; subject: the thing that was checked; says: one sentence
    field: the place in the file, joined by dots; line, column: where that stands, from 1
    """

    check: str
    subject: str
    outcome: Outcome
    says: str
    field: str = "(file)"
    line: int = 1
    column: int = 1

    @property
    def failed(self) -> bool:
        return self.outcome in FAILING


def result_at(scenario: Scenario, path: Path, check: str, subject: str, outcome: Outcome, says: str) -> CheckResult:
    """Return a result at a place of the case's file."""
    fault = scenario.document.fault(path, says)
    return CheckResult(check, subject, outcome, says, dotted(path), fault.line, fault.column)


#: Results by the key of their check, as a file holds them.
RESULTS: TypeAdapter[dict[str, list[CheckResult]]] = TypeAdapter(dict[str, list[CheckResult]])


#: What a check tells of a subject: the place in the case, the subject, the outcome, and one sentence.
Finding = tuple[Path, str, Outcome, str]


def results_of(scenario: Scenario, check: str, findings: Iterable[Finding]) -> list[CheckResult]:
    return [result_at(scenario, path, check, subject, outcome, says) for path, subject, outcome, says in findings]


@dataclass(frozen=True)
class RunCheck:
    """A check that needs runs.

    check: the name of the kind; key: identifies all that its answer depends on; work: returns what it tells
    """

    check: str
    key: str
    work: Callable[[], Iterable[Finding]]


class KeptResults:
    """Results of earlier runs of the checks, by key: those that come with a shipped case, then the user's own."""

    def __init__(self, scenario: Scenario, into: FilePath | None = None) -> None:
        """Read what is kept of a case; into: the file to write to, by default one in the user's data folder."""
        self.scenario = scenario
        own = OWN_TESTED / f"{scenario.id}.json"
        self.file = into or own
        self.known: dict[str, list[CheckResult]] = {}
        is_shipped = FilePath(scenario.document.file).parent.resolve() == SCENARIOS.resolve()
        for file in (own, *([TESTED / f"{scenario.id}.json"] if is_shipped else [])):
            self.known |= _read(file)
        self.used: dict[str, list[CheckResult]] = {}

    def of(self, check: RunCheck) -> list[CheckResult]:
        """Return the kept results of a check, or those of its work now."""
        known = self.known.get(check.key)
        self.used[check.key] = results_of(self.scenario, check.check, check.work()) if known is None else known
        return self.used[check.key]

    def write(self) -> None:
        """Write the results that this run used, in one step; raises OSError."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        places = {"__all__": {"__all__": {"line", "column"}}}
        with in_one_step(self.file) as part:
            part.write_bytes(RESULTS.dump_json(dict(sorted(self.used.items())), indent=1, exclude=places) + b"\n")


def _read(file: FilePath) -> dict[str, list[CheckResult]]:
    try:
        return RESULTS.validate_json(read_within(file, CASE_FILE))
    except UnreadableError:
        return {}
    except ValidationError as error:
        raise InputError(f"{file}: is no file of test results; delete it, and the checks run again") from error


def placed(scenario: Scenario, results: Iterable[CheckResult]) -> list[CheckResult]:
    """Return results with the lines of the file as it is now: kept results name fields alone."""
    places = {dotted(path): place for path, place in scenario.document.places.items()}
    found = ((result, *places.get(result.field, (result.line, result.column))) for result in results)
    return [replace(result, line=line, column=column) for result, line, column in found]


def summary_line(results: Sequence[CheckResult], seconds: float) -> str:
    """Return the last line: `24 checks: 22 pass, 1 fail, 1 cannot be told; 12 s`."""
    counts = Counter(result.outcome for result in results)
    named: Sequence[Outcome] = ("pass", "fail", "cannot be told", "caution", "skipped")
    parts = [f"{counts[name]} {name}" for name in named if counts[name] or name == "pass"]
    return f"{counted(len(results), 'check')}: {', '.join(parts)}; {seconds:.0f} s"


def as_json(scenario: Scenario, results: Sequence[CheckResult]) -> str:
    """Return one object: the case, whether all checks pass, and the results in order."""
    whole: Mapping[str, Any] = {
        "scenario": scenario.id,
        "file": scenario.document.file,
        "passed": not any(result.failed for result in results),
        "results": [asdict(result) for result in results],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False)


def as_annotation(file: str, result: CheckResult) -> str:
    """Return a workflow command of GitHub for a result that fails."""
    title = f"{result.check}: {result.subject}"
    return workflow_command("error", result.says, file=file, line=result.line, col=result.column, title=title)


def workflow_command(level: str, message: str, **properties: object) -> str:
    """Return a workflow command of GitHub: https://docs.github.com/actions/reference/workflow-commands-for-github-actions."""
    named = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items())
    return f"::{level} {named}::{_escaped(message)}"


def _escaped(text: str, further: str = "") -> str:
    """Escape the characters that end a workflow command, or one of its values."""
    for character in f"%\r\n{further}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
