"""`python -m campaigns.incidents`: play many incidents of a case, for signs, investigators, fixes and monitors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil, isfinite
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from pydantic import TypeAdapter
from rich.table import Table as Shown

from campaigns.incidents.rehearsal import rehearse as rehearsed
from campaigns.incidents.rehearsal import to_rehearse
from campaigns.incidents.rule_study import rules_fired, wanted_plays
from campaigns.incidents.study import (
    ANY,
    FIRST_SEED,
    QUIET,
    Bout,
    Wanted,
    curves_of,
    failing_seeds,
    fix_tries,
    harms_wanted,
    investigators,
    promises_of,
    summary_of,
    watch_all,
)
from campaigns.incidents.study import fixes as fixed
from campaigns.incidents.study import harms as harmed
from campaigns.terminal import progress, run
from simulator.case.load import load
from simulator.cli.exits import err, known, table_console
from simulator.cli.options import AsJson, Case
from simulator.evidence.evidence_files import in_one_step
from simulator.incident.player_actions import check_watch, read_listing
from simulator.incident.players import PLAYERS
from simulator.incident.secret import DIFFICULTIES, USUAL, level_of, spec_of
from simulator.incident.section import Incident
from simulator.incident.watches import Watch
from simulator.paths import INCIDENTS

Workers = Annotated[int, typer.Option(min=1, max=64, help="processes")]


def rehearse(
    case: Case,
    seeds: Annotated[int, typer.Option(min=2, max=10_000, help="incidents of each cause, as it comes")] = 40,
    workers: Workers = 1,
    out: Annotated[Path, typer.Option(help="folder to write the table to")] = INCIDENTS,
) -> None:
    """Play incidents beforehand and count the signs of each cause, for debriefs and the sensible investigator."""
    scenario = load(case)
    spec_of(scenario)
    with ticking("rehearsing", len(to_rehearse(case, seeds))) as tick:
        rows = rehearsed(case, seeds, workers, tick)
    _written(rows, out / scenario.id / "signs.csv")


def study(
    case: Case,
    seeds: Annotated[int, typer.Option(min=2, max=10_000, help="incidents a player, as seeds draw them")] = 300,
    first: Annotated[int, typer.Option(min=1, max=10**9, help="the first seed")] = FIRST_SEED,
    level: Annotated[list[str] | None, typer.Option(help=f"{', '.join(DIFFICULTIES)}; may be repeated")] = None,
    player: Annotated[list[str] | None, typer.Option(help=f"one of {', '.join(PLAYERS)}; without it all")] = None,
    workers: Workers = 1,
    out: Annotated[Path | None, typer.Option(help="write a row for each incident to this CSV file")] = None,
    as_json: AsJson = False,
) -> None:
    """Let each scripted investigator play the same incidents, and print time, cost, harm and hits."""
    spec_of(load(case))
    players = tuple(known("player", name, PLAYERS) for name in player or PLAYERS)
    levels = tuple(level_of(name) for name in level or [USUAL])
    bout = Bout(seeds, first, levels, players)
    with ticking("playing", len(levels) * seeds) as tick:
        rows = investigators(case, bout, workers, tick)
    if out:
        _written(rows, out)
    table = summary_of(rows)
    if as_json:
        typer.echo(json.dumps([{name: _finite(cell) for name, cell in row.items()} for row in table.to_dict("records")]))
        return
    shown = Shown(*table.columns, box=None)
    for row in table.itertuples(index=False):
        shown.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    table_console().print(shown)


def rules(
    case: Case,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="incidents of each cause a player")] = 1,
    workers: Workers = 1,
    out: Annotated[Path | None, typer.Option(help="write a row for each play to this CSV file")] = None,
) -> None:
    """Let investigators play, and print the share of plays in which each rule of the debrief fires."""
    spec_of(load(case))
    with ticking("playing", len(wanted_plays(case, rounds))) as tick:
        rows = rules_fired(case, rounds, workers, tick)
    if out:
        _written(rows, out)
    shares = (
        rows.assign(fired=rows["fired"].str.split()).explode("fired").groupby(["fired", "player"]).size().unstack(fill_value=0)
    )
    shown = Shown(
        "rule", *shares.columns, box=None, title=f"fired rules: plays, of {len(rows) // rows['player'].nunique()} each"
    )
    for name, counts in shares.iterrows():
        shown.add_row(str(name), *(f"{count}" for count in counts))
    table_console().print(shown)


def fixes(
    case: Case,
    seeds: Annotated[int, typer.Option(min=2, max=10_000, help="incidents of each cause and fix")] = 10,
    workers: Workers = 1,
    out: Annotated[Path | None, typer.Option(help="write the table to this CSV file")] = None,
) -> None:
    """Ship each fix against each cause, and print the share of the harm that it takes away."""
    spec_of(load(case))
    with ticking("fixing", seeds * fix_tries(case)) as tick:
        rows = fixed(case, seeds, workers, tick)
    if out:
        _written(rows, out)
    shown = Shown("cause", *rows["fix"].unique(), box=None, title="share of the harm taken away (%), 95% interval")
    for cause, of_cause in rows.groupby("cause", sort=False):
        cells = [
            f"{100 * row['took_away']:.0f} ({100 * row['took_low']:.0f} to {100 * row['took_high']:.0f})"
            for row in of_cause.to_dict("records")
        ]
        shown.add_row(str(cause), *cells)
    table_console().print(shown)


def harms(
    case: Case,
    seeds: Annotated[int, typer.Option(min=2, max=10_000, help="incidents of each cause, as it comes")] = 8,
    workers: Workers = 1,
    out: Annotated[Path, typer.Option(help="folder to write the table to")] = INCIDENTS,
) -> None:
    """Measure the harm that each cause does in a day, for investigators that weigh prices."""
    scenario = load(case)
    with ticking("harming", len(harms_wanted(case, seeds))) as tick:
        rows = harmed(case, seeds, workers, tick)
    _written(rows, out / scenario.id / "harms.csv")


def monitors(
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
    """Measure the delay and the false alarms of each monitor, and compare its promised rate of alarms with the real one."""
    spec = spec_of(load(case))
    watches = read_watches(monitors, spec) if monitors else list(spec.watches)
    drawn: dict[str, list[Wanted]] = {ANY: [(seed, None, None) for seed in failing_seeds(case, seeds)]}
    drawn |= {known("cause", name, spec.causes): [(k, name, None) for k in range(1, seeds + 1)] for name in cause or ()}
    runs = ceil(seeds / (load(case).run.days - spec.reference_days) * 7)
    with ticking("watching", runs + seeds * len(drawn)) as tick:
        calm = watch_all(case, watches, [(seed, QUIET, None) for seed in range(1, runs + 1)], workers, tick)
        failing = {name: watch_all(case, watches, wanted, workers, tick) for name, wanted in drawn.items()}
    curves, promises = curves_of(load(case), watches, calm, failing), promises_of(watches, calm)
    if out:
        _written(curves, out / "monitors.csv")
        _written(promises, out / "quiet.csv")
    shown = Shown("monitor", "cause", "threshold", "false alarms a week", "hours to the alarm, median", "caught", box=None)
    for row in curves.to_dict("records"):
        cells = [_interval(row, name) for name in ("alarms_a_week", "delay_h", "caught")]
        shown.add_row(row["monitor"], row["cause"], f"{row['threshold']:g}", *cells)
    table_console().print(shown)
    promised = Shown("monitor", "promised", "quiet windows that ring", box=None)
    for row in promises.to_dict("records"):
        promised.add_row(row["monitor"], f"{row['promised']:g}", _interval(row, "rings"))
    table_console().print(promised)


def _interval(row: dict[Any, Any], name: str) -> str:
    low, high = (f"{row[f'{name}_{end}']:.2g}" if isfinite(row[f"{name}_{end}"]) else "never" for end in ("low", "high"))
    return f"{row[name]:.2g} ({low} to {high})" if isfinite(row[name]) else f"never ({low} to {high})"


def read_watches(path: Path, spec: Incident) -> list[Watch]:
    """Read the list of monitors in a YAML or JSON file; raises ScenarioError with the fault at its line."""
    listing = read_listing(path, TypeAdapter(list[Watch]))
    for index, watch in enumerate(listing.entries):
        with listing.at(index):
            check_watch(watch, spec)
    return listing.entries


def _written(rows: pd.DataFrame, path: Path) -> None:
    with in_one_step(path) as part:
        rows.to_csv(part, index=False, lineterminator="\n", float_format="%.5g")
    err.print(f"written to {path}", markup=False)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


@contextmanager
def ticking(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error, and yield a function that advances it by one."""
    with progress() as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


#: Each study by its name.
COMMANDS: dict[str, Callable[..., None]] = {
    "rehearse": rehearse,
    "study": study,
    "rules": rules,
    "fixes": fixes,
    "harms": harms,
    "monitors": monitors,
}

if __name__ == "__main__":
    run("incidents", COMMANDS)
