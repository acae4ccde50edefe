"""`casesim incident`: an incident from a script of actions, and studies over many of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import ceil, isfinite
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from pydantic import TypeAdapter
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Shown

from simulator.case.load import load
from simulator.cli.exits import UsageError, err, known, table_console
from simulator.cli.options import AsJson, Case
from simulator.evidence.evidence_files import in_one_step, read_yaml
from simulator.incident.beliefs import BeliefError, load_beliefs
from simulator.incident.incident_score import Score, score
from simulator.incident.play import NotebookEntry, Play
from simulator.incident.player_actions import SCRIPT, Action, CloseAction, read_script
from simulator.incident.players import PLAYERS
from simulator.incident.rehearsal import rehearse, to_rehearse
from simulator.incident.secret import DAY_S, HOUR_S, draw, spec_of
from simulator.incident.section import Watch
from simulator.incident.study import (
    ANY,
    QUIET,
    Wanted,
    curves_of,
    failing_seeds,
    fix_tries,
    fixes,
    investigators,
    promises_of,
    summary_of,
    watch_all,
)
from simulator.paths import INCIDENTS
from simulator.units import significant

Secret = Annotated[int, typer.Option("--secret", min=0, max=2**31 - 1, help="the seed that the secret is drawn from")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="processes")]


def incident(
    case: Case,
    secret: Secret = 1,
    script: Annotated[
        Path | None, typer.Option(help="a YAML or JSON file: a list of actions, such as {kind: look, look: replay}")
    ] = None,
    play: Annotated[str | None, typer.Option(help=f"let somebody play instead: {', '.join(PLAYERS)}")] = None,
    cause: Annotated[str | None, typer.Option(help="the cause, in place of the one that is drawn")] = None,
    shape: Annotated[str | None, typer.Option(help="abrupt or gentle, in place of what is drawn")] = None,
    as_json: AsJson = False,
) -> None:
    """Play a production incident from a script; the cause is told once the script closes it.

    Without a script it waits until something rings, and tells what there is to do.
    """
    scenario = load(case)
    if script and play:
        raise UsageError("--script and --play: give one of them")
    playing = Play(scenario, draw(scenario, secret, cause, shape))
    if play:
        _let_play(known("player", play, PLAYERS), playing)
    else:
        for action in read_script(script) if script else SCRIPT.validate_python([{"kind": "wait"}]):
            playing.act(action)
    over = playing.closed or playing.now_s >= playing.end_s
    found = score(playing) if over else None
    if as_json:
        typer.echo(json.dumps(_in_json(playing, found), allow_nan=False))
        return
    _show(playing, found)


def _let_play(name: str, playing: Play) -> None:
    beliefs = load_beliefs(playing.scenario)
    if beliefs is None:
        raise BeliefError(f"{playing.scenario.id}: was not rehearsed; casesim incident-rehearse {playing.scenario.id} does it")
    PLAYERS[name](playing, beliefs)


def _show(playing: Play, found: Score | None) -> None:
    out = table_console()
    table = Shown(box=None)
    for heading in ("day", "hour", "took", "USD", "what was done", "what was found"):
        table.add_column(heading, justify="right" if heading in ("day", "hour", "took", "USD") else "left")
    for note in playing.notes:
        when = note.at_s % DAY_S / HOUR_S
        cells = (
            f"{int(note.at_s // DAY_S) + 1}",
            f"{int(when):02d}:{int(when % 1 * 60):02d}",
            f"{(note.until_s - note.at_s) / HOUR_S:.1f} h",
            f"{note.usd:.0f}",
            _done(playing, note.action),
            _found(note),
        )
        table.add_row(*map(escape, cells))
    out.print(table)
    spent = f"{playing.usd:,.0f} USD spent, {playing.labels} frames labelled, day {int(playing.now_s // DAY_S) + 1}."
    out.print(spent, highlight=False)
    if found is None:
        looks = ", ".join(playing.spec.looks)
        out.print(
            f"It goes on. Looks: {looks}. Fixes: {', '.join(playing.spec.fixes)}. A script that closes it tells the cause."
        )
        return
    _show_score(playing, found)


def _done(playing: Play, action: Action) -> str:
    told = action.model_dump(exclude_none=True)
    name = told.get("look") or told.get("fix") or told.get("cause") or ""
    labels = {key: look.label for key, look in playing.spec.looks.items()}
    labels |= {key: fix.label for key, fix in playing.spec.fixes.items()}
    if action.kind == "diagnose":
        return f"diagnosis: {name}, {100 * told['confidence']:.0f}% sure"
    if action.kind == "wait":
        return f"wait {told['hours']:g} h" if "hours" in told else "wait until something rings"
    return str(labels.get(name, action.kind))


def _found(note: NotebookEntry) -> str:
    if note.ring:
        low, high = note.ring.usual
        usual = f", usually {low:.3g} to {high:.3g}" if isfinite(low) else ""
        return f"{note.ring.watch.statistic} of {note.ring.slice} rings: {note.ring.value:.3g}{usual}"
    if note.complaint:
        return "somebody asks whether the detector still works"
    return note.finding.sentence if note.finding else ""


def _show_score(playing: Play, found: Score) -> None:
    out, cause = table_console(), playing.spec.causes[found.cause]
    out.print(f"\nIt was: {escape(cause.label)}, since day {playing.secret.onset_s / DAY_S + 1:.1f}.", highlight=False)
    out.print(escape(cause.teaches), highlight=False)
    said = (
        "no diagnosis"
        if found.diagnosis is None
        else f"{'right' if found.right else 'wrong'}, {100 * found.confidence:.0f}% sure"
    )
    times = {"detected": found.detected_h, "diagnosed": found.diagnosed_h, "mitigated": found.mitigated_h}
    told = ", ".join(f"{name} after {hours:.0f} h" if isfinite(hours) else f"not {name}" for name, hours in times.items())
    out.print(f"Diagnosis: {said} (Brier score {found.brier:.2f}); {told}.", highlight=False)
    for one in found.fixes:
        took = (
            f"took away {100 * one.took_away:.0f}% of the harm that was left"
            if isfinite(one.took_away)
            else "had no harm to end"
        )
        out.print(f"{playing.spec.fixes[one.name].label}: {took}{'' if one.right else ', a wrong fix'}.", highlight=False)
    harm = f"Harm {significant(found.excess, 3)}; {significant(found.untouched, 3)} had nobody acted"
    out.print(f"{harm} (in units of the least object missed).", highlight=False)


def _in_json(playing: Play, found: Score | None) -> dict[str, Any]:
    notes = [
        {
            "action": note.action.model_dump(exclude_none=True),
            "at_h": note.at_s / HOUR_S,
            "until_h": note.until_s / HOUR_S,
            "usd": note.usd,
            "found": _found(note),
            "sign": note.finding.sign if note.finding else None,
        }
        for note in playing.notes
    ]
    told = None if found is None else {name: _real(value) for name, value in asdict(found).items()}
    return {
        "scenario": playing.scenario.id,
        "secret": playing.secret.seed,
        "notes": notes,
        "now_h": playing.now_s / HOUR_S,
        "usd": playing.usd,
        "labels": playing.labels,
        "closed": any(isinstance(note.action, CloseAction) for note in playing.notes),
        "score": told,
    }


def _real(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_real(each) for each in value]
    return {name: _real(each) for name, each in value.items()} if isinstance(value, dict) else value


def incident_rehearse(
    case: Case,
    seeds: Annotated[int, typer.Option(min=2, max=10_000, help="incidents of each cause, as it comes")] = 40,
    workers: Workers = 1,
    out: Annotated[Path, typer.Option(help="folder to write the table to")] = INCIDENTS,
) -> None:
    """Play incidents beforehand: how often each cause brings which sign, from which debriefs and the sensible player reckon."""
    scenario = load(case)
    spec_of(scenario)
    with _ticking("rehearsing", len(to_rehearse(case, seeds))) as tick:
        rows = rehearse(case, seeds, workers, tick)
    _written(rows, out / scenario.id / "signs.csv")


def incident_study(
    case: Case,
    seeds: Annotated[int, typer.Option(min=2, max=10_000, help="incidents of each cause, as it comes, a player")] = 30,
    workers: Workers = 1,
    out: Annotated[Path | None, typer.Option(help="write a row for each incident to this CSV file")] = None,
    as_json: AsJson = False,
) -> None:
    """Let each scripted investigator play every cause: time, cost, harm and hits."""
    total = len(PLAYERS) * seeds * sum(len(one.shapes) for one in spec_of(load(case)).causes.values())
    with _ticking("playing", total) as tick:
        rows = investigators(case, seeds, workers, tick)
    if out:
        _written(rows, out)
    table = summary_of(rows)
    if as_json:
        typer.echo(json.dumps([{name: _real(cell) for name, cell in row.items()} for row in table.to_dict("records")]))
        return
    shown = Shown(*table.columns, box=None)
    for row in table.itertuples(index=False):
        shown.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    table_console().print(shown)


def incident_fixes(
    case: Case,
    seeds: Annotated[int, typer.Option(min=2, max=10_000, help="incidents of each cause and fix")] = 10,
    workers: Workers = 1,
    out: Annotated[Path | None, typer.Option(help="write the table to this CSV file")] = None,
) -> None:
    """Ship each fix against each cause: which part of the harm it takes away."""
    spec_of(load(case))
    with _ticking("fixing", seeds * fix_tries(case)) as tick:
        rows = fixes(case, seeds, workers, tick)
    if out:
        _written(rows, out)
    shown = Shown("cause", *rows["fix"].unique(), box=None, title="share of the harm taken away (%), 95% interval")
    for cause, mine in rows.groupby("cause", sort=False):
        cells = [
            f"{100 * row['took_away']:.0f} ({100 * row['took_low']:.0f} to {100 * row['took_high']:.0f})"
            for row in mine.to_dict("records")
        ]
        shown.add_row(str(cause), *cells)
    table_console().print(shown)


def incident_monitors(
    case: Case,
    seeds: Annotated[int, typer.Option(min=10, max=10_000, help="incidents, and at least as many quiet weeks")] = 200,
    cause: Annotated[
        list[str] | None, typer.Option(help="incidents of this cause beside those that seeds draw; may be repeated")
    ] = None,
    monitors: Annotated[
        Path | None, typer.Option(help="a YAML file: a list of monitors, as the case's `watches`; without it, the case's own")
    ] = None,
    workers: Workers = 1,
    out: Annotated[Path | None, typer.Option(help="folder to write monitors.csv and quiet.csv to")] = None,
) -> None:
    """Measure how late each monitor rings beside how often it rings for nothing, and whether it keeps what it promises."""
    spec = spec_of(load(case))
    watches = read_yaml(monitors, TypeAdapter(list[Watch]), UsageError) if monitors else list(spec.watches)
    drawn: dict[str, list[Wanted]] = {ANY: [(seed, None, None) for seed in failing_seeds(case, seeds)]}
    drawn |= {known("cause", name, spec.causes): [(k, name, None) for k in range(1, seeds + 1)] for name in cause or ()}
    runs = ceil(seeds / (load(case).run.days - spec.reference_days) * 7)
    with _ticking("watching", runs + seeds * len(drawn)) as tick:
        calm = watch_all(case, watches, [(seed, QUIET, None) for seed in range(1, runs + 1)], workers, tick)
        failing = {name: watch_all(case, watches, wanted, workers, tick) for name, wanted in drawn.items()}
    curves, kept = curves_of(load(case), watches, calm, failing), promises_of(watches, calm)
    if out:
        _written(curves, out / "monitors.csv")
        _written(kept, out / "quiet.csv")
    shown = Shown("monitor", "cause", "threshold", "false alarms a week", "hours to the alarm, median", "caught", box=None)
    for row in curves.to_dict("records"):
        cells = [_interval(row, name) for name in ("alarms_a_week", "delay_h", "caught")]
        shown.add_row(row["monitor"], row["cause"], f"{row['threshold']:g}", *cells)
    table_console().print(shown)
    promised = Shown("monitor", "promised", "quiet windows that ring", box=None)
    for row in kept.to_dict("records"):
        promised.add_row(row["monitor"], f"{row['promised']:g}", _interval(row, "rings"))
    table_console().print(promised)


def _interval(row: dict[Any, Any], name: str) -> str:
    low, high = (f"{row[f'{name}_{end}']:.2g}" if isfinite(row[f"{name}_{end}"]) else "never" for end in ("low", "high"))
    return f"{row[name]:.2g} ({low} to {high})" if isfinite(row[name]) else f"never ({low} to {high})"


def _written(rows: pd.DataFrame, path: Path) -> None:
    with in_one_step(path) as part:
        rows.to_csv(part, index=False, lineterminator="\n", float_format="%.5g")
    err.print(f"written to {path}", markup=False)


@contextmanager
def _ticking(what: str, total: int) -> Iterator[Callable[[], None]]:
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("left:"), TimeRemainingColumn()
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
