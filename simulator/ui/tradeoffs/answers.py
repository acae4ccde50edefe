"""Capacity, break-evens and sensitivity of the design at hand, each a study that a button begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from simulator.analysis.sweeps.best import FEW, Found, Search, cost_goal
from simulator.analysis.sweeps.capacity import Capacity, Loading
from simulator.analysis.sweeps.doubts import Doubted, Doubting, answers_of, doubts_of
from simulator.analysis.sweeps.influence import Ranking, Way, sample_of
from simulator.analysis.sweeps.kept import Kept
from simulator.analysis.sweeps.outcomes import Outcome
from simulator.analysis.sweeps.pareto import label_of
from simulator.analysis.sweeps.space import Point, axis_of
from simulator.analysis.sweeps.sweep import Submit, Sweep, Tell, swept
from simulator.analysis.sweeps.told import Asked
from simulator.ui.charts import flip_chart, influence_chart, load_chart
from simulator.ui.tradeoffs.design import Base, open_design
from simulator.ui.tradeoffs.shown import exports, study
from simulator.ui.widgets import draw, plain

#: Replications of each design, and draws of all doubtful figures at once.
TRIALS, TOGETHER = 4, 24

#: Trajectories of Morris, and base points of Sobol's indices.
COUNTS: dict[Way, int] = {"morris": 12, "sobol": 32}

#: Designs that a search tries before its race.
BUDGET = 64


def asked(base: Base, over: Sequence[str] = (), replications: int = TRIALS) -> Asked:
    """The design at hand, with the metrics of the objectives and of the cost."""
    scenario = base.scenario
    metrics = list(dict.fromkeys([*(one.metric for one in scenario.objectives), cost_goal(scenario).metric.name]))
    axes = [axis_of(scenario, name) for name in over]
    return Asked(scenario, axes, metrics, [], base.picks, {}, base.strikes, "grid", base.seed, replications)


def capacity(base: Base) -> None:
    """The most traffic within the objectives, and the cost against the load."""
    st.markdown(
        "How much traffic this design carries, what fails first, how few servers would do, and what a request costs then."
    )

    def work(submit: Submit, tell: Tell) -> Capacity:
        return Loading(asked(base), answers_of(base.scenario), submit, Kept()).find(tell)

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

    def work(submit: Submit, tell: Tell) -> Doubted:
        return Doubting(asked(base), submit, Kept()).find(doubts, answers_of(base.scenario), TOGETHER, tell)

    study(f"doubts {base.name}", "Doubt every assumption", work, _tell_doubts)


def _tell_doubts(found: Doubted) -> None:
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


def _influences(made: Asked, way: Way, submit: Submit, tell: Tell) -> dict[str, Ranking | str]:
    sample = sample_of(made.axes, way, COUNTS[way], made.seed)
    points = sample.points(made.base)
    alone = {repr(point): point for point in points}
    sweep = Sweep(made, submit, Kept(), list(alone.values()))
    found = dict(zip(alone, swept(sweep, lambda done, total: tell("running designs", done, total)), strict=True))
    outcomes = [found[repr(point)] for point in points]
    return sample.ranked(outcomes, made.metrics)


def _tell_influences(base: Base, made: Asked, found: Mapping[str, Ranking | str]) -> None:
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

    def work(submit: Submit, tell: Tell) -> tuple[Search, Found]:
        kept = Kept()

        def evaluate(points: Sequence[Point], replications: int) -> list[Outcome]:
            return swept(Sweep(made, submit, kept, points, replications=replications))

        search = Search(made.axes, made.base, answers_of(base.scenario), cost_goal(base.scenario), evaluate, base.seed)
        return search, search.find(BUDGET, progress=lambda done, total: tell("trying proposals", done, total))

    study(f"best {base.name}", "Search for the best design", work, lambda pair: _tell_best(base, *pair))


def _tell_best(base: Base, search: Search, found: Found) -> None:
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


def _offer(base: Base, words: str, point: Point, number: int) -> None:
    """A design that was found, with what it changes and the way to it."""
    told = base.told({name: pick for name, pick in point.picks.items() if pick != base.picks[name]})
    with st.container(border=True):
        st.markdown(f"**{plain(words[0].upper() + words[1:])}**  \n{plain(told or 'your own design')}")
        if st.button("Open this design", key=f"best {number}"):
            open_design(base, point)
