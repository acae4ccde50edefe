"""Rules of a session: the levels that a log decides by itself, and the four mistakes that interviewers name.

A rule reads the order of events, never the meaning of prose; a text that is no sentence counts for nothing. Where no rule
fires, or rules of a signal disagree, the person decides.
docs/practice.md lists every rule with its share of false alarms in the sessions of bots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean
from typing import Generic

from simulator.case.schema import Scenario
from simulator.session.event_log import AnyEvent, Logged
from simulator.session.prediction_scores import WIDE, is_informed, scaled
from simulator.session.session_course import Course, RunMove
from simulator.session.session_events import CurveballStruck
from simulator.session.session_signals import SIGNALS, Evidence, Level, LogForm, Signal
from simulator.session.session_state import RunSeen, SessionState
from simulator.units import counted

#: A rule about habits needs as many runs, moves or changes at least.
_HABIT = 3


@dataclass(frozen=True)
class SignalRule(Generic[LogForm]):
    """A rule that decides a level of a signal; states: when it fires; finds: the evidence, None where it does not fire."""

    name: str
    signal: str
    level: Level
    states: str
    finds: Callable[[LogForm], Evidence | None]


@dataclass(frozen=True)
class Mistake:
    """A mistake that interviewers name.

    phase: the phase that was left out, "" for the missing reason; states: when the log shows it
    finds: its moment, None where it is not shown
    """

    name: str
    label: str
    phase: str
    states: str
    finds: Callable[[Course], Evidence | None]


def adds_rule(
    rules: list[SignalRule[LogForm]], signal: str, level: Level, states: str
) -> Callable[[Callable[[LogForm], Evidence | None]], Callable[[LogForm], Evidence | None]]:
    """Add a rule whose evidence a function finds, under the name of the function."""

    def add(finds: Callable[[LogForm], Evidence | None]) -> Callable[[LogForm], Evidence | None]:
        rules.append(SignalRule(finds.__name__.removeprefix("_"), signal, level, states, finds))
        return finds

    return add


RULES: list[SignalRule[Course]] = []
_rule = partial(adds_rule, RULES)


def _untouched(course: Course, phase: str, words: str) -> Evidence | None:
    """Return evidence where designs ran and nothing was done for a phase: no answer read, no change and no panel."""
    if not course.runs or phase not in course.phases or course.touched(phase):
        return None
    return Evidence(words, [course.runs[-1].place])


def _misses_nothing(run: RunSeen) -> bool:
    """Return whether a run misses no objective for certain."""
    return run.ended is not None and not {"not met", "void"} & set(run.ended.verdicts.values())


@_rule("framing", "very_weak", "a run before any question, assumption or ranked objective")
def _architecture_first(course: Course) -> Evidence | None:
    if not course.runs:
        return None
    first, state = course.runs[0].place, course.state
    framed: list[Logged[AnyEvent]] = [*state.questions, *state.assumptions, *state.rankings]
    if any(act.place < first for act in framed):
        return None
    return Evidence("Your first design ran before you asked a question, wrote an assumption or ranked an objective.", [first])


@_rule(
    "framing",
    "strong",
    "before the first run: half of the deciding questions, chosen and read, an assumption and two ranked objectives",
)
def _decided_first(course: Course) -> Evidence | None:
    if not course.runs:
        return None
    first = course.runs[0].place
    asked = [place for place in course.deciding if place < first and place in course.read]
    assumed = [place for place in course.assumed if place < first]
    ranked = [ranking.place for ranking in course.ranked if ranking.place < first]
    deciding = sum(question.decides for question in course.scenario.questions) or len(course.scenario.questions)
    if 2 * len(asked) < deciding or not course.chose_questions(first) or not assumed or not ranked:
        return None
    words = (
        f"Before your first run you asked {len(asked)} of {deciding} deciding questions and had time to read the answers, "
        "wrote assumptions and ranked objectives."
    )
    return Evidence(words, [*asked, *assumed, *ranked])


@_rule("data", "very_weak", "runs, and no answer read, no change and no panel of the data phase")
def _no_data(course: Course) -> Evidence | None:
    words = "You ran designs and did nothing about the data: no answer read, no change, no panel."
    return _untouched(course, "data", words)


@_rule(
    "model",
    "strong",
    "two runs in a row that differ in one choice of the model alone, the second predicted, with an effect of a tenth",
)
def _compared(course: Course) -> Evidence | None:
    if "model" not in course.phases:
        return None
    pair = next((move for move in course.single_moves("model") if course.seen_effect(move)), None)
    if pair is None:
        return None
    label = course.scenario.choices[next(iter(pair.choices))].label
    words = (
        f"You ran two designs that differ in “{label}” alone, predicted the second one, and a figure moved by a tenth or more."
    )
    return Evidence(words, [pair.before.place, pair.after.place])


@_rule("evaluation", "weak", "three changes of the evaluation's choices before a look at its panels")
def _blind_threshold(course: Course) -> Evidence | None:
    if "evaluate" not in course.phases or not course.phases["evaluate"].panels:
        return None
    first_look = min(course.looks("evaluate"), default=None)
    blind = [change.place for change in course.changes("evaluate") if first_look is None or change.place < first_look]
    if len(blind) < _HABIT:
        return None
    until = "without a look" if first_look is None else "before your first look"
    words = f"You changed “{course.phases['evaluate'].title}” {counted(len(blind), 'time')} {until} at its panels."
    return Evidence(words, blind if first_look is None else [*blind, first_look])


@_rule("evaluation", "strong", "a look at a panel of the evaluation, then a predicted run that moves one of its choices alone")
def _looked_at_errors(course: Course) -> Evidence | None:
    if "evaluate" not in course.phases:
        return None
    looks = [panel.place for panel in course.panels("evaluate")]
    moves = [move for move in course.predicted_moves("evaluate") if looks and looks[0] < move.after.place]
    if not moves:
        return None
    label = course.scenario.choices[next(iter(moves[0].choices))].label
    words = f"You looked at the errors, then moved “{label}” alone, predicted its effect and ran both."
    return Evidence(words, [looks[0], moves[0].after.place])


@_rule("serving", "very_weak", "runs, and no answer read, no change and no panel of serving")
def _no_serving(course: Course) -> Evidence | None:
    words = "You ran designs and did nothing about serving: no answer read, no change, no panel."
    return _untouched(course, "serve", words)


@_rule(
    "serving",
    "strong",
    "two thirds of the moves of one choice, a predicted one of serving; a last calm run that misses nothing for certain",
)
def _sized(course: Course) -> Evidence | None:
    if "serve" not in course.phases or not (single := course.predicted_moves("serve")):
        return None
    last = next((run for run in reversed(course.runs) if not run.asked.strikes), None)
    if last is None or not course.moves_one_at_a_time or not _misses_nothing(last):
        return None
    words = "You sized the service by a step that you predicted, and your last calm run misses no objective for certain."
    return Evidence(words, [single[0].after.place, last.place])


@_rule("safety", "very_weak", "runs, none under a curveball, and nothing done for failures")
def _no_failure(course: Course) -> Evidence | None:
    words = "You ran designs and did nothing about failures: no answer read, no change, no run under a curveball."
    return None if course.under_curveballs else _untouched(course, "monitor", words)


@_rule(
    "safety",
    "strong",
    "a curveball, its effect predicted (a tenth, or no objective missed), and a changed design predicted under it",
)
def _answered_a_failure(course: Course) -> Evidence | None:
    struck = next((curveball for curveball in course.state.curveballs if isinstance(curveball.event, CurveballStruck)), None)
    if struck is None:
        return None
    under = [run for run in course.under_curveballs if run.place > struck.place]
    if not under or len({run.design for run in under}) < 2 or not course.said_something(under[-1]):
        return None
    calm = next(
        (run for run in reversed(course.runs) if not run.asked.strikes and run.asked.picks == under[0].asked.picks), None
    )
    shown = calm is not None and course.seen_effect(RunMove(calm, under[0], frozenset()))
    if not shown and not (course.said_something(under[0]) and _misses_nothing(under[0])):
        return None
    predicted = course.predicted[under[0].design][0].place
    words = "You predicted what the curveball breaks, changed the design and ran it again."
    return Evidence(words, [struck.place, predicted, under[0].place, under[-1].place])


@_rule("quantified", "very_weak", "three designs or more, none of them predicted")
def _unpredicted(course: Course) -> Evidence | None:
    designs = {run.design for run in course.runs}
    if len(designs) < _HABIT or course.predicted:
        return None
    return Evidence(f"You ran {counted(len(designs), 'design')} and predicted none.", [run.place for run in course.runs])


@_rule("quantified", "weak", "three intervals or more, over three fifths of their scales on average")
def _whole_scale(course: Course) -> Evidence | None:
    spans = [interval.span for interval in scaled(course.scenario, course.intervals)]
    if len(spans) < _HABIT or mean(spans) < WIDE:
        return None
    words = f"Your intervals span {mean(spans):.0%} of the scale on average: they say nothing, and to hold is no merit."
    return Evidence(words, [interval.place for interval in course.intervals])


@_rule("quantified", "weak", "three moves or more, more than half of several choices at once")
def _at_once(course: Course) -> Evidence | None:
    several = [move.after.place for move in course.moves if not move.is_single]
    if len(course.moves) < _HABIT or 2 * len(several) <= len(course.moves):
        return None
    return Evidence(f"{len(several)} of {counted(len(course.moves), 'move')} changed several choices at once.", several)


@_rule(
    "quantified",
    "strong",
    "three designs predicted, two thirds of the moves of one choice, intervals that say something, an effect of a tenth",
)
def _checked(course: Course) -> Evidence | None:
    held = [interval for interval in course.intervals if interval.settled and interval.settled.held]
    enough = len(course.predicted) >= _HABIT and len(course.moves) >= _HABIT - 1
    if not enough or not course.moves_one_at_a_time or not is_informed(course.scenario, course.own_intervals(course.intervals)):
        return None
    if not any(course.seen_effect(move) for move in course.moves):
        return None
    words = f"You predicted {counted(len(course.predicted), 'design')} and mostly moved one choice at a time; {len(held)} of "
    return Evidence(f"{words}{counted(len(course.intervals), 'interval')} held.", [interval.place for interval in held])


def _no_reason(course: Course) -> Evidence | None:
    if not course.runs or course.reasons:
        return None
    written = [answer.place for answer in course.state.defences.values()]
    words = "You answered none of the defence prompts."
    if written:
        words = f"None of your {counted(len(written), 'answer')} to the defence prompts reads as a sentence."
    return Evidence(words, written or [course.runs[-1].place])


def _late_data(course: Course) -> Evidence | None:
    if not course.runs or "data" not in course.phases:
        return None
    first, touched = course.runs[0].place, course.touched("data")
    if touched and touched[0] < first:
        return None
    return Evidence("Your first design ran before anything was done about the data.", [first])


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
    return [(rule, evidence) for rule in rules if (evidence := rule.finds(log)) is not None]


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
    return [(mistake, evidence) for mistake in MISTAKES if (evidence := mistake.finds(course)) is not None]


def mistake_free(scenario: Scenario, state: SessionState) -> str:
    """Return the acts that kept runs free of mistakes, in words, without praise; empty where all mistakes are shown."""
    course = Course(scenario, state)
    if not course.runs:
        return "No design ran, so the log shows none of the four mistakes, and not that you avoid them."
    open_to = [mistake for mistake in MISTAKES if mistake.phase in {"", *course.phases}]
    free = [mistake for mistake in open_to if mistake.finds(course) is None]
    answers = f"{counted(len(course.reasons), 'prompt')} answered in a sentence or aloud"
    reasons = f"Reasons: {answers}; no rule judges the words."
    acts = " ".join(_acts(course, mistake.phase) if mistake.phase else reasons for mistake in free)
    if len(free) == len(open_to):
        return f"The log shows none of the four. It holds: {acts}"
    return f"Of the others the log holds: {acts}" if acts else ""


def _acts(course: Course, phase: str) -> str:
    """Return the acts for a phase in words."""
    counts = [
        counted(len(course.asked_for(phase)), "question"),
        counted(len(course.changes(phase)), "change"),
        counted(len(course.panels(phase)), "panel"),
        *(
            [counted(len(course.under_curveballs), "run under a curveball", "runs under a curveball")]
            if phase == "monitor"
            else []
        ),
    ]
    done = [words for words in counts if not words.startswith("0 ")]
    return f"{course.phases[phase].title}: {', '.join(done)}."
