"""What was found by playing many incidents of a case: a folder of assets/incidents a case.

    signs.csv      how often each cause brings which sign (`simulator.incident.beliefs` reads it)
    players.csv    one row an incident and scripted investigator: whether it was right, the times, the money, the harm kept
    fixes.csv      one row a cause and fix: the share of the harm that the fix takes away, with its 95% interval
    monitors.csv   one row a monitor and threshold: false alarms a week, hours to the alarm, and the share of incidents caught
    quiet.csv      one row a monitor that promises a rate: how many quiet windows ring, beside what was promised

`casesim incident-rehearse`, `incident-study`, `incident-fixes` and `incident-monitors` write them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from simulator.errors import InputError
from simulator.evidence.evidence_files import COUNT, SHARE, Range, check_ranges, read_table
from simulator.paths import INCIDENTS

COLUMNS = {
    "players": ["player", "cause", "shape", "seed", "diagnosis", "right", "brier", "mitigated_h", "wrong_fixes", "usd", "kept"],
    "fixes": ["cause", "fix", "took_away", "took_low", "took_high", "n"],
    "monitors": [
        *("monitor", "cause", "threshold"),
        *(f"{name}{end}" for name in ("alarms_a_week", "delay_h", "caught") for end in ("", "_low", "_high")),
    ],
    "quiet": ["monitor", "promised", "rings", "rings_low", "rings_high"],
}
#: What their figures may be. A fix may do more harm than it takes away.
_RANGES = {
    "players": {"brier": Range(0, 2), "usd": COUNT},
    "fixes": dict.fromkeys(["took_away", "took_low", "took_high"], Range(-1000, 1000)) | {"n": Range(1, 1e9)},
    "monitors": dict.fromkeys(["caught", "caught_low", "caught_high"], SHARE) | {"alarms_a_week": COUNT},
    "quiet": dict.fromkeys(["promised", "rings", "rings_low", "rings_high"], SHARE),
}


class StudyError(InputError):
    """A study's table cannot be used; the message says which and why."""


@dataclass(frozen=True)
class IncidentStudy:
    """The tables of one case; see the module."""

    case: str
    players: pd.DataFrame
    fixes: pd.DataFrame
    monitors: pd.DataFrame
    quiet: pd.DataFrame


def load_study(case: str, folder: Path = INCIDENTS) -> IncidentStudy:
    """Read them; raises StudyError with the file, the column and what is wrong."""
    return IncidentStudy(case, **{name: _read(folder / case / f"{name}.csv", name) for name in COLUMNS})


def studied(folder: Path = INCIDENTS) -> list[str]:
    """The cases of which there are studies."""
    return sorted(file.parent.name for file in folder.glob("*/players.csv"))


def _read(path: Path, name: str) -> pd.DataFrame:
    rows = read_table(path, COLUMNS[name], StudyError, "make incidents")
    check_ranges(path, rows, _RANGES[name], StudyError)
    return rows
