"""Signals of an incident: habits of a person on call, the evidence of the log for each, and rules that decide a level.

A rule reads the order of actions, their times and the probabilities that follow from the findings; it never reads prose, and it
does not reward luck. Where no rule fires, or rules of a signal disagree, the person decides. docs/incidents.md lists every rule
with the share of scripted plays in which it fires. Labels, anchors and what a rule states are in the catalogue of texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from operator import itemgetter

from simulator.incident.incident_course import NEAR, IncidentCourse, equal_brier, suspicion_scores
from simulator.incident.incident_score import DebriefStep, question_label
from simulator.incident.player_actions import WaitAction
from simulator.incident.secret import HOUR_S
from simulator.incident.wording import hours
from simulator.phrases import phrase
from simulator.session.session_signals import Evidence, Signal, signal_of
from simulator.session.signal_rules import Finds, SignalRule, adds_rule

#: First looks that are named.
_NAMED = 3

#: The signals, and the rules, in the order of this file.
INCIDENT_SIGNALS: list[Signal[IncidentCourse]] = []
INCIDENT_RULES: list[SignalRule[IncidentCourse]] = []
_rule = partial(adds_rule, INCIDENT_RULES)


def _signal(finds: Finds[IncidentCourse]) -> Finds[IncidentCourse]:
    """Register a function as the evidence of the signal of its name."""
    INCIDENT_SIGNALS.append(signal_of("incident_signals", finds.__name__.removeprefix("_"), finds))
    return finds


@_signal
def _first_looks(course: IncidentCourse) -> Iterator[Evidence]:
    yield Evidence(phrase("incident_log.looks", looks=len(course.looks)), course.looks)
    asked = [step for step in course.steps if step.place in course.looks]
    for step in asked[:_NAMED]:
        bits = step.bits is not None and phrase("incident_log.bits", bits=step.bits)
        words = phrase("incident_log.first_look", look=step.label, bits=bits, best=step.best, best_bits=step.best_bits)
        yield Evidence(words, [step.place])


@_signal
def _evidence(course: IncidentCourse) -> Iterator[Evidence]:
    if course.named is None:
        yield Evidence(phrase("incident_log.no_cause"))
        return
    place, diagnosis = course.named
    yield Evidence(phrase("incident_log.looks_before", looks=len(course.looked_before(place))), [place])
    if likely := course.likely(place):
        yield Evidence(phrase("incident_log.likely", share=likely.get(diagnosis.cause, 0.0)), [place])


@_signal
def _confidence(course: IncidentCourse) -> Iterator[Evidence]:
    if course.named is not None:
        place, diagnosis = course.named
        yield Evidence(phrase("incident_log.confidence", share=diagnosis.confidence), [place])
    scores = suspicion_scores(course)
    mean = sum(score.brier for score in scores) / max(len(scores), 1)
    yield Evidence(phrase("incident_log.suspicions", times=len(scores), mean=mean), [*course.suspicions])


@_signal
def _remedy(course: IncidentCourse) -> Iterator[Evidence]:
    if not course.fixes:
        yield Evidence(phrase("incident_log.no_fix"))
    for place in course.fixes:
        label = course.play.spec.fixes[course.fixes[place]].label
        named = any(diagnose < place for diagnose in course.diagnoses)
        yield Evidence(phrase("incident_log.fix", fix=label, looks=len(course.looked_before(place)), named=named), [place])


@_signal
def _meanwhile(course: IncidentCourse) -> Iterator[Evidence]:
    page = course.true_page
    if page is None:
        yield Evidence(phrase("incident_log.no_page"))
        return
    first = next((place for place in course.fixes if place > page), None)
    if first is None:
        yield Evidence(phrase("incident_log.no_fix_after"), [page])
        return
    since = hours(course.notes[first].at_s - course.notes[page].until_s)
    yield Evidence(phrase("incident_log.first_fix", since=since), [page, first])
    if waited := course.waited_h(page, first):
        yield Evidence(phrase("incident_log.wait", hours=waited), [first])


@_signal
def _alarms(course: IncidentCourse) -> Iterator[Evidence]:
    onset_s = course.play.secret.onset_s
    early = [place for place in course.pages if course.notes[place].until_s < onset_s]
    yield Evidence(phrase("incident_log.early_alarms", alarms=len(early)), early)
    if early:
        fixes = _before_the_onset(course)
        yield Evidence(phrase("incident_log.early_fixes", fixes=len(fixes)), fixes)
    if course.play.secret.harmless(course.play.spec):
        yield Evidence(phrase("incident_log.harmless", fixes=len(course.fixes)), [*course.fixes])


@_signal
def _cost(course: IncidentCourse) -> Iterator[Evidence]:
    money = {place: course.notes[place].usd for place in course.looks}
    yield Evidence(phrase("incident_log.looks_usd", looks=sum(money.values()), all=course.play.usd), course.looks)
    dearest, most = max(money.items(), key=itemgetter(1), default=(0, 0.0))
    if most > 0:
        note = course.notes[dearest]
        label = question_label(course.play.spec, note.question or note.look)
        yield Evidence(phrase("incident_log.dearest_look", look=label, usd=most), [dearest])


#: First looks that are judged, and the parts of the best look's information that count as near and as far.
_FIRST, FAR = 3, 0.25
#: A cause is likely, or settled, from these probabilities on.
_LIKELY, _SETTLED = 0.8, 0.97
#: Distances of a confidence from the findings' probability.
_CLOSE, _WIDE = 0.15, 0.4
#: Looks after the findings have settled the cause that are too many.
_TOO_MANY = 3
#: Hours of waiting that are long, and hours in which protection is soon.
_LONG_H, _SOON_H = 48.0, 12.0


def _asked(course: IncidentCourse) -> list[DebriefStep]:
    return [step for step in course.steps if step.of_best is not None]


@_rule("first_looks", "very_weak")
def _no_look(course: IncidentCourse) -> Iterator[Evidence]:
    acted = [*course.diagnoses, *course.fixes]
    if acted and not course.looks:
        yield Evidence(phrase("incident_log.blind"), [min(acted)])


@_rule("first_looks", "weak")
def _far_look(course: IncidentCourse) -> Iterator[Evidence]:
    first = next(iter(_asked(course)), None)
    if first is None or first.place != course.looks[0] or first.of_best is None or first.of_best >= FAR:
        return
    if not course.is_quick(first.place):
        yield Evidence(phrase("incident_log.far_look", bits=first.bits or 0.0, best=first.best_bits), [first.place])


@_rule("first_looks", "strong")
def _near_looks(course: IncidentCourse) -> Iterator[Evidence]:
    first = _asked(course)[:_FIRST]
    if first and sum(step.of_best or 0 for step in first) >= NEAR * len(first):
        yield Evidence(phrase("incident_log.near_looks"), [step.place for step in first])


@_rule("evidence", "very_weak")
def _named_blind(course: IncidentCourse) -> Iterator[Evidence]:
    if course.named and not course.looked_before(course.named[0]):
        yield Evidence(phrase("incident_log.named_blind"), [course.named[0]])


@_rule("evidence", "strong")
def _named_when_likely(course: IncidentCourse) -> Iterator[Evidence]:
    for place, _, likely in _named_after_looks(course):
        if likely >= _LIKELY:
            yield Evidence(phrase("incident_log.named_when_likely", likely=likely), [place])


def _named_after_looks(course: IncidentCourse) -> Iterator[tuple[int, float, float]]:
    """Yield the place, the confidence and the findings' probability of the last diagnosis; nothing for one without looks."""
    if course.named and course.looked_before(course.named[0]) and course.steps:
        place, diagnosis = course.named
        yield place, diagnosis.confidence, course.likely(place).get(diagnosis.cause, 0.0)


@_rule("confidence", "weak")
def _overconfident(course: IncidentCourse) -> Iterator[Evidence]:
    if course.named is None:
        return
    place, diagnosis = course.named
    likely, sure = course.likely(place), diagnosis.confidence
    if not likely or course.reads_more(place):
        return
    share = likely.get(diagnosis.cause, 0.0)
    if sure - share >= _WIDE:
        yield Evidence(phrase("incident_log.overconfident", sure=sure, likely=share), [place])


@_rule("confidence", "strong")
def _calibrated(course: IncidentCourse) -> Iterator[Evidence]:
    for place, sure, likely in _named_after_looks(course):
        if abs(sure - likely) <= _CLOSE:
            yield Evidence(phrase("incident_log.calibrated", sure=sure, likely=likely), [place])


@_rule("confidence", "strong")
def _informed(course: IncidentCourse) -> Iterator[Evidence]:
    places = [*course.suspicions]
    if len(places) < 2 or not any(places[0] < look < places[-1] for look in course.looks):
        return
    scores, equal = [score.brier for score in suspicion_scores(course)], equal_brier(len(course.play.spec.causes))
    mean = sum(scores) / len(scores)
    if mean < equal:
        yield Evidence(phrase("incident_log.informed", mean=mean, equal=equal), places)


@_rule("remedy", "very_weak")
def _fixed_blind(course: IncidentCourse) -> Iterator[Evidence]:
    if blind := _blind(course, course.fixes):
        yield Evidence(phrase("incident_log.fixed_blind"), blind[:1])


def _blind(course: IncidentCourse, fixes: Iterable[int]) -> list[int]:
    """Return the fixes before any look that do not protect the users meanwhile."""
    return [place for place in fixes if not course.looked_before(place) and not course.protects(place)]


def _named(course: IncidentCourse, before: int) -> list[str]:
    """Return the causes that were named before a place, the latest first."""
    return [diagnosis.cause for place, diagnosis in reversed(course.diagnoses.items()) if place < before]


@_rule("remedy", "weak")
def _unfit(course: IncidentCourse) -> Iterator[Evidence]:
    if course.named and course.named[1].confidence < _LIKELY:
        return  # a fix for a cause that is left in doubt is a hedge
    after = [place for place in course.fixes if _named(course, place)]
    fitting = [place for place in after if any(course.fits(course.fixes[place], cause) for cause in _named(course, place))]
    if after and not fitting:
        yield Evidence(phrase("incident_log.unfit"), after)


@_rule("remedy", "strong")
def _fit(course: IncidentCourse) -> Iterator[Evidence]:
    for place in course.fixes:
        named = _named(course, place)
        if named and course.looked_before(place) and course.fits(course.fixes[place], named[0]):
            yield Evidence(phrase("incident_log.fit"), [place])


@_rule("meanwhile", "weak")
def _idle(course: IncidentCourse) -> Iterator[Evidence]:
    page = course.true_page
    if page is None or course.play.secret.harmless(course.play.spec):
        return
    end = next((place for place in course.fixes if place > page), len(course.notes))
    waited = course.waited_h(page, end)
    if waited >= _LONG_H:
        yield Evidence(phrase("incident_log.idle", hours=waited), [page])


@_rule("meanwhile", "strong")
def _protected(course: IncidentCourse) -> Iterator[Evidence]:
    page = course.true_page
    if page is None:
        return
    named = course.named[0] if course.named else len(course.notes)
    soon_s = course.notes[page].until_s + _SOON_H * HOUR_S
    for place in course.fixes:
        if page < place < named and course.notes[place].at_s <= soon_s and course.protects(place):
            yield Evidence(phrase("incident_log.protected"), [page, place])


@_rule("alarms", "very_weak")
def _fixed_a_false_alarm(course: IncidentCourse) -> Iterator[Evidence]:
    early = _blind(course, _before_the_onset(course))
    if course.early_page is not None and early:
        yield Evidence(phrase("incident_log.fixed_a_false_alarm"), [course.early_page, early[0]])


@_rule("alarms", "strong")
def _waited_out(course: IncidentCourse) -> Iterator[Evidence]:
    page, onset_s = course.early_page, course.play.secret.onset_s
    if page is None or course.true_page is None or _before_the_onset(course):
        return
    if looks := [place for place in course.looks if course.notes[place].at_s < onset_s]:
        yield Evidence(phrase("incident_log.waited_out"), [page, *looks])


def _before_the_onset(course: IncidentCourse) -> list[int]:
    return [place for place in course.fixes if course.notes[place].at_s < course.play.secret.onset_s]


@_rule("cost", "weak")
def _kept_looking(course: IncidentCourse) -> Iterator[Evidence]:
    later = _looks_after_settled(course)
    if len(later) >= _TOO_MANY:
        yield Evidence(phrase("incident_log.kept_looking", looks=len(later), likely=_SETTLED), later)


def _looks_after_settled(course: IncidentCourse) -> list[int]:
    """Return the new looks after the findings have settled the cause, until a wait or a fix."""
    settled = next((step for step in course.steps if max(step.shares.values()) >= _SETTLED), None)
    if settled is None:
        return []
    first_fix = next(iter(course.fixes), len(course.notes))
    waits = (place for place, note in enumerate(course.notes) if place > settled.place and isinstance(note.action, WaitAction))
    until = min(first_fix, next(waits, first_fix))
    return [place for place in course.looks if settled.place < place < until and not course.asked_before_a_wait(place)]


@_rule("cost", "strong")
def _stopped_in_time(course: IncidentCourse) -> Iterator[Evidence]:
    first = next(iter(course.diagnoses), 0)
    if not course.diagnoses or not course.looked_before(first) or _looks_after_settled(course):
        return
    likely = course.likely(first)
    if likely and max(likely.values()) >= _LIKELY:
        yield Evidence(phrase("incident_log.stopped_in_time"), [first])
