"""A database of the third layout: its incidents become sessions of the one log, and their actions become events."""

import pytest
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from simulator.app.store.address import parsed
from simulator.app.store.attempts import Attempts
from simulator.app.store.incident_log import Hidden, Incidents
from simulator.app.store.session_log import SessionLog
from simulator.session.session_events import IncidentAction
from tests.app.store_worker import attempt, crew

#: An incident with a gap in its places, a revealed one, one without actions, and an action whose incident is gone.
ROWS = """
INSERT INTO incidents VALUES ('open', 'production-drift', 2, '0123456789ab',
	'{"seed": "ff", "cause": null, "shape": "gentle", "salt": "00000000000000000000000000000001"}', false, 1000.5);
INSERT INTO incidents VALUES ('over', 'production-drift', 9000000000, 'ba9876543210',
	'{"seed": 7, "cause": "overload", "shape": null}', true, 2000.25);
INSERT INTO incidents VALUES ('new', 'other', 1, '0123456789ab',
	'{"seed": "1", "cause": null, "shape": null, "salt": "2"}', false, 1.0);
INSERT INTO incident_actions VALUES ('over', 0, '{"kind": "close", "text": "it''s \\"fog\\" \\u0000 \\u00e9", "sure": 0.7}');
INSERT INTO incident_actions VALUES ('open', 10, '{"kind": "look", "look": "changes"}');
INSERT INTO incident_actions VALUES ('open', 2, '{"kind": "wait", "hours": null}');
INSERT INTO incident_actions VALUES ('open', 9, '{"kind": "wait", "hours": 6}');
INSERT INTO incident_actions VALUES ('gone', 0, '{"kind": "wait"}');
"""


@pytest.fixture
def before(url):
    """The URL of a database of layout 3 with these rows and an attempt."""
    config = Config()
    config.set_main_option("script_location", "simulator.app.store:migrations")
    with create_engine(parsed(url), poolclass=NullPool).begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, "3")
        for statement in filter(str.strip, ROWS.split(";\n")):
            connection.exec_driver_sql(statement)
        assert set(inspect(connection).get_table_names()) >= {"attempts", "incidents", "incident_actions"}
    return url


def test_incidents_are_carried_over_with_their_secrets_and_the_order_of_their_actions(before):
    incidents = Incidents(before)
    still, over, new = (incidents.get(name) for name in ("open", "over", "new"))
    assert still.actions == [{"kind": "wait", "hours": None}, {"kind": "wait", "hours": 6}, {"kind": "look", "look": "changes"}]
    assert (still.case, still.version, still.scenario_hash, still.at) == ("production-drift", 2, "0123456789ab", 1000.5)
    assert still.hidden == Hidden(255, None, "gentle", "00000000000000000000000000000001")
    assert (still.revealed, over.revealed, new.revealed) == (False, True, False)
    assert over.actions == [{"kind": "close", "text": 'it\'s "fog" \0 é', "sure": 0.7}]
    assert (over.version, over.at, over.hidden.seed, over.hidden.cause) == (9_000_000_000, 2000.25, 7, "overload")
    assert new.actions == []
    assert incidents.get("gone") is None


def test_an_incident_goes_on_in_the_one_log(before):
    incidents = Incidents(before)
    incidents.add("open", 3, {"kind": "wait", "hours": 1})
    events = SessionLog(before).events_after("open")
    assert [(one.place, one.role) for one in events] == [(place, "candidate") for place in range(4)]
    assert all(isinstance(one.event, IncidentAction) for one in events)
    assert [one.at for one in events[:3]] == [1000.5] * 3
    assert incidents.get("open").actions[3] == {"kind": "wait", "hours": 1}


def test_the_old_tables_are_gone_and_attempts_stay(before):
    Attempts(before).add(attempt("t" * 22, "job"))
    with create_engine(parsed(before), poolclass=NullPool).begin() as connection:
        names = set(inspect(connection).get_table_names())
        assert connection.execute(text("select count(*) from case_sessions")).scalar() == 3
    assert {"case_sessions", "session_events", "attempts"} <= names
    assert not names & {"incidents", "incident_actions"}
    assert SessionLog(before).sessions_of("") == []


def test_a_table_of_another_program_stops_the_upgrade_and_loses_nothing(before):
    with create_engine(parsed(before), poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE session_events (id INTEGER)")
    with pytest.raises(Exception, match="has a table “session_events” of another program"):
        Attempts(before).of("any", "any")
    with create_engine(parsed(before), poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("DROP TABLE session_events")
        assert "case_sessions" not in inspect(connection).get_table_names()
    assert len(Incidents(before).get("open").actions) == 3


@pytest.mark.parametrize("words", ["INSERT INTO session_events", "DROP TABLE incidents"])
def test_a_server_that_is_killed_in_the_upgrade_leaves_the_database_as_it_was(words, before):
    with crew(1) as processes, pytest.raises((EOFError, ConnectionResetError)):
        processes.all_do(["killed", before, words])
    with create_engine(parsed(before), poolclass=NullPool).begin() as connection:
        assert not {"case_sessions", "session_events"} & set(inspect(connection).get_table_names())
    assert len(Incidents(before).get("open").actions) == 3
