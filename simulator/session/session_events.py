"""Events of a session: a model a kind, bounded and frozen, with the rule for appending it and its effect on the state.

A rule is asked before an event is appended. A fold needs no case and refuses nothing: a log of any age can be replayed, and
every split of it gives an equal state.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from simulator.case.exhibits import EXHIBITS
from simulator.case.fields import Name, refused
from simulator.case.phases import Hint, defence_of, phases_of
from simulator.case.schema import Scenario
from simulator.metrics.summary import Standing
from simulator.phrases import phrase
from simulator.session.event_log import (
    LEADS,
    READERS,
    AnyEvent,
    Changes,
    EventPart,
    Hash,
    Index,
    Logged,
    Metric,
    Number,
    Picks,
    PickValue,
    Role,
    Seed,
    SomeWords,
    Strikes,
    Words,
    design_hash,
    refused_word,
)
from simulator.session.prediction_scores import interval_score
from simulator.session.session_state import RunSeen, SessionPrediction, SessionState, Settlement


@lru_cache(maxsize=64)
def _phase_titles(scenario: Scenario) -> dict[str, str]:
    return {phase.id: phase.title for phase in phases_of(scenario)}


def panel_label(panel: str) -> str:
    """Return the title of a panel; its name where this version has no such panel."""
    return EXHIBITS[panel].label if panel in EXHIBITS else panel


def hint_words(hint: Hint) -> str:
    """Return a hint as an interviewer gives it."""
    return hint.question or hint.step or f"{hint.text or 'Look'} (panel {hint.panel})"


class PhaseBegun(AnyEvent):
    """The person goes to a phase, forwards or back."""

    by = LEADS
    adds_to = "visits"
    what = "Phase"

    phase: Name

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        if self.phase == state.phase:
            return "You are in this phase already."
        return refused_word(self.phase, (phase.id for phase in phases_of(scenario)), "phase")

    def details(self, scenario: Scenario, state: SessionState) -> str:
        return _phase_titles(scenario).get(self.phase, self.phase)


class QuestionAsked(AnyEvent):
    """A question of the case's list by its index, or in own words; both where typed words were matched with the list."""

    adds_to = "questions"
    what = "Question"

    question: Annotated[int, Field(ge=0, lt=40)] | None = None
    words: SomeWords | None = None

    _asks = refused(
        lambda event: event.question is None and not (event.words or "").strip(), "give the index of a question, or words"
    )

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        if self.question is None:
            return ""
        if self.question >= len(scenario.questions):
            return f"This case has {len(scenario.questions)} questions."
        return "You have asked this already; its answer is shown." if state.asked(self.question) else ""

    def details(self, scenario: Scenario, state: SessionState) -> str:
        listed = self.question is not None and self.question < len(scenario.questions)
        return scenario.questions[self.question or 0].ask if listed else self.words or ""


class AssumptionWritten(AnyEvent):
    """An assumption in the person's own words. Its place in the log is its name."""

    adds_to = "assumptions"
    what = "Assumption"

    text: SomeWords

    def details(self, scenario: Scenario, state: SessionState) -> str:
        return self.text


class AssumptionPinned(AnyEvent):
    """The answer to a question that was asked becomes an assumption."""

    adds_to = "assumptions"
    what = "Assumption"

    question: Annotated[int, Field(ge=0, lt=40)]

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        if not state.asked(self.question) or self.question >= len(scenario.questions):
            return "Ask the question first: only an answer that you have can be pinned."
        return "This answer is pinned already." if state.has_pinned(self.question) else ""

    def details(self, scenario: Scenario, state: SessionState) -> str:
        pinned = scenario.questions[self.question : self.question + 1]
        return f"{pinned[0].ask} {pinned[0].answer}" if pinned else ""


class AssumptionRemoved(AnyEvent):
    """An assumption is withdrawn; assumption: the place of the event that made it."""

    assumption: Index

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        return "" if self._stands(state) else "This assumption is not in the list, or was removed already."

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        return {"removed": state.removed | {self.assumption}} if self._stands(state) else None

    def _stands(self, state: SessionState) -> bool:
        return any(pin.place == self.assumption for pin in state.standing_assumptions)


class RankedObjective(EventPart):
    """An objective as the person states it; metric: that of the case, where it is clear."""

    words: Annotated[str, Field(min_length=1, max_length=300)]
    metric: Metric | None = None


class ObjectivesRanked(AnyEvent):
    """The person's objectives, the most important first; the latest event counts."""

    adds_to = "rankings"
    what = "Objectives"

    objectives: Annotated[tuple[RankedObjective, ...], Field(min_length=1, max_length=16)]

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        metrics = [objective.metric for objective in self.objectives if objective.metric is not None]
        if len(set(metrics)) < len(metrics):
            return "A metric can have one rank only."
        return next(filter(None, (refused_word(metric, scenario.metrics, "metric") for metric in metrics)), "")

    def details(self, scenario: Scenario, state: SessionState) -> str:
        return "; ".join(objective.words for objective in self.objectives)


class PickChanged(AnyEvent):
    """A choice goes from one pick to another."""

    by = LEADS
    what = "Change"

    choice: Name
    before: PickValue
    after: PickValue

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        if fault := refused_word(self.choice, scenario.choices, "choice"):
            return fault
        choice, now = scenario.choices[self.choice], state.picks(scenario)[self.choice]
        if self.before != now:
            return phrase("refused.other_pick", choice=choice.label, now=now, before=self.before)
        if self.after == self.before:
            return f"“{choice.label}” is at {now} already."
        try:
            choice.read(self.after)
        except ValueError as error:
            return f"“{choice.label}”: {error}."
        return ""

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        return {"changed": {**state.changed, self.choice: self.after}, "changes": self._added(state, logged)}

    def details(self, scenario: Scenario, state: SessionState) -> str:
        choice = scenario.choices.get(self.choice)
        return f"{choice.label}: {choice.label_of(self.before)} → {choice.label_of(self.after)}" if choice else ""

    def _added(self, state: SessionState, change: Logged[PickChanged]) -> tuple[Logged[PickChanged], ...]:
        """Return the changes with this one: a slider's steps by the keyboard are one change, and back where it was none.

        In a room each step stays, since marks name the places of events.
        """
        *others, last = state.changes or (None,)
        if last is None or last.place != change.place - 1 or state.is_room or last.event.choice != self.choice:
            return *state.changes, change
        whole = self.model_copy(update={"before": last.event.before})
        return (*others,) if whole.before == whole.after else (*others, replace(change, at=last.at, event=whole))


class PredictionMade(AnyEvent):
    """A 90% interval for a metric, or the stage that limits the design; before the run of a design is shown."""

    design: Hash
    metric: Metric | None = None
    low: Number | None = None
    high: Number | None = None
    stage: Name | None = None

    @model_validator(mode="after")
    def _predicts_one_thing(self) -> Self:
        bounds = [self.low, self.high]
        if (self.metric is None) == (self.stage is None) or bounds.count(None) != (0 if self.metric else 2):
            raise ValueError("give a metric with low and high, or a stage")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low should not be above high")
        return self

    @property
    def target(self) -> tuple[str, str]:
        """The design and the metric, or the design and "" for its bottleneck: one prediction each."""
        return self.design, self.metric or ""

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        if state.revealed(self.design):
            return "The run of this design has been shown. A prediction comes before it."
        case = state.drawn_case(scenario)
        if self.metric is not None and (fault := refused_word(self.metric, case.metrics, "metric")):
            return fault
        if self.stage is not None and (fault := refused_word(self.stage, case.stages, "stage")):
            return fault
        made = any((other.design, other.metric or "") == self.target for other in state.predictions)
        return "You have predicted this for this design already." if made else ""

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        of = self.design, self.metric, self.low, self.high, self.stage
        return {"predictions": (*state.predictions, SessionPrediction(logged.place, logged.at, *of))}


class RunAsked(AnyEvent):
    """A run of a design. The result is computed from this again, never stored; picks: of every choice."""

    by = frozenset({"candidate", "interviewer", "system"})
    version = 2

    picks: Picks
    strikes: Strikes = {}
    seed: Seed
    replications: Annotated[int, Field(ge=1, le=1000)]
    drawing: Annotated[str, Field(pattern=r"^([0-9a-f]{12})?$", description="hash of the board; empty: that of the case")] = ""

    @property
    def design(self) -> str:
        return design_hash(self.picks, self.strikes, self.drawing)

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        if self.picks != state.picks(scenario) or self.drawing != state.drawing(scenario):
            return "This run is of another design than the one at hand; another browser may have changed it."
        missing = (phrase("refused.not_struck", curveball=name) for name in self.strikes if name not in state.strikes)
        return next(missing, "")

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        return {"runs": (*state.runs, RunSeen(logged.place, logged.at, self)), "computes": not state.is_room}


class RunFigure(EventPart):
    """A metric of a run with its interval; the standing where it is an objective."""

    metric: Metric
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    standing: Standing | None = None


class RunEnded(AnyEvent):
    """The result of a run as it was shown: the figures of the objectives and of the predictions, and the bottleneck."""

    after_the_end = True
    by = frozenset({"system"})

    design: Hash
    run_hash: Hash
    figures: Annotated[tuple[RunFigure, ...], Field(max_length=64)] = ()
    bottleneck: Name | None = None

    @property
    def verdicts(self) -> dict[str, Standing]:
        return {figure.metric: figure.standing for figure in self.figures if figure.standing is not None}

    def seen_as(self, role: Role, bounds: Collection[str]) -> Self:
        """Return the run without verdicts on hidden bounds, for roles that learn a bound when it is revealed."""
        if role not in READERS:
            return self
        figures = (
            figure if figure.metric in bounds else figure.model_copy(update={"standing": None}) for figure in self.figures
        )
        return self.model_copy(update={"figures": tuple(figures)})

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        if self._running(state) is None:
            return "No run of this design was asked for."
        case = state.drawn_case(scenario)
        faults = (refused_word(figure.metric, {**scenario.metrics, **case.metrics}, "metric") for figure in self.figures)
        stage = refused_word(self.bottleneck, case.stages, "stage") if self.bottleneck is not None else ""
        return next(filter(None, faults), stage)

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        """End the earliest run of the design that still runs, and settle the predictions of the design."""
        index = self._running(state)
        if index is None:
            return None
        ended = replace(state.runs[index], ended=self, ended_at=logged.at, ended_place=logged.place)
        settled = [
            replace(prediction, settled=self._settlement(prediction, logged.at))
            if prediction.design == self.design and prediction.settled is None
            else prediction
            for prediction in state.predictions
        ]
        return {"runs": (*state.runs[:index], ended, *state.runs[index + 1 :]), "predictions": tuple(settled)}

    def _running(self, state: SessionState) -> int | None:
        """Return the index of the earliest run of the design that still runs; None without one."""
        runs = enumerate(state.runs)
        return next((index for index, run in runs if run.design == self.design and run.ended is None), None)

    def _settlement(self, prediction: SessionPrediction, at: float) -> Settlement:
        if prediction.stage is not None:
            held = None if self.bottleneck is None else prediction.stage == self.bottleneck
            return Settlement(at, self.run_hash, bottleneck=self.bottleneck, held=held)
        value = next((figure.value for figure in self.figures if figure.metric == prediction.metric), None)
        if value is None or prediction.low is None or prediction.high is None:
            return Settlement(at, self.run_hash)
        low, high = prediction.low, prediction.high
        return Settlement(at, self.run_hash, value, None, low <= value <= high, interval_score(low, high, value))


class PanelOpened(AnyEvent):
    """A panel of the page is opened."""

    adds_to = "panels"
    what = "Panel"

    panel: Name

    def details(self, scenario: Scenario, state: SessionState) -> str:
        return panel_label(self.panel)


class HintTaken(AnyEvent):
    """A step of a phase's hints is shown: 1 a question, 2 a pointer, 3 a worked step. An interviewer may push one."""

    by = LEADS
    adds_to = "hints"
    what = "Hint"

    phase: Name
    step: Annotated[int, Field(ge=1, le=3)]

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        if fault := refused_word(self.phase, (phase.id for phase in phases_of(scenario)), "phase"):
            return fault
        taken = state.hints_taken(self.phase)
        if self.step <= taken:
            return "This hint is shown already."
        return "" if self.step == taken + 1 else f"Hint {taken + 1} comes first."

    def details(self, scenario: Scenario, state: SessionState) -> str:
        return f"{_phase_titles(scenario).get(self.phase, self.phase)}, step {self.step}"


class HelpAsked(AnyEvent):
    """“What would help?” or “Try each lever” is asked of a design."""

    adds_to = "helps"
    what = "Hint"

    tool: Literal["what_would_help", "each_lever"]
    design: Hash

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        return "" if state.revealed(self.design) else "Run this design first."

    def details(self, scenario: Scenario, state: SessionState) -> str:
        return "What would help?" if self.tool == "what_would_help" else "Try each lever"


class CurveballStruck(AnyEvent):
    """A curveball strikes the design at hand at a time of the run (s)."""

    by = LEADS | {"system"}
    what = "Curveball"

    curveball: Name
    at_s: Annotated[float, Field(ge=0, le=1e7)]

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        if fault := refused_word(self.curveball, scenario.curveballs, "curveball"):
            return fault
        return "This curveball has struck already." if self.curveball in state.strikes else ""

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        return {"curveballs": (*state.curveballs, logged), "strikes": {**state.strikes, self.curveball: self.at_s}}

    def details(self, scenario: Scenario, state: SessionState) -> str:
        ball = scenario.curveballs.get(self.curveball)
        return ball.label if ball else self.curveball


class CurveballWithdrawn(AnyEvent):
    """A curveball that struck is taken back: the design is run without it from now on."""

    by = frozenset({"interviewer"})
    what = "Curveball"

    curveball: Name

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        return "" if self.curveball in state.strikes else "This curveball has not struck."

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        strikes = {name: at_s for name, at_s in state.strikes.items() if name != self.curveball}
        return {"curveballs": (*state.curveballs, logged), "strikes": strikes}

    def details(self, scenario: Scenario, state: SessionState) -> str:
        ball = scenario.curveballs.get(self.curveball)
        return f"{ball.label if ball else self.curveball} (withdrawn)"


class DefenceAnswered(AnyEvent):
    """A defence prompt, by its index, is answered in words, or aloud and ticked; the latest answer counts."""

    what = "Defence"

    prompt: Annotated[int, Field(ge=0, lt=16)]
    text: Words = ""
    ticked: bool = False

    _answers = refused(lambda event: not event.text.strip() and not event.ticked, "give a text, or tick the prompt")

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        count = len(defence_of(scenario))
        return "" if self.prompt < count else phrase("refused.defence", prompts=count)

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        return {"defences": {**state.defences, self.prompt: logged}}

    def details(self, scenario: Scenario, state: SessionState) -> str:
        prompts = defence_of(scenario)
        return prompts[self.prompt] if self.prompt < len(prompts) else ""


class SelfRated(AnyEvent):
    """The person's own level at a signal; also after the end, since the record comes first."""

    after_the_end = True
    place = "ratings"

    signal: Name
    level: Literal["very_weak", "weak", "strong", "very_strong"]

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        return "" if state.ended_at is not None else "Rate yourself after the end of the session: the record comes first."

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        return {"ratings": {**state.ratings, self.signal: self.level}}


class GoalSet(AnyEvent):
    """The session is an exercise for a signal."""

    by = LEADS

    signal: Name

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        return {"goal": self.signal}


class SessionEnded(AnyEvent):
    """The session is over: the debrief begins."""

    place = "end"
    by = LEADS | {"system"}

    def fold(self, state: SessionState, logged: Logged[Any]) -> Changes:
        return None if state.ended_at is not None else {"ended_at": logged.at}


class IncidentAction(AnyEvent):
    """An action in an incident, as plain data; `simulator.incident` reads it."""

    action: dict[str, Any]

    def refusal(self, scenario: Scenario, state: SessionState, role: Role) -> str:
        return "This action belongs to an incident."
