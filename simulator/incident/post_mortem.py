"""The post-mortem of an incident: written from its log, with the monitors that would have rung earlier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

from simulator.incident.incident_score import Score
from simulator.incident.monitoring import rings, watched
from simulator.incident.play import Play
from simulator.incident.player_actions import NotebookEntry
from simulator.incident.secret import HOUR_S
from simulator.incident.watches import LABELLED, OF_SERVERS, Watch
from simulator.incident.wording import hours, usd
from simulator.units import significant

#: The most monitors that are named, and their thresholds in deviations of quiet windows: of all frames, and by site.
_NAMED, _AT, _AT_SITE = 5, 5.0, 6.0


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


def post_mortem(play: Play, result: Score, moment: Callable[[float], str], earlier: Sequence[tuple[Watch, float]]) -> str:
    """Return the post-mortem as Markdown; moment: a time in words."""
    spec, secret = play.spec, play.secret
    causes = " and ".join(spec.causes[name].label for name in secret.causes)
    page = next((note for note in play.notes if note.ring or note.complaint), None)
    lines = [f"# Post-mortem: {causes}", ""]
    lines += [f"* Begin: {moment(secret.onset_s)}, {secret.shape}."]
    lines += [f"* First page: {moment(page.until_s)}, {page.outcome(spec)}" if page else "* No page came."]
    lines += [f"* Detected after {_after(result.detected_h)}, put right after {_after(result.mitigated_h)}."]
    lines += [
        f"* Harm: {usd(result.harm_usd)} ({significant(result.excess)} weighted objects; without any action "
        f"{significant(result.untouched)}). Spent: {usd(result.usd)}. Total: {usd(result.total_usd)}.",
        "",
        "## What happened",
        "",
    ]
    lines += [f"* {moment(note.at_s)}: {_line(play, note)}" for note in play.notes]
    lines += ["", "## What would have rung earlier", ""]
    quick = [pair for pair in earlier if pair[1] < (result.detected_h if isfinite(result.detected_h) else float("inf"))]
    lines += [f"* {watch.line()}: {after:.0f} h after the begin." for watch, after in quick[:_NAMED]]
    lines += [] if quick else ["* None of the case's figures at the usual thresholds."]
    lines += ["", "## Origin", "", *(" ".join(spec.causes[name].teaches.split()) for name in secret.causes), ""]
    return "\n".join(lines)


def _after(from_onset_h: float) -> str:
    return hours(from_onset_h * HOUR_S) if isfinite(from_onset_h) else "never"


def _line(play: Play, note: NotebookEntry) -> str:
    return f"{note.title(play.spec)}. {note.outcome(play.spec)}"
