"""Studies that go on while their page is drawn again: each a series of runs, which the processes of all people do in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from threading import Event, Thread
from typing import Any, Generic, TypeVar

import streamlit as st

from simulator.app.jobs import BESIDE, registry
from simulator.app.turns import Submitter
from simulator.app.visitors import person
from simulator.app.widgets import download, draw, plain
from simulator.charts.export import PICTURES, SUFFIXES, chart_file, draws_pictures
from simulator.charts.look import Chart
from simulator.errors import InputError
from simulator.tradeoffs.best_design import FEW, BestDesigns, Search, cost_goal
from simulator.tradeoffs.breakeven import BreakevenResult, BreakevenSearch, answers_of, doubts_of
from simulator.tradeoffs.capacity import Capacity, Loading
from simulator.tradeoffs.design_at_hand import Base, open_design
from simulator.tradeoffs.design_outcomes import DesignOutcome, SweepTask
from simulator.tradeoffs.design_space import DesignPoint, axis_of
from simulator.tradeoffs.front import label_of
from simulator.tradeoffs.outcome_cache import OutcomeCache
from simulator.tradeoffs.sensitivity import Ranking, Way, sample_of
from simulator.tradeoffs.sweep import Submit, Sweep, SweepRequest, Tell, swept, to_parquet
from simulator.tradeoffs.tradeoff_charts import flip_chart, influence_chart, load_chart

StudyOutput = TypeVar("Found")

#: What a study does: it hands runs out, and says how far it is.
Work = Callable[[Submit, Tell], StudyOutput]

#: So many studies are remembered in a session; the oldest is dropped, and ends if it is under way.
KEPT = 12

#: How often a study is looked at while it goes on (s).
LOOK_S = 0.5


def submitting(of: str) -> Submit:
    """Hands runs to the server's processes on this person's account, after what people wait for."""
    return partial(registry().workers.submit, Submitter(person(), of, BESIDE))


class Study(Generic[StudyOutput]):
    """Work that decides run by run what to run next, in a thread that does nothing but wait for runs.

    runs: how many have ended; phase: what is under way, how much of it is done, and of how much, 0 where that is not known
    found: what came of it; error: what stopped it
    """

    def __init__(self, work: Work[StudyOutput], submit: Submit) -> None:
        self.runs = 0
        self.phase = ("beginning", 0, 0)
        self.found: StudyOutput | None = None
        self.error: Exception | None = None
        self._stop = Event()
        self._submit = submit
        self._thread = Thread(target=self._do, args=(work,), name="study", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    @property
    def cancelled(self) -> bool:
        """Whether it was stopped before its end."""
        return self._stop.is_set() and self.found is None

    def cancel(self) -> None:
        """Ask for no further run; it ends with those that are under way."""
        self._stop.set()

    def _do(self, work: Work[StudyOutput]) -> None:
        try:
            self.found = work(self._handed, self._told)
        except CancelledError:
            pass
        except Exception as error:
            self.error = error

    def _handed(self, work: Callable[[SweepTask], DesignOutcome], task: SweepTask) -> Future[DesignOutcome]:
        if self._stop.is_set():
            raise CancelledError
        future = self._submit(work, task)
        future.add_done_callback(self._ended)
        return future

    def _told(self, what: str, done: int, total: int) -> None:
        self.phase = what, done, total

    def _ended(self, _: Future[DesignOutcome]) -> None:
        self.runs += 1


def studies() -> dict[str, Study[Any]]:
    """The studies of this session, by what identifies them."""
    kept: dict[str, Study[Any]] = st.session_state.setdefault("studies", {})
    for name in list(kept)[:-KEPT]:
        kept.pop(name).cancel()
    return kept


def begin(name: str, work: Work[Any]) -> None:
    """Begin a study under a name, in place of one that was cancelled or failed."""
    studies()[name] = Study(work, submitting(name))


def study(name: str, button: str, work: Work[Any], show: Callable[[Any], None]) -> None:
    """What a study under this name has found, or the button that begins it.

    name: identifies all that it depends on; show: draws what was found
    """
    one = studies().get(name)
    if one is not None and one.found is not None:
        show(one.found)
        return
    if one is None or not one.running:
        if one is not None and one.error is not None:
            _tell(one.error)
        st.button(button, key=f"begin {name}", on_click=begin, args=(name, work), type="primary")
        return
    st.fragment(run_every=LOOK_S)(_progress)(name, one)


def _progress(name: str, one: Study[Any]) -> None:
    if not one.running:
        st.rerun()
    what, done, total = one.phase
    with st.container(horizontal=True, vertical_alignment="center"):
        parts = f": {done:,} of {total:,}" if total else ""
        st.progress(done / total if total else 0.0, f"{what[0].upper()}{what[1:]}{parts}; {one.runs:,} designs run so far")
        if st.button("Cancel", key=f"cancel {name}", type="tertiary"):
            one.cancel()
            st.rerun()


def _tell(error: Exception) -> None:
    if isinstance(error, InputError):
        st.error(plain(str(error)))
    else:
        raise error


def exports(chart: Chart, name: str, told: Mapping[str, Any]) -> None:
    """The table and the picture of a chart as files, each made when its button is pressed.

    name: of the files, without an ending; told: what identifies it all, as the Parquet file keeps it
    """
    with st.popover("Export", type="tertiary"):
        download("Table (CSV)", chart.table, f"{name}.csv")
        _button("Table (Parquet)", partial(to_parquet, chart.table, told), f"{name}.parquet")
        if chart.figure is None:
            return
        pictures = draws_pictures()
        for suffix in SUFFIXES:
            if pictures or suffix not in PICTURES:
                _button(f"Chart ({suffix[1:].upper()})", partial(chart_file, chart, suffix), f"{name}{suffix}")
        if not pictures:
            st.caption("SVG and PNG need `pip install 'casesim[pictures]'`, and Chrome or Chromium where the app runs.")


def _button(label: str, content: Callable[[], bytes], file: str) -> None:
    st.download_button(label, content, file, key=file, on_click="ignore")


#: Replications of each design, and draws of all doubtful figures at once.
TRIALS, TOGETHER = 4, 24

#: Trajectories of Morris, and base points of Sobol's indices.
COUNTS: dict[Way, int] = {"morris": 12, "sobol": 32}

#: Designs that a search tries before its race.
BUDGET = 64


def asked(base: Base, over: Sequence[str] = (), replications: int = TRIALS) -> SweepRequest:
    """The design at hand, with the metrics of the objectives and of the cost."""
    scenario = base.scenario
    metrics = list(dict.fromkeys([*(one.metric for one in scenario.objectives), cost_goal(scenario).metric.name]))
    axes = [axis_of(scenario, name) for name in over]
    return SweepRequest(scenario, axes, metrics, [], base.picks, {}, base.strikes, "grid", base.seed, replications)


def capacity(base: Base) -> None:
    """The most traffic within the objectives, and the cost against the load."""
    st.markdown(
        "How much traffic this design carries, what fails first, how few servers would do, and what a request costs then."
    )

    def work(submit: Submit, tell: Tell) -> Capacity:
        return Loading(asked(base), answers_of(base.scenario), submit, OutcomeCache()).find(tell)

    study(f"capacity {base.name}", "Find the capacity", work, lambda found: _tell_capacity(base, found))


def _tell_capacity(base: Base, found: Capacity) -> None:
    chart = load_chart(found, cost_goal(base.scenario))
    draw(chart, key="loads")
    exports(chart, f"{base.scenario.id}-capacity", found.asked.provenance([load.outcome for load in found.loads]))
    for sentence in found.sentences[1:]:
        st.markdown(f"- {plain(sentence)}")
    for fewest in found.fewest:
        st.markdown(f"- {plain(fewest.sentence)}")


def breakevens(base: Base) -> None:
    """Which assumptions turn an answer, and where."""
    doubts = doubts_of(base.plan)
    st.markdown(
        f"{len(doubts)} figures of this design are assumed or projected. Each is doubted over its author's range, or from half "
        "to double. Which verdicts turn on them, and where?"
    )

    def work(submit: Submit, tell: Tell) -> BreakevenResult:
        return BreakevenSearch(asked(base), submit, OutcomeCache()).find(doubts, answers_of(base.scenario), TOGETHER, tell)

    study(f"doubts {base.name}", "Doubt every assumption", work, _tell_doubts)


def _tell_doubts(found: BreakevenResult) -> None:
    if found.flips:
        chart = flip_chart(found.flips)
        draw(chart, key="flips")
        exports(chart, f"{found.asked.scenario.id}-break-evens", found.asked.provenance([]))
        for flip in found.flips[1:]:
            st.markdown(f"- {plain(flip.sentence)}")
    else:
        st.markdown("**No verdict turns on a single figure within its range.**")
    st.markdown(plain(found.rest))
    for one in found.together:
        st.markdown(f"- {plain(one.sentence)}")
    for place, why in found.unvaried.items():
        st.caption(plain(f"Not varied alone: {place}: {why}"))


def sensitivity(base: Base) -> None:
    """Which picks move each metric most."""
    st.markdown(
        "Parametric sensitivity: how far each figure of the run hangs on each pick, over all designs at once. It has nothing "
        "to do with diagnostic sensitivity, the share of positives that are found."
    )
    ways: dict[Way, str] = {"morris": "Morris screening: mean effects", "sobol": "Sobol indices: parts of the variance"}
    picked = st.segmented_control("Analysis", list(ways), default="morris", format_func=ways.__getitem__, key="way")
    way: Way = picked or "morris"
    over = [name for name, choice in base.scenario.choices.items() if not choice.situation and not choice.folded]
    made = asked(base, over, FEW)

    def work(submit: Submit, tell: Tell) -> dict[str, Ranking | str]:
        return _influences(made, way, submit, tell)

    count = COUNTS[way] * (len(over) + (1 if way == "morris" else 2))
    button = f"Run up to {count} designs"
    study(f"sensitivity {way} {base.name}", button, work, lambda found: _tell_influences(base, made, found))


def _influences(made: SweepRequest, way: Way, submit: Submit, tell: Tell) -> dict[str, Ranking | str]:
    sample = sample_of(made.axes, way, COUNTS[way], made.seed)
    points = sample.points(made.base)
    alone = {repr(point): point for point in points}
    sweep = Sweep(made, submit, OutcomeCache(), list(alone.values()))
    found = dict(zip(alone, swept(sweep, lambda done, total: tell("running designs", done, total)), strict=True))
    outcomes = [found[repr(point)] for point in points]
    return sample.ranked(outcomes, made.metrics)


def _tell_influences(base: Base, made: SweepRequest, found: Mapping[str, Ranking | str]) -> None:
    for name, ranked in found.items():
        label = label_of(base.scenario, name)
        if isinstance(ranked, str):
            st.markdown(f"**{plain(label)}** {plain(ranked)}, so that nothing can be ranked.")
        else:
            chart = influence_chart(label, base.scenario.metrics[name], ranked)
            draw(chart, key=f"influence {name}")
            exports(chart, f"{base.scenario.id}-{name}-influences", made.provenance([]))
            if ranked.caution:
                st.caption(plain(ranked.caution))


def best(base: Base) -> None:
    """The cheapest design that meets every objective, or the nearest misses."""
    st.markdown(
        f"An optimizer proposes {BUDGET} designs, over every choice that is yours to make; the best of them race on the same "
        f"{plain(base.scenario.unit.many)} until one is left, or chance decides."
    )
    over = [name for name, choice in base.scenario.choices.items() if not choice.situation]
    made = asked(base, over, FEW)

    def work(submit: Submit, tell: Tell) -> tuple[Search, BestDesigns]:
        kept = OutcomeCache()

        def evaluate(points: Sequence[DesignPoint], replications: int) -> list[DesignOutcome]:
            return swept(Sweep(made, submit, kept, points, replications=replications))

        search = Search(made.axes, made.base, answers_of(base.scenario), cost_goal(base.scenario), evaluate, base.seed)
        return search, search.find(BUDGET, progress=lambda done, total: tell("trying proposals", done, total))

    study(f"best {base.name}", "Search for the best design", work, lambda pair: _tell_best(base, *pair))


def _tell_best(base: Base, search: Search, found: BestDesigns) -> None:
    if found.best.meets:
        st.markdown(f"**Every objective is met by a design that costs the least of {found.runs} that were tried.**")
        _offer(base, "the best design", found.best.point, 0)
        for number, other in enumerate(found.undecided, start=1):
            _offer(base, "not told apart from it", other.point, number)
        return
    st.markdown(
        f"**No design of {found.runs} that were tried meets all objectives.**"
        + (" The nearest misses:" if found.misses else "")
    )
    for number, miss in enumerate(found.misses):
        _offer(base, f"misses only {miss.words}", miss.tried.point, number)


def _offer(base: Base, words: str, point: DesignPoint, number: int) -> None:
    """A design that was found, with what it changes and the way to it."""
    told = base.told({name: pick for name, pick in point.picks.items() if pick != base.picks[name]})
    with st.container(border=True):
        st.markdown(f"**{plain(words[0].upper() + words[1:])}**  \n{plain(told or 'your own design')}")
        if st.button("Open this design", key=f"best {number}"):
            open_design(base, point)
