"""The course of a session: which runs followed each other, what moved between them, and where each phase was first touched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

from simulator.case.phases import PracticePhase, deciding_questions, hero_of, phase_of_choice, phases_of
from simulator.case.schema import Scenario
from simulator.limits import SESSION_TEXT
from simulator.phrases import phrase
from simulator.session.event_log import AnyEvent, Logged
from simulator.session.prediction_scores import held_words, is_informed, on_its_scale
from simulator.session.session_events import AssumptionPinned, ObjectivesRanked, PanelOpened, PickChanged
from simulator.session.session_state import IDLE_S, RunSeen, SessionPrediction, SessionState

#: Words a second that a person reads at most: 300 a minute; silent readers of English take 238 on average (Brysbaert 2019).
READ_WORDS_A_S = 5.0

#: A step of the form's axis, as a part of the bound or of the last result.
_STEP = 0.025

#: A comparison shows an effect from this relative difference of a figure on.
_EFFECT = 0.1


@dataclass(frozen=True)
class RunMove:
    """From one run to the next under the same curveballs: the choices whose picks differ."""

    before: RunSeen
    after: RunSeen
    choices: frozenset[str]

    @property
    def is_single(self) -> bool:
        return len(self.choices) == 1


@dataclass(frozen=True)
class Course:
    """A session's log, looked at for what came before what; every place is that of an event in the log."""

    scenario: Scenario
    state: SessionState

    @cached_property
    def phases(self) -> dict[str, PracticePhase]:
        return {phase.id: phase for phase in phases_of(self.scenario)}

    @cached_property
    def runs(self) -> list[RunSeen]:
        """The runs whose results were shown, in their order."""
        return [run for run in self.state.runs if run.ended is not None]

    @cached_property
    def moves(self) -> list[RunMove]:
        """The moves from one run to the next under the same curveballs, without repeated runs."""
        pairs = [
            RunMove(
                before,
                after,
                frozenset(name for name, pick in after.asked.picks.items() if before.asked.picks.get(name) != pick),
            )
            for before, after in pairwise(self.runs)
            if before.asked.strikes == after.asked.strikes
        ]
        return [move for move in pairs if move.choices]

    @property
    def moves_one_at_a_time(self) -> bool:
        """Return whether two thirds of the moves, at least, change one choice alone."""
        return 3 * sum(move.is_single for move in self.moves) >= 2 * len(self.moves)

    @cached_property
    def seconds_by_choice(self) -> dict[str, float]:
        """The seconds of work from each change of a choice to the next one, or to the end.

        Changes without a run between them were one thought: they share their seconds equally. The time that a run took does not
        count, and a longer rest than IDLE_S counts as that.
        """
        seconds = Counter[str]()
        thoughts = [list(changes) for _, changes in groupby(self.state.changes, self._runs_before)]
        end = self.state.ended_at if self.state.ended_at is not None else self.state.last_at
        for thought, until in zip(thoughts, [*(later[0].at for later in thoughts[1:]), end], strict=False):
            times = [*(change.at for change in thought), until]
            worked_s = sum(min(max(to - at - self._run_s(at, to), 0.0), IDLE_S) for at, to in pairwise(times))
            choices = {change.event.choice for change in thought}
            seconds.update(dict.fromkeys(choices, worked_s / len(choices)))
        return dict(seconds)

    def _runs_before(self, change: Logged[PickChanged]) -> int:
        return sum(run.at < change.at for run in self.state.runs)

    def _run_s(self, since: float, until: float) -> float:
        """Return the seconds between two times in which a run was computed."""
        return sum(max(min(run.ended_at or run.at, until) - max(run.at, since), 0.0) for run in self.state.runs)

    @cached_property
    def phase_of(self) -> dict[str, str | None]:
        """The phase of each choice; None for a circumstance of the brief."""
        phases = list(self.phases.values())
        return {name: phase_of_choice(self.scenario, phases, name) for name in self.scenario.choices}

    @cached_property
    def deciding(self) -> list[int]:
        """The places of the questions that decide, in the order of asking."""
        decide = set(deciding_questions(self.scenario))
        return [asked.place for asked in self.state.questions if asked.event.question in decide]

    @cached_property
    def read(self) -> frozenset[int]:
        """The places of the questions of the case whose answers stood long enough to be read.

        The time counts from the first of several questions to the next step that is none of framing: a phase, a change, a run.
        """
        state, answers = self.state, self.scenario.questions
        acts: list[SessionPrediction | RunSeen | Logged[AnyEvent]] = [*state.visits, *state.predictions, *state.runs]
        acts += [*state.changes, *state.panels, *state.curveballs, *state.defences.values()]
        ends = sorted((act.place, act.at) for act in acts)
        ends.append((state.place, state.ended_at if state.ended_at is not None else state.last_at))
        listed = [
            (asked, answers[index])
            for asked in state.questions
            if (index := asked.event.question) is not None and index < len(answers)
        ]
        read = set[int]()
        for (_, until), group in groupby(listed, lambda pair: next(end for end in ends if end[0] > pair[0].place)):
            pairs = list(group)
            words = sum(len(question.answer.split()) for _, question in pairs)
            read |= {asked.place for asked, _ in pairs} if until - pairs[0][0].at >= words / READ_WORDS_A_S else set()
        return frozenset(read)

    def chose_questions(self, before: int) -> bool:
        """Return whether the questions of the case before a place were chosen: more of them decide than of the whole list."""
        decide = set(deciding_questions(self.scenario))
        asked = [question.event.question for question in self.state.questions if question.place < before]
        listed = [index for index in asked if index is not None]
        share = len(decide) / len(self.scenario.questions) if self.scenario.questions else 1.0
        return bool(listed) and (share == 1 or sum(index in decide for index in listed) > share * len(listed))

    @cached_property
    def ranked(self) -> list[Logged[ObjectivesRanked]]:
        """The rankings of two objectives or more: one alone has no order."""
        return [ranking for ranking in self.state.rankings if len(ranking.event.objectives) > 1]

    @cached_property
    def reasons(self) -> list[int]:
        """The places of the answers to defence prompts that are sentences, or were said aloud."""
        answers = self.state.defences.values()
        return [answer.place for answer in answers if answer.event.ticked or is_sentence(answer.event.text)]

    @property
    def under_curveballs(self) -> list[RunSeen]:
        return [run for run in self.runs if run.asked.strikes]

    @cached_property
    def assumed(self) -> list[int]:
        """The places of the assumptions that stand: answers that were read and pinned, and sentences in own words."""
        read = {asked.event.question for asked in self.state.questions if asked.place in self.read}
        return [
            assumption.place
            for assumption in self.state.standing_assumptions
            if (
                assumption.event.question in read
                if isinstance(assumption.event, AssumptionPinned)
                else is_sentence(assumption.event.text)
            )
        ]

    def changes(self, phase: str) -> list[Logged[PickChanged]]:
        """Return the changes of the choices of a phase."""
        return [change for change in self.state.changes if self.phase_of.get(change.event.choice) == phase]

    def panels(self, phase: str) -> list[Logged[PanelOpened]]:
        """Return the openings of the panels of a phase."""
        return [panel for panel in self.state.panels if panel.event.panel in self.phases[phase].panels]

    def looks(self, phase: str) -> list[int]:
        """Return the places of looks at the panels of a phase: opened ones, and runs that show the case's first exhibit."""
        opened = [panel.place for panel in self.panels(phase)]
        shown = self.runs if hero_of(self.scenario) in self.phases[phase].panels else []
        return sorted([*opened, *(run.place for run in shown)])

    def asked_for(self, phase: str) -> list[int]:
        """Return the places of the questions that serve a phase, their answers read; a sentence in own words may serve any."""
        serving = {index for index, question in enumerate(self.scenario.questions) if question.phase == phase}
        return [
            asked.place
            for asked in self.state.questions
            if (asked.place in self.read and asked.event.question in serving)
            or (asked.event.question is None and is_question(asked.event.words))
        ]

    def touched(self, phase: str) -> list[int]:
        """Return the places of all that was done for a phase, in their order: questions, changes, panels; no bare visit."""
        done = [change.place for change in [*self.changes(phase), *self.panels(phase)]]
        return sorted([*self.asked_for(phase), *done])

    def single_moves(self, phase: str) -> list[RunMove]:
        """Return the moves of one choice of a phase with all others as they were."""
        return [move for move in self.moves if move.is_single and self.phase_of.get(next(iter(move.choices))) == phase]

    def predicted_moves(self, phase: str) -> list[RunMove]:
        """Return the single moves of a phase whose second design was predicted by intervals that say something."""
        return [move for move in self.single_moves(phase) if self.said_something(move.after)]

    def said_something(self, run: RunSeen) -> bool:
        """Return whether the design of a run was predicted by intervals that say something."""
        return is_informed(self.scenario, self.own_intervals(self.predicted.get(run.design, [])))

    def own_intervals(self, predictions: Iterable[SessionPrediction]) -> list[SessionPrediction]:
        """Return the predicted intervals without those that the form starts with: the interval of the run before."""
        return [prediction for prediction in predictions if prediction.metric and not self._repeats_last_run(prediction)]

    @property
    def interval_words(self) -> str:
        """The number of intervals that held, their part of the scale, and the number of those that the form started with."""
        copied = len(self.intervals) - len(self.own_intervals(self.intervals))
        return phrase("predictions.intervals", held=held_words(self.scenario, self.intervals), copied=copied)

    def _repeats_last_run(self, prediction: SessionPrediction) -> bool:
        """Return whether an interval is that of the run before it, up to a step of the form's axis."""
        last = next((run for run in reversed(self.runs) if run.place < prediction.place), None)
        figures = () if last is None or last.ended is None else last.ended.figures
        figure = next((figure for figure in figures if figure.metric == prediction.metric), None)
        if figure is None or figure.low is None or figure.high is None or prediction.low is None or prediction.high is None:
            return False
        bound = next((goal.bound for goal in self.scenario.objectives if goal.metric == prediction.metric), 0.0)
        step = _STEP * max(abs(bound), abs(figure.high))
        return abs(prediction.low - figure.low) <= step and abs(prediction.high - figure.high) <= step

    def seen_effect(self, move: RunMove) -> bool:
        """Return whether a figure moved by a tenth or more, as a prediction says that beats an interval over the whole scale.

        All intervals of the second design together must say something.
        """
        earlier = {} if move.before.ended is None else {figure.metric: figure.value for figure in move.before.ended.figures}
        return self.said_something(move.after) and any(
            interval.settled is not None
            and interval.settled.value is not None
            and (before := earlier.get(interval.metric or "")) is not None
            and abs(interval.settled.value - before) >= _EFFECT * abs(before)
            and (placed := on_its_scale(self.scenario, interval)) is not None
            and placed.score < 1
            for interval in self.own_intervals(self.predicted[move.after.design])
        )

    @cached_property
    def predicted(self) -> dict[str, list[SessionPrediction]]:
        """The predictions of each design that was run."""
        designs = dict.fromkeys(run.design for run in self.runs)
        return {
            name: own
            for name in designs
            if (own := [prediction for prediction in self.state.predictions if prediction.design == name])
        }

    @cached_property
    def intervals(self) -> list[SessionPrediction]:
        """The predicted intervals whose runs gave a figure."""
        return [
            prediction
            for prediction in self.state.predictions
            if prediction.metric and prediction.settled and prediction.settled.held is not None
        ]


#: Words that hold an English sentence together. A list of key words has none of them.
_BINDING_WORDS = (
    "a an the this that these those it its we you they he she i my our your their who what which how when where why "
    "is are was were be been has have had do does did can could may might must should will would not no "
    "and or but if because since so than then as while although unless "
    "of in on at to for from by with without under over above below into before after between per about "
    "all any each every both only more most less least there here also"
)
_BINDING = frozenset(_BINDING_WORDS.split())

#: The fewest words of a sentence, the number that is looked at, the least part of them that differs, and that binds.
_WORDS, _READ, _DIFFERENT, _BOUND = 5, 40, 0.5, 0.2

_WORD = re.compile(r"[^\W\d_]+")
_VOWEL = re.compile(r"[aeiouyà-öø-ÿ]")


def is_sentence(text: str | None) -> bool:
    """Return whether a text reads as an English sentence, by its form alone: key words, repeats and random letters do not."""
    words = _WORD.findall((text or "")[: SESSION_TEXT.most].lower())[:_READ]
    different = set(words)
    bound, content = different & _BINDING, [word for word in different - _BINDING if _VOWEL.search(word)]
    return (
        len(words) >= _WORDS
        and len(different) >= _DIFFERENT * len(words)
        and len(bound) >= _BOUND * len(different)
        and len(content) >= max(2, (len(different) - len(bound)) / 2)
    )


def is_question(text: str | None) -> bool:
    """Return whether a text reads as a question: two words or more, one of them a word that binds."""
    words = set(_WORD.findall((text or "")[: SESSION_TEXT.most].lower())[:_READ])
    return len(words) > 1 and bool(words & _BINDING)
