"""An incident is found by its id from anywhere, its actions in order; id and secret tell nothing of each other."""

import hashlib
import hmac
import json
import re
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import NullPool, create_engine, text

from simulator.app.store.address import parsed
from simulator.app.store.attempts import Attempts
from simulator.app.store.faults import StoreError
from simulator.app.store.incident_log import Hidden, Incidents, KeyFaultError
from simulator.app.store.session_rows import OvertakenError

WAIT, LOOK = {"kind": "wait", "hours": None}, {"kind": "look", "look": "changes"}


@pytest.fixture
def store(url):
    return Incidents(url)


def begun(store, hidden=None):
    return store.begin("production-drift", 1, "0123456789ab", hidden)


def test_an_incident_comes_back_as_it_stands_also_after_a_restart(url, store):
    hidden = Hidden(2**127 + 7, "overload", "gentle")
    name = begun(store, hidden)
    for place, action in enumerate((WAIT, LOOK, WAIT)):
        store.add(name, place, action)
    kept = Incidents(url).get(name)
    assert (kept.case, kept.version, kept.scenario_hash) == ("production-drift", 1, "0123456789ab")
    assert kept.hidden == hidden
    assert kept.actions == [WAIT, LOOK, WAIT]
    assert not kept.revealed
    store.reveal(name)
    assert Incidents(url).get(name).revealed


def test_each_incident_has_its_own_actions(store):
    first, second = begun(store), begun(store)
    store.add(first, 0, WAIT)
    store.reveal(first)
    assert store.get(second).actions == []
    assert not store.get(second).revealed


@pytest.mark.parametrize("name", ["made-up", "zero\0", "half\ud800", "x" * 10_000])
def test_there_is_no_incident_of_an_id_that_was_made_up(name, store):
    assert store.get(name) is None


def test_ids_and_seeds_are_drawn_apart(store):
    """Two incidents of the same seed have different ids, and ids hold as much chance as a password."""
    same = [begun(store, Hidden(5)) for _ in range(2)]
    assert same[0] != same[1]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", name) for name in same)
    seeds = {store.get(begun(store)).hidden.seed for _ in range(20)}
    assert len(seeds) == 20
    assert max(seeds).bit_length() > 100


def test_seed_and_salt_are_text_that_every_reader_of_json_takes_whole():
    hidden = Hidden(2**128 - 1, "overload")
    assert json.loads(json.dumps(hidden.stored())) == {
        "seed": "f" * 32,
        "cause": "overload",
        "shape": None,
        "salt": hidden.salt,
    }
    assert re.fullmatch("[0-9a-f]{32}", hidden.salt)
    assert Hidden.of(hidden.stored()) == hidden


def test_an_incident_of_an_older_version_opens_and_gets_a_salt_that_stays(url, store):
    """Before, the row held the seed as a number and no salt."""
    name = begun(store)
    with create_engine(parsed(url), poolclass=NullPool).begin() as connection:
        before = {"secret": '{"seed": 7, "cause": null, "shape": "gentle"}'}
        connection.execute(text("UPDATE case_sessions SET secret = :secret"), before)
    first = store.get(name).hidden
    assert (first.seed, first.cause, first.shape) == (7, None, "gentle")
    assert re.fullmatch("[0-9a-f]{32}", first.salt)
    assert Incidents(url).get(name).hidden == first


def test_of_two_who_act_at_once_the_second_is_told_and_nothing_is_lost(store):
    name = begun(store)
    store.add(name, 0, WAIT)
    with pytest.raises(OvertakenError):
        store.add(name, 0, LOOK)
    assert store.get(name).actions == [WAIT]


def test_a_database_that_cannot_be_used_gives_a_sentence(tmp_path):
    with pytest.raises(StoreError, match="CASESIM_DATABASE"):
        begun(Incidents(f"sqlite:///{tmp_path / 'nowhere' / 'kept.db'}"))


def test_a_database_of_before_gets_the_new_tables(url, store):
    assert Attempts(url).of("nobody", "nothing") == []
    assert store.get(begun(store)).actions == []


def test_ratings_stand_in_the_log_behind_the_actions_and_the_latest_counts(url, store):
    name = begun(store)
    store.add(name, 0, WAIT)
    store.reveal(name)
    for signal, level in (("remedy", "weak"), ("cost", "strong"), ("remedy", "very_strong")):
        store.rate(name, signal, level)
    kept = Incidents(url).get(name)
    assert kept.ratings == {"remedy": "very_strong", "cost": "strong"} and kept.actions == [WAIT] and kept.revealed


# The incident of a day

DAY = date(2026, 11, 30)
HASH = "0123456789ab"


def test_all_visitors_of_a_database_share_the_seed_of_a_day_and_no_salt(url, store):
    drawn = [Incidents(url).daily("production-drift", HASH, DAY) for _ in range(3)]
    assert len({one.seed for one in drawn}) == 1 and len({one.salt for one in drawn}) == 3
    assert {one.day for one in drawn} == {"2026-11-30"} and drawn[0].seed.bit_length() > 64
    others = [("production-drift", HASH, date(2026, 12, 1)), ("production-drift", "0" * 12, DAY), ("other", HASH, DAY)]
    seeds = [store.daily(*one).seed for one in others]
    assert len({*seeds, drawn[0].seed}) == 4


def test_without_a_key_no_date_leads_to_the_seed(tmp_path):
    one, other = (Incidents(f"sqlite:///{tmp_path / name}.db").daily("c", HASH, DAY) for name in "ab")
    assert one.seed != other.seed


def test_servers_with_one_key_share_the_day_and_a_short_key_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CASESIM_DAILY_KEY", "k" * 32)
    one, other = (Incidents(f"sqlite:///{tmp_path / name}.db").daily("c", HASH, DAY) for name in "ab")
    digest = hmac.new(b"k" * 32, b"c/0123456789ab/2026-11-30", hashlib.sha256).hexdigest()
    assert one.seed == other.seed == int(digest[:32], 16)
    monkeypatch.setenv("CASESIM_DAILY_KEY", "short")
    with pytest.raises(KeyFaultError, match="CASESIM_DAILY_KEY has 5 characters; it should have 32 or more"):
        Incidents(f"sqlite:///{tmp_path / 'a'}.db").daily("c", HASH, DAY)


def test_closed_incidents_of_a_day_are_those_of_that_day_alone(store):
    shared, today = Hidden(day=f"{datetime.now(UTC).date()}"), f"{datetime.now(UTC).date()}"
    first, open_, own = begun(store, shared), begun(store, shared), begun(store)
    for name in (first, own):
        store.reveal(name)
    assert [one.id for one in store.closed_on("production-drift", today)] == [first] and open_
    assert store.of("") == []


def test_incidents_beside_one_are_those_of_its_visitor(store):
    mine = [store.begin("c", 1, HASH, Hidden(series="r" * 22, place=place), "trail" * 4) for place in (1, 2)]
    store.begin("c", 1, HASH, None, "other" * 4)
    assert {one.id for one in store.beside(mine[0])} == set(mine)
    assert store.beside("made-up") == []
