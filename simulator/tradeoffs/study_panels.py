"""Panels of studies: series of runs around the design at hand that go on in the background while their page is drawn again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, Generic

import streamlit as st

from simulator.app.component_files import links_in_one_step
from simulator.app.design_state import address, get, show_address
from simulator.app.links import DEFAULT_SEED, read, written
from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.own_cases import chosen_case
from simulator.app.studies import expected_s, forget, keep, study_of, was_begun
from simulator.app.widgets import download, draw, plain, story
from simulator.case.choices import Pick, changed_choices
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.charts.export import PICTURES, SUFFIXES, chart_file, draws_pictures
from simulator.charts.look import Chart
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.explain.claims import Claim
from simulator.panels.background_study import Study, StudyOutput, Work, submitting
from simulator.paths import PAGES
from simulator.phrases import phrase
from simulator.sweeps.design_space import DesignPoint, axis_of
from simulator.sweeps.outcome_cache import OutcomeCache
from simulator.sweeps.sweep import ReportProgress, Submit, SweepRequest, outcomes_at, to_parquet
from simulator.tradeoffs.best_design import FEW, Search, cost_goal, search_over
from simulator.tradeoffs.breakeven import BreakevenResult, BreakevenSearch, doubts_of
from simulator.tradeoffs.breakeven_claims import claims_of
from simulator.tradeoffs.capacity import Capacity, Loading, capacity_work
from simulator.tradeoffs.sensitivity import NEAR_LIMIT, Ranking, Way, runnable, sample_of
from simulator.tradeoffs.tradeoff_charts import flip_chart, influence_chart, load_chart
from simulator.tradeoffs.tried_designs import BestDesigns, TriedDesign
from simulator.units import counted, duration, upper_first


@dataclass(frozen=True)
class Base:
    """The base design of the page."""

    scenario: Scenario
    plan: Plan
    seed: int

    @property
    def picks(self) -> dict[str, Pick]:
        return dict(self.plan.design)

    @property
    def strikes(self) -> dict[str, float | None]:
        return dict(self.plan.strikes)

    @property
    def name(self) -> str:
        return repr((*self.plan.identity, self.seed))

    @property
    def sentence(self) -> str:
        """The difference from the case's default design, in words."""
        design = self.describe({name: self.picks[name] for name in changed_choices(self.scenario.choices, self.picks)})
        return phrase("study.around", design=design, void=self.plan.outside_brief)

    def beside(self, picks: Mapping[str, Pick]) -> str:
        """Say all choices of another design: first those that differ from this one, each with the pick here."""
        choices, own = self.scenario.choices, self.picks
        shared = {name: pick for name, pick in own.items() if picks.get(name, pick) == pick}
        other = [name for name in own if name not in shared]
        if not other:
            return f"Your own design: {self.describe(own)}."
        changes = [f"{choices[name].label}: {choices[name].label_of(picks[name])} (yours: {choices[name].label_of(own[name])})"
                   for name in other]  # fmt: skip
        same = f" As in yours: {self.describe(shared)}." if shared else ""
        return f"Differs from yours: {'; '.join(changes)}.{same}"

    def describe(self, picks: Mapping[str, Pick]) -> str:
        choices = self.scenario.choices
        return "; ".join(f"{choices[name].label}: {choices[name].label_of(pick)}" for name, pick in picks.items())


def base_design() -> Base:
    """Return the design, with its head on the page; stop the page where there is none."""
    scenario = chosen_case()
    links_in_one_step()
    with st.container(horizontal=True, vertical_alignment="center"):
        story(scenario)
    return _base(scenario)


def _base(scenario: Scenario) -> Base:
    link = read(scenario, address())
    if link.complaints:
        st.warning("\n".join(f"- {plain(sentence)}" for sentence in link.complaints))
    if "case" in st.query_params:
        picks, strikes, seed = link.picks, link.strikes, link.seed
    else:
        picks = {name: get(scenario, name, choice.default) for name, choice in scenario.choices.items()}
        strikes, seed = dict(get(scenario, "strikes", None) or {}), int(get(scenario, "seed", DEFAULT_SEED))
    try:
        plan = compile_plan(scenario, picks, strikes)
    except (ScenarioError, ValueError) as error:
        st.error(plain(str(error)))
        st.stop()
    if not link.complaints and st.query_params.get("case", scenario.id) == scenario.id:  # else the complaints stay
        show_address(scenario, written(plan, seed, scenario.run.replications))
    return Base(scenario, plan, seed)


def design_link(base: Base, point: DesignPoint, label: str = "Open this design") -> None:
    """Offer a link that opens a design on the page Explore. A step back from there finds this page as it was."""
    plan = compile_plan(base.scenario, {**base.picks, **point.picks}, base.strikes)
    fields = written(plan, base.seed, base.scenario.run.replications)
    st.page_link(PAGES / "practice.py", label=label, query_params=fields)


@dataclass(frozen=True)
class StudyPlan(Generic[StudyOutput]):
    """A study as its panel offers it.

    name: identifies all that it depends on; button: begins it; show: draws the result
    designs: the number that it runs, about; weight: the work of one, in runs of the design at hand
    """

    name: str
    button: str
    work: Work[StudyOutput]
    show: Callable[[StudyOutput], None]
    request: SweepRequest
    designs: int
    weight: float = 1.0

    @property
    def case(self) -> str:
        return self.request.scenario.id

    @property
    def beforehand(self) -> str:
        """Say what the study will take, in words: `About 60 designs: about 2 min. ...`"""
        seconds = self.expected_s(self.designs)
        return phrase("study.effort", designs=self.designs, time="" if seconds is None else duration(seconds, 1))

    def expected_s(self, designs: float) -> float | None:
        return expected_s(self.case, designs * self.weight * self.request.replications)


def begin(plan: StudyPlan[Any]) -> None:
    keep(plan.name, Study(plan.work, submitting(plan.name, plan.case)))


def study(plan: StudyPlan[Any]) -> None:
    """Draw the result of a study, its progress, or the button that begins it."""
    begun: Any = study_of(plan.name)
    if begun is None and was_begun(plan.name):
        begin(plan)  # the server has started anew meanwhile
        begun = study_of(plan.name)
    if begun is not None and begun.result is not None:
        plan.show(begun.result)
        return
    if begun is None or not begun.running:
        if begun is not None and begun.error is not None:
            forget(plan.name)
            _show_error(begun.error)
        st.button(plan.button, key=f"begin {plan.name}", on_click=begin, args=(plan,), type="primary")
        st.caption(plan.beforehand)
        return
    st.fragment(_progress)(plan, begun)


def _progress(plan: StudyPlan[Any], begun: Study[Any]) -> None:
    follow(plan.name, lambda: Latest(f"{begun.running} {begun.phase} {begun.runs}"), PROGRESS_S)
    if not begun.running:
        st.rerun()
    what, done, total = begun.phase
    left = plan.expected_s(plan.designs - begun.runs) if begun.runs < plan.designs else None
    with st.container(horizontal=True, vertical_alignment="center"):
        parts = f": {done:,} of {total:,}" if total else f": {done:,}" if done else ""
        to_go = "" if left is None else f", about {duration(left, 1)} to go"
        words = f"{upper_first(what)}{parts}; {counted(begun.runs, 'design')} run so far{to_go}"
        st.progress(done / total if total else 0.0, words)
        if st.button("Cancel", key=f"cancel {plan.name}", type="tertiary", help="Designs that were run are kept."):
            begun.cancel()
            forget(plan.name)
            st.rerun()


def _show_error(error: Exception) -> None:
    if isinstance(error, InputError):
        st.error(plain(str(error)))
    else:
        raise error


def exports(chart: Chart, name: str, provenance: Mapping[str, Any]) -> None:
    """Offer the table and the picture of a chart as files, each made when its button is pressed.

    name: of the files, without an ending; provenance: identifies it all, as the Parquet file stores it
    """
    with st.popover("Export", type="tertiary"):
        download("Table (CSV)", chart.table, f"{name}.csv")
        _button("Table (Parquet)", partial(to_parquet, chart.table, provenance), f"{name}.parquet")
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


#: Replications of each design, and draws with all doubtful figures varied at once.
TRIALS, TOGETHER = 4, 24

#: Trajectories of Morris, and base points of Sobol's indices.
COUNTS: dict[Way, int] = {"morris": 12, "sobol": 32}

#: An analysis that shows no order can be made anew with twice the designs, up to this number of times as many.
MOST = 8

#: The ranking of each figure, or why there is none, and the choices that were left out.
Influences = tuple[dict[str, Ranking | Claim], str]

#: Designs that a search tries before its race.
BUDGET = 64


def design_request(base: Base, over: Sequence[str] = (), replications: int = TRIALS) -> SweepRequest:
    """Request runs around the design at hand, with the metrics of the objectives and of the cost."""
    scenario = base.scenario
    metrics = list(dict.fromkeys([*(objective.metric for objective in scenario.objectives), cost_goal(scenario).metric.name]))
    axes = [axis_of(scenario, name) for name in over]
    return SweepRequest(scenario, axes, metrics, [], base.picks, {}, base.strikes, "grid", base.seed, replications)


def capacity(base: Base) -> None:
    """Draw the panel “Capacity”."""
    st.markdown(phrase("study.capacity"))

    def work(submit: Submit, report: ReportProgress) -> Capacity:
        return Loading(request, claims, submit, OutcomeCache()).find(report)

    request, claims = design_request(base), claims_of(base.scenario)
    designs, weight = capacity_work(request, claims)
    show = lambda result: _show_capacity(base, result)  # noqa: E731
    study(StudyPlan(f"capacity {base.name}", "Find the capacity", work, show, request, designs, weight))


def _show_capacity(base: Base, result: Capacity) -> None:
    chart = load_chart(result, cost_goal(base.scenario))
    draw(chart, key="loads")
    exports(chart, f"{base.scenario.id}-capacity", result.request.provenance([load.outcome for load in result.loads]))
    for sentence in result.sentences[1:]:
        st.markdown(f"- {plain(sentence)}")
    for least in result.least_servers:
        st.markdown(f"- {plain(least.claim.words)}")
    st.caption(f"Each load has {result.request.size}")


def breakevens(base: Base) -> None:
    """Draw the panel “Break-evens”."""
    doubts = doubts_of(base.plan)
    st.markdown(phrase("study.breakeven", figures=len(doubts)))

    def work(submit: Submit, report: ReportProgress) -> BreakevenResult:
        return BreakevenSearch(request, submit, OutcomeCache()).find(doubts, claims_of(base.scenario), TOGETHER, report)

    request = design_request(base)
    designs = 1 + 2 * len(doubts) + TOGETHER
    study(StudyPlan(f"doubts {base.name}", "Vary every assumption", work, _show_breakevens, request, designs))


def _show_breakevens(result: BreakevenResult) -> None:
    st.caption(f"Each answer has {result.request.size}")
    if result.flips:
        chart = flip_chart(result.flips)
        draw(chart, key="flips")
        exports(chart, f"{result.request.scenario.id}-break-evens", result.request.provenance([]))
        for flip in result.flips[1:]:
            st.markdown(f"- {plain(flip.sentence)}")
    st.markdown(plain(result.rest))
    for answer in result.together:
        st.markdown(f"- {plain(answer.sentence)}")
    for words in result.not_varied:
        st.caption(plain(words))


def sensitivity(base: Base) -> None:
    """Draw the panel “What matters”."""
    st.markdown(phrase("study.sensitivity"))
    ways: dict[Way, str] = {"morris": "Morris screening: mean effects", "sobol": "Sobol indices: parts of the variance"}
    way = st.radio("Analysis", list(ways), format_func=ways.__getitem__, horizontal=True, key="way")
    over = [name for name, choice in base.scenario.choices.items() if not choice.situation and not choice.folded]
    request = design_request(base, over, FEW)

    name = f"sensitivity {way} {base.name}"

    def plan(points: int) -> StudyPlan[Influences]:
        work = lambda submit, report: _influences(request, way, points, submit, report)  # noqa: E731
        show = lambda result: _show_influences(base, request, result)  # noqa: E731
        count = points * (len(over) + (1 if way == "morris" else 2))
        return StudyPlan(f"{name} {points}", f"Run up to {count:,} designs", work, show, request, count)

    def double() -> None:
        st.session_state[name] = 2 * points
        begin(plan(2 * points))

    points = int(st.session_state.get(name, COUNTS[way]))
    study(plan(points))
    if points < MOST * COUNTS[way] and _is_undecided(study_of(plan(points).name)):
        more = plan(2 * points)
        st.markdown("Some figures have no clear order yet. Twice as many designs make most intervals narrower.")
        st.button(more.button, key=f"begin {more.name}", on_click=double)
        st.caption(more.beforehand)


def _is_undecided(analysis: Any) -> bool:
    """Check that an analysis has ended, and does not show which axis moves some figure most."""
    ended = analysis is not None and analysis.result is not None
    return ended and any(isinstance(ranked, Ranking) and len(ranked.leaders) > 1 for ranked in analysis.result[0].values())


def _influences(request: SweepRequest, way: Way, count: int, submit: Submit, report: ReportProgress) -> Influences:
    request, left_out = runnable(request, way, count, report)
    sample = sample_of(request.axes, way, count, request.seed)
    points = sample.points(request.base)
    show = lambda done, total: report("running designs", done, total)  # noqa: E731
    outcomes = outcomes_at(request, submit, OutcomeCache(), points, progress=show)
    return sample.ranked(outcomes, request.metrics), left_out


def _show_influences(base: Base, request: SweepRequest, result: Influences) -> None:
    influences, left_out = result
    if left_out:
        st.caption(plain(left_out))
    if any(isinstance(ranked, Ranking) and ranked.ranked[0].elementary for ranked in influences.values()):
        st.caption(f"Intervals hold the true mean effect in 95 of 100 analyses; near overload, in {100 * NEAR_LIMIT:.0f}.")
    for name, ranked in influences.items():
        label = base.scenario.metrics[name].label
        if isinstance(ranked, Claim):
            st.markdown(f"**{plain(label)}** {plain(ranked.words)}, so nothing can be ranked.")
        else:
            chart = influence_chart(base.scenario.metrics[name], ranked)
            draw(chart, key=f"influence {name}")
            exports(chart, f"{base.scenario.id}-{name}-influences", request.provenance([]))
            if ranked.caution:
                st.caption(plain(ranked.caution))


def best(base: Base) -> None:
    """Draw the panel “Best design”."""
    over = [name for name, choice in base.scenario.choices.items() if not choice.situation]
    request = design_request(base, over, FEW)
    every = prod(len(axis.picks) for axis in request.axes)
    proposed = min(BUDGET, every)
    st.markdown(phrase("study.best", designs=str(proposed), many=plain(base.scenario.unit.many)))

    def work(submit: Submit, report: ReportProgress) -> tuple[Search, BestDesigns]:
        request.check_brief()
        search = search_over(request, claims_of(base.scenario), cost_goal(base.scenario), submit, OutcomeCache())
        return search, search.find(proposed, report)

    show = lambda pair: _show_best(base, *pair)  # noqa: E731
    study(StudyPlan(f"best {base.name}", "Search for the best design", work, show, request, min(3 * proposed, every)))


def _show_best(base: Base, search: Search, result: BestDesigns) -> None:
    st.markdown(f"**{plain(result.headline)}** {upper_first(result.of_all)}. {plain(result.obstacle)}".strip())
    for words, tried in result.offers:
        _offer(base, words, search, tried)


def _offer(base: Base, words: str, search: Search, tried: TriedDesign) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(upper_first(words))}**  \n{plain(base.beside(tried.point.picks))}")
        st.caption(plain(" · ".join(tried.reached(search.cost.metric))))
        design_link(base, tried.point)
