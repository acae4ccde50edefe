"""What the encounters of a replication come to, for the evidence as it is and for resamples of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.drive_tables import DRAWS
from simulator.metrics.ages import instants
from simulator.metrics.measures import Total
from simulator.records.trace import Trace
from simulator.vehicle.braking import first_tick, needed_m
from simulator.vehicle.encounter_draws import KMH
from simulator.vehicle.machines import vehicle_totals
from simulator.vehicle.meeting import EncounterOutcome, Meeting

Floats = NDArray[np.float64]

#: The first replications are evaluated for resamples of the evidence too: what those change varies little between them.
EVIDENCE_RUNS = 5

Sums = dict[str, tuple[float, float]]


def encounter_totals(trace: Trace) -> dict[str, Total]:
    """Return every metric of encounters and of the vehicle, by name."""
    meeting = Meeting(trace)
    found = sums(meeting, meeting.outcome())
    draws = range(1, DRAWS + 1) if trace.replication < EVIDENCE_RUNS and trace.plan.edge is None else ()
    drawn = [sums(meeting, meeting.outcome(draw)) for draw in draws]
    totals = {
        name: Total(*pair, by_draw=np.array([one[name] for one in drawn]) if drawn else None) for name, pair in found.items()
    }
    return totals | dict(_others(meeting)) | dict(vehicle_totals(trace, alarms_per_h(meeting)))


def sums(meeting: Meeting, outcome: EncounterOutcome) -> Sums:
    """Numerator and denominator of each metric that rests on what was found."""
    counts = meeting.counts
    n = float(counts.sum())
    confirmed = np.isfinite(outcome.confirmed_s) & (outcome.confirmed_gap_m > 0) & counts
    share = (outcome.impact_mps / meeting.closing_mps) ** 2
    found = {
        "margin_mean_m": (float(outcome.margin_m[counts].sum()), n),
        "harm_share": (float(share[counts].sum()), n),
        "impact_mean_kmh": (float(outcome.impact_mps[counts].sum()) / KMH, n),
        "confirmed_share": (float(confirmed.sum()), n),
        "confirmed_mean_m": (float(outcome.confirmed_gap_m[confirmed].sum()), float(confirmed.sum())),
    }
    reasons = lost(meeting, outcome)
    kinds = {f".{name}": counts & (meeting.drawn.kind == place) for place, name in enumerate(meeting.spec.kinds)}
    for of_kind, those in {"": counts, **kinds}.items():
        found[f"stopped_share{of_kind}"] = float((outcome.stopped & those).sum()), float(those.sum())
        hit = float((~outcome.stopped & those).sum())
        found |= {f"{name}{of_kind}": (float((mine & those).sum()), hit) for name, mine in reasons.items()}
    return found


def lost(meeting: Meeting, outcome: EncounterOutcome) -> dict[str, NDArray[np.bool_]]:
    """Why the vehicle does not stop in time, by name, shape (n,) each: each encounter that it does not stop for has one reason.

    unseen: when the frame that confirms the object was captured, even brakes that hold at once would have been too late
    answered_late: they would not, but brakes as soon as the answer was known are; braked_late: the planner waited beyond that
    """
    needed = needed_m(meeting.closing_mps, meeting.deceleration)
    with np.errstate(invalid="ignore"):
        unseen = ~(meeting.gap_m - meeting.closing_mps * outcome.seen_s >= needed)
        earliest = first_tick(meeting.ticks, outcome.confirmed_s) + meeting.rule.actuation_s
        late = ~(meeting.gap_m - meeting.closing_mps * earliest >= needed) & ~unseen
    hit = ~outcome.stopped
    return {"lost.unseen": hit & unseen, "lost.answered_late": hit & late, "lost.braked_late": hit & ~unseen & ~late}


def _others(meeting: Meeting) -> Iterator[tuple[str, Total]]:
    rate, low, high = alarms_per_h(meeting)
    yield "needless_brakes_per_h", Total(rate, 1.0, between=(low, high))
    if meeting.spec.degrades is not None:
        end = meeting.trace.plan.arrivals_end_s
        yield "degraded_share", Total(float(meeting.too_old(instants(end)).mean()) * end, end)


def alarms_per_h(meeting: Meeting) -> tuple[float, float, float]:
    """Brakes that nothing called for, an hour, with its interval: those of each kind of sensor that answers.

    Where both must confirm, the rarer of the two is an upper bound; how often both are wrong about one place was not measured.
    """
    by_kind: dict[bool, tuple[float, float, float]] = {}
    looked = set(meeting.answers.sight[np.isfinite(meeting.answers.known)])
    for sight in (one for place, one in enumerate(meeting.sights) if place in looked):
        told = sight.alarms.per_hour, sight.alarms.low, sight.alarms.high
        by_kind[sight.is_camera] = max(by_kind.get(sight.is_camera, told), told)
    if not by_kind or (meeting.spec.fuses == "both" and len(by_kind) < 2):
        return 0.0, 0.0, 0.0
    each = np.array(list(by_kind.values()))
    if meeting.spec.fuses == "both":
        least = each[each[:, 0].argmin()]
        return float(least[0]), 0.0, float(least[2])
    if len(each) == 1:
        return float(each[0, 0]), float(each[0, 1]), float(each[0, 2])
    total, below, above = each[:, 0].sum(), np.hypot(*(each[:, 0] - each[:, 1])), np.hypot(*(each[:, 2] - each[:, 0]))
    return float(total), float(total - below), float(total + above)
