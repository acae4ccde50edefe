"""Hypothesis strategies for events and logs of sessions."""

from __future__ import annotations

from hypothesis import strategies as st

from simulator.session.event_log import AnyEvent, LoggedEvent
from simulator.session.session_events import (
    AssumptionPinned,
    AssumptionRemoved,
    AssumptionWritten,
    CurveballStruck,
    DefenceAnswered,
    GoalSet,
    HelpAsked,
    HintTaken,
    IncidentAction,
    ObjectivesRanked,
    PanelOpened,
    PhaseBegun,
    PickChanged,
    PredictionMade,
    QuestionAsked,
    RankedObjective,
    RunAsked,
    RunEnded,
    RunFigure,
    SelfRated,
    SessionEnded,
)

#: Few names, so that events refer to each other; text of any letters, NUL and emoji among them.
NAMES = st.sampled_from(["frame", "serve", "replicas", "queue"])
METRICS = st.sampled_from(["done_share", "latency_p99_s"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(str.strip)
NUMBERS = st.floats(-1e9, 1e9)
PICKS = st.one_of(st.integers(-9, 9), NUMBERS, st.sampled_from(["short", "none", "4"]))
ASKED = st.builds(
    RunAsked,
    picks=st.dictionaries(NAMES, st.integers(0, 2), max_size=1),
    strikes=st.dictionaries(NAMES, st.floats(0, 100), max_size=1),
    seed=st.integers(-(2**63), 2**63 - 1),
    replications=st.integers(1, 50),
)
DESIGNS = ASKED.map(lambda asked: asked.design)
BOUNDS = st.tuples(NUMBERS, NUMBERS).map(sorted)
FIGURES = st.builds(RunFigure, metric=METRICS, value=st.none() | NUMBERS, standing=st.sampled_from([None, "met", "void"]))

EVENTS: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(PhaseBegun, phase=NAMES),
    st.builds(QuestionAsked, question=st.integers(0, 3)),
    st.builds(QuestionAsked, words=TEXT),
    st.builds(AssumptionWritten, text=TEXT),
    st.builds(AssumptionPinned, question=st.integers(0, 3)),
    st.builds(AssumptionRemoved, assumption=st.integers(0, 9)),
    st.builds(ObjectivesRanked, objectives=st.lists(st.builds(RankedObjective, words=TEXT), min_size=1, max_size=3)),
    st.builds(PickChanged, choice=NAMES, before=PICKS, after=PICKS),
    st.tuples(DESIGNS, METRICS, BOUNDS).map(
        lambda one: PredictionMade(design=one[0], metric=one[1], low=one[2][0], high=one[2][1])
    ),
    st.builds(PredictionMade, design=DESIGNS, stage=NAMES),
    ASKED,
    st.builds(
        RunEnded,
        design=DESIGNS,
        run_hash=st.just("0" * 12),
        figures=st.lists(FIGURES, max_size=3),
        bottleneck=st.none() | NAMES,
    ),
    st.builds(PanelOpened, panel=NAMES),
    st.builds(HintTaken, phase=NAMES, step=st.integers(1, 3)),
    st.builds(HelpAsked, tool=st.just("each_lever"), design=DESIGNS),
    st.builds(CurveballStruck, curveball=NAMES, at_s=st.floats(0, 1e7)),
    st.builds(DefenceAnswered, prompt=st.integers(0, 2), text=TEXT, ticked=st.booleans()),
    st.builds(SelfRated, signal=NAMES, level=st.sampled_from(["very_weak", "strong"])),
    st.builds(GoalSet, signal=NAMES),
    st.builds(SessionEnded),
    st.builds(IncidentAction, action=st.dictionaries(NAMES, st.integers() | TEXT, max_size=3)),
)

#: Times of a server whose clock may go backwards.
LOGS = st.lists(st.tuples(EVENTS, st.floats(0, 1e6)), max_size=25).map(
    lambda rows: [LoggedEvent(place, at, "candidate", event) for place, (event, at) in enumerate(rows)]
)
