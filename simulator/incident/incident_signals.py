"""Signals of an incident: habits of a person on call, anchored levels, the evidence of the log, and rules that decide a level.

A rule reads the order of actions, their times and the probabilities that follow from the findings; it never reads prose, and it
does not reward luck. Where no rule fires, or rules of a signal disagree, the person decides. docs/incidents.md lists every rule
with the share of scripted plays in which it fires.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from simulator.incident.incident_course import IncidentCourse, equal_brier, suspicion_scores
from simulator.incident.incident_score import DebriefStep, question_label
from simulator.incident.player_actions import WaitAction
from simulator.incident.secret import HOUR_S
from simulator.incident.wording import hours, usd
from simulator.session.session_signals import Evidence, Signal
from simulator.session.signal_rules import SignalRule, adds_rule
from simulator.units import counted

#: First looks that are named.
_NAMED = 3


Finds = Callable[[IncidentCourse], Iterator[Evidence]]

#: The signals in the order of this file.
INCIDENT_SIGNALS: list[Signal[IncidentCourse]] = []


def _signal(label: str, *anchors: str) -> Callable[[Finds], Finds]:
    """Register a function as the evidence of the signal of its name; anchors: the behaviour at each level, the lowest first."""

    def register(finds: Finds) -> Finds:
        INCIDENT_SIGNALS.append(Signal(finds.__name__.removeprefix("_"), label, anchors, finds))
        return finds

    return register


@_signal(
    "First looks",
    "Takes no look.",
    "Looks at familiar things, although they divide few causes.",
    "Begins with looks that divide the causes.",
    "Also says what each answer would mean before looking.",
)
def _first_looks(course: IncidentCourse) -> Iterator[Evidence]:
    if not course.looks:
        yield Evidence("You took no look.")
        return
    yield Evidence(f"You took {counted(len(course.looks), 'look')}.", course.looks)
    asked = [step for step in course.steps if step.place in course.looks]
    for step in asked[:_NAMED]:
        gives = f"was expected to give {step.bits:.2f} bits" if step.bits is not None else "has no known signs"
        yield Evidence(
            f"“{step.label}” {gives}; the best look then was “{step.best}”, {step.best_bits:.2f} bits.", [step.place]
        )


@_signal(
    "Evidence before the diagnosis",
    "Names a cause from the alarm alone.",
    "Names a cause while others fit as well.",
    "Names a cause when the findings make it likely.",
    "Also knows which finding would overturn it.",
)
def _evidence(course: IncidentCourse) -> Iterator[Evidence]:
    if not course.diagnoses:
        yield Evidence("You named no cause.")
        return
    place = course.diagnoses[-1]
    diagnosis = course.notes[place].diagnosis
    assert diagnosis is not None
    yield Evidence(f"You took {counted(len(course.looked_before(place)), 'look')} before the diagnosis that counts.", [place])
    if likely := course.likely(place):
        yield Evidence(f"The findings made the named cause {100 * likely.get(diagnosis.cause, 0.0):.0f}% likely then.", [place])


@_signal(
    "Calibrated confidence",
    "Is sure and has no grounds.",
    "Is surer than the findings allow, or never says how sure.",
    "The confidence follows the findings.",
    "Also writes suspicions down and moves them with each finding.",
)
def _confidence(course: IncidentCourse) -> Iterator[Evidence]:
    if course.diagnoses:
        diagnosis = course.notes[course.diagnoses[-1]].diagnosis
        assert diagnosis is not None
        yield Evidence(f"You were {100 * diagnosis.confidence:.0f}% sure of your diagnosis.", [course.diagnoses[-1]])
    scores = suspicion_scores(course)
    if not scores:
        yield Evidence("You wrote down no suspicions.")
        return
    mean = sum(score.brier for score in scores) / len(scores)
    yield Evidence(
        f"You wrote down suspicions {counted(len(scores), 'time')}; their mean Brier score is {mean:.2f}.", course.suspicions
    )


@_signal(
    "Choice of the fix",
    "Ships fixes by trial.",
    "Ships a fix that does not belong to the named cause.",
    "Names a cause, then ships the fix for it.",
    "Also checks in the figures that the fix has worked.",
)
def _remedy(course: IncidentCourse) -> Iterator[Evidence]:
    if not course.fixes:
        yield Evidence("You shipped no fix that changes something.")
    for place in course.fixes:
        label = course.play.spec.fixes[course.fix(place)].label
        before = len(course.looked_before(place))
        looks = f"after {counted(before, 'look')}" if before else "before any look"
        named = "after" if any(diagnose < place for diagnose in course.diagnoses) else "without"
        yield Evidence(f"“{label}” was ordered {looks} and {named} a diagnosis.", [place])


@_signal(
    "Harm meanwhile",
    "Does not ask who is harmed.",
    "Waits while the harm goes on.",
    "Protects the users first, then searches for the cause.",
    "Also weighs the harm of an hour against the cost of a fix.",
)
def _meanwhile(course: IncidentCourse) -> Iterator[Evidence]:
    page = course.true_page
    if page is None:
        yield Evidence("No alarm and no customer told you of the incident after its onset.")
        return
    first = next((place for place in course.fixes if place > page), None)
    if first is None:
        yield Evidence("After the alarm you ordered no fix.", [page])
        return
    since = hours(course.notes[first].at_s - course.notes[page].until_s)
    yield Evidence(f"From the alarm to the order of your first fix passed {since}.", [page, first])
    if waited := course.waited_h(page, first):
        yield Evidence(f"You spent {waited:.0f} h of that waiting.", [first])


@_signal(
    "False alarms",
    "Repairs at once whatever rings.",
    "Doubts an alarm after the money is spent.",
    "Checks whether an alarm is chance before acting.",
    "Also improves the monitor that rang for nothing.",
)
def _alarms(course: IncidentCourse) -> Iterator[Evidence]:
    onset_s = course.play.secret.onset_s
    early = [place for place in course.pages if course.notes[place].until_s < onset_s]
    yield Evidence(f"{counted(len(early), 'alarm') if early else 'No alarm'} came before the onset.", early)
    if early:
        fixes = [place for place in course.fixes if course.notes[place].at_s < onset_s]
        yield Evidence(f"Before the onset you shipped {counted(len(fixes), 'fix', 'fixes')}.", fixes)
    if course.play.secret.harmless(course.play.spec):
        words = f"The cause does no harm, and you shipped {counted(len(course.fixes), 'fix', 'fixes')}."
        yield Evidence(words, course.fixes)


@_signal(
    "Price of the answers",
    "Orders every look there is.",
    "Orders looks after the question is settled.",
    "Stops when a further look would change nothing.",
    "Also takes the cheap look first where two divide equally.",
)
def _cost(course: IncidentCourse) -> Iterator[Evidence]:
    money = {place: course.notes[place].usd for place in course.looks}
    yield Evidence(f"Your looks cost {usd(sum(money.values()))} of {usd(course.play.usd)} in all.", course.looks)
    if money and max(money.values()) > 0:
        dearest = max(money, key=lambda place: money[place])
        label = question_label(course.play.spec, course.notes[dearest].question or course.notes[dearest].look)
        yield Evidence(f"The dearest was “{label}”, {usd(money[dearest])}.", [dearest])


#: First looks that are judged, and the parts of the best look's information that count as near and as far.
_FIRST, NEAR, FAR = 3, 0.5, 0.25
#: A cause is likely, or settled, from these probabilities on.
_LIKELY, _SETTLED = 0.8, 0.97
#: Distances of a confidence from the findings' probability.
_CLOSE, _WIDE = 0.15, 0.4
#: Looks after the findings have settled the cause that are too many.
_TOO_MANY = 3
#: Hours of waiting that are long, and hours in which protection is soon.
_LONG_H, _SOON_H = 48.0, 12.0
#: A first look of up to ten minutes is no detour (s).
_QUICK_S = 600.0

#: The rules in the order of this file.
INCIDENT_RULES: list[SignalRule[IncidentCourse]] = []
_rule = partial(adds_rule, INCIDENT_RULES)


def _asked(course: IncidentCourse) -> list[DebriefStep]:
    return [step for step in course.steps if step.of_best is not None]


@_rule("first_looks", "very_weak", "a diagnosis or a fix, and no look at all")
def _no_look(course: IncidentCourse) -> Evidence | None:
    acted = [*course.diagnoses, *course.fixes]
    if course.looks or not acted:
        return None
    return Evidence("You acted without a single look.", [min(acted)])


@_rule(
    "first_looks",
    "weak",
    "a first look of more than ten minutes with less than a quarter of the best look's bits, and of the best bits a minute",
)
def _far_look(course: IncidentCourse) -> Evidence | None:
    first = next(iter(_asked(course)), None)
    if first is None or first.place != course.looks[0] or first.of_best is None or first.of_best >= FAR:
        return None
    note = course.notes[first.place]
    if note.until_s - note.at_s <= _QUICK_S:
        return None
    words = f"Your first look was expected to give {first.bits or 0:.2f} bits, the best one then {first.best_bits:.2f}."
    return Evidence(words, [first.place])


@_rule(
    "first_looks", "strong", "the first three looks have on average half of the best look's bits, or of the best bits a minute"
)
def _near_looks(course: IncidentCourse) -> Evidence | None:
    first = _asked(course)[:_FIRST]
    if not first or sum(step.of_best or 0 for step in first) < NEAR * len(first):
        return None
    words = "On average, your first looks gave at least half of the information of the best look then, or of the best a minute."
    return Evidence(words, [step.place for step in first])


@_rule("evidence", "very_weak", "the last diagnosis before any look")
def _named_blind(course: IncidentCourse) -> Evidence | None:
    if not course.diagnoses or course.looked_before(course.diagnoses[-1]):
        return None
    return Evidence("You named the cause from the alarm alone.", [course.diagnoses[-1]])


@_rule("evidence", "strong", "the last diagnosis where the findings make it 80% likely")
def _named_when_likely(course: IncidentCourse) -> Evidence | None:
    found = _final(course)
    if found is None or found[2] < _LIKELY:
        return None
    place, _, likely = found
    return Evidence(f"The findings made your cause {100 * likely:.0f}% likely when you named it.", [place])


def _final(course: IncidentCourse) -> tuple[int, float, float] | None:
    """Return the place, the confidence and the findings' probability of the last diagnosis; None for one without looks."""
    if not course.diagnoses or not course.looked_before(course.diagnoses[-1]) or not course.steps:
        return None
    place = course.diagnoses[-1]
    diagnosis = course.notes[place].diagnosis
    assert diagnosis is not None
    return place, diagnosis.confidence, course.likely(place).get(diagnosis.cause, 0.0)


@_rule(
    "confidence",
    "weak",
    "a confidence 40 points above the findings' probability, without a look that says more to a person than its sign",
)
def _overconfident(course: IncidentCourse) -> Evidence | None:
    if not course.diagnoses or not course.steps:
        return None
    place = course.diagnoses[-1]
    diagnosis, likely = course.notes[place].diagnosis, course.likely(place)
    if diagnosis is None or not likely or course.reads_more(place):
        return None
    share = likely.get(diagnosis.cause, 0.0)
    if diagnosis.confidence - share < _WIDE:
        return None
    return Evidence(
        f"You were {100 * diagnosis.confidence:.0f}% sure of a cause that the findings made {100 * share:.0f}% likely.", [place]
    )


@_rule("confidence", "strong", "after a look, a confidence within 15 points of the findings'")
def _calibrated(course: IncidentCourse) -> Evidence | None:
    found = _final(course)
    if found is None or abs(found[1] - found[2]) > _CLOSE:
        return None
    place, sure, likely = found
    return Evidence(f"You were {100 * sure:.0f}% sure; the findings made your cause {100 * likely:.0f}% likely.", [place])


@_rule("confidence", "strong", "suspicions before and after a look that score better on average than equal ones")
def _informed(course: IncidentCourse) -> Evidence | None:
    places = course.suspicions
    if len(places) < 2 or not any(places[0] < look < places[-1] for look in course.looks):
        return None
    scores, equal = [score.brier for score in suspicion_scores(course)], equal_brier(len(course.play.spec.causes))
    mean = sum(scores) / len(scores)
    if mean >= equal:
        return None
    return Evidence(f"Your suspicions score {mean:.2f} on average; equal ones score {equal:.2f}, and less is better.", places)


@_rule("remedy", "very_weak", "a fix before any look, other than people or a roll back")
def _fixed_blind(course: IncidentCourse) -> Evidence | None:
    blind = [place for place in course.fixes if not course.looked_before(place) and not course.protects(place)]
    return (
        Evidence("You shipped a fix before any look, and it does not protect the users meanwhile.", blind[:1])
        if blind
        else None
    )


def _named(course: IncidentCourse, before: int) -> list[str]:
    """Return the causes that were named before a place, the latest first."""
    diagnoses = [course.notes[place].diagnosis for place in course.diagnoses if place < before]
    return [diagnose.cause for diagnose in reversed(diagnoses) if diagnose is not None]


@_rule("remedy", "weak", "fixes after a diagnosis, and none of them for a cause that was named")
def _unfit(course: IncidentCourse) -> Evidence | None:
    after = [place for place in course.fixes if _named(course, place)]
    fitting = [place for place in after if any(course.fits(course.fix(place), cause) for cause in _named(course, place))]
    if not after or fitting:
        return None
    return Evidence("No fix that you shipped after your diagnosis is one for the cause that you named.", after)


@_rule("remedy", "strong", "a look, then a diagnosis, then a fix for the named cause")
def _fit(course: IncidentCourse) -> Evidence | None:
    for place in course.fixes:
        named = _named(course, place)
        if named and course.looked_before(place) and course.fits(course.fix(place), named[0]):
            return Evidence("You looked, named a cause, and shipped a fix that ends or eases it.", [place])
    return None


@_rule("meanwhile", "weak", "a harmful cause, and two days of waiting from the alarm to the first fix")
def _idle(course: IncidentCourse) -> Evidence | None:
    page = course.true_page
    if page is None or course.play.secret.harmless(course.play.spec):
        return None
    end = next((place for place in course.fixes if place > page), len(course.notes))
    waited = course.waited_h(page, end)
    if waited < _LONG_H:
        return None
    return Evidence(f"You waited {waited:.0f} h after the alarm, while the harm went on and no fix was ordered.", [page])


@_rule("meanwhile", "strong", "people or a roll back within 12 h of the alarm, before the last diagnosis")
def _protected(course: IncidentCourse) -> Evidence | None:
    page = course.true_page
    if page is None:
        return None
    named = course.diagnoses[-1] if course.diagnoses else len(course.notes)
    soon_s = course.notes[page].until_s + _SOON_H * HOUR_S
    for place in course.fixes:
        if page < place < named and course.notes[place].at_s <= soon_s and course.protects(place):
            return Evidence("You protected the users first, and searched for the cause then.", [page, place])
    return None


@_rule("alarms", "very_weak", "an alarm before the onset, and a fix without a look, other than people or a roll back")
def _fixed_a_false_alarm(course: IncidentCourse) -> Evidence | None:
    unlooked = [place for place in _before_the_onset(course) if not course.looked_before(place)]
    early = [place for place in unlooked if not course.protects(place)]
    if course.early_page is None or not early:
        return None
    return Evidence(
        "The first alarm was false, and you shipped a fix without a look; it does not protect the users meanwhile.",
        [course.early_page, early[0]],
    )


@_rule("alarms", "strong", "an alarm before the onset, a look, and no fix until the onset")
def _waited_out(course: IncidentCourse) -> Evidence | None:
    page, onset_s = course.early_page, course.play.secret.onset_s
    if page is None or course.true_page is None or _before_the_onset(course):
        return None
    looks = [place for place in course.looks if course.notes[place].at_s < onset_s]
    return Evidence("The first alarm was false. You looked, and changed nothing.", [page, *looks]) if looks else None


def _before_the_onset(course: IncidentCourse) -> list[int]:
    return [place for place in course.fixes if course.notes[place].at_s < course.play.secret.onset_s]


@_rule("cost", "weak", "three new looks or more after the findings make a cause 97% likely, before a wait or a fix")
def _kept_looking(course: IncidentCourse) -> Evidence | None:
    settled = next((step for step in course.steps if max(step.shares.values()) >= _SETTLED), None)
    if settled is None:
        return None
    first_fix = next(iter(course.fixes), len(course.notes))
    waits = (place for place, note in enumerate(course.notes) if place > settled.place and isinstance(note.action, WaitAction))
    until = min(first_fix, next(waits, first_fix))
    later = [place for place in course.looks if settled.place < place < until and not course.asked_before_a_wait(place)]
    if len(later) < _TOO_MANY:
        return None
    words = f"You took {counted(len(later), 'look')} after the findings had made one cause {100 * _SETTLED:.0f}% likely."
    return Evidence(words, later)


@_rule("cost", "strong", "a diagnosis where the findings make a cause 80% likely, and not the rule above")
def _stopped_in_time(course: IncidentCourse) -> Evidence | None:
    if not course.diagnoses or not course.looked_before(course.diagnoses[0]) or _kept_looking(course):
        return None
    likely = course.likely(course.diagnoses[0])
    if not likely or max(likely.values()) < _LIKELY:
        return None
    return Evidence("You named a cause soon after the findings had made one likely.", [course.diagnoses[0]])
