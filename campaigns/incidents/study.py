"""Studies over many incidents: results of investigators, effects of fixes, delays and false alarms of monitors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count as naturals
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.incidents.rehearsal import case_of, to_rehearse, until_paged
from campaigns.over_processes import over_processes
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.incident.beliefs import load_beliefs
from simulator.incident.fixes import ThresholdFix
from simulator.incident.incident_score import Excess, score
from simulator.incident.monitoring import watched
from simulator.incident.play import Play
from simulator.incident.player_actions import FixAction, LookAction
from simulator.incident.players import PLAYERS
from simulator.incident.secret import DAY_S, HOUR_S, USUAL, Level, draw, quiet, spec_of
from simulator.incident.watches import Watch
from simulator.intervals import Interval, mean_interval, quantile_interval, share_interval

Floats = NDArray[np.float64]

WEEK_S = 7 * DAY_S
#: Figures whose mean a summary gives; times are means over the incidents where the event happened.
_MEANS = ["brier", "detected_h", "diagnosed_h", "mitigated_h", "wrong_fixes", "usd", "total_usd", "kept"]


#: The columns of a row that are figures of the score.
_FIGURES = [
    *("diagnosis", "right", "confidence", "brier", "detected_h", "diagnosed_h", "mitigated_h"),
    *("wrong_fixes", "false_alarms", "usd", "paged_usd", "total_usd"),
]


class StudyError(InputError):
    """A study cannot be made; the message says what is missing."""


# Investigators


#: The first seed of a study: those below were at hand while the rule of the sensible investigator was written.
FIRST_SEED = 88_001


@dataclass(frozen=True)
class Bout:
    """The incidents of a study: seeds from `first` on, difficulties, and the investigators."""

    seeds: int
    first: int = FIRST_SEED
    levels: tuple[Level, ...] = (USUAL,)
    players: tuple[str, ...] = tuple(PLAYERS)


def investigators(case: str, bout: Bout, workers: int = 1, tick: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """Return a row an incident and player, over incidents as seeds draw them; raises StudyError.

    All players meet equal incidents. Columns: level, player, cause, second, shape, seed, diagnosis, right, confidence, brier,
    detected_h, diagnosed_h, mitigated_h, wrong_fixes, false_alarms, usd, paged_usd (the harm before the page), total_usd, kept
    (the share of the harm without any action that was still done).
    """
    if load_beliefs(case_of(case)) is None:
        raise StudyError(f"{case}: the case has no rehearsed signs; python -m campaigns.incidents rehearse {case} makes them")
    rows = []
    seeds = range(bout.first, bout.first + bout.seeds)
    wanted = [(level, seed) for level in bout.levels for seed in seeds]
    for plays in over_processes(partial(_played, case, bout.players), wanted, workers):
        rows += plays
        tick()
    return pd.DataFrame(rows)


def _played(case: str, players: tuple[str, ...], wanted: tuple[Level, int]) -> list[dict[str, object]]:
    """Let each player meet an incident; their plays share its streams."""
    level, seed = wanted
    first = Play(case_of(case), draw(case_of(case), seed, level=level))
    beliefs = load_beliefs(first.scenario)
    assert beliefs is not None
    rows = []
    for player in players:
        play = Play(case_of(case), first.secret, like=first)
        PLAYERS[player](play, beliefs)
        rows.append({"level": level, "player": player, **_row(play, seed)})
    return rows


def _row(play: Play, seed: int) -> dict[str, object]:
    secret, result = play.secret, score(play)
    harmful = not secret.harmless(play.spec) and result.untouched > 0
    figures = {name: getattr(result, name) for name in _FIGURES}
    kept = result.excess / result.untouched if harmful else np.nan
    drawn = {"cause": secret.cause, "second": secret.second or "", "shape": secret.shape, "seed": seed}
    return {**drawn, **figures, "kept": kept}


# Fixes


def fixes(case: str, seeds: int, workers: int = 1, tick: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """Return the share of the excess harm that each fix takes away since its start, for each harmful cause.

    Each fix ships at the time of the page, on seeds from 1 on; a threshold after `LABELLED_FIRST` labelled frames. Columns:
    cause, fix, took_away with its 95% interval over seeds (took_low, took_high), n.
    """
    spec = spec_of(case_of(case))
    wanted = [
        (name, fix, seed)
        for seed in range(1, seeds + 1)
        for name, cause in spec.causes.items()
        if not cause.harmless
        for fix in spec.fixes
    ]
    rows = []
    for row in over_processes(partial(_fixed, case), wanted, workers):
        rows.append(row)
        tick()
    table = []
    for (cause, fix), shares in pd.DataFrame(rows).groupby(["cause", "fix"], sort=False)["took_away"]:
        mean = mean_interval(shares.dropna().to_numpy())
        table.append((cause, fix, mean.value, mean.low, mean.high, int(shares.notna().sum())))
    return pd.DataFrame(table, columns=["cause", "fix", "took_away", "took_low", "took_high", "n"])


#: Frames that are labelled before a threshold is chosen anew.
LABELLED_FIRST = 400


def fix_tries(case: str) -> int:
    """Return the number of incidents that the table of fixes plays for each seed."""
    spec = spec_of(case_of(case))
    return sum(not cause.harmless for cause in spec.causes.values()) * len(spec.fixes)


def _fixed(case: str, wanted: tuple[str, str, int]) -> dict[str, object]:
    cause, fix, seed = wanted
    scenario = case_of(case)
    play = Play(scenario, draw(scenario, seed, cause, spec_of(scenario).causes[cause].shapes[0]))
    until_paged(play)
    if isinstance(play.spec.fixes[fix], ThresholdFix):
        labels = next(name for name, look in play.spec.looks.items() if "frames" in look.takes)
        play.act(LookAction(kind="look", look=labels, frames=LABELLED_FIRST))
    if play.now_s < play.end_s:
        play.act(FixAction(kind="fix", fix=fix))
    tried = score(play).fixes
    return {"cause": cause, "fix": fix, "took_away": tried[0].took_away if tried else np.nan}


# Harms


def harms(case: str, seeds: int, workers: int = 1, tick: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """Return the harm of a day of each harmful cause and shape at its full strength, over rehearsed seeds, without any action.

    Columns: cause, shape, harm_a_day (weighted objects), n.
    """
    rows = []
    for row in over_processes(partial(_harm_a_day, case), harms_wanted(case, seeds), workers):
        rows.append(row)
        tick()
    shapes = pd.DataFrame(rows).groupby(["cause", "shape"], sort=False)["harm_a_day"]
    return shapes.agg(harm_a_day="mean", n="size").reset_index()


def harms_wanted(case: str, seeds: int) -> list[tuple[str, str, int]]:
    """Return every incident to measure the harm of: its cause, shape and seed."""
    causes = spec_of(case_of(case)).causes
    return [wanted for wanted in to_rehearse(case, seeds) if not causes[wanted[0]].harmless]


def _harm_a_day(case: str, wanted: tuple[str, str, int]) -> dict[str, object]:
    cause, shape, seed = wanted
    scenario = case_of(case)
    play = Play(scenario, draw(scenario, seed, cause, shape))
    full_s = play.secret.full_s(play.spec)
    harm = Excess.of(play.statistics()).since(full_s)
    return {"cause": cause, "shape": shape, "harm_a_day": harm / ((play.end_s - full_s) / DAY_S)}


# Monitors

#: Thresholds of a curve; for p values of their negative decimal logarithm.
THRESHOLDS = np.array([1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 15, 20], float)


@dataclass(frozen=True, eq=False)
class Watched:
    """One monitor over one incident, or over quiet weeks: the time (s) and the highest score of each window, and the onset (s).

    The highest score is that of the slice that is farthest out; for p values -log10, after the correction for the slices.
    weeks: the length of all windows
    """

    at_s: Floats
    scores: Floats
    onset_s: float
    weeks: float


def watch_all(
    case: str, watches: Sequence[Watch], wanted: Sequence[Wanted], workers: int = 1,
    tick: Callable[[], None] = lambda: None,
) -> list[list[Watched]]:  # fmt: skip
    """Watch each incident (seed, cause and shape; None: drawn by the seed; `QUIET`: none) with each monitor."""
    incidents = []
    for one in over_processes(partial(_watched, case, tuple(watches)), wanted, workers):
        incidents.append(one)
        tick()
    return incidents


#: Hours that stand for never.
_NEVER_H = 1e9

#: In place of a cause: quiet weeks, or any harmful cause that a seed draws.
QUIET, ANY = "quiet", "any"
#: Seed, cause and shape; None: drawn by the seed.
Wanted = tuple[int, str | None, str | None]


def failing_seeds(case: str, count: int) -> list[int]:
    """Return the first `count` seeds that draw a harmful cause."""
    spec = spec_of(case_of(case))
    failing = (seed for seed in naturals(1) if not draw(case_of(case), seed).harmless(spec))
    return list(islice(failing, count))


def _watched(case: str, watches: tuple[Watch, ...], wanted: Wanted) -> list[Watched]:
    seed, cause, shape = wanted
    scenario = case_of(case)
    secret = quiet(seed) if cause == QUIET else draw(scenario, seed, cause, shape)
    play = Play(scenario, secret)
    monitors = []
    for watch in watches:
        series = watched(watch, play.statistics())
        scores = np.stack([one.score for one in series])
        if watch.rings == "p":
            scores = -np.log10(np.maximum(scores * (len(series) if watch.correct else 1), 1e-300))
        after = (series[0].ends_s > play.start_s + 1) & (series[0].known_s <= play.end_s)
        weeks = float(after.sum()) * watch.window_h * HOUR_S / WEEK_S
        monitors.append(Watched(series[0].known_s[after], scores.max(axis=0)[after], secret.onset_s, weeks))
    return monitors


def trade_off(
    calm: Sequence[Watched], incidents: Sequence[Watched], end_s: float, thresholds: Floats = THRESHOLDS
) -> pd.DataFrame:
    """Return alarms a week in quiet weeks, and hours from the onset to the first alarm, at each threshold; 95% intervals.

    Alarms are at least a day apart. The median delay is that of all incidents, with infinite delays for those without an alarm;
    `caught` is the share with one. Columns: threshold; alarms_a_week, delay_h and caught, each with _low and _high.
    """
    rows = []
    for threshold in thresholds:
        alarms = np.array([_alarms(one, threshold) / one.weeks for one in calm])
        delays = np.array([_delay_h(one, threshold, end_s) for one in incidents])
        caught = share_interval(int(np.isfinite(delays).sum()), len(delays))
        intervals = mean_interval(alarms), _median(delays), caught
        rows.append((threshold, *(bound for one in intervals for bound in (one.value, max(one.low, 0.0), one.high))))
    figures = [f"{name}{end}" for name in ("alarms_a_week", "delay_h", "caught") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["threshold", *figures])


def name_of(watch: Watch) -> str:
    """Return a monitor in a few words."""
    rule = f"p {watch.at:g}" if watch.rings == "p" else "spread"
    sampled = f", {100 * watch.sampled:g}% of frames" if watch.sampled < 1 else ""
    return f"{watch.statistic} by {watch.by}, {watch.test}, {watch.window_h:g} h, {watch.reference}, {rule}{sampled}"


def curves_of(
    scenario: Scenario, watches: Sequence[Watch], calm: Sequence[list[Watched]], failing: Mapping[str, Sequence[list[Watched]]]
) -> pd.DataFrame:
    """Return the curves of all monitors, for each set of incidents: a row a threshold, with columns monitor and cause."""
    end_s = scenario.run.days * DAY_S
    curves = [
        trade_off([one[place] for one in calm], [one[place] for one in incidents], end_s).assign(
            monitor=name_of(watch), cause=cause
        )
        for place, watch in enumerate(watches)
        for cause, incidents in failing.items()
    ]
    return pd.concat(curves, ignore_index=True)


def promises_of(watches: Sequence[Watch], calm: Sequence[list[Watched]]) -> pd.DataFrame:
    """Return the promised and the real rate of quiet windows that ring, of each monitor that promises one."""
    rows = []
    for place, watch in enumerate(watches):
        if watch.rings == "p":
            rate = false_windows([one[place] for one in calm], float(-np.log10(watch.at)))
            rows.append((name_of(watch), watch.at, rate.value, max(rate.low, 0.0), min(rate.high, 1.0)))
    return pd.DataFrame(rows, columns=["monitor", "promised", "rings", "rings_low", "rings_high"])


def _median(delays: Floats) -> Interval:
    """Return the median with its interval; some of the delays may be infinite."""
    median = quantile_interval(np.minimum(delays, _NEVER_H), 0.5)
    return Interval(*(np.inf if bound >= _NEVER_H / 2 else bound for bound in (median.value, median.low, median.high)))


def _alarms(one: Watched, threshold: float) -> int:
    """Count the alarms, at most one a day."""
    count, last = 0, -np.inf
    for when in one.at_s[one.scores > threshold]:
        if when - last >= DAY_S:
            count, last = count + 1, when
    return count


def _delay_h(one: Watched, threshold: float, end_s: float) -> float:
    """Return the hours from the onset to the first alarm after it; infinite without one."""
    rung = one.at_s[(one.scores > threshold) & (one.at_s > one.onset_s) & (one.at_s <= end_s)]
    return float((rung[0] - one.onset_s) / HOUR_S) if len(rung) else np.inf


def false_windows(calm: Sequence[Watched], threshold: float) -> Interval:
    """Return the share of quiet windows that ring, with an interval over runs, since windows of a run resemble each other."""
    shares = np.array([float((one.scores > threshold).mean()) for one in calm])
    return mean_interval(shares)


def summary_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a player, and a row a player, cause and shape: hits with their 95% interval, and means of the rest."""
    table = []
    for name, part in [
        *((f"{player} / all", plays) for player, plays in rows.groupby("player", sort=False)),
        *((" / ".join(map(str, keys)), plays) for keys, plays in rows.groupby(["player", "cause", "shape"], sort=False)),
    ]:
        hits = share_interval(int(part["right"].sum()), len(part))
        figures = {column: float(part[column].mean()) for column in _MEANS}
        table.append({"who": name, "n": len(part), "hits": hits.value, "low": hits.low, "high": hits.high} | figures)
    return pd.DataFrame(table)
