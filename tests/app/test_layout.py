"""Tables of every released CaseSim are brought to the newest layout without loss; tables of others are left as they are."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from simulator.app.store.address import parsed
from simulator.app.store.attempts import Attempts, Reached
from simulator.app.store.database import METADATA
from simulator.app.store.faults import StoreError
from simulator.app.store.incident_log import Hidden, Incidents
from simulator.app.store.layout import LAYOUTS, VERSIONS
from tests.app.store_worker import attempt, crew

# The statements of two releases that had no migrations, as SQLite keeps them. PostgreSQL got the same but for the counted key.
FIRST = """
CREATE TABLE attempts (
	id INTEGER NOT NULL, trail VARCHAR(64) NOT NULL, "case" VARCHAR(100) NOT NULL, version INTEGER NOT NULL,
	scenario_hash VARCHAR(12) NOT NULL, job VARCHAR(12) NOT NULL, picks JSON NOT NULL, strikes JSON NOT NULL,
	seed INTEGER NOT NULL, replications INTEGER NOT NULL, run_hash VARCHAR(12) NOT NULL, reached JSON NOT NULL,
	starred BOOLEAN NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (id), UNIQUE (trail, "case", job)
);
INSERT INTO attempts (trail, "case", version, scenario_hash, job, picks, strikes, seed, replications, run_hash, reached,
	starred, at) VALUES ('tttt', 'some-case', 3, '0123456789ab', 'job1',
	'{"replicas": 4, "operating_point": 0.995, "reading": "cochrane"}', '{"news": 100.0}', 2147483647, 20, 'ba9876543210',
	'[{"metric": "wait_p95_s", "value": null, "standing": "no figure", "words": "\\u00e9 \\\\"}]', true, 1000.5);
"""
SECOND = """
CREATE TABLE incident_actions (
	incident VARCHAR(32) NOT NULL, place INTEGER NOT NULL, action JSON NOT NULL, PRIMARY KEY (incident, place)
);
INSERT INTO incident_actions VALUES ('i1', 0, '{"kind": "wait", "hours": null}');
INSERT INTO incident_actions VALUES ('i1', 1, '{"kind": "look", "look": "changes"}');
CREATE TABLE incidents (
	id VARCHAR(32) NOT NULL, "case" VARCHAR(100) NOT NULL, version INTEGER NOT NULL, scenario_hash VARCHAR(12) NOT NULL,
	secret JSON NOT NULL, revealed BOOLEAN NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (id)
);
INSERT INTO incidents VALUES ('i1', 'production-drift', 1, '0123456789ab',
	'{"seed": 7, "cause": "overload", "shape": null}', true, 1795931942.5);
"""
ATTEMPT = attempt(
    "tttt",
    "job1",
    version=3,
    scenario_hash="0123456789ab",
    picks={"replicas": 4, "operating_point": 0.995, "reading": "cochrane"},
    strikes={"news": 100.0},
    seed=2**31 - 1,
    run_hash="ba9876543210",
    reached=[Reached("wait_p95_s", None, "no figure", "é \\")],
    starred=True,
    at=1000.5,
)


@contextmanager
def connected(url):
    engine = create_engine(parsed(url), poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def run(url, script):
    with connected(url) as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                counted = "id SERIAL" if "postgres" in url else "id INTEGER"
                connection.exec_driver_sql(statement.replace("id INTEGER", counted))


def names(url):
    with connected(url) as connection:
        return inspect(connection).get_table_names()


def layout(url):
    with connected(url) as connection:
        return connection.execute(text(f"select version_num from {VERSIONS}")).scalar()


def test_the_layouts_are_those_of_the_migrations():
    config = Config()
    config.set_main_option("script_location", "simulator.app.store:migrations")
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(walked)) == LAYOUTS


def test_the_migrations_make_the_tables_that_queries_expect(url):
    Attempts(url).of("any", "any")
    with connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSIONS, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


@pytest.mark.parametrize("script", [FIRST, FIRST + SECOND], ids=["attempts", "attempts and incidents"])
def test_a_database_of_an_earlier_release_keeps_everything(script, url):
    run(url, script)
    assert Attempts(url).of("tttt", "some-case") == [ATTEMPT]
    assert layout(url) == LAYOUTS[-1]
    later, incidents = attempt("tttt", "job2", seed=2**40, at=2000.0), Incidents(url)
    Attempts(url).add(later)
    assert Attempts(url).of("tttt", "some-case") == [ATTEMPT, later]
    if script != FIRST:
        stored = incidents.get("i1")
        assert (stored.hidden, stored.revealed, stored.at) == (
            Hidden(7, "overload", salt=stored.hidden.salt),
            True,
            1795931942.5,
        )
        assert stored.actions == [{"kind": "wait", "hours": None}, {"kind": "look", "look": "changes"}]
        assert not stored.imported
    name = incidents.begin("production-drift", 1, "0123456789ab", Hidden(2**127))
    incidents.add(name, 0, {"kind": "wait"})
    assert incidents.get(name).hidden.seed == 2**127


@pytest.mark.parametrize("table", ["incidents", "incident_actions"])
def test_a_table_that_an_earlier_release_has_not_made_yet_is_made(table, url):
    """Each table was made when it was first used, and a release could be killed between two."""
    run(url, SECOND)
    run(url, f"DROP TABLE {table};\n")
    assert Attempts(url).of("any", "any") == []
    kept = Incidents(url).get("i1")
    assert kept is None if table == "incidents" else kept.actions == []


def test_a_newer_database_is_refused_in_a_sentence_and_left_as_it_is(tmp_path):
    file = tmp_path / "newer.db"
    url = f"sqlite:///{file}"
    Attempts(url).add(ATTEMPT)
    run(url, f"UPDATE {VERSIONS} SET version_num = '999';\nALTER TABLE attempts ADD COLUMN mood TEXT;\n")
    before = file.read_bytes()
    for use in (lambda: Attempts(url).of("tttt", "some-case"), lambda: Attempts(url).add(ATTEMPT)):
        with pytest.raises(
            StoreError, match=r"a newer CaseSim has written it \(layout 999; this one reads up to 6\)\. Install"
        ):
            use()
    assert file.read_bytes() == before


def test_a_newer_database_of_postgresql_is_refused_too(postgres):
    url = postgres.new_url()
    Attempts(url).add(ATTEMPT)
    run(url, f"UPDATE {VERSIONS} SET version_num = '999';\n")
    with pytest.raises(StoreError, match="a newer CaseSim has written it"):
        Attempts(url).of("tttt", "some-case")


def test_tables_of_another_program_are_refused_and_nothing_is_changed(url):
    """The fault shows in the second migration: the first one is taken back with it."""
    run(url, "CREATE TABLE incidents (id INTEGER NOT NULL, title TEXT);\nINSERT INTO incidents VALUES (1, 'theirs');\n")
    for _ in range(2):
        with pytest.raises(StoreError, match="has a table “incidents” of another program"):
            Attempts(url).of("any", "any")
    assert names(url) == ["incidents"]


def test_a_start_with_a_database_that_is_up_to_date_imports_neither_alembic_nor_psycopg(tmp_path):
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    Attempts(url).add(ATTEMPT)
    code = """import sys
from simulator.app.store.attempts import Attempts
print(len(Attempts(sys.argv[1]).of("tttt", "some-case")), {"alembic", "mako", "psycopg"} & set(sys.modules))"""
    command = [sys.executable, "-c", code, url]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=True, stdout=-1, text=True).stdout == "1 set()\n"


@pytest.fixture(scope="module")
def six():
    """Six processes, each a server of its own."""
    with crew(6) as processes:
        yield processes


@pytest.mark.parametrize("script", ["", FIRST, FIRST + SECOND], ids=["new", "attempts", "attempts and incidents"])
def test_six_servers_that_start_at_once_all_succeed(script, url, six):
    run(url, script)
    assert six.all_do(["opened", url]) == ["opened"] * 6
    assert Attempts(url).of("tttt", "some-case") == ([ATTEMPT] if script else [])
    assert layout(url) == LAYOUTS[-1]


def test_threads_of_one_server_open_a_new_database_at_once(url):
    stores = [Attempts(url), Incidents(url)] * 2 + [Attempts(url) for _ in range(4)]
    with ThreadPoolExecutor(len(stores)) as threads:
        opened = threads.map(lambda one: one.get("any") if isinstance(one, Incidents) else one.of("any", "any"), stores)
        assert list(opened) == [[], None] * 2 + [[]] * 4


def test_a_server_that_is_killed_in_a_migration_leaves_the_database_as_it_was(url):
    """The migrations are one transaction: the next server does all of them."""
    run(url, FIRST + SECOND)
    words = "DROP TABLE incidents" if url.startswith("sqlite") else "ALTER TABLE incidents ALTER COLUMN secret TYPE"
    with crew(1) as processes, pytest.raises((EOFError, ConnectionResetError)):
        processes.all_do(["killed", url, words])
    assert sorted(names(url)) == ["attempts", "incident_actions", "incidents"]
    assert Attempts(url).of("tttt", "some-case") == [ATTEMPT]
    hidden = Incidents(url).get("i1").hidden
    assert hidden == Hidden(7, "overload", salt=hidden.salt)
    assert layout(url) == LAYOUTS[-1]
