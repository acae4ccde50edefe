"""The post-mortem of an incident: written from its log, with the monitors that would have rung earlier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

from simulator.incident.incident_score import Score
from simulator.incident.monitoring import rings, watched
from simulator.incident.play import Play
from simulator.incident.player_actions import NotebookEntry, places, true_places
from simulator.incident.secret import HOUR_S
from simulator.incident.watches import LABELLED, OF_SERVERS, Watch
from simulator.incident.wording import hours, usd
from simulator.phrases import phrase
from simulator.units import with_noun

#: The word in place of times after the onset, where the detector is as good as it was.
NO_FAULT = "no fault"

#: The most monitors that are named, and their thresholds in deviations of quiet windows: of all frames, and by site.
_NAMED, _AT, _AT_SITE = 5, 5.0, 6.0

#: Lines of the table of preventions, for the person to fill in.
_BLANK_STEPS = ["|  |  |  |"] * 3


def earlier_monitors(play: Play) -> list[tuple[Watch, float]]:
    """Return monitors of the case's figures with their hours from the onset to the alarm, the quickest first."""
    onset_s, found = play.secret.onset_s, list[tuple[Watch, float]]()
    for statistic in play.spec.usd_a_week:
        sliced = statistic not in {*LABELLED, *OF_SERVERS}
        watches = [Watch(statistic=statistic, at=_AT)]
        watches += [Watch(statistic=statistic, by="site", at=_AT_SITE)] if sliced else []
        for watch in watches:
            alarms = rings(watched(watch, play.statistics(0)), onset_s)
            if alarms and alarms[0].at_s <= play.end_s:
                found.append((watch, (alarms[0].at_s - onset_s) / HOUR_S))
    return sorted(found, key=lambda pair: pair[1])


def verdict_of(play: Play, result: Score) -> str:
    """Return the named cause beside the truth, as the page and the post-mortem say it."""
    if result.diagnosis is None:
        return "You named no cause."
    named, judged = play.spec.causes[result.diagnosis].label, "right" if result.right else "wrong"
    return f"You said “{named}”, {100 * result.confidence:.0f}% sure: {judged}."


def begin_of(play: Play, moment: Callable[[float], str]) -> str:
    """Return the begin of the fault in words, empty where nothing changed; moment: a time in words."""
    spec, secret = play.spec, play.secret
    shapes = {
        "abrupt": "all at once",
        "gentle": f"over {with_noun(f'{spec.ramp_days:g}', 'day')}",
        "intermittent": "and came and went",
    }
    changed = any(spec.causes[name].effects for name in secret.causes)
    return f"It began on {moment(secret.onset_s)}, {shapes[secret.shape]}." if changed else ""


def place_of(play: Play, result: Score) -> str:
    """Return the judgement of the named place and begin, empty where the case asks for no place."""
    last = next((note.diagnosis for note in reversed(play.notes) if note.diagnosis), None)
    if last is None or result.where_right is None:
        return ""
    named, right = places(play.spec), " or ".join(places(play.spec)[place] for place in sorted(true_places(play)))
    where = f"Place: {right}" + (f"; you said {named[last.where]}." if last.where else "; you did not say where.")
    return where + (f" Your begin is {abs(result.since_off_h):.0f} h off." if isfinite(result.since_off_h) else "")


def post_mortem(play: Play, result: Score, moment: Callable[[float], str], earlier: Sequence[tuple[Watch, float]]) -> str:
    """Return the post-mortem as Markdown, without diagnoses that a later one replaced; moment: a time in words."""
    spec, secret = play.spec, play.secret
    causes = " and ".join(spec.causes[name].label for name in secret.causes)
    page = next((note for note in play.notes if note.ring or note.complaint), None)
    answer = " ".join(filter(None, [verdict_of(play, result), begin_of(play, moment), place_of(play, result)]))
    lines = [f"# Post-mortem: {causes}", "", f"* {answer}"]
    lines += [f"* First page: {moment(page.until_s)}. {page.outcome(spec)}" if page else "* No page came."]
    at_fault = not secret.harmless(spec)
    before, untouched = result.paged_usd, result.untouched * spec.harm.usd.value
    lines += [
        f"* {times_of(play, result)}",
        f"* {phrase('incident.harm', before=usd(before), after=usd(result.harm_usd - before), untouched=usd(untouched))}",
        f"* Spent: {usd(result.usd)}. Harm and money: {usd(result.total_usd)}.",
        "",
        "## What happened",
        "",
    ]
    last = next((note for note in reversed(play.notes) if note.diagnosis), None)
    lines += [f"* {note.when(moment)}: {_line(play, note)}" for note in play.notes if note is last or not note.diagnosis]
    lines += ["", "## What would have rung earlier", ""]
    quick = [pair for pair in earlier if pair[1] < (result.detected_h if isfinite(result.detected_h) else float("inf"))]
    quick = quick if at_fault else []
    lines += [f"* {watch.line()}: {hours(after * HOUR_S)} after the begin." for watch, after in quick[:_NAMED]]
    none = "None of the case's figures at the usual thresholds." if at_fault else "No monitor should have rung."
    lines += [] if quick else [f"* {none}"]
    lines += ["", "## Origin", "", *(" ".join(spec.causes[name].teaches.split()) for name in secret.causes), ""]
    lines += ["## Prevention", "", "| step | owner | due |", "| --- | --- | --- |", *_BLANK_STEPS, ""]
    return "\n".join(lines)


def times_of(play: Play, result: Score) -> str:
    """Return the times of detection, diagnosis and mitigation after the begin of the fault, in a sentence."""
    if play.secret.harmless(play.spec):
        return phrase("incident.harmless", fault=NO_FAULT)
    times = {"Detected": result.detected_h, "diagnosed": result.diagnosed_h, "mitigated": result.mitigated_h}
    said = [f"{name} after {after_onset(at_h)}" if isfinite(at_h) else f"never {name.lower()}" for name, at_h in times.items()]
    sentence = ", ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}."


def after_onset(from_onset_h: float) -> str:
    """Return a time after the onset in words, `63 h`; one before it is `2 h early`."""
    if not isfinite(from_onset_h):
        return "never"
    return hours(from_onset_h * HOUR_S) if from_onset_h >= 0 else f"{hours(-from_onset_h * HOUR_S)} early"


def _line(play: Play, note: NotebookEntry) -> str:
    """Return the title and the outcome; an outcome that begins with the title stands alone."""
    title, outcome = note.title(play.spec), note.outcome(play.spec)
    return outcome if outcome.startswith(title) else f"{title}. {outcome}"
