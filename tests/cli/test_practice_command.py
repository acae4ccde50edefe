"""`casesim practice`: a file carries all of a visitor elsewhere, and data are deleted only where that is asked for."""

import json

import pytest

from simulator.app.store.attempts import Attempts
from simulator.app.store.incident_log import Incidents
from simulator.app.store.session_log import SessionLog
from simulator.session.session_events import AssumptionWritten
from tests.app.store_worker import attempt

OWNER, OTHER = "o" * 22, "p" * 22


@pytest.fixture
def log(tmp_path, monkeypatch):
    """A database of its own for the command."""
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    monkeypatch.setenv("CASESIM_DATABASE", url)
    return SessionLog(url)


def filled(log, owner):
    session = log.begin(owner, "retry-storm", 1, "0123456789ab")
    log.append(session.id, "candidate", AssumptionWritten(text="Nobody reads at night"))
    log.end(session.id)
    Attempts(log.url).add(attempt(owner, "job1"))
    incidents = Incidents(log.url)
    name = incidents.begin("production-drift", 1, "0123456789ab", owner=owner)
    incidents.add(name, 0, {"kind": "wait"})
    incidents.reveal(name)
    return session.id, name


def test_a_file_carries_everything_to_another_visitor_and_elsewhere(log, casesim, tmp_path, monkeypatch):
    ids, file = filled(log, OWNER), tmp_path / "all.json"
    ended = casesim("practice", "export", file)
    assert (ended.status, ended.out) == (0, f"{file}: written\n")
    assert OWNER not in file.read_text(encoding="utf-8")
    monkeypatch.setenv("CASESIM_DATABASE", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    ended = casesim("practice", "import", file, "--visitor", OTHER)
    assert (ended.status, ended.out) == (0, f"{file}: 4 new entries\n")  # two events, an action and an attempt
    assert casesim("practice", "import", file, "--visitor", OTHER).out == f"{file}: 0 new entries\n"
    rows = json.loads(casesim("practice", "list", "--json").out)
    assert {(row["id"], row["kind"], row["ended"], row["events"]) for row in rows} == {
        (ids[0], "session", True, 2),
        (ids[1], "incident", True, 1),
    }
    again = tmp_path / "again.json"
    casesim("practice", "export", again)
    assert again.read_bytes() == file.read_bytes()


def test_the_list_is_a_table_of_sessions_and_incidents(log, casesim):
    session, incident = filled(log, OWNER)
    out = casesim("practice", "list").out
    assert out.count("\n") == 3
    assert session in out
    assert incident in out
    assert "retry-storm" in out


def test_nothing_is_deleted_without_a_yes_and_all_of_it_with_one(log, casesim, tmp_path):
    filled(log, OWNER)
    filled(log, OTHER)
    refused = casesim("practice", "delete", "--visitor", OWNER)
    assert refused.status == 2
    assert f"--yes deletes 1 session, 1 incident and every run of the visitor {OWNER}" in refused.err
    assert len(log.sessions_of(OWNER)) == 1
    ended = casesim("practice", "delete", "--visitor", OWNER, "--yes")
    assert ended.status == 0
    assert OWNER.encode() not in (tmp_path / "kept.db").read_bytes()
    assert log.visitors() == [OTHER]


def test_the_visitor_may_be_left_out_only_where_there_is_one(log, casesim):
    ended = casesim("practice", "list")
    assert ended.status == 2
    assert "no visitor yet" in ended.err
    filled(log, OWNER)
    assert casesim("practice", "list").status == 0
    filled(log, OTHER)
    ended = casesim("practice", "list")
    assert ended.status == 2
    assert OWNER in ended.err
    assert OTHER in ended.err


@pytest.mark.parametrize("name", ["", "short", "a b" * 10, "x" * 65, "../" * 8])
def test_an_id_that_cannot_be_one_is_refused(log, casesim, name):
    ended = casesim("practice", "delete", "--visitor", name, "--yes")
    assert ended.status == 2
    assert "copy the id from the page You" in ended.err


def test_a_file_that_is_no_export_gives_a_sentence(log, casesim, tmp_path):
    filled(log, OWNER)
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[]", encoding="utf-8")
    ended = casesim("practice", "import", wrong)
    assert ended.status == 2
    assert "no sessions that this CaseSim can read" in ended.err
    missing = casesim("practice", "import", tmp_path / "missing.json")
    assert missing.status == 2
    assert "missing.json" in missing.err
