"""What the room says in words: times of the incident's clock, costs, and what rang by how much."""

from __future__ import annotations

from math import isfinite

from simulator.arrivals.daily import DAYS
from simulator.case.schema import Scenario
from simulator.incident.monitoring import Ring
from simulator.incident.play import NotebookEntry
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.section import WATCHED, Incident, Watch
from simulator.incident.step_kinds import AnyFix, AnyLook, AuditLook, LabelsLook
from simulator.records.timetables import clock_minutes
from simulator.units import significant

#: What a test compares, in words; a mean needs none.
TESTS = {
    "mean": "mean",
    "ks": "KS distance",
    "psi": "PSI",
    "wasserstein": "Wasserstein distance",
    "chi2": "chi-squared",
    "mmd": "MMD",
    "adwin": "ADWIN",
    "page_hinkley": "Page-Hinkley",
}
#: The tests that show the figure itself; the others show how far it is from the reference.
OF_MEANS = frozenset({"mean", "adwin", "page_hinkley"})
#: Figures that are shares, told in per cent.
SHARES = frozenset({"recall", "dropped"})
_SHORT = {
    "recall": "Labelled objects found",
    "sure": "Detections that look right",
    "features": "Distance of features",
    "input_channels": "Input, first channel less last",
    "score": "Mean score of detections",
}
BY = {"all": "all frames", "site": "by site", "version": "by client version", "replica": "by replica"}


def moment(scenario: Scenario, at_s: float) -> str:
    """A time of the run as its clock shows it: `day 13, Sat 14:30`."""
    assert scenario.incident is not None
    since = at_s + DAYS.index(scenario.incident.starts_on) * DAY_S + 60 * clock_minutes(scenario.run.starts_at)
    minutes = int(since % DAY_S // 60)
    weekday = DAYS[int(since // DAY_S) % 7][:3].capitalize()
    return f"day {int(at_s // DAY_S) + 1}, {weekday} {minutes // 60:02d}:{minutes % 60:02d}"


def hours(seconds: float) -> str:
    """How long, in minutes, in hours or, of several days, in days."""
    if seconds < 2 * HOUR_S:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR_S:.2g} h" if seconds < 3 * DAY_S else f"{seconds / DAY_S:.2g} days"


def usd(amount: float) -> str:
    """Money, to the dollar."""
    return f"{amount:,.0f} USD"


def takes(minutes: float) -> str:
    """How long something takes, in minutes or hours."""
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:.2g} h"


def price(minutes: float, amount: float) -> str:
    """What an action costs: `60 min, 50 USD`."""
    return f"{takes(minutes)}, {usd(amount)}"


def name_of(statistic: str) -> str:
    """What is watched, without its unit and short enough for a picture's head: `Detections a frame`."""
    return _SHORT.get(statistic) or WATCHED[statistic].split(", ")[0].capitalize()


def unit_of(statistic: str) -> str:
    """The unit that goes with its number; none of counts and shares."""
    return "" if statistic in {*SHARES, "recall", "found", "sure", "score"} else WATCHED[statistic].split(", ")[-1]


def figure_of(watch: Watch) -> str:
    """What a monitor shows: a figure, or its distance to the reference."""
    name = name_of(watch.statistic)
    return name if watch.test in OF_MEANS else f"{name}, {TESTS[watch.test]}"


def number(value: float, statistic: str, test: str = "mean") -> str:
    """A value of a monitor as people read it: shares in per cent."""
    if test in OF_MEANS and statistic in SHARES:
        return f"{100 * value:.1f}%"
    return significant(value) if isfinite(value) else "none"


def whole(watch: Watch) -> str:
    """A monitor in a line: `Detections a frame, all frames, 24 h: mean beyond 5 deviations of the first days`."""
    against = "the collected images" if watch.reference == "collected" else "the first days"
    rule = (
        f"beyond {watch.at:g} deviations of {against}"
        if watch.rings == "spread"
        else f"against {against}, p below {watch.at:g}"
    )
    if watch.test == "adwin":
        rule = "finds a change"
    if watch.rings == "p" and watch.correct and watch.by != "all":
        rule += ", corrected"
    read = "" if watch.sampled == 1 else f", {100 * watch.sampled:g}% of them read"
    return f"{name_of(watch.statistic)}, {BY[watch.by]}{read}, {watch.window_h:g} h: {TESTS[watch.test]} {rule}"


def rang(ring: Ring) -> str:
    """What rang and by how much: `Detections a frame is 1.94, 1.98 below the usual 3.92 to 5.91`."""
    watch, (low, high) = ring.watch, ring.usual
    where = f" ({ring.slice})" if watch.by != "all" else ""

    def told(value: float) -> str:
        return number(value, watch.statistic, watch.test)

    said = f"{figure_of(watch)}{where} is {told(ring.value)} over {watch.window_h:g} h"
    if watch.rings == "p":
        return f"{said}; p is below {watch.at:g}."
    if isfinite(low) and ring.value < low:
        return f"{said}, {told(low - ring.value)} below the usual {told(low)} to {told(high)}."
    if isfinite(high) and ring.value > high:
        return f"{said}, {told(ring.value - high)} above the usual {told(low)} to {told(high)}."
    return f"{said}; the usual range is {told(low)} to {told(high)}." if isfinite(low) else f"{said}."


def came_of(note: NotebookEntry, spec: Incident) -> str:
    """What came of an action, in a sentence."""
    action = note.action
    if note.ring:
        return rang(note.ring)
    if note.complaint:
        return "Somebody asks whether the detector still works."
    if note.finding:
        return note.finding.sentence
    if action.kind == "wait":
        return "Nothing rang until the end of the stream." if action.hours is None else "Nothing new rang."
    if action.kind == "watch":
        return "; ".join(whole(watch) for watch in action.watches) + "." if action.watches else "Nothing is watched any more."
    if action.kind == "believe":
        likely = sorted(action.shares.items(), key=lambda pair: -pair[1])[:3]
        return "Likeliest: " + ", ".join(f"{spec.causes[name].label} ({100 * share:.0f}%)" for name, share in likely) + "."
    if action.kind == "diagnose":
        return f"{spec.causes[action.cause].label}, {100 * action.confidence:.0f}% sure."
    return f"{spec.fixes[action.fix].label}: in force from now on." if action.kind == "fix" else "The incident is closed."


def title_of(note: NotebookEntry, spec: Incident) -> str:
    """What was done."""
    action = note.action
    if action.kind == "look":
        where = f", {spec.sites[action.site].label}" if action.site else ""
        return f"{spec.looks[action.look].label}{where}"
    if action.kind == "fix":
        return spec.fixes[action.fix].label
    if action.kind == "wait":
        return "Somebody asks" if note.complaint else "A monitor rings" if note.ring else "Waited"
    return {"watch": "Other monitors", "believe": "Suspicions", "diagnose": "Diagnosis", "close": "Closed"}[action.kind]


def first_moves(spec: Incident) -> str:
    """The sensible first moves: what is quick and free."""
    quick = sorted(spec.looks.values(), key=lambda look: (look.usd, look.minutes))[:3]
    return "Sensible first moves are quick: " + "; ".join(look.label.lower() for look in quick) + "."


def cost_of(step: AnyLook | AnyFix, frames: int = 0) -> str:
    """What a step costs, as its button says it; frames: how many people label, if it is up to the person."""
    if isinstance(step, LabelsLook | AuditLook):
        count = step.frames if isinstance(step, AuditLook) else frames
        return price(step.minutes + count * step.minutes_a_frame / step.people, step.usd + count * step.usd_a_frame)
    return price(step.minutes, step.usd)
