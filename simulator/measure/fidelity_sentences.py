"""Sentences on a fidelity report: how far real runs differ, how many lie within their forecast, and the time to judge more."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import fmean, median

from simulator.evidence.fidelity_reports import AGREE, FEWEST_JUDGED, FidelityReport, Held, forecasts_held
from simulator.units import percent, roughly


def share_sentence(held: Held) -> str:
    low, high = (f"{100 * bound:.0f}" for bound in (held.share.low, held.share.high))
    return f"{held.figure} {held.held} of {held.runs} ({percent(held.share.value)} [{low}, {high}])"


def held_sentence(report: FidelityReport, server: str) -> str:
    """Return a sentence on the share of real runs in their forecast intervals; empty without intervals."""
    overall = ", ".join(share_sentence(held) for held in forecasts_held(report, server) if held.load is None)
    if not overall:
        return ""
    return f"Real runs within their 95% forecast interval, with no run left out: {overall}."


def busy_sentence(report: FidelityReport) -> str:
    share = report.others_share
    return "" if share is None else f"Other programs took {roughly(share)} of the machine meanwhile."


def spread_sentence(report: FidelityReport, server: str) -> str:
    """Return sentences on the points, on the difference of two identical real runs, and on the points that are not judged."""
    figures = report.summary(server)
    noise = " and ".join(f"{percent(figures[f'all_points_noise_{name}_median'])} in {name}" for name in ("p50", "p99"))
    again = f", measured {figures['measurements']} times in all" if "measurements" in figures else ""
    sentences = (
        f"{figures['points']} points{again}. Two identical real runs differ by {noise} (medians).",
        *_unjudged(report, server),
        busy_sentence(report),
    )
    return " ".join(filter(None, sentences))


def _unjudged(report: FidelityReport, server: str) -> Iterator[str]:
    """Yield the number of points that are not judged, the reasons, and the time that judging them would take."""
    figures, points = report.summary(server), report.of(server)
    judged, others = int(figures["points_judged"]), int(figures["points"] - figures["points_judged"])
    apart = {name: sum(abs(point.noise(f"{name}_s")) > AGREE for point in points) for name in ("p50", "p99")}
    where = ", ".join(f"{name} in {count}" for name, count in apart.items() if count)
    these = "1 point is not judged: its" if others == 1 else f"{others} points are not judged: their"
    yield f"{these} two real runs differ by more than {percent(AGREE)}{where and f' ({where})'}."
    if others and len(points) > 1:
        changes = [abs(after.speed / before.speed - 1) for before, after in pairwise(points)]
        yield f"The machine's speed changes by {percent(median(changes))} from one measurement to the next (median)."
    if judged < FEWEST_JUDGED:
        yield f"Judged: {judged}, too few for a median. On a quieter machine {FEWEST_JUDGED} may agree."
    if others:
        yield _time_sentence(report, server)


def _time_sentence(report: FidelityReport, server: str) -> str:
    timed = any(point.seconds is not None for point in report.of(server))
    missing = more_minutes(report, server)
    if not missing:
        return "No measurement that can tell was judged, so the time until more are judged is unknown." if timed else ""
    when = " and ".join(f"{count} after about {_minutes(minutes)}" for count, minutes in missing.items())
    return f"At this run's rate, `--minutes` would judge {when} more."


def _minutes(minutes: float) -> str:
    return "a minute" if minutes < 1.5 else f"{minutes:.0f} minutes"


def more_minutes(report: FidelityReport, server: str) -> dict[int, float]:
    """Return the minutes of further measurements until FEWEST_JUDGED points, and until all, are judged, by number of points.

    By this run's seconds a measurement and its rate of judged ones: that of the points measured again, if there are any, as
    what is left resembles them. Empty where none of those was judged, or no time is known.
    """
    points, figures = report.of(server), report.summary(server)
    alike = [point for point in points if point.attempt > 1] or points
    seconds = [point.seconds for point in points if point.seconds is not None]
    judged = sum(point.repeats for point in alike)
    if not judged or not seconds:
        return {}
    minutes = fmean(seconds) * len(alike) / judged / 60
    now, every = int(figures["points_judged"]), int(figures["points"])
    return {count: (count - now) * minutes for count in sorted({min(FEWEST_JUDGED, every), every}) if count > now}
