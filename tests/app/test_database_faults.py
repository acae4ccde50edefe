"""A database that is wrong, gone, slow or back again: a sentence with a remedy each time, and never a password."""

import socket
import sys
import threading
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from simulator.app.store.address import limited, parsed
from simulator.app.store.attempts import Attempts
from simulator.app.store.faults import StoreError, store_error
from tests.app.store_worker import attempt
from tests.families import until
from tests.postgres import PASSWORD

ATTEMPT = attempt("tttt", "job1")


def sentence(url):
    with pytest.raises(StoreError) as caught:
        Attempts(url).of("tttt", "some-case")
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_spelling_of_postgresql_is_understood(scheme, postgres):
    kept = Attempts(postgres.new_url().replace("postgresql", scheme, 1))
    kept.add(ATTEMPT)
    assert kept.of("tttt", "some-case") == [ATTEMPT]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_server_that_is_not_there_gives_a_sentence():
    said = sentence(f"postgresql://ann:tiger@127.0.0.1:{free_port()}/casesim")
    assert said.startswith("postgresql+psycopg://ann:***@127.0.0.1:")
    assert "no connection (connection failed" in said
    assert said.endswith("Start the server, or correct host, port and name in CASESIM_DATABASE.")


def test_a_server_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "no connection" in sentence(f"postgresql://ann:tiger@127.0.0.1:{port}/casesim?connect_timeout=2")


def test_connections_have_limits_of_time_that_a_url_can_change(postgres):
    usual = limited(parsed("postgresql://ann:tiger@host/casesim")).query
    assert (usual["connect_timeout"], usual["options"]) == ("5", "-c statement_timeout=10s")
    assert limited(parsed("postgresql://host/casesim?connect_timeout=60")).query["connect_timeout"] == "60"
    for more, limit in (("", "10s"), (" -cstatement_timeout%3D1min", "1min")):
        with create_engine(limited(parsed(postgres.new_url() + more))).connect() as connection:
            assert connection.exec_driver_sql("show statement_timeout").scalar() == limit


def test_a_wrong_user_password_or_name_gives_a_sentence(postgres):
    for wrong in ({"password": "tiger"}, {"user": "scott"}):
        said = sentence(postgres.url(**wrong))
        assert "the server refuses this user or password" in said
        assert not {"tiger", PASSWORD} & set(said.replace(":", " ").replace("@", " ").split())
    assert 'database "nowhere" does not exist' in sentence(postgres.url(database="nowhere"))


def test_a_user_without_the_right_to_make_tables_gets_a_sentence(postgres):
    url = postgres.new_url()
    postgres.execute(f"create role reader{url[-8:]} login password '{PASSWORD}'")
    postgres.execute(f"grant usage on schema {url.split('%3D')[1]} to reader{url[-8:]}")
    said = sentence(url.replace("tester", f"reader{url[-8:]}"))
    assert "the user lacks a right (permission denied for schema" in said
    assert "make tables" in said


@contextmanager
def locked(url):
    """Another session of the database holds the table of attempts."""
    with psycopg.connect(url) as other:
        other.execute("lock table attempts")
        yield


def test_a_statement_that_waits_too_long_is_stopped_with_a_sentence(postgres):
    url = postgres.new_url()
    kept = Attempts(url)
    kept.add(ATTEMPT)
    with locked(url):
        assert "the database was too slow (canceling statement due to statement timeout). Try again." in sentence(
            url + " -cstatement_timeout%3D100ms"
        )
    assert kept.of("tttt", "some-case") == [ATTEMPT]


def test_a_connection_that_is_lost_in_a_statement_gives_a_sentence_and_the_next_one_works(postgres):
    url, said = postgres.new_url(), []
    kept = Attempts(url)
    kept.add(ATTEMPT)

    def read():
        try:
            kept.of("tttt", "some-case")
        except StoreError as error:
            said.append(str(error))

    waiting = "from pg_stat_activity where wait_event_type = 'Lock' and query like '%attempts%'"
    with locked(url), psycopg.connect(url, autocommit=True) as admin:
        reader = threading.Thread(target=read)
        reader.start()
        until(lambda: admin.execute(f"select pid {waiting}").fetchone(), "the statement waits")
        admin.execute(f"select pg_terminate_backend(pid) {waiting}")
        reader.join()
    assert "the connection was lost" in said[0]
    assert said[0].endswith("Try again: CaseSim connects anew.")
    assert kept.of("tttt", "some-case") == [ATTEMPT]


def test_a_server_that_restarts_between_two_uses_goes_unnoticed_and_one_that_is_away_is_reported(postgres):
    kept = Attempts(postgres.new_url())
    kept.add(ATTEMPT)
    postgres.stop()
    postgres.start()
    assert kept.of("tttt", "some-case") == [ATTEMPT]
    postgres.stop()
    try:
        with pytest.raises(StoreError, match="no connection"):
            kept.of("tttt", "some-case")
    finally:
        postgres.start()
    assert kept.of("tttt", "some-case") == [ATTEMPT]


def test_a_database_that_was_replaced_by_an_empty_one_gets_its_tables_again(postgres):
    url = postgres.new_url()
    kept = Attempts(url)
    kept.add(ATTEMPT)
    schema = url.split("%3D")[1]
    postgres.execute(f"drop schema {schema} cascade")
    postgres.execute(f"create schema {schema}")
    with pytest.raises(StoreError, match='relation "attempts" does not exist'):
        kept.of("tttt", "some-case")
    assert kept.of("tttt", "some-case") == []


def test_a_file_that_was_deleted_is_made_again(tmp_path):
    file = tmp_path / "kept.db"
    kept = Attempts(f"sqlite:///{file}")
    kept.add(ATTEMPT)
    file.unlink()
    with pytest.raises(StoreError, match="attempt to write a readonly database"):
        kept.add(attempt("tttt", "job2"))
    kept.add(ATTEMPT)
    assert Attempts(f"sqlite:///{file}").of("tttt", "some-case") == [ATTEMPT]


def test_without_psycopg_a_sentence_names_the_extra_and_sqlite_works(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert sentence("postgres://ann:tiger@127.0.0.1/casesim").endswith("Install it: pip install 'casesim[postgres]'.")
    assert Attempts(f"sqlite:///{tmp_path / 'kept.db'}").of("any", "any") == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:tiger@127.0.0.1:port/casesim",
        "postgresql://ann:ti/tiger@127.0.0.1/casesim",
        "postgresql://ann:1/tiger@127.0.0.1/casesim",
        "postgresql://ann:ti@tiger@127.0.0.1/casesim",
        "postgresql://ann@127.0.0.1:1/casesim?password=tiger",
        "postgresql://ann@127.0.0.1:1/casesim?sslpassword=tiger&port=none",
        "postgresql://ann:tiger@127.0.0.1/casesim?connect_timeout=soon",
        "mysql://ann:tiger@127.0.0.1/casesim",
        "ann:tiger@127.0.0.1/casesim",
    ],
)
def test_no_sentence_holds_a_password(url):
    said = sentence(url)
    assert "tiger" not in said
    assert "CASESIM_DATABASE" in said


def test_each_fault_of_postgresql_has_its_own_remedy():
    """Messages of PostgreSQL 15 and libpq, as they arrive."""
    failed = 'connection failed: connection to server at "10.0.0.1", port 5432 failed: '
    faults = {
        f'{failed}FATAL:  password authentication failed for user "ann"': "the server refuses this user or password",
        f"{failed}fe_sendauth: no password supplied": "the server refuses this user or password",
        f"{failed}FATAL:  the database system is starting up": "the server is starting or stopping",
        f"{failed}server closed the connection unexpectedly": "no connection",
        f"{failed}FATAL:  sorry, too many clients already": "no connection",
        "connection timeout expired": "no connection",
        "consuming input failed: server closed the connection unexpectedly": "the connection was lost",
    }
    for message, name in faults.items():
        error = OperationalError("select 1", {}, psycopg.OperationalError(message))
        assert f": {name} (" in str(store_error("postgresql://ann:tiger@10.0.0.1/casesim", error))
