"""Sentences on a fidelity report: how far real runs differ, how many lie within their forecast, and the time to judge more."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import fmean, median

from simulator.evidence.fidelity_reports import (
    AGREE,
    FEWEST_JUDGED,
    IN_PROCESS,
    OVER_HTTP,
    FidelityReport,
    Held,
    forecasts_held,
)
from simulator.phrases import phrase


def sentences(report: FidelityReport) -> Iterator[str]:
    """Yield a few sentences on each server."""
    for server in (IN_PROCESS, OVER_HTTP):
        if report.of(server):
            words = [spread_sentence(report, server), *_error_words(report.summary(server))]
            yield f"{server.capitalize() if server == IN_PROCESS else server}: {' '.join(words)}"
            yield from filter(None, [held_sentence(report, server)])
            yield from _held_by_load(report, server)


def _held_by_load(report: FidelityReport, server: str) -> Iterator[str]:
    held = forecasts_held(report, server)
    for load in sorted({share.load for share in held if share.load is not None}):
        words = ", ".join(share_sentence(share) for share in held if share.load == load)
        yield f"  load {load:g}: {words}"


def _error_words(errors: dict[str, float | int]) -> Iterator[str]:
    if "p50_error_median" in errors:
        yield phrase("fidelity.predicted", **errors)
    if "all_points_replay_p50_error_max" in errors:
        yield phrase("fidelity.replayed", **errors)


def share_sentence(held: Held) -> str:
    return phrase("fidelity.share", held=held)


def held_sentence(report: FidelityReport, server: str) -> str:
    """Return a sentence on the share of real runs in their forecast intervals; empty without intervals."""
    overall = [share_sentence(held) for held in forecasts_held(report, server) if held.load is None]
    return phrase("fidelity.held", overall=overall) if overall else ""


def spread_sentence(report: FidelityReport, server: str) -> str:
    """Return sentences on the points, on the difference of two identical real runs, and on the points that are not judged."""
    figures, share = report.summary(server), report.others_share
    noise = [phrase("fidelity.noise", share=figures[f"all_points_noise_{name}_median"], name=name) for name in ("p50", "p99")]
    points, measurements = figures["points"], figures.get("measurements")
    sentences = [phrase("fidelity.spread", points=points, measurements=measurements, noise=noise), *_unjudged(report, server)]
    sentences += [phrase("fidelity.busy", share=share)] if share is not None else []
    return " ".join(filter(None, sentences))


def _unjudged(report: FidelityReport, server: str) -> Iterator[str]:
    """Yield the number of points that are not judged, the reasons, and the time that judging them would take."""
    figures, points = report.summary(server), report.of(server)
    judged, others = int(figures["points_judged"]), int(figures["points"] - figures["points_judged"])
    apart = {name: sum(abs(point.noise(f"{name}_s")) > AGREE for point in points) for name in ("p50", "p99")}
    where = [f"{name} in {count}" for name, count in apart.items() if count]
    yield phrase("fidelity.unjudged", points=others, bound=AGREE, where=where)
    if others and len(points) > 1:
        changes = [abs(after.speed / before.speed - 1) for before, after in pairwise(points)]
        yield phrase("fidelity.speed", change=median(changes))
    if judged < FEWEST_JUDGED:
        yield phrase("fidelity.judged", points=judged, least=FEWEST_JUDGED)
    if others:
        yield _time_sentence(report, server)


def _time_sentence(report: FidelityReport, server: str) -> str:
    timed = any(point.seconds is not None for point in report.of(server))
    missing = more_minutes(report, server)
    if not missing:
        return "No measurement that can tell was judged, so the time until more are judged is unknown." if timed else ""
    when = [phrase("fidelity.judged_after", points=count, time=_minutes(minutes)) for count, minutes in missing.items()]
    return phrase("fidelity.time", when=when)


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
