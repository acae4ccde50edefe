"""The codes of faults and cautions, each with its reason, a wrong example and a right one, as `finding_codes.toml` has them.

The checks of `simulator.case` give a fault its code where they report it: by the type of pydantic's error for a single field,
by the section for what several fields say together.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal, NamedTuple

#: A fault stops a case, a caution may be intended, and a note states a limit of the evidence that no author can mend.
Severity = Literal["fault", "caution", "note"]


class Finding(NamedTuple):
    """The explanation of a code; wrong, right: lines of a case."""

    severity: Severity
    title: str
    why: str
    wrong: str
    right: str


#: Every code. Faults come first, from the file as a whole to its sections; then the cautions.
FINDINGS: dict[str, Finding] = {
    code: Finding(**texts)
    for code, texts in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items()
}


def severity_of(code: str) -> Severity:
    """Return the severity of a code."""
    return FINDINGS[code].severity


def explanation(code: str) -> str:
    """Return the explanation of a code, with both examples."""
    finding = FINDINGS[code]
    examples = [(word, text) for word, text in (("wrong", finding.wrong), ("right", finding.right)) if text != "-"]
    shown = [f"{word}:\n" + "\n".join(f"    {line}" for line in text.split("\n")) for word, text in examples]
    return "\n".join([f"{code} ({finding.severity}): {finding.title}", finding.why, *shown])
