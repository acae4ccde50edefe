"""A session's state is a function of its log: worked by hand, equal for every split, and without a fault for any log."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.load import load
from simulator.session.event_log import LoggedEvent, Session, UnknownEvent
from simulator.session.prediction_scores import held_words
from simulator.session.session_events import (
    AssumptionPinned,
    AssumptionRemoved,
    AssumptionWritten,
    CurveballStruck,
    DefenceAnswered,
    HelpAsked,
    HintTaken,
    IncidentAction,
    ObjectivesRanked,
    PanelOpened,
    PhaseBegun,
    PickChanged,
    PredictionMade,
    QuestionAsked,
    RunAsked,
    RunEnded,
    SelfRated,
    SessionEnded,
)
from simulator.session.session_record import record
from simulator.session.session_state import IDLE_S, SessionState, refusal
from tests.session.session_logs import LOGS

HEAD = Session("s" * 22, "retry-storm", 1, "0" * 12, "t" * 22, 1, 30, True, 1000.0)


@cache
def case():
    return load("retry-storm")


def log(*rows, begin=1000.0):
    """Events, each behind the seconds since the begin."""
    return [LoggedEvent(place, begin + after_s, "candidate", event) for place, (after_s, event) in enumerate(rows)]


def state(*rows):
    return SessionState.of(HEAD, log(*rows))


def asked(picks=None, strikes=None):
    return RunAsked(picks=case().defaults() | (picks or {}), strikes=strikes or {}, seed=1, replications=10)


DESIGN = asked().design


def ended(value=0.6, design=DESIGN, bottleneck="check"):
    figures = [{"metric": "done_share", "value": value, "low": 0.59, "high": 0.61, "standing": "not met"}]
    return RunEnded(design=design, run_hash="40d0393e12a1", figures=figures, bottleneck=bottleneck)


@given(LOGS, st.integers(0, 25), st.integers(0, 25))
def test_every_split_of_a_log_gives_an_equal_state(events, cut, overlap):
    whole = SessionState.of(HEAD, events)
    halves = SessionState.of(HEAD, events[:cut]).after(events[max(cut - overlap, 0) :])
    assert halves == whole
    assert whole.place == len(events)


@given(LOGS)
def test_times_add_up_whatever_the_server_s_clock_does(events):
    folded = SessionState.of(HEAD, events)
    assert all(0 <= used <= IDLE_S * (len(events) + 1) for used in folded.used_s.values())
    assert sum(folded.used_s.values()) <= folded.last_at - HEAD.begun_at + 1e-6


def test_time_goes_to_the_phase_that_was_open_and_a_closed_tab_uses_at_most_a_quarter_of_an_hour():
    now = state((10, PhaseBegun(phase="frame")), (130, PhaseBegun(phase="serve")), (250, PhaseBegun(phase="frame")))
    assert now.used_s == {"": 10, "frame": 120, "serve": 120}
    assert now.used_at(1280) == {"": 10, "frame": 150, "serve": 120}
    assert now.used_at(1250 + 8 * 3600)["frame"] == 120 + IDLE_S
    assert [visit.event.phase for visit in now.visits] == ["frame", "serve", "frame"]
    over = now.after(log(*[(0, None)] * 3, (300, SessionEnded()))[3:])
    assert over.used_s["frame"] == 170
    assert over.used_at(9999) == over.used_s


def moved(before, after, choice="replicas"):
    return PickChanged(choice=choice, before=before, after=after)


def test_steps_of_one_choice_with_nothing_between_are_one_change():
    now = state((1, moved(2, 3)), (2, moved(3, 4)), (3, PanelOpened(panel="cost")), (4, moved(4, 3)))
    assert [(one.place, one.at, one.event.before, one.event.after) for one in now.changes] == [(1, 1001, 2, 4), (3, 1004, 4, 3)]
    assert [(row.place, row.details) for row in record(case(), now) if row.what == "Change"] == [
        (1, "Replicas: 2 → 4"),
        (3, "Replicas: 4 → 3"),
    ]
    assert now.picks(case())["replicas"] == 3


def test_steps_there_and_back_are_no_change_and_two_choices_are_two():
    now = state((1, moved(2, 3)), (2, moved("none", "short", "queue")), (3, moved(3, 4)), (4, moved(4, 3)))
    assert [(one.event.choice, one.event.before, one.event.after) for one in now.changes] == [
        ("replicas", 2, 3),
        ("queue", "none", "short"),
    ]


def test_the_clock_stands_still_from_a_run_that_is_asked_for_to_the_next_event():
    before = ((10, PhaseBegun(phase="serve")), (70, asked()))
    assert state(*before).used_at(1000 + 3600) == {"": 10, "serve": 60}
    after = state(*before, (100, ended()), (130, PanelOpened(panel="cost")))
    assert after.used_s == {"": 10, "serve": 90}
    moved_on = state(*before, (100, PhaseBegun(phase="frame")), (130, PanelOpened(panel="cost")))
    assert moved_on.used_s == {"": 10, "serve": 60, "frame": 30}


def test_answers_are_due_once_their_question_is_asked():
    now = state((1, QuestionAsked(question=2)), (2, QuestionAsked(words="Why?")), (3, QuestionAsked(question=0)))
    assert now.answers(case()) == {2: case().questions[2].answer, 0: case().questions[0].answer}
    assert (now.asked(2), now.asked(1)) == (True, False)


def test_assumptions_are_written_pinned_and_removed():
    now = state(
        (1, AssumptionWritten(text="Phones are patient")),
        (2, AssumptionPinned(question=0)),
        (3, AssumptionRemoved(assumption=0)),
        (4, AssumptionRemoved(assumption=7)),
    )
    written, pinned = AssumptionWritten(text="Phones are patient"), AssumptionPinned(question=0)
    assert [(assumption.place, assumption.event) for assumption in now.assumptions] == [(0, written), (1, pinned)]
    assert [assumption.place for assumption in now.standing_assumptions] == [1]
    assert (now.has_pinned(0), now.has_pinned(1)) == (True, False)
    assert now.ignored == (3,)


def test_predictions_are_settled_by_the_first_run_of_their_design_alone():
    other = asked({"queue": "short"})
    now = state(
        (1, PredictionMade(design=DESIGN, metric="done_share", low=0.5, high=0.7)),
        (2, PredictionMade(design=DESIGN, metric="latency_p99_s", low=1, high=2)),
        (3, PredictionMade(design=DESIGN, stage="check")),
        (4, PredictionMade(design=other.design, metric="done_share", low=0.7, high=0.8)),
        (5, asked()),
        (6, ended()),
        (7, other),
        (8, ended(0.893, other.design, "again")),
    )
    share, tail, stage, of_other = (one.settled for one in now.predictions)
    assert (share.value, share.held, share.at) == (0.6, True, 1006)
    assert share.score == pytest.approx(0.2)
    assert (tail.value, tail.held, tail.score) == (None, None, None)
    assert (stage.bottleneck, stage.held) == ("check", True)
    assert (of_other.held, of_other.score) == (False, pytest.approx(0.1 + 20 * 0.093))
    assert held_words(load("retry-storm"), now.predictions).startswith("1 of 2 intervals held")
    assert all(prediction.settled for prediction in now.predictions)
    assert [run.ended is not None for run in now.runs] == [True, True]
    assert now.runs[0].ended.verdicts == {"done_share": "not met"}


def test_a_result_that_was_not_asked_for_settles_nothing():
    now = state((1, PredictionMade(design=DESIGN, stage="check")), (2, ended()))
    assert sum(prediction.settled is None for prediction in now.predictions) == 1
    assert (now.runs, now.ignored, now.revealed(DESIGN)) == ((), (1,), False)


def test_the_design_follows_the_picks_and_the_curveballs():
    now = state(
        (1, PickChanged(choice="queue", before="none", after="short")), (2, CurveballStruck(curveball="second_rush", at_s=60))
    )
    assert now.picks(case()) == case().defaults() | {"queue": "short"}
    assert now.design_at_hand(case()) == asked({"queue": "short"}, {"second_rush": 60}).design


def test_rows_that_this_version_cannot_read_are_skipped():
    rows = log((1, PhaseBegun(phase="frame")), (2, UnknownEvent("drawn", 1, {})), (3, PhaseBegun(phase="serve")))
    now = SessionState.of(HEAD, rows)
    assert (now.phase, now.ignored, now.place) == ("serve", (1,), 3)


REFUSED = [
    ([], "candidate", PhaseBegun(phase="servre"), "no phase “servre”; did you mean 'serve'"),
    ([PhaseBegun(phase="serve")], "candidate", PhaseBegun(phase="serve"), "in this phase already"),
    ([], "candidate", QuestionAsked(question=8), "has 8 questions"),
    ([QuestionAsked(question=1)], "candidate", QuestionAsked(question=1), "asked this already"),
    ([], "candidate", AssumptionPinned(question=0), "Ask the question first"),
    ([QuestionAsked(question=0), AssumptionPinned(question=0)], "candidate", AssumptionPinned(question=0), "pinned already"),
    ([], "candidate", AssumptionRemoved(assumption=0), "not in the list"),
    ([], "candidate", ObjectivesRanked(objectives=[{"words": "a", "metric": "done_shar"}]), "did you mean 'done_share'"),
    ([], "candidate", PickChanged(choice="queue", before="short", after="long"), "is at none, not at short"),
    ([], "candidate", PickChanged(choice="queue", before="none", after="endless"), "is not an option"),
    ([], "candidate", PickChanged(choice="quee", before="none", after="short"), "did you mean 'queue'"),
    ([asked(), ended()], "candidate", PredictionMade(design=DESIGN, stage="check"), "has been shown"),
    ([], "candidate", PredictionMade(design=DESIGN, stage="chek"), "did you mean 'check'"),
    ([], "candidate", PredictionMade(design=DESIGN, metric="dne_share", low=0, high=1), "did you mean 'done_share'"),
    (
        [PredictionMade(design=DESIGN, stage="again")],
        "candidate",
        PredictionMade(design=DESIGN, stage="check"),
        "predicted this",
    ),
    ([], "candidate", asked({"queue": "short"}), "another design than the one at hand"),
    ([], "candidate", asked(strikes={"second_rush": 60}), "has not struck"),
    ([], "system", ended(), "No run of this design was asked for"),
    ([asked()], "candidate", ended(), "may not do this"),
    ([asked()], "system", ended(bottleneck="chek"), "did you mean 'check'"),
    ([], "candidate", HintTaken(phase="serve", step=2), "Hint 1 comes first"),
    ([HintTaken(phase="serve", step=1)], "candidate", HintTaken(phase="serve", step=1), "shown already"),
    ([], "candidate", HelpAsked(tool="each_lever", design=DESIGN), "Run this design first"),
    ([], "candidate", CurveballStruck(curveball="second_rash", at_s=1), "did you mean 'second_rush'"),
    ([], "candidate", DefenceAnswered(prompt=3, ticked=True), "has 3 defence prompts"),
    ([], "candidate", SelfRated(signal="framing", level="strong"), "after the end"),
    ([SessionEnded()], "candidate", PhaseBegun(phase="frame"), "has ended"),
    ([SessionEnded()], "candidate", SessionEnded(), "has ended"),
    ([], "observer", PanelOpened(panel="cost"), "may not do this"),
    ([], "candidate", IncidentAction(action={}), "belongs to an incident"),
]


@pytest.mark.parametrize(("before", "role", "event", "sentence"), REFUSED, ids=[sentence for *_, sentence in REFUSED])
def test_an_event_that_makes_no_sense_is_refused_in_a_sentence(before, role, event, sentence):
    now = state(*((at, one) for at, one in enumerate(before)))
    assert sentence in refusal(case(), now, role, event)


def test_the_events_of_a_whole_session_are_accepted_one_after_the_other():
    rows = [
        ("candidate", PhaseBegun(phase="frame")),
        ("candidate", QuestionAsked(question=1, words="Does the server notice?")),
        ("candidate", AssumptionPinned(question=1)),
        ("candidate", ObjectivesRanked(objectives=[{"words": "Answer photos", "metric": "done_share"}])),
        ("candidate", PhaseBegun(phase="serve")),
        ("interviewer", HintTaken(phase="serve", step=1)),
        ("candidate", PredictionMade(design=DESIGN, metric="done_share", low=0.1, high=0.3)),
        ("candidate", asked()),
        ("system", ended()),
        ("candidate", HelpAsked(tool="what_would_help", design=DESIGN)),
        ("candidate", PickChanged(choice="queue", before="none", after="short")),
        ("interviewer", CurveballStruck(curveball="second_rush", at_s=300)),
        ("candidate", asked({"queue": "short"}, {"second_rush": 300})),
        ("candidate", DefenceAnswered(prompt=0, text="It recovers.")),
        ("candidate", SessionEnded()),
        ("candidate", SelfRated(signal="framing", level="strong")),
    ]
    now = SessionState.of(HEAD)
    for place, (role, event) in enumerate(rows):
        assert refusal(case(), now, role, event) == ""
        now = now.after([LoggedEvent(place, 1000.0 + place, role, event)])
    assert now.ignored == ()
    assert now.ratings == {"framing": "strong"}
