"""The design on the page as a board: the user may change the stages and their ways too, not the choices alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any

import streamlit as st

from simulator.app.board_component import whiteboard
from simulator.app.design_state import key
from simulator.app.news import Latest, offer
from simulator.app.widgets import plain
from simulator.board.board import Board, OperationError
from simulator.board.board_content import BoardFigures, Reader, board_content, left_out_words
from simulator.board.case_drawing import DrawnCase, case_text, compiled, drawn
from simulator.board.operations import SetField, hear_operations
from simulator.case.choices import Pick
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.practice.design_runs import RunsShown


@dataclass(eq=False)
class OwnDrawing:
    """The drawing of one case in a tab. Sockets and the script use it at once.

    case: what the board draws; plan, picks, shown: of the design on the page, as it was submitted last
    """

    scenario: Scenario
    board: Board
    case: DrawnCase
    place: int = 0
    plan: Plan | None = None
    picks: Mapping[str, Pick] = field(default_factory=dict)
    shown: RunsShown = field(default_factory=RunsShown)
    taken: dict[str, int] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)

    def __deepcopy__(self, memo: dict[int, object]) -> OwnDrawing:
        """Return this drawing: Streamlit copies the arguments of callbacks, and a drawing is shared with its sockets."""
        return self

    @property
    def is_own(self) -> bool:
        """Whether it differs from the case."""
        return (
            self.board.start != self.scenario.start
            or self.case.scenario is None
            or self.case.scenario.document.data != self.scenario.document.data
        )

    def changed(self) -> Latest:
        """Return a state that changes with each change of what is drawn."""
        return Latest(str(self.place))

    def show(self, plan: Plan | None, picks: Mapping[str, Pick], shown: RunsShown) -> None:
        """Keep the design that was submitted, for the figures at the boxes."""
        self.plan, self.picks, self.shown = plan, dict(picks), shown

    def look(self) -> Latest:
        """Return the board as of now, with the figures of the run once it has ended."""
        job = self.shown.job
        ended = job.id if job is not None and job.succeeded else ""
        return Latest(f"{self.place} {sorted(self.picks.items())} {ended}", self._content)

    def _content(self) -> dict[str, Any]:
        job = self.shown.job
        result = job.summary if job is not None and job.succeeded else None
        picks = {**self.scenario.defaults(), **self.picks}
        content = board_content(
            self.board, self.case, self.scenario, picks, BoardFigures(self.plan, result), Reader(choices=())
        )
        return content | {"place": self.place, "said": "", "running": job is not None and job.running, "verdict": ""}

    def hear(self, said: Any) -> Any:
        """Take operations of the browser."""
        return hear_operations(said, self.taken, self._take) | {"place": self.place}

    def _take(self, tab: str, number: int, operation: Any) -> None:
        if isinstance(operation, SetField) and ":" in operation.field:
            raise OperationError("Set this choice at the side of the page.")
        with self.lock:
            self.board = self.board.after(operation)
            self.case = compiled(self.board, self.scenario)
            self.place += 1


def own_drawing(scenario: Scenario) -> OwnDrawing:
    """Return the drawing of the case in this tab; a case that was edited meanwhile is drawn anew."""
    name = key(scenario.id, "drawing")
    drawing = st.session_state.get(name)
    if not isinstance(drawing, OwnDrawing) or drawing.scenario is not scenario:
        board = drawn(scenario)
        drawing = st.session_state[name] = OwnDrawing(scenario, board, DrawnCase(board, scenario))
    return drawing


def drawing_board(scenario: Scenario) -> None:
    """Show the board, and what to know of a drawing that differs from the case."""
    drawing = own_drawing(scenario)
    token = offer(f"drawing {scenario.id}", drawing.look, hear=drawing.hear)
    whiteboard(f"own:{scenario.id}:{id(drawing)}", token, 560, f"Design of {scenario.title}")
    if not drawing.is_own:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "This is your own drawing. The link and the command open the case as it is written: save the drawing as a file."
        )
        if drawing.case.scenario is not None:
            name = f"{scenario.id}-drawn"
            content = partial(case_text, drawing.case, name, f"{scenario.title}, as drawn")
            st.download_button("Save as a case file", content, f"{name}.yaml", "application/yaml", on_click="ignore")
        st.button("Back to the case", type="tertiary", on_click=st.session_state.pop, args=(key(scenario.id, "drawing"), None))
    if words := left_out_words(drawing.case):
        st.caption(plain(words))
