"""Events are bounded; any data is an event or a sentence; rows of every version can be read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulator.limits import SESSION_TEXT
from simulator.session.event_log import EventError, UnknownEvent, design_hash, event_kinds, read_event, stored_event
from simulator.session.session_events import AssumptionWritten, ObjectivesRanked, PickChanged, RunAsked
from tests.session.session_logs import EVENTS as ANY_EVENT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted({name for model in event_kinds().values() for name in (*model.model_fields, "kind", "version")})


@given(ANY_EVENT)
def test_an_event_comes_back_from_its_row_through_json(event):
    payload = json.loads(json.dumps(event.payload()))
    assert stored_event(event.kind, event.version, payload) == event
    assert read_event(payload | {"kind": event.kind, "version": event.version}) == event


@given(JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(sorted(event_kinds()))))
def test_any_data_is_an_event_or_gives_a_sentence(data):
    try:
        event = read_event(data)
    except EventError as error:
        assert 5 < len(str(error)) < 500
    else:
        assert event_kinds()[event.kind] is type(event)


@given(
    st.sampled_from([*event_kinds(), "new_kind"]), st.integers(-5, 10), JSON | st.dictionaries(st.sampled_from(FIELDS), JSON)
)
def test_no_stored_row_raises(kind, version, payload):
    event = stored_event(kind, version, payload)
    assert event.kind == kind


def test_a_row_of_a_later_version_is_read_without_its_further_fields_at_any_depth():
    later = {"objectives": [{"words": "cheap", "weight": 3}], "mood": "calm"}
    read = stored_event("objectives_ranked", 2, later)
    assert read == ObjectivesRanked(objectives=[{"words": "cheap"}])
    assert later == {"objectives": [{"words": "cheap", "weight": 3}], "mood": "calm"}
    assert isinstance(stored_event("objectives_ranked", 1, later), UnknownEvent)


def test_a_later_row_that_lacks_a_field_of_today_is_kept_as_unknown():
    assert stored_event("phase_begun", 3, {"stage": 4}) == UnknownEvent("phase_begun", 3, {"stage": 4})
    assert stored_event("drawing_changed", 1, [1]) == UnknownEvent("drawing_changed", 1, [1])


def test_texts_and_counts_are_bounded():
    assert AssumptionWritten(text="x" * SESSION_TEXT.most)
    for build in (
        lambda: AssumptionWritten(text="x" * (SESSION_TEXT.most + 1)),
        lambda: ObjectivesRanked(objectives=[{"words": "a"}] * 17),
        lambda: RunAsked(picks={f"c{n}": 1 for n in range(65)}, seed=1, replications=2),
        lambda: RunAsked(picks={}, seed=2**63, replications=2),
        lambda: PickChanged(choice="queue", before=float("nan"), after=1),
        lambda: PickChanged(choice="queue", before=True, after=1),
    ):
        with pytest.raises(ValidationError):
            build()


def test_a_misspelled_kind_or_field_is_named():
    with pytest.raises(EventError, match="did you mean 'phase_begun'"):
        read_event({"kind": "phase_began"})
    with pytest.raises(EventError, match="prediction_made: low should not be above high"):
        read_event({"kind": "prediction_made", "design": "0" * 12, "metric": "done_share", "low": 2, "high": 1})


def test_a_design_has_one_hash_however_its_numbers_are_written():
    one = design_hash({"replicas": 4, "queue": "short"}, {"news": 60})
    assert one == design_hash({"queue": "short", "replicas": 4.0}, {"news": 60.0})
    assert one == RunAsked(picks={"replicas": 4, "queue": "short"}, strikes={"news": 60.0}, seed=9, replications=2).design
    assert one != design_hash({"replicas": 4, "queue": "short"})
    assert design_hash({"replicas": "4"}) != design_hash({"replicas": 4})
