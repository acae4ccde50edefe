"""The design on the page as a board that can be changed, its run, and the previous run until the new one has a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any
from uuid import uuid4

import streamlit as st

from simulator.app.board_component import whiteboard
from simulator.app.design_state import EXPLORE_TAB, get, key
from simulator.app.jobs import WATCHED, Job, Watcher, job_id, registry
from simulator.app.news import Latest, bell, offer, owe, redraw
from simulator.app.visitors import person
from simulator.app.widgets import plain
from simulator.board.board import Board, OperationError
from simulator.board.board_content import BoardFigures, Reader, board_content, left_out_words
from simulator.board.case_drawing import DrawnCase, case_text, compiled, drawn
from simulator.board.operations import SetField, hear_operations
from simulator.case.choices import Pick
from simulator.case.exhibits import EXHIBITS
from simulator.case.phases import hero_of
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.explain.result import Result
from simulator.metrics.summary import judged
from simulator.panels.verdict_bar import CANCEL, bar, bar_content
from simulator.phrases import phrase
from simulator.units import duration

#: The suffix of the watcher of the run without curveballs.
CALM = ":calm"

#: The fragments of the page that submit the design, link to its trade-offs, and hold its link and its command.
SUBMISSION, TRADEOFFS, REPEAT = "submission", "tradeoffs_link", "repeat"

#: The fragments that follow the run: the reasons, the design on its panel, what unfolds below it, and every other panel.
REASONS, DIAGRAM, DRAWERS, PANEL = "reasons", "diagram", "drawers", "panel"

#: What unfolds below the diagram and in the head of the page; it is drawn again only where it is open.
LOADS, LINK = "loads", "link"

#: The panel of the design.
DESIGN = "Design"

#: Time between two lines about the progress of a run that has nothing else to say (s).
PROGRESS_S = 10.0


@dataclass
class RunsShown:
    """The runs of one case that a tab shows, by their ids; states read it outside of any script.

    live: the run of the design on the page, if it was started; calm: the one beside it without curveballs
    cancelled: the run that the user has cancelled
    painted: the run whose last figures the bar has; last_ended: the runs that have ended last
    """

    live: str = ""
    calm: str = ""
    cancelled: str = ""
    painted: str = ""
    last_ended: str = ""

    @property
    def job(self) -> Job | None:
        return registry().get(self.live)

    def ended(self) -> str:
        """Name the runs that have ended: that of the design once the bar has its last figures, and the calm one."""
        job, calm = self.job, registry().get(self.calm)
        if job is not None and not job.running and (self.painted == job.id or not job.succeeded):
            self.last_ended = f"{job.id} {calm.id if calm and not calm.running else ''} {self.cancelled}"
        return self.last_ended


def shown_of(scenario: Scenario) -> RunsShown:
    found: RunsShown = st.session_state.setdefault(key(scenario.id, "runs_shown"), RunsShown())
    return found


def design_changed(scenario: Scenario, *fragments: str) -> None:
    """Have the design submitted, and these fragments drawn again, instead of the whole page; a callback.

    Where runs are live, the diagram follows the figures: to draw it would take the processor from the run.
    """
    repeat = [REPEAT] if get(scenario, LINK) else []
    redraw(*fragments, SUBMISSION, TRADEOFFS, *repeat, *([] if get(scenario, "live") else _diagram(scenario)))


def run_ended(scenario: Scenario) -> None:
    """Have the reasons and the open panel drawn again, in one go; a callback."""
    owe_run(scenario)
    redraw(REASONS, *(_diagram(scenario) or [PANEL]))


def owe_run(scenario: Scenario) -> None:
    """Note that the reasons and the open panel have a run to show: a request that comes before they do draws them too."""
    owe(REASONS, *([] if _diagram(scenario) else [PANEL]))


def _diagram(scenario: Scenario) -> list[str]:
    if st.session_state.get(EXPLORE_TAB, first_panel(scenario)) != DESIGN:
        return []
    return [DIAGRAM, *([DRAWERS] if get(scenario, LOADS) else [])]


def first_panel(scenario: Scenario) -> str:
    """Return the title of the panel that is open first: the exhibit that the case names; without one, the design."""
    name = hero_of(scenario)
    return EXHIBITS[name].label if name in EXHIBITS else DESIGN


def watcher(what: str = "") -> Watcher:
    place = str(st.session_state.setdefault("watcher", uuid4().hex))
    return Watcher(person(), f"{place}{what}")


def start(scenario: Scenario, plan: Plan, seed: int, replications: int) -> None:
    shown_of(scenario).cancelled = ""
    registry().start(watcher(), plan, seed, replications, WATCHED, anew=True)


def current(scenario: Scenario, plan: Plan | None, seed: int, replications: int) -> Job | None:
    """Return the run of this design: started at once if runs are live, else the one that the button started."""
    shown = shown_of(scenario)
    job = None
    if plan is not None:
        name = job_id(plan, seed, replications)
        if get(scenario, "live") and shown.cancelled != name:
            shown.cancelled = ""
            job = registry().live(watcher(), plan, seed, replications)
        else:
            job = registry().get(name)
    shown.live = job.id if job else ""
    bell().ring()
    return job


def cancelled(job: Job) -> bool:
    found: RunsShown | None = st.session_state.get(key(job.plan.scenario.id, "runs_shown"))
    return _is_cancelled(job, found.cancelled if found else "")


def _is_cancelled(job: Job, by_user: str) -> bool:
    return not job.succeeded and (job.cancelled or by_user == job.id)


def _pressed(scenario: Scenario, button: str, run: str) -> None:
    if button == CANCEL:
        shown_of(scenario).cancelled = run
        registry().drop(watcher(), run)
        registry().drop(watcher(CALM))
    else:
        registry().run_all(watcher(), run)
    bell().ring()
    design_changed(scenario)


def last_full(scenario: Scenario, job: Job | None) -> Job | None:
    """Return the last finished run of this case."""
    name = key(scenario.id, "last")
    if job and job.succeeded:
        st.session_state[name] = job
    last: Job | None = st.session_state.get(name)
    return last


# ---- the bar of the verdicts


def verdicts(scenario: Scenario, last: Job | None) -> None:
    """Show the verdicts of the run, or those of the last run while it has none; the bar then follows the run by itself."""
    look = partial(_look, shown_of(scenario))
    seen = look()
    assert seen.paint is not None
    content = seen.paint()
    if content["chips"] is None:
        figures = last.summary.verdicts if last else judged(scenario, {})
        content |= {"chips": bar_content(figures, stale=True)["chips"]}
    bar(content | {"seen": seen.revision}, look, partial(_pressed, scenario), partial(run_ended, scenario))


def _look(shown: RunsShown) -> Latest:
    job, calm = shown.job, registry().get(shown.calm)
    ended = calm is not None and calm.succeeded
    if job is None:
        return Latest("none", lambda: _content(None, None, "", shown))
    _ = job.quick  # where it decides the run, the state is that of the end
    before, by_user = registry().ahead(job), shown.cancelled
    stage = [job.id, job.total, job.ready, job.is_plain, int(job.running_s / PROGRESS_S)]
    state = [job.again, bool(job.error), _is_cancelled(job, by_user), before and before.runs, ended]
    revision = " ".join(map(str, [*stage, *state]))
    return Latest(revision, lambda: _content(job, calm if ended else None, by_user, shown))


def _content(job: Job | None, calm: Job | None, by_user: str, shown: RunsShown) -> dict[str, Any]:
    if job is None:
        last = "These are the figures of the last run. Run the design to see its own."
        words = last if shown.painted else "No design has run yet."
        return bar_content(None, stale=True, words=words) | {"ended": shown.ended()}
    result = job.quick
    early = result is not None and result.replications < job.total  # this result decides: the run may finish meanwhile
    before = calm.quick.verdicts if calm and calm.quick and result is not None else None
    words, goes_on = _state(job, result, early, by_user)
    action = CANCEL if goes_on else f"Run all {job.planned}" if job.is_decided else ""
    share, failed = job.share if goes_on else None, job.error is not None
    verdicts = result.verdicts if result else None
    if result is not None and not goes_on:
        shown.painted = job.id
    content = bar_content(verdicts, before, result is None, early, words, share, failed=failed, run=job.id, action=action)
    return content | {"ended": shown.ended()}


def _state(job: Job, found: Result | None, early: bool, by_user: str) -> tuple[str, bool]:
    """Return the state of the run in words, and whether it goes on; early: the result rests on some of the replications."""
    again = "A worker process stopped; its replications were restarted. " if job.again else ""
    if job.error:
        return f"{again}The run failed: {job.error}", False
    if _is_cancelled(job, by_user):
        return phrase("job.cancelled", again=again), False
    if found is None or early:
        return again + _so_far(job, found), True
    return phrase("job.ended", again=again, size=found.size, run_hash=found.run_hash, decided=job.is_decided), False


def _so_far(job: Job, found: Result | None) -> str:
    if before := registry().ahead(job):
        return phrase("job.queued", runs=before.runs, time=before.seconds)
    to_go = "" if job.remaining_s is None else duration(job.remaining_s)
    if found is None:
        return phrase("job.running", to_go=to_go)
    return phrase("job.preliminary", replications=found.replications, all=job.total, to_go=to_go, doubts=job.doubts_to_come)


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
        st.caption(phrase("job.own_drawing"))
        if drawing.case.scenario is not None:
            name = f"{scenario.id}-drawn"
            content = partial(case_text, drawing.case, name, f"{scenario.title}, as drawn")
            st.download_button("Save as a case file", content, f"{name}.yaml", "application/yaml", on_click="ignore")
        st.button("Back to the case", type="tertiary", on_click=st.session_state.pop, args=(key(scenario.id, "drawing"), None))
    if words := left_out_words(drawing.case):
        st.caption(plain(words))
