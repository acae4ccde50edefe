"""Signals of an incident: habits of a person on call, four anchored levels of each, and the evidence that the log holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulator.incident.incident_course import IncidentCourse, suspicion_scores
from simulator.incident.incident_score import question_label
from simulator.incident.wording import hours, usd
from simulator.session.session_signals import Evidence, Signal
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
