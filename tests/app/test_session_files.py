"""A file of sessions that is hostile or wrong gives a sentence, and nothing of it is stored."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.app.store.session_files import SessionFileError, read_visitor_file
from simulator.app.store.session_log import SessionLog
from simulator.limits import SESSION_DEPTH, SESSION_FILE

OWNER = "o" * 22
HEAD = {
    "id": "a" * 22,
    "case": "retry-storm",
    "version": 1,
    "scenario_hash": "0123456789ab",
    "seed": 1,
    "minutes": 45,
    "nudges": True,
    "begun_at": 1000.0,
    "ended_at": None,
}
EVENT = {"at": 1001.0, "role": "candidate", "kind": "phase_begun", "version": 1, "payload": {"phase": "frame"}}


SECRET = {"seed": "f" * 32, "cause": None, "shape": "gentle", "salt": "0" * 32}
INCIDENT = {name: HEAD[name] for name in ("case", "version", "scenario_hash", "begun_at")}
INCIDENT |= {"id": "i" * 22, "ended_at": 2000.0, "secret": SECRET, "events": []}
ATTEMPT = {name: HEAD[name] for name in ("case", "version", "scenario_hash", "seed")}
ATTEMPT |= {"job": "0" * 12, "run_hash": "0" * 12, "picks": {"replicas": 4}, "strikes": {}, "replications": 20, "at": 1000.0}
ATTEMPT |= {"reached": [{"metric": "sensitivity", "value": 0.5, "standing": "met", "words": "50%"}], "starred": False}


def file(*sessions, **other):
    return {"format": "casesim-sessions", "format_version": 2, "sessions": list(sessions)} | other


def session(*events, **other):
    return HEAD | {"events": list(events)} | other


def deep(levels):
    return json.loads("[" * levels + "]" * levels)


def test_a_right_file_is_read():
    (one,) = read_visitor_file(json.dumps(file(session(EVENT))).encode(), OWNER).sessions
    assert (one.session.owner, one.events[0].place, one.events[0].event.phase) == (OWNER, 0, "frame")


def test_incidents_and_attempts_of_a_file_are_read():
    read = read_visitor_file(json.dumps(file(incidents=[INCIDENT], attempts=[ATTEMPT])).encode(), OWNER)
    (incident,), (attempt,) = read.incidents, read.attempts
    assert (incident.session.owner, incident.secret.seed, incident.secret.shape) == (OWNER, 2**128 - 1, "gentle")
    assert (attempt.trail, attempt.picks, attempt.reached[0].words) == (OWNER, {"replicas": 4}, "50%")


def test_a_file_of_the_first_version_is_read():
    (one,) = read_visitor_file(json.dumps(file(session(EVENT), format_version=1)).encode(), OWNER).sessions
    assert one.session.id == HEAD["id"]


HOSTILE = {
    "no json": b"\x00\xff{",
    "not utf-8": '{"a": "é"}'.encode("latin-1"),
    "a list": b"[]",
    "NaN": json.dumps(file(session(EVENT | {"at": float("nan")}))).encode(),
    "a number of 10,000 digits": b'{"format": ' + b"9" * 10_000 + b"}",
    "brackets": b"[" * 100_000,
    "nested": json.dumps(file(session(EVENT | {"payload": {"phase": deep(SESSION_DEPTH.most)}}))).encode(),
    "another format": json.dumps(file(format="casesim-attempts")).encode(),
    "a later format": json.dumps(file(format_version=4)).encode(),
    "another key": json.dumps(file(owner=OWNER)).encode(),
    "an owner": json.dumps(file(session(owner="x" * 22))).encode(),
    "a short id": json.dumps(file(session(id="abc"))).encode(),
    "an id twice": json.dumps(file(session(), session())).encode(),
    "a script as role": json.dumps(file(session(EVENT | {"role": "<script>"}))).encode(),
    "an unknown kind": json.dumps(file(session(EVENT, EVENT | {"kind": "root"}))).encode(),
    "a later version": json.dumps(file(session(EVENT | {"version": 2}))).encode(),
    "an extra field": json.dumps(file(session(EVENT | {"payload": {"phase": "frame", "x": 1}}))).encode(),
    "a seed of 65 bits": json.dumps(file(session(seed=2**64))).encode(),
    "a time beyond time": json.dumps(file(session(begun_at=1e300))).encode(),
    "6,000 events": json.dumps(file(session(*[EVENT] * 6000))).encode(),
    "a large event": json.dumps(
        file(session(EVENT | {"kind": "incident_action", "payload": {"action": {"x": "y" * 70_000}}}))
    ).encode(),
    "a lone surrogate": b'{"format": "\\ud800"}',
    "an incident that goes on": json.dumps(file(incidents=[INCIDENT | {"ended_at": None}])).encode(),
    "a seed that is no number": json.dumps(file(incidents=[INCIDENT | {"secret": SECRET | {"seed": "0x1"}}])).encode(),
    "an incident with the id of a session": json.dumps(file(session(), incidents=[INCIDENT | {"id": HEAD["id"]}])).encode(),
    "an attempt of another visitor": json.dumps(file(attempts=[ATTEMPT | {"trail": "x" * 22}])).encode(),
    "an unknown standing": json.dumps(file(attempts=[ATTEMPT | {"reached": [{"standing": "won"}]}])).encode(),
    "a thousand choices": json.dumps(file(attempts=[ATTEMPT | {"picks": {f"c{n}": 1 for n in range(1000)}}])).encode(),
    "too long": b" " * (SESSION_FILE.most + 1),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_wrong_file_gives_a_sentence_and_stores_nothing(content, tmp_path):
    log = SessionLog(f"sqlite:///{tmp_path / 'kept.db'}")
    kept = log.begin(OWNER, "retry-storm", 1, "0123456789ab")
    with pytest.raises(SessionFileError) as caught:
        log.take_in(OWNER, content)
    assert 20 < len(str(caught.value)) <= 500
    assert log.sessions_of(OWNER) == [kept]


def test_a_fault_in_the_last_session_keeps_out_the_first(tmp_path):
    log = SessionLog(f"sqlite:///{tmp_path / 'kept.db'}")
    content = json.dumps(file(session(EVENT), session(EVENT, EVENT | {"payload": {}}, id="b" * 22))).encode()
    with pytest.raises(SessionFileError, match=r"Session b{22}, event 1: phase_begun.phase: Field required"):
        log.take_in(OWNER, content)
    assert log.sessions_of(OWNER) == []


@settings(max_examples=200)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_raise_another_error(content):
    with pytest.raises(SessionFileError):
        read_visitor_file(content, OWNER)


CHANGES = st.dictionaries(
    st.sampled_from([*EVENT, *HEAD, "events", "phase"]),
    st.none() | st.integers() | st.text(max_size=5) | st.floats() | st.lists(st.integers(), max_size=2) | st.just({}),
    max_size=3,
)


@given(CHANGES, CHANGES)
def test_a_file_with_random_changes_is_read_or_refused(of_head, of_event):
    content = json.dumps(file(session(EVENT | of_event) | of_head)).encode()
    try:
        assert len(read_visitor_file(content, OWNER).sessions) == 1
    except SessionFileError as error:
        assert str(error)
