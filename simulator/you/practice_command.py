"""`casesim practice`: a visitor's sessions, incidents and runs in the database of this machine, as a list or as a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column

from simulator.app.store.attempts import TRAIL
from simulator.app.store.incident_log import Incidents, StoredIncident
from simulator.app.store.session_files import StoredSession
from simulator.app.store.session_log import SessionLog
from simulator.cli.exits import UsageError, answer, say, table_of
from simulator.cli.options import AsJson
from simulator.errors import MOST_LISTED
from simulator.evidence.evidence_files import in_one_step
from simulator.files import read_within
from simulator.limits import SESSION_FILE
from simulator.session.session_state import SessionState
from simulator.units import counted

practice = typer.Typer(
    help="List, export, import or delete a visitor's sessions, incidents and runs.", no_args_is_help=True, add_completion=False
)

Visitor = Annotated[str | None, "ID", "the id that the page You shows; default: the only visitor of the database"]
ExportFile = Annotated[Path, "the JSON file to write"]
ImportFile = Annotated[Path, "a file that CaseSim has exported"]


@practice.command("list")
def list_(visitor: Visitor = None, as_json: AsJson = False) -> None:
    """List a visitor's sessions and incidents, the latest first."""
    log, owner = SessionLog(), _visitor(visitor)
    rows = [_of_session(stored) for stored in log.logs_of(owner)] + [
        _of_incident(incident) for incident in Incidents().of(owner)
    ]
    rows.sort(key=lambda row: row["begun"], reverse=True)
    names = ("id", "kind", "case", "begun", "ended", "events")
    cells = ([escape(str(row[name])) for name in names] for row in rows)
    answer(as_json, rows, [table_of(cells, Column("id", overflow="fold"), *names[1:])])


def _of_session(stored: StoredSession) -> dict[str, Any]:
    state = SessionState.of(stored.session, stored.events)
    return {
        "id": stored.session.id,
        "kind": "session",
        "case": stored.session.case,
        "begun": _moment(stored.session.begun_at),
        "ended": state.ended_at is not None,
        "events": len(stored.events),
        "runs": sum(run.ended is not None for run in state.runs),
    }


def _of_incident(stored: StoredIncident) -> dict[str, Any]:
    kind = {"id": stored.id, "kind": "incident", "case": stored.case, "begun": _moment(stored.at)}
    return kind | {"ended": stored.revealed, "events": len(stored.actions)}


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="minutes")


@practice.command("export")
def export(file: ExportFile, visitor: Visitor = None) -> None:
    """Write a visitor's sessions, ended incidents and runs into one JSON file."""
    content = SessionLog().export(_visitor(visitor))
    with in_one_step(file) as written:
        written.write_text(content, encoding="utf-8")
    say(f"{file}: written")


@practice.command("import")
def import_(file: ImportFile, visitor: Visitor = None) -> None:
    """Store all of an exported file for a visitor, or nothing of it; entries that are there already stay as they are."""
    content = read_within(file, SESSION_FILE)
    count = SessionLog().take_in(_visitor(visitor), content)
    say(f"{file}: {counted(count, 'new entry', 'new entries')}")


Yes = Annotated[bool, "really delete; without it, the command only says what would go"]


@practice.command("delete")
def delete(visitor: Visitor = None, yes: Yes = False) -> None:
    """Delete a visitor's sessions, incidents and runs from the database, for good."""
    log, owner = SessionLog(), _visitor(visitor)
    sessions, incidents = len(log.sessions_of(owner)), len(Incidents().of(owner))
    what = f"{counted(sessions, 'session')}, {counted(incidents, 'incident')} and every run of the visitor {owner}"
    if not yes:
        raise UsageError(f"--yes deletes {what} for good. Nothing is deleted yet; `casesim practice export` keeps a copy.")
    log.delete(owner)
    say(f"deleted: {what}")


def _visitor(named: str | None) -> str:
    """Return the visitor's id: the given one, else the only one of the database; raises UsageError."""
    if named is not None:
        if not TRAIL.fullmatch(named):
            raise UsageError("--visitor: copy the id from the page You, 16 to 64 letters, digits, - and _")
        return named
    visitors = SessionLog().visitors()
    if len(visitors) == 1:
        return visitors[0]
    if not visitors:
        raise UsageError("The database has no visitor yet. Name one with --visitor; the page You shows the id.")
    listed = ", ".join(visitors[:MOST_LISTED]) + (" ..." if len(visitors) > MOST_LISTED else "")
    raise UsageError(f"The database has {len(visitors)} visitors. Name one with --visitor: {listed}")
