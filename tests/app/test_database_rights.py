"""The file with the secrets of incidents is for its owner alone, under every umask and after every older version."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from simulator.app.store import database
from simulator.app.store.attempts import Attempts
from simulator.app.store.incident_log import Incidents

pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system has no rights of the group and of others")


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def own(monkeypatch, tmp_path):
    """The user's own database, which is not there yet."""
    path = tmp_path / "share" / "casesim" / "casesim.db"
    monkeypatch.setattr(database, "DATABASE", path)
    monkeypatch.delenv("CASESIM_DATABASE")
    return path


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_users_own_database_and_its_folder_are_made_for_the_owner_alone(umask, own):
    Incidents().begin("production-drift", 1, "0123456789ab")
    assert rights(own) == 0o600
    assert rights(own.parent) == 0o700
    assert rights(own.parent.parent) == 0o777 & ~umask  # other programs' data lie there too


def test_a_database_and_a_folder_of_an_older_version_lose_the_rights_of_others(umask, own):
    own.parent.mkdir(parents=True, mode=0o777)
    own.parent.chmod(0o755)
    sqlite3.connect(own).close()
    own.touch()
    own.chmod(0o644)
    own.with_name("casesim.db-wal").touch(0o666)
    Attempts().of("anyone", "nothing")
    assert (rights(own.parent), rights(own)) == (0o700, 0o600)
    assert not own.with_name("casesim.db-wal").exists() or rights(own.with_name("casesim.db-wal")) & 0o077 == 0


def test_a_database_elsewhere_is_private_too_and_its_folder_stays_as_it_is(umask, tmp_path):
    tmp_path.chmod(0o755)
    Incidents(f"sqlite:///{tmp_path / 'class.db'}").begin("production-drift", 1, "0123456789ab")
    assert rights(tmp_path / "class.db") == 0o600
    assert rights(tmp_path) == 0o755


@pytest.mark.parametrize(("mode", "ending"), [("DELETE", "-journal"), ("WAL", "-wal")])
def test_files_that_sqlite_makes_beside_it_have_its_rights(mode, ending, umask, own):
    Attempts().of("anyone", "nothing")
    with sqlite3.connect(own, isolation_level=None) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE more (x)")
        connection.execute("INSERT INTO more VALUES (1)")
        assert rights(Path(f"{own}{ending}")) == 0o600
        connection.execute("COMMIT")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_without_a_file_makes_none(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Incidents(url).begin("production-drift", 1, "0123456789ab")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_changed_is_read_all_the_same(own, monkeypatch):
    Attempts().of("anyone", "nothing")
    own.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", lambda *_: (_ for _ in ()).throw(PermissionError))
    assert Attempts().of("anyone", "nothing") == []
