"""The course of a session: which runs followed each other, what moved between them, and where each phase was first touched."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from simulator.case.phases import PracticePhase, deciding_questions, hero_of, phase_of_choice, phases_of
from simulator.case.schema import Scenario
from simulator.session.session_events import PanelOpened, PickChanged
from simulator.session.session_state import IDLE_S, RunSeen, SessionPrediction, SessionState, Timed


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
        found = [
            RunMove(
                before,
                after,
                frozenset(name for name, pick in after.asked.picks.items() if before.asked.picks.get(name) != pick),
            )
            for before, after in pairwise(self.runs)
            if before.asked.strikes == after.asked.strikes
        ]
        return [move for move in found if move.choices]

    @property
    def moves_one_at_a_time(self) -> bool:
        """Return whether two thirds of the moves, at least, change one choice alone."""
        return 3 * sum(move.is_single for move in self.moves) >= 2 * len(self.moves)

    @cached_property
    def seconds_by_choice(self) -> dict[str, float]:
        """The seconds from each change of a choice to the next one, or to the end; a longer rest than IDLE_S counts as that."""
        changes = self.state.changes
        end = self.state.ended_at if self.state.ended_at is not None else self.state.last_at
        found = Counter[str]()  # without changes, the end alone is left over
        for change, until in zip(changes, [*(one.at for one in changes[1:]), end], strict=False):
            found[_choice(change)] += min(max(until - change.at, 0.0), IDLE_S)  # type: ignore[assignment]
        return dict(found)

    @cached_property
    def phase_of(self) -> dict[str, str | None]:
        """The phase of each choice; None for a circumstance of the brief."""
        phases = list(self.phases.values())
        return {name: phase_of_choice(self.scenario, phases, name) for name in self.scenario.choices}

    @cached_property
    def deciding(self) -> list[int]:
        """The places of the questions that decide, in the order of asking."""
        decide = set(deciding_questions(self.scenario))
        return [one.place for one in self.state.questions if one.question in decide]

    @cached_property
    def assumed(self) -> list[int]:
        return [one.place for one in self.state.assumptions if not one.removed]

    def changes(self, phase: str) -> list[Timed]:
        """Return the changes of the choices of a phase."""
        return [one for one in self.state.changes if self.phase_of.get(_choice(one)) == phase]

    def panels(self, phase: str) -> list[Timed]:
        """Return the openings of the panels of a phase."""
        own = self.phases[phase].panels
        return [one for one in self.state.panels if isinstance(one.event, PanelOpened) and one.event.panel in own]

    def looks(self, phase: str) -> list[int]:
        """Return the places of looks at the panels of a phase: opened ones, and runs that show the case's first exhibit."""
        opened = [one.place for one in self.panels(phase)]
        shown = self.runs if hero_of(self.scenario) in self.phases[phase].panels else []
        return sorted([*opened, *(run.place for run in shown)])

    def asked_for(self, phase: str) -> list[int]:
        """Return the places of the questions whose answers serve a phase; questions in own words may serve any."""
        serving = {index for index, question in enumerate(self.scenario.questions) if question.phase == phase}
        return [one.place for one in self.state.questions if one.question in serving or one.question is None]

    def touched(self, phase: str) -> list[int]:
        """Return the places of all that was done for a phase, in their order: visits, questions, changes, panels opened."""
        visits = [one.place for one in self.state.visits if one.phase == phase]
        done = [one.place for one in [*self.changes(phase), *self.panels(phase)]]
        return sorted([*visits, *self.asked_for(phase), *done])

    def single_moves(self, phase: str) -> list[RunMove]:
        """Return the moves of one choice of a phase with all others as they were."""
        return [move for move in self.moves if move.is_single and self.phase_of.get(next(iter(move.choices))) == phase]

    @cached_property
    def predicted(self) -> dict[str, list[SessionPrediction]]:
        """The predictions of each design that was run."""
        designs = dict.fromkeys(run.design for run in self.runs)
        return {name: own for name in designs if (own := [one for one in self.state.predictions if one.design == name])}

    @cached_property
    def intervals(self) -> list[SessionPrediction]:
        """The predicted intervals whose runs gave a figure."""
        return [one for one in self.state.predictions if one.metric and one.settled and one.settled.held is not None]


def _choice(change: Timed) -> str:
    return change.event.choice if isinstance(change.event, PickChanged) else ""
