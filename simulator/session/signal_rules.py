"""Rules of a session: the levels that a log decides by itself, and the four mistakes that interviewers name.

A rule reads the order of events, never the meaning of prose; a text that is no sentence counts for nothing. Where no rule
fires, or rules of a signal disagree, the person decides.
docs/practice.md lists every rule with its share of false alarms in the sessions of bots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from statistics import mean
from typing import Generic

from simulator.case.schema import Scenario
from simulator.phrases import phrase
from simulator.session.event_log import AnyEvent, Logged
from simulator.session.prediction_scores import WIDE, is_informed, scaled
from simulator.session.session_course import Course, RunMove
from simulator.session.session_events import CurveballStruck
from simulator.session.session_signals import SIGNALS, Evidence, Level, LogForm, Signal
from simulator.session.session_state import RunSeen, SessionState
from simulator.units import counted

#: A rule about habits needs as many runs, moves or changes at least.
_HABIT = 3


#: Reads a log, and yields its evidence; nothing where a rule does not fire.
Finds = Callable[[LogForm], Iterator[Evidence]]


@dataclass(frozen=True)
class SignalRule(Generic[LogForm]):
    """A rule that decides a level of a signal; states: when it fires; finds: the evidence, of which the first piece counts."""

    name: str
    signal: str
    level: Level
    states: str
    finds: Finds[LogForm]


@dataclass(frozen=True)
class Mistake:
    """A mistake that interviewers name.

    phase: the phase that was left out, "" for the missing reason; states: when the log shows it
    finds: its moment
    """

    name: str
    label: str
    phase: str
    states: str
    finds: Finds[Course]


def adds_rule(rules: list[SignalRule[LogForm]], signal: str, level: Level) -> Callable[[Finds[LogForm]], Finds[LogForm]]:
    """Add a rule whose evidence a function finds, under the name of the function; the catalogue of texts states it."""

    def add(finds: Finds[LogForm]) -> Finds[LogForm]:
        name = finds.__name__.removeprefix("_")
        rules.append(SignalRule(name, signal, level, phrase(f"signal_rules.{name}"), finds))
        return finds

    return add


RULES: list[SignalRule[Course]] = []
_rule = partial(adds_rule, RULES)


def _untouched(course: Course, phase: str, words: str) -> Iterator[Evidence]:
    """Yield evidence where designs ran and nothing was done for a phase: no answer read, no change and no panel."""
    if course.runs and phase in course.phases and not course.touched(phase):
        yield Evidence(words, [course.runs[-1].place])


def _misses_nothing(run: RunSeen) -> bool:
    """Return whether a run misses no objective for certain."""
    return run.ended is not None and not {"not met", "void"} & set(run.ended.verdicts.values())


@_rule("framing", "very_weak")
def _architecture_first(course: Course) -> Iterator[Evidence]:
    if not course.runs:
        return
    first, state = course.runs[0].place, course.state
    framed: list[Logged[AnyEvent]] = [*state.questions, *state.assumptions, *state.rankings]
    if not any(act.place < first for act in framed):
        yield Evidence(phrase("session_log.architecture_first"), [first])


@_rule("framing", "strong")
def _decided_first(course: Course) -> Iterator[Evidence]:
    if not course.runs:
        return
    first = course.runs[0].place
    asked = [place for place in course.deciding if place < first and place in course.read]
    assumed = [place for place in course.assumed if place < first]
    ranked = [ranking.place for ranking in course.ranked if ranking.place < first]
    deciding = sum(question.decides for question in course.scenario.questions) or len(course.scenario.questions)
    if 2 * len(asked) >= deciding and course.chose_questions(first) and assumed and ranked:
        words = phrase("session_log.decided_first", asked=len(asked), deciding=deciding)
        yield Evidence(words, [*asked, *assumed, *ranked])


@_rule("data", "very_weak")
def _no_data(course: Course) -> Iterator[Evidence]:
    yield from _untouched(course, "data", phrase("session_log.no_data"))


@_rule("model", "strong")
def _compared(course: Course) -> Iterator[Evidence]:
    for pair in course.single_moves("model") if "model" in course.phases else ():
        if course.seen_effect(pair):
            label = course.scenario.choices[next(iter(pair.choices))].label
            yield Evidence(phrase("session_log.compared", choice=label), [pair.before.place, pair.after.place])


@_rule("evaluation", "weak")
def _blind_threshold(course: Course) -> Iterator[Evidence]:
    if "evaluate" not in course.phases or not course.phases["evaluate"].panels:
        return
    first_look = min(course.looks("evaluate"), default=None)
    blind = [change.place for change in course.changes("evaluate") if first_look is None or change.place < first_look]
    if len(blind) >= _HABIT:
        looks = [] if first_look is None else [first_look]
        title = course.phases["evaluate"].title
        words = phrase("session_log.blind_threshold", phase=title, times=len(blind), looked=bool(looks))
        yield Evidence(words, [*blind, *looks])


@_rule("evaluation", "strong")
def _looked_at_errors(course: Course) -> Iterator[Evidence]:
    looks = [panel.place for panel in course.panels("evaluate")] if "evaluate" in course.phases else []
    for move in course.predicted_moves("evaluate") if looks else ():
        if looks[0] < move.after.place:
            label = course.scenario.choices[next(iter(move.choices))].label
            yield Evidence(phrase("session_log.looked_at_errors", choice=label), [looks[0], move.after.place])


@_rule("serving", "very_weak")
def _no_serving(course: Course) -> Iterator[Evidence]:
    yield from _untouched(course, "serve", phrase("session_log.no_serving"))


@_rule("serving", "strong")
def _sized(course: Course) -> Iterator[Evidence]:
    if "serve" not in course.phases or not (single := course.predicted_moves("serve")):
        return
    last = next((run for run in reversed(course.runs) if not run.asked.strikes), None)
    if last is not None and course.moves_one_at_a_time and _misses_nothing(last):
        yield Evidence(phrase("session_log.sized"), [single[0].after.place, last.place])


@_rule("safety", "very_weak")
def _no_failure(course: Course) -> Iterator[Evidence]:
    if not course.under_curveballs:
        yield from _untouched(course, "monitor", phrase("session_log.no_failure"))


@_rule("safety", "strong")
def _answered_a_failure(course: Course) -> Iterator[Evidence]:
    struck = next((curveball for curveball in course.state.curveballs if isinstance(curveball.event, CurveballStruck)), None)
    if struck is None:
        return
    under = [run for run in course.under_curveballs if run.place > struck.place]
    if not under or len({run.design for run in under}) < 2 or not course.said_something(under[-1]):
        return
    calm = next(
        (run for run in reversed(course.runs) if not run.asked.strikes and run.asked.picks == under[0].asked.picks), None
    )
    shown = calm is not None and course.seen_effect(RunMove(calm, under[0], frozenset()))
    if shown or (course.said_something(under[0]) and _misses_nothing(under[0])):
        predicted = course.predicted[under[0].design][0].place
        yield Evidence(phrase("session_log.answered_a_failure"), [struck.place, predicted, under[0].place, under[-1].place])


@_rule("quantified", "very_weak")
def _unpredicted(course: Course) -> Iterator[Evidence]:
    designs = {run.design for run in course.runs}
    if len(designs) >= _HABIT and not course.predicted:
        yield Evidence(phrase("session_log.unpredicted", designs=len(designs)), [run.place for run in course.runs])


@_rule("quantified", "weak")
def _whole_scale(course: Course) -> Iterator[Evidence]:
    spans = [interval.span for interval in scaled(course.scenario, course.intervals)]
    if len(spans) >= _HABIT and mean(spans) >= WIDE:
        words = phrase("session_log.whole_scale", share=mean(spans))
        yield Evidence(words, [interval.place for interval in course.intervals])


@_rule("quantified", "weak")
def _at_once(course: Course) -> Iterator[Evidence]:
    several = [move.after.place for move in course.moves if not move.is_single]
    if len(course.moves) >= _HABIT and 2 * len(several) > len(course.moves):
        yield Evidence(phrase("session_log.at_once", several=len(several), moves=len(course.moves)), several)


@_rule("quantified", "strong")
def _checked(course: Course) -> Iterator[Evidence]:
    held = [interval for interval in course.intervals if interval.settled and interval.settled.held]
    enough = len(course.predicted) >= _HABIT and len(course.moves) >= _HABIT - 1
    if not enough or not course.moves_one_at_a_time or not is_informed(course.scenario, course.own_intervals(course.intervals)):
        return
    if any(course.seen_effect(move) for move in course.moves):
        counts = {"designs": len(course.predicted), "held": len(held), "intervals": len(course.intervals)}
        yield Evidence(phrase("session_log.checked", **counts), [interval.place for interval in held])


def _no_reason(course: Course) -> Iterator[Evidence]:
    if course.runs and not course.reasons:
        written = [answer.place for answer in course.state.defences.values()]
        yield Evidence(phrase("session_log.no_reason", answers=len(written)), written or [course.runs[-1].place])


def _late_data(course: Course) -> Iterator[Evidence]:
    if not course.runs or "data" not in course.phases:
        return
    first, touched = course.runs[0].place, course.touched("data")
    if not touched or touched[0] >= first:
        yield Evidence(phrase("session_log.late_data"), [first])


MISTAKES = (
    Mistake("no_data", "Architecture without data", "data", "a run before anything of the data phase", _late_data),
    Mistake("no_deployment", "No constraint of deployment", "serve", "runs, and nothing of serving", _no_serving),
    Mistake(
        "no_failure", "No failure or safety", "monitor", "runs, none under a curveball, and nothing of failures", _no_failure
    ),
    Mistake("no_reason", "No reason given", "", "runs, and no defence prompt answered in a sentence or ticked", _no_reason),
)


@dataclass(frozen=True)
class Decided(Generic[LogForm]):
    """A level that the log decides: the rules that fired, with their evidence."""

    level: Level
    fired: Sequence[tuple[SignalRule[LogForm], Evidence]]


def fired_of(rules: Sequence[SignalRule[LogForm]], log: LogForm) -> list[tuple[SignalRule[LogForm], Evidence]]:
    """Return the rules that fire on a log, with their evidence."""
    return [(rule, evidence) for rule in rules for evidence in islice(rule.finds(log), 1)]


def levels_of(
    signals: Sequence[Signal[LogForm]], found: Sequence[tuple[SignalRule[LogForm], Evidence]]
) -> dict[str, Decided[LogForm]]:
    """Return the levels that rules decide, by signal; a signal whose rules disagree has none."""
    levels = dict[str, Decided[LogForm]]()
    for signal in signals:
        own = [(rule, evidence) for rule, evidence in found if rule.signal == signal.name]
        if len({rule.level for rule, _ in own}) == 1:
            levels[signal.name] = Decided(own[0][0].level, own)
    return levels


def fired_rules(scenario: Scenario, state: SessionState) -> list[tuple[SignalRule[Course], Evidence]]:
    """Return the rules that fire in a session, with their evidence."""
    return fired_of(RULES, Course(scenario, state))


def decided_levels(scenario: Scenario, state: SessionState) -> dict[str, Decided[Course]]:
    """Return the levels that the log of a session decides, by signal."""
    return levels_of(SIGNALS, fired_rules(scenario, state))


def mistakes(scenario: Scenario, state: SessionState) -> list[tuple[Mistake, Evidence]]:
    """Return the mistakes that the log shows, each with its moment."""
    course = Course(scenario, state)
    return [(mistake, evidence) for mistake in MISTAKES for evidence in islice(mistake.finds(course), 1)]


def mistake_free(scenario: Scenario, state: SessionState) -> str:
    """Return the acts that kept runs free of mistakes, in words, without praise; empty where all mistakes are shown."""
    course = Course(scenario, state)
    if not course.runs:
        return "No design ran, so the log shows none of the four mistakes, and not that you avoid them."
    open_to = [mistake for mistake in MISTAKES if mistake.phase in {"", *course.phases}]
    free = [mistake for mistake in open_to if not any(mistake.finds(course))]
    reasons = phrase("session_log.reasons", prompts=len(course.reasons))
    acts = [_acts(course, mistake.phase) if mistake.phase else reasons for mistake in free]
    if len(free) == len(open_to):
        return phrase("session_log.no_mistake", acts=acts)
    return phrase("session_log.other_mistakes", acts=acts) if acts else ""


def _acts(course: Course, phase: str) -> str:
    """Return the acts for a phase in words."""
    acts = (
        (len(course.asked_for(phase)), "question"),
        (len(course.changes(phase)), "change"),
        (len(course.panels(phase)), "panel"),
    )
    done = [counted(number, noun) for number, noun in acts if number]
    if phase == "monitor" and course.under_curveballs:
        done.append(counted(len(course.under_curveballs), "run under a curveball", "runs under a curveball"))
    return f"{course.phases[phase].title}: {', '.join(done)}."
