"""The score of an incident: times, the diagnosis, the detection, and the harm of the cause, with the actions and without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite

import numpy as np

from simulator.arrays import Floats
from simulator.incident.beliefs import FALSE_ALARM, PAGE, Beliefs, answered, many_brier, minutes_of, questions
from simulator.incident.fixes import NothingFix, UndoFix, protects
from simulator.incident.frame_statistics import FrameStatistics
from simulator.incident.monitoring import WindowSeries, priced, watched
from simulator.incident.play import SNOOZE_S, WEEK_S, Play
from simulator.incident.player_actions import FixAction, true_places
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.section import Incident
from simulator.incident.watches import LABELLED, OF_SERVERS, WATCHED, Slicing, Watch, name_of
from simulator.phrases import phrase

#: A fix that takes away less of the excess harm from then on did not help.
HELPS = 0.2


@dataclass(frozen=True)
class TriedFix:
    """A shipped fix: its name, its start (s), and the share of the excess harm that it took away since then.

    The share is NaN for a cause without harm. first: whether it protected the users before any diagnosis, as practice asks: a
    roll back of the servers, or people; it is not wrong then, whatever the cause
    """

    name: str
    at_s: float
    took_away: float
    right: bool
    first: bool = False

    @property
    def wrong(self) -> bool:
        return not self.right and not self.first

    @property
    def words(self) -> str:
        """The effect of the fix, as the end of a sentence."""
        return phrase("incident.took_away" if isfinite(self.took_away) else "incident.no_harm", share=self.took_away)


@dataclass(frozen=True)
class Score:
    """Times in hours from the onset, NaN for an event that did not happen; harm in units of the least object.

    excess, untouched: harm beyond that of a run without the cause, with the actions taken and with none
    brier: of the probabilities of all causes (Brier 1950), 0 at best and 2 at worst; without a diagnosis that of the prior
    unknowing: the score of the prior
    where_right: whether the named place is one of the fault's; None without a place; since_off_h: error of the named onset
    harm_usd: the harm in money; paged_usd: the part of it before the first page
    later_usd: the harm that goes on after the stream, until the review; returned_usd: what a cause that was not named costs
    total_usd: all of it, with the money spent
    """

    cause: str
    diagnosis: str | None
    confidence: float
    right: bool
    detected_h: float
    diagnosed_h: float
    mitigated_h: float
    false_alarms: int
    fixes: tuple[TriedFix, ...]
    labels: int
    usd: float
    excess: float
    untouched: float
    brier: float
    unknowing: float
    where_right: bool | None
    since_off_h: float
    harm_usd: float
    paged_usd: float
    later_usd: float
    returned_usd: float

    @property
    def total_usd(self) -> float:
        return self.usd + self.harm_usd + self.later_usd + self.returned_usd

    @property
    def wrong_fixes(self) -> int:
        return sum(fix.wrong for fix in self.fixes)


def score(play: Play) -> Score:
    """Score a play, with the stream run on to its end; the secret needs a cause."""
    secret, spec = play.secret, play.spec
    assert secret.cause is not None
    harmless = secret.harmless(spec)
    harms = [Excess.of(play.statistics(count)) for count in range(len(play.shipped) + 1)]
    tried = _tried(play, harms, harmless)
    last = next((note for note in reversed(play.notes) if note.diagnosis), None)
    diagnosis = last.diagnosis if last else None
    named = diagnosis.cause if diagnosis else None
    right = named in secret.causes
    diagnosed_h = _hours(play, last.until_s if last and right else np.nan)
    return Score(
        cause=secret.cause,
        diagnosis=named,
        confidence=diagnosis.confidence if diagnosis else spec.prior[secret.cause],
        right=right,
        detected_h=_detected_h(play, diagnosed_h),
        diagnosed_h=diagnosed_h,
        mitigated_h=_hours(play, min((fix.at_s for fix in tried if fix.right), default=np.nan)),
        false_alarms=sum(n.ring is not None and n.ring.at_s < secret.onset_s for n in play.notes),
        fixes=tried,
        labels=play.labels,
        usd=play.usd,
        excess=harms[-1].since(secret.onset_s),
        untouched=harms[0].since(secret.onset_s),
        brier=many_brier(diagnosis.shares(spec) if diagnosis else spec.prior, secret.truth),
        unknowing=many_brier(spec.prior, secret.truth),
        where_right=_where_right(play, diagnosis.where if diagnosis else None),
        since_off_h=_since_off_h(play, diagnosis.since_day if diagnosis else None),
        harm_usd=harms[-1].since(0.0) * spec.harm.usd.value,
        paged_usd=harms[-1].until(_paged_s(play)) * spec.harm.usd.value,
        later_usd=_harm_a_day(play, harms[-1]) * spec.review_days * spec.harm.usd.value,
        returned_usd=0.0 if right else spec.return_usd,
    )


@dataclass(frozen=True, eq=False)
class Excess:
    """The arrival of each frame (s), and its harm beyond that of a run without the cause, shapes (n,)."""

    at_s: Floats
    harm: Floats

    @classmethod
    def of(cls, statistics: FrameStatistics) -> Excess:
        return cls(statistics.frames.at_s, statistics.excess)

    def since(self, from_s: float) -> float:
        """Return the harm from a time (s) on."""
        return float(self.harm[self.at_s >= from_s].sum())

    def until(self, until_s: float) -> float:
        """Return the harm before a time (s); all of it for a time that never comes."""
        return float(self.harm[self.at_s < (until_s if np.isfinite(until_s) else np.inf)].sum())


def _harm_a_day(play: Play, went: Excess) -> float:
    """Return the harm of a day that goes on at the end of the stream: of its last week, or since the last fix."""
    last_s = max((step.at_s for step in play.shipped), default=0.0)
    since_s = max(play.end_s - WEEK_S, min(last_s, play.end_s - DAY_S))
    return max(went.since(since_s), 0.0) / ((play.end_s - since_s) / DAY_S)


def _where_right(play: Play, where: str | None) -> bool | None:
    right = true_places(play)
    return where in right if right else None


def _since_off_h(play: Play, since_day: float | None) -> float:
    if since_day is None or not any(play.spec.causes[name].effects for name in play.secret.causes):
        return np.nan
    return float(since_day - 1 - play.secret.onset_s / DAY_S) * 24


def _tried(play: Play, harms: list[Excess], harmless: bool) -> tuple[TriedFix, ...]:
    """Judge each fix by the run with it and the run with the earlier ones alone."""
    spares_frames = {
        *play.spec.fixes_of(NothingFix),
        *(name for name, fix in play.spec.fixes_of(UndoFix).items() if fix.enters == ["labels"]),
    }
    named_s = min((note.at_s for note in play.notes if note.diagnosis), default=inf)
    ordered_s = [note.at_s for note in play.notes if isinstance(note.action, FixAction)]
    tried = []
    for place, one in enumerate(play.shipped):
        before, after = harms[place].since(one.at_s), harms[place + 1].since(one.at_s)
        took = (before - after) / before if before > 0 else np.nan
        right = one.name in spares_frames if harmless else bool(took >= HELPS)
        first = protects(play.spec.fixes[one.name]) and ordered_s[place] < named_s
        tried.append(TriedFix(one.name, one.at_s, float(took), right, first))
    return tuple(tried)


def _detected_h(play: Play, diagnosed_h: float) -> float:
    """Return the hours to the first page since the onset, or to a right diagnosis if it came before; NaN without both."""
    known = [hours for hours in (_hours(play, _paged_s(play)), max(diagnosed_h, 0.0)) if np.isfinite(hours)]
    return min(known, default=np.nan)


def _paged_s(play: Play) -> float:
    times = (note.until_s for note in play.notes if note.ring or note.complaint)
    return min((at_s for at_s in times if at_s >= play.secret.onset_s), default=np.nan)


def _hours(play: Play, at_s: float) -> float:
    return float((at_s - play.secret.onset_s) / HOUR_S)


@dataclass(frozen=True)
class DebriefStep:
    """One look of the player, or the page: its expected information in bits, and the most informative look at that time.

    bits: None for a look without known signs; true_share: the probability of the true cause after it
    place: of its line in the notebook, from 0 on
    of_best: the bits as a part of the best look's, or the bits a minute as a part of the best, whichever is more
    shares: the probability of each cause after it
    """

    label: str
    at_s: float
    bits: float | None
    best: str
    best_bits: float
    sign: str
    true_share: float
    place: int = 0
    of_best: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)


def path(play: Play, beliefs: Beliefs) -> list[DebriefStep]:
    """Return every look of an incident with a cause, in order; a repeated question counts at its latest answer.

    A page after a likely false alarm starts anew: earlier findings say nothing about the next one.
    """
    spec, steps, signs = play.spec, list[DebriefStep](), dict[str, str]()
    for place, note in enumerate(play.notes):
        answer = answered(spec, note)
        if answer is None and note.finding is None:
            continue
        now = beliefs.after(signs.items())
        if answer is not None and answer[0] == PAGE and signs and beliefs.likeliest(now)[0] == FALSE_ALARM:
            signs, now = {}, beliefs.prior
        elif answer is not None and answer[0] in signs:
            del signs[answer[0]]
            now = beliefs.after(signs.items())
        left = {name: beliefs.bits(name, now) for name in questions(spec) if name not in signs and name in beliefs.chances}
        best = max(left, key=lambda name: left[name], default="")
        bits, sign, question = None, note.finding.sign if note.finding else "", note.look
        if answer is not None:
            question, sign = answer
            bits = beliefs.bits(question, now) if question in beliefs.chances else None
            signs[question] = sign
        after = beliefs.by_cause(beliefs.after(signs.items()))
        true = sum(after.get(name, 0.0) for name in play.secret.causes)
        labels = question_label(spec, question), question_label(spec, best)
        of_best = _of_best(spec, question, left)
        steps.append(DebriefStep(labels[0], note.at_s, bits, labels[1], left.get(best, 0.0), sign, true, place, of_best, after))
    return steps


def _of_best(spec: Incident, question: str, left: Mapping[str, float]) -> float | None:
    """Return the information of a look as a part of the best, by bits or by bits a minute; None for the page."""
    if question not in left or not max(left.values()):
        return None
    minutes = {name: minutes_of(spec, look) for name, look in questions(spec).items()}
    pace = {name: bits / minutes[name] for name, bits in left.items()}
    return max(left[question] / max(left.values()), pace[question] / max(pace.values()))


def question_label(spec: Incident, question: str) -> str:
    """Return a question as the screen calls it."""
    if question == PAGE:
        return "What rang"
    look, _, asked = question.partition("/")
    label = spec.looks[look].label if look in spec.looks else look
    return f"{label}: {name_of(asked) if asked in WATCHED else asked}" if asked else label


#: Thresholds of single monitors that are tried, in deviations of quiet windows.
THRESHOLDS = (4.0, 5.0, 6.0, 8.0)
#: Slices that are tried for some figures beside all frames and sites.
_FINER: dict[str, tuple[Slicing, ...]] = {"found": ("camera", "replica"), "sharpness": ("camera",), "score": ("replica",)}


@dataclass(frozen=True)
class Detection:
    """A set of monitors on an incident.

    paged_h: hours from the onset to the page by a monitor or a customer; infinite without one
    harm_usd: the harm until then; spent_usd: monitors until then, and pages, false ones included
    """

    watches: tuple[Watch, ...]
    paged_h: float
    rang: bool
    false_alarms: int
    harm_usd: float
    spent_usd: float

    @property
    def total_usd(self) -> float:
        return self.harm_usd + self.spent_usd


class DetectionTrial:
    """An incident without any action, on which sets of monitors are tried, so that an early fix moves none of them."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.statistics: FrameStatistics = play.statistics(0)
        self.excess = Excess.of(self.statistics)
        self.prices = play.spec.prices

    def of(self, watches: Sequence[Watch]) -> Detection:
        """Try a set of monitors."""
        return self._judged(watches, [ring for watch in watches for ring in watched(watch, self.statistics)])

    def own(self) -> Detection:
        """Try the player's monitors: those in force at the first page since the onset, else at the onset."""
        play, onset_s = self.play, self.play.secret.onset_s
        paged_s = _paged_s(play)
        until_s = min(paged_s if isfinite(paged_s) else onset_s, play.end_s)
        return self.of([watches for at_s, watches in play.watches if at_s <= until_s][-1])

    def best(self) -> Detection:
        """Try single monitors of every figure, and none, and return the cheapest in all."""
        return min(self._singles(), key=lambda single: single.total_usd)

    def _singles(self) -> Iterator[Detection]:
        yield self._judged([], [])
        for statistic in self.play.spec.usd_a_week:
            slicings: tuple[Slicing, ...] = ("all",)
            if statistic not in {*LABELLED, *OF_SERVERS}:
                slicings = ("all", "site", *_FINER.get(statistic, ()))
            for by in slicings:
                series = watched(Watch(statistic=statistic, by=by, at=THRESHOLDS[0]), self.statistics)
                for at in THRESHOLDS:
                    stricter = [
                        replace(window_series, rings=window_series.rings & (window_series.score > at))
                        for window_series in series
                    ]
                    yield self._judged([Watch(statistic=statistic, by=by, at=at)], stricter)

    def _judged(self, watches: Sequence[Watch], series: Sequence[WindowSeries]) -> Detection:
        play, onset_s = self.play, self.play.secret.onset_s
        alarms = [at_s for window_series in series for at_s in _snoozed(window_series, play)]
        first_s, complaint_s = min((at_s for at_s in alarms if at_s >= onset_s), default=inf), play.unpaged_complaint_s()
        page_s, rang = min(first_s, complaint_s), first_s <= complaint_s and isfinite(first_s)
        early = sum(at_s < onset_s for at_s in alarms)
        watching = priced(list(watches), self.prices) * (min(page_s, play.end_s) - play.start_s) / WEEK_S
        return Detection(
            tuple(watches),
            (page_s - onset_s) / HOUR_S if isfinite(page_s) else inf,
            rang,
            early,
            self.excess.until(page_s) * play.spec.harm.usd.value,
            watching + (early + rang) * play.spec.page_usd.value,
        )


def _snoozed(series: WindowSeries, play: Play) -> list[float]:
    """Return the times (s) of the alarms of one slice that a person is paged by: at most one a day."""
    found: list[float] = []
    for at_s in series.known_s[series.rings & (series.known_s > play.start_s) & (series.known_s <= play.end_s)]:
        if not found or at_s - found[-1] >= SNOOZE_S:
            found.append(float(at_s))
    return found
