"""The log of sessions in SQLite and in PostgreSQL: places without gaps, nothing lost, and what is deleted is gone."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import time

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import NullPool, create_engine, text

from simulator.app.live_session import LiveSession
from simulator.app.store.address import parsed
from simulator.app.store.attempts import Attempts, Reached
from simulator.app.store.faults import StoreError
from simulator.app.store.incident_log import Hidden, Incidents
from simulator.app.store.session_files import StoredSession, written_sessions
from simulator.app.store.session_log import SessionLog
from simulator.app.store.session_rows import NoSessionError, OvertakenError
from simulator.case.load import load
from simulator.limits import SESSION_EVENTS
from simulator.rooms.room_events import NotesSaved, ScorecardSubmitted, SignalRated
from simulator.session.event_log import EventError, LoggedEvent, Session
from simulator.session.session_events import AssumptionWritten, IncidentAction, PhaseBegun, PickChanged, SelfRated, SessionEnded
from simulator.session.session_state import SessionState
from tests.app.session_writer import killed_writers
from tests.app.store_worker import attempt, crew
from tests.session.session_logs import EVENTS

OWNER, OTHER = "o" * 22, "p" * 22
WRITTEN = AssumptionWritten(text="Nobody reads at night")


@pytest.fixture
def log(url):
    return SessionLog(url)


def begun(log, owner=OWNER, **other):
    return log.begin(owner, "retry-storm", 1, "0123456789ab", **other)


def texts(log, session):
    return [one.event.text for one in log.events_after(session)]


def test_a_session_comes_back_also_after_a_restart(url, log):
    session = begun(log, seed=-(2**63), minutes=20, nudges=False)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", session.id)
    assert log.append(session.id, "candidate", PhaseBegun(phase="frame")) == 0
    assert log.append(session.id, "interviewer", WRITTEN) == 1
    again = SessionLog(url)
    assert again.get(session.id) == session
    first, second = again.events_after(session.id)
    assert (first.place, first.role, first.event) == (0, "candidate", PhaseBegun(phase="frame"))
    assert (second.place, second.role, second.event) == (1, "interviewer", WRITTEN)
    assert session.begun_at <= first.at <= second.at
    assert again.events_after(session.id, 0) == [second]
    assert again.events_after(session.id, 1) == []


def test_sessions_of_a_visitor_are_the_latest_first_and_no_incident_is_among_them(url, log):
    first, second, _ = begun(log), begun(log), begun(log, OTHER)
    incident = Incidents(url).begin("production-drift", 1, "0123456789ab")
    assert [one.id for one in log.sessions_of(OWNER)] == [second.id, first.id]
    assert log.sessions_of("") == []
    assert log.get(incident) is None
    assert Incidents(url).get(first.id) is None


def test_the_end_is_an_event_and_a_time_that_stays(log):
    session = begun(log)
    assert log.end(session.id) == 0
    ended_at = log.get(session.id).ended_at
    assert ended_at == log.events_after(session.id)[0].at
    log.end(session.id)
    assert log.get(session.id).ended_at == ended_at


@pytest.mark.parametrize("name", ["made-up", "zero\0", "half\ud800", "x" * 10_000])
def test_a_session_that_is_not_there_gets_no_event(name, log):
    with pytest.raises(NoSessionError, match="Begin a new one"):
        log.append(name, "candidate", WRITTEN)
    assert (log.get(name), log.events_after(name)) == (None, [])


@pytest.mark.parametrize("place", [0, 2, -1, 2**62])
def test_an_event_gets_the_expected_place_or_none(place, log):
    session = begun(log)
    log.append(session.id, "candidate", WRITTEN, 0)
    with pytest.raises(OvertakenError):
        log.append(session.id, "candidate", SessionEnded(), place)
    assert [one.event for one in log.events_after(session.id)] == [WRITTEN]
    assert log.get(session.id).ended_at is None
    assert log.append(session.id, "candidate", WRITTEN, 1) == 1


def test_a_log_and_an_event_are_bounded(url, log):
    session = begun(log)
    with pytest.raises(EventError, match="65,536 bytes at most"):
        log.append(session.id, "candidate", IncidentAction(action={"text": "x" * 70_000}))
    with create_engine(parsed(url), poolclass=NullPool).begin() as connection:
        connection.execute(text(f"UPDATE case_sessions SET length = {SESSION_EVENTS.most}"))
    for place in (None, SESSION_EVENTS.most):
        for event in (WRITTEN, SessionEnded()):
            with pytest.raises(EventError, match="has 5,000 events"):
                log.append(session.id, "candidate", event, place)
    assert log.events_after(session.id) == []


RATED, READY = SignalRated(signal="framing", level="weak", evidence=(0,)), ScorecardSubmitted()
#: Lengths at which the next event is taken and refused, by role; after a refusal the end comes, and ratings after it.
PLACES = [
    ("candidate", WRITTEN, 3_999, "the interviewer, the ratings and the end"),
    ("candidate", IncidentAction(action={"kind": "wait"}), 3_999, "the interviewer, the ratings and the end"),
    ("interviewer", NotesSaved(text="late"), 4_899, "the ratings and the end"),
    ("system", PhaseBegun(phase="frame"), 4_899, "the ratings and the end"),
    ("candidate", SelfRated(signal="framing", level="weak"), 4_989, "the end and complete scorecards"),
    ("rater", RATED, 4_989, "the end and complete scorecards"),
]


@pytest.mark.parametrize(("role", "event", "last", "others"), PLACES)
def test_a_full_log_keeps_places_for_its_end_and_the_ratings(tmp_path, role, event, last, others):
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    log = SessionLog(url)
    session = begun(log)
    with create_engine(parsed(url), poolclass=NullPool).begin() as connection:
        connection.execute(text(f"UPDATE case_sessions SET length = {last}"))
    assert log.append(session.id, role, event) == last
    with pytest.raises(EventError, match=f"has {last + 1:,} events. The places that are left are kept for {others}. End it"):
        log.append(session.id, role, event)
    log.end(session.id, "interviewer")
    assert log.get(session.id).ended_at is not None
    assert log.append(session.id, "interviewer", READY) == last + 2
    if last < 4_900:
        log.append(session.id, "rater", RATED)
    log.append(session.id, "rater", READY)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=EVENTS)
def test_every_event_comes_back_equal_from_either_database(event, log):
    session = begun(log)
    log.append(session.id, "candidate", event)
    assert [one.event for one in log.events_after(session.id)] == [event]


def test_a_database_that_cannot_be_used_gives_a_sentence(tmp_path):
    with pytest.raises(StoreError, match="CASESIM_DATABASE"):
        begun(SessionLog(f"sqlite:///{tmp_path / 'nowhere' / 'kept.db'}"))


@pytest.fixture(scope="module")
def two():
    with crew(2) as processes:
        yield processes


def test_two_servers_that_append_at_once_lose_and_overwrite_nothing(url, log, two):
    session, each = begun(log), 60
    places = two.all_do(*(("appended", url, session.id, server, each) for server in ("first", "second")))
    stored = {one.place: one.event.text for one in log.events_after(session.id)}
    assert sorted(places[0] + places[1]) == sorted(stored) == list(range(2 * each))
    for server, own in zip(("first", "second"), places, strict=True):
        assert [stored[place] for place in own] == [f"{server}-{number}" for number in range(each)]


def test_two_servers_that_check_before_they_append_act_on_the_state_that_they_saw(url, log, two):
    """Each changes one pick from its present value: no change is lost, and each begins where the one before ended."""
    session = log.begin(OWNER, "retry-storm", 1, "0123456789ab")
    two.all_do(*(("picked", url, session.id, 8) for _ in range(2)))
    changes = [(one.event.before, one.event.after) for one in log.events_after(session.id)]
    assert len(changes) == 16
    assert [before for before, _ in changes] == [2, *(after for _, after in changes[:-1])]


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.long)])
def test_what_was_confirmed_survives_the_kill_of_its_server(times, url, log):
    session = begun(log)
    confirmed = killed_writers(url, session.id, times, seed=times)
    stored = {one.place: one.event.text for one in log.events_after(session.id)}
    assert confirmed.items() <= stored.items()
    assert list(stored) == list(range(len(stored)))
    assert len(stored) <= len(confirmed) + times  # each writer may have stored one event whose confirmation was cut off
    print(f"{url.partition(':')[0]}: {times} kills, {len(confirmed)} confirmed, {len(stored)} stored")


def test_an_event_that_makes_no_sense_is_not_appended(log):
    scenario = load("retry-storm")
    live = LiveSession(log, scenario, begun(log).id)
    with pytest.raises(EventError, match="did you mean 'queue'"):
        live.take("candidate", PickChanged(choice="quee", before="none", after="short"))
    assert live.state.place == 0
    live.take("candidate", PickChanged(choice="queue", before="none", after="short"))
    other = LiveSession(log, scenario, live.state.session.id)
    assert other.state == live.state
    other.take("candidate", PhaseBegun(phase="serve"))
    assert (live.refresh(), live.refresh(), live.state.phase) == (True, False, "serve")
    assert live.case_has_changed
    assert live.state == SessionState.of(live.state.session, log.events_after(live.state.session.id))
    with pytest.raises(NoSessionError):
        LiveSession(log, load("production-drift"), live.state.session.id)


MARK = "purple-elephants-of-tuesday"


def played(url, owner, mark, ends=True):
    """An incident with an action that names the mark; its id."""
    incidents = Incidents(url)
    name = incidents.begin("production-drift", 1, "0123456789ab", owner=owner)
    incidents.add(name, 0, {"kind": "look", "look": mark})
    if ends:
        incidents.reveal(name)
    return name


def filled(url, owner, mark):
    """A session with enough texts that pages of the file are split and freed, an incident and an attempt."""
    log = SessionLog(url)
    session = begun(log, owner)
    for number in range(40):
        log.append(session.id, "candidate", AssumptionWritten(text=f"{mark} {number} " + "filler " * number * 10))
    Attempts(url).add(attempt(owner, mark))
    played(url, owner, f"{mark}-look")
    return session


def bytes_beside(file):
    return b"".join(one.read_bytes() for one in Path(file).parent.glob(f"{Path(file).name}*"))


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_what_is_deleted_is_gone_from_the_file_of_sqlite(mode, tmp_path):
    url, file = f"sqlite:///{tmp_path / 'kept.db'}", tmp_path / "kept.db"
    log = SessionLog(url)
    log.sessions_of(OWNER)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.execute(text(f"PRAGMA journal_mode = {mode}"))
    filled(url, OWNER, MARK)
    theirs = filled(url, OTHER, "green-geese")
    assert MARK.encode() in bytes_beside(file)
    assert OWNER.encode() in bytes_beside(file)
    assert len(Incidents(url).of(OWNER)) == 1
    assert log.delete(OWNER) == 2
    assert MARK.encode() not in bytes_beside(file)
    assert OWNER.encode() not in bytes_beside(file)
    assert (log.sessions_of(OWNER), Attempts(url).of(OWNER, "some-case")) == ([], [])
    assert len(log.events_after(theirs.id)) == 40
    assert len(Attempts(url).of(OTHER, "some-case")) == 1
    assert (Incidents(url).of(OWNER), len(Incidents(url).of(OTHER))) == ([], 1)
    assert log.delete(OWNER) == 0


def test_what_is_deleted_is_gone_from_the_tables_of_postgresql(postgres):
    def in_tables():
        postgres.execute("checkpoint")
        return any(MARK.encode() in one.read_bytes() for one in (postgres.data / "base").rglob("*") if one.is_file())

    url = postgres.new_url()
    filled(url, OWNER, MARK)
    assert in_tables()
    assert SessionLog(url).delete(OWNER) == 2
    assert not in_tables()


def exported(log, owner=OWNER):
    return log.export(owner).encode()


def test_an_export_is_taken_in_elsewhere_with_its_ids_and_once_only(url, log, tmp_path):
    first, second = filled(url, OWNER, MARK), begun(log)
    log.end(second.id)
    elsewhere = SessionLog(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    content = exported(log)
    assert OWNER.encode() not in content
    assert elsewhere.take_in(OTHER, content) == 40 + 1 + 1 + 1  # texts, an end, an action and an attempt
    assert elsewhere.take_in(OTHER, content) == 0
    assert {one.id for one in elsewhere.sessions_of(OTHER)} == {first.id, second.id}
    for session in (first, second):
        assert elsewhere.events_after(session.id) == log.events_after(session.id)
    assert elsewhere.get(second.id).ended_at == log.get(second.id).ended_at
    assert json.loads(exported(elsewhere, OTHER)) == json.loads(content)


def test_a_session_that_a_file_brought_is_continued_by_a_longer_file_and_one_that_differs_stays(log, tmp_path):
    session = begun(log)
    log.append(session.id, "candidate", WRITTEN)
    elsewhere = SessionLog(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    before = exported(log)
    elsewhere.take_in(OTHER, before)
    log.append(session.id, "candidate", AssumptionWritten(text="later"))
    log.end(session.id)
    assert elsewhere.take_in(OTHER, exported(log)) == 2
    assert elsewhere.take_in(OTHER, before) == 0
    assert elsewhere.events_after(session.id) == log.events_after(session.id)
    assert elsewhere.get(session.id).ended_at is not None
    elsewhere.append(session.id, "candidate", AssumptionWritten(text="there"))
    for number in range(3):
        log.append(session.id, "candidate", AssumptionWritten(text=f"here {number}"))
    assert elsewhere.take_in(OTHER, exported(log)) == 0
    assert elsewhere.append(session.id, "candidate", WRITTEN) == 4


def test_a_file_that_goes_on_from_an_open_session_comes_in_beside_it(log, tmp_path):
    session = begun(log)
    log.append(session.id, "candidate", WRITTEN)
    elsewhere = SessionLog(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    elsewhere.take_in(OTHER, exported(log))
    elsewhere.end(session.id)
    assert log.take_in(OWNER, exported(elsewhere, OTHER)) == 2
    assert log.take_in(OWNER, exported(elsewhere, OTHER)) == 0
    assert (texts(log, session.id), log.get(session.id).ended_at) == ([WRITTEN.text], None)
    (copy,) = [one for one in log.sessions_of(OWNER) if one.id != session.id]
    assert copy.ended_at is not None and len(log.events_after(copy.id)) == 2
    log.end(session.id)
    assert log.take_in(OWNER, exported(elsewhere, OTHER)) == 0  # the copy is there, and what has ended here stays


@pytest.mark.parametrize("count", [0, 1])
def test_a_forged_file_ends_no_incident_that_is_under_way(url, log, count):
    """The address of the page holds the id, and the author of a file can write any event and any end into it."""
    incidents = Incidents(url)
    name = incidents.begin("production-drift", 1, "0123456789ab", owner=OWNER)
    for place in range(count):
        incidents.add(name, place, {"kind": "wait"})
    before, events = incidents.get(name), log.events_after(name)
    log.take_in(OWNER, forged_closing(name, events))
    assert incidents.get(name) == before and not before.revealed
    assert f"{before.hidden.seed:x}" not in exported(log).decode()
    assert [one.imported for one in incidents.of(OWNER) if one.id != name] == [True]


def forged_closing(name, events=(), day=None):
    """A file with an incident that names a cause and is closed."""
    head = Session(name, "production-drift", 1, "0123456789ab", OWNER, 0, 0, False, time(), time())
    diagnosis = IncidentAction(action={"kind": "diagnose", "cause": "overload", "confidence": 1.0})
    closing = LoggedEvent(len(events), time(), "candidate", diagnosis)
    return written_sessions([], [StoredSession(head, [*events, closing], Hidden(7, day=day))]).encode()


def test_incidents_of_files_count_for_no_day(url, log):
    today = f"{datetime.now(UTC).date()}"
    incidents = Incidents(url)
    own = incidents.begin("production-drift", 1, "0123456789ab", Hidden(day=today), OWNER)
    incidents.reveal(own)
    for number in range(60):
        log.take_in(OTHER, forged_closing(f"{number:022}", day=today))
    assert len(incidents.of(OTHER)) == 60
    assert [one.id for one in incidents.closed_on("production-drift", today)] == [own]
    assert {one.shared_day for one in incidents.of(OTHER)} == {None} and incidents.get(own).shared_day == today


def test_a_file_takes_no_session_from_another_visitor(log):
    session = begun(log)
    log.append(session.id, "candidate", WRITTEN)
    content = exported(log)
    assert log.take_in(OTHER, content) == 1
    assert log.take_in(OTHER, content) == 0
    (copy,) = log.sessions_of(OTHER)
    assert copy.id != session.id
    assert log.get(session.id).owner == OWNER
    log.delete(OTHER)
    assert texts(log, session.id) == [WRITTEN.text]


def test_incidents_and_attempts_are_in_the_export_and_come_back_equal(url, log, tmp_path):
    first = attempt(OWNER, "job1", starred=True, at=5.0, reached=[Reached("wait_p95_s", 2.5, "not met", "2.5 s")])
    for one in (first, attempt(OWNER, "job2", at=6.0, strikes={"news": 100.0})):
        Attempts(url).add(one)
    played(url, OWNER, "changes")
    there = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    content = exported(log)
    assert SessionLog(there).take_in(OTHER, content) == 1 + 2
    assert SessionLog(there).take_in(OTHER, content) == 0
    assert Incidents(there).of(OTHER) == [replace(one, imported=True) for one in Incidents(url).of(OWNER)]
    moved = [replace(one, trail=OTHER) for one in Attempts(url).of(OWNER, "some-case")]
    assert Attempts(there).of(OTHER, "some-case") == moved
    assert exported(SessionLog(there), OTHER) == content


def test_an_incident_that_goes_on_stays_out_of_the_file_with_its_secret(url, log):
    name = played(url, OWNER, "changes", ends=False)
    ended = played(url, OWNER, "changes")
    secret, shown = (Incidents(url).get(one).hidden for one in (name, ended))
    content = exported(log).decode()
    assert f"{shown.seed:x}" in content
    assert [part for part in (name, f"{secret.seed:x}", secret.salt) if part in content] == []


def test_an_imported_attempt_is_pinned_only_where_none_is(url, log, tmp_path):
    Attempts(url).add(attempt(OWNER, "job1", starred=True))
    there = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    Attempts(there).add(attempt(OTHER, "job2", starred=True))
    SessionLog(there).take_in(OTHER, exported(log))
    found = Attempts(there).of(OTHER, "some-case")
    assert {one.job: one.starred for one in found} == {"job1": False, "job2": True}


def test_a_value_that_is_no_number_of_json_leaves_the_file_readable(url, log):
    odd = attempt(OWNER, "job1", reached=[Reached("wait_p95_s", float("inf"), "not met", "never ends")])
    Attempts(url).add(odd)
    assert log.take_in(OTHER, exported(log)) == 1
    (kept,) = Attempts(url).of(OTHER, "some-case")
    assert kept.reached == [Reached("wait_p95_s", None, "not met", "never ends")]


def test_an_incident_of_another_visitor_is_copied_with_its_secret(url, log):
    name = played(url, OWNER, "changes")
    assert log.take_in(OTHER, exported(log)) == 1
    (copy,) = Incidents(url).of(OTHER)
    assert copy.id != name
    assert (copy.hidden, copy.actions) == (Incidents(url).get(name).hidden, Incidents(url).get(name).actions)


def test_the_visitors_of_a_database_are_those_with_something_in_it(url, log):
    assert log.visitors() == []
    Incidents(url).begin("production-drift", 1, "0123456789ab")  # of no visitor
    begun(log)
    Attempts(url).add(attempt(OTHER, "job1", at=5.0))
    played(url, "q" * 22, "changes")
    assert log.visitors() == ["q" * 22, OWNER, OTHER]
    assert [[one.session.id for one in log.logs_of(name)] for name in (OTHER, "")] == [[], []]
