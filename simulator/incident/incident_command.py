"""`casesim incident`: plays an incident from a script of actions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from simulator.case.load import load
from simulator.cli.exits import UsageError, answer, finite, known, right, table_of
from simulator.cli.options import AsJson, Case
from simulator.evidence.evidence_files import EvidenceError
from simulator.incident.beliefs import load_beliefs
from simulator.incident.hindsight import COURSE_NAMES, courses, regret
from simulator.incident.incident_score import Score, score
from simulator.incident.play import Play
from simulator.incident.player_actions import NotebookEntry, WaitAction, read_script
from simulator.incident.players import PLAYERS
from simulator.incident.post_mortem import begin_of, times_of
from simulator.incident.secret import DAY_S, DIFFICULTIES, HOUR_S, USUAL, draw, level_of
from simulator.incident.wording import moment
from simulator.phrases import phrase
from simulator.units import counted

#: The secret of a command without one: an incident near the medians of `assets/incidents/production-drift/players.csv`.
TYPICAL = 88_011

Secret = Annotated[int, typer.Option("--secret", min=0, max=2**31 - 1, help="the seed of the secret")]


@dataclass(frozen=True)
class IncidentCommand:
    """Play a production incident from a script; the command prints the cause once the script closes it.

    Without a script it waits until something rings, and lists the possible actions.
    """

    case: Case
    secret: Secret = TYPICAL
    script: Annotated[Path | None, "a YAML or JSON file: a list of actions, such as {kind: look, look: replay}"] = None
    play: Annotated[str | None, f"let an investigator play instead: {', '.join(PLAYERS)}"] = None
    cause: Annotated[str | None, "the cause, in place of the drawn one"] = None
    shape: Annotated[str | None, "abrupt, gentle or intermittent, in place of the drawn shape"] = None
    level: Annotated[str, f"the difficulty: {', '.join(DIFFICULTIES)}"] = USUAL
    as_json: AsJson = False

    def run(self) -> None:
        scenario = load(self.case)
        if self.script and self.play:
            raise UsageError("--script and --play: give one of them")
        playing = Play(scenario, draw(scenario, self.secret, self.cause, self.shape, level=level_of(self.level)))
        if self.play:
            _let_play(known("player", self.play, PLAYERS), playing)
        else:
            _follow(playing, self.script)
        over = playing.closed or playing.now_s >= playing.end_s
        result = score(playing) if over else None
        answer(self.as_json, _in_json(playing, result), _incident_parts(playing, result), indent=None)


def _follow(playing: Play, script: Path | None) -> None:
    if script is None:
        playing.act(WaitAction(kind="wait"))
        return
    listing = read_script(script)
    for index, action in enumerate(listing.entries):
        with listing.at(index):
            playing.act(action)


def _let_play(name: str, playing: Play) -> None:
    beliefs = load_beliefs(playing.scenario)
    if beliefs is None:
        raise EvidenceError(phrase("incident.no_signs", case=playing.scenario.id))
    PLAYERS[name](playing, beliefs)


def _incident_parts(playing: Play, result: Score | None) -> Iterator[Any]:
    rows = (map(escape, _note_cells(note, playing)) for note in playing.notes)
    yield table_of(rows, *right("day", "hour", "took", "USD"), "action", "outcome")
    today = f"Day {int(playing.now_s // DAY_S) + 1} of secret {playing.secret.seed}"
    spent = f"{playing.usd:,.0f} USD spent, monitors included; {counted(playing.labels, 'frame')} labelled."
    yield Text(f"{today}: {spent}")
    if result is not None:
        yield from map(Text, _score_lines(playing, result))
        return
    looks = ", ".join(playing.spec.looks)
    fixes = f"Fixes: {', '.join(playing.spec.fixes)}. Close it in the script to see the cause."
    yield f"The incident goes on. Looks: {looks}. {fixes}"


def _note_cells(note: NotebookEntry, playing: Play) -> Iterator[str]:
    when = note.at_s % DAY_S / HOUR_S
    yield f"{int(note.at_s // DAY_S) + 1}"
    yield f"{int(when):02d}:{int(when % 1 * 60):02d}"
    yield f"{(note.until_s - note.at_s) / HOUR_S:.1f} h"
    yield f"{note.usd:.0f}"
    yield note.action.short(playing.spec)
    yield _note_outcome(note)


def _note_outcome(note: NotebookEntry) -> str:
    if note.ring:
        low, high = note.ring.usual
        usual = f", usually {low:.3g} to {high:.3g}" if isfinite(low) else ""
        return f"{note.ring.watch.statistic} of {note.ring.slice} rings: {note.ring.value:.3g}{usual}"
    if note.complaint:
        return note.said
    return note.finding.sentence if note.finding else ""


def _score_lines(playing: Play, result: Score) -> Iterator[str]:
    causes = [playing.spec.causes[name] for name in playing.secret.causes]
    named, begin = "; ".join(cause.label for cause in causes), begin_of(playing, partial(moment, playing.scenario))
    yield f"\nIt was: {named}. {begin}".rstrip()
    yield from (cause.teaches for cause in causes)
    sure = f"{'right' if result.right else 'wrong'}, {100 * result.confidence:.0f}% sure"
    diagnosis = "no diagnosis" if result.diagnosis is None else sure
    yield f"Diagnosis: {diagnosis} (Brier score {result.brier:.2f}). {times_of(playing, result)}"
    for fix in result.fixes:
        yield f"{playing.spec.fixes[fix.name].label}: {fix.words}{', a wrong fix' if fix.wrong else ''}."
    yield phrase("incident.weighted_harm", harm=result.excess, untouched=result.untouched)
    others = courses(playing.scenario, playing.secret)
    yield phrase(
        "incident.total",
        total=result.total_usd,
        harm=result.harm_usd,
        later=result.later_usd,
        money=result.usd,
        returned=result.returned_usd,
        regret=regret(result.total_usd, others),
    )
    parts = [phrase("incident.course", name=COURSE_NAMES[name], total=total) for name, total in others.items()]
    yield phrase("incident.courses", courses=parts)


def _in_json(playing: Play, result: Score | None) -> dict[str, Any]:
    notes = [
        {
            "action": note.action.model_dump(exclude_none=True),
            "at_h": note.at_s / HOUR_S,
            "until_h": note.until_s / HOUR_S,
            "usd": note.usd,
            "found": _note_outcome(note),
            "sign": note.finding.sign if note.finding else None,
        }
        for note in playing.notes
    ]
    scored = None if result is None else finite(asdict(result) | {"total_usd": result.total_usd})
    return {
        "scenario": playing.scenario.id,
        "secret": playing.secret.seed,
        "notes": notes,
        "now_h": playing.now_s / HOUR_S,
        "usd": playing.usd,
        "labels": playing.labels,
        "closed": playing.closed,
        "score": scored,
    }
