"""A trail opens what a browser has done; only a cookie that a server of the database has made holds one."""

import pytest
from sqlalchemy import select

from simulator.app import trails as shown
from simulator.app.store.attempts import Attempts
from simulator.app.store.drawn_secrets import TrailStore
from simulator.app.store.faults import StoreError
from simulator.app.store.session_log import SessionLog
from simulator.app.store.session_rows import SESSIONS
from simulator.app.trails import COOKIE, Trails, new_trail
from tests.app.store_worker import attempt

OLD = "old-visitor_" + "v" * 10


def test_servers_of_one_database_share_a_key_and_others_have_their_own(url, tmp_path):
    first, second = TrailStore(url).key(), TrailStore(url).key()
    assert first == second
    assert len(first[0]) == 32
    assert TrailStore(f"sqlite:///{tmp_path / 'other.db'}").key()[0] != first[0]
    assert SessionLog(url).visitors() == []


def cookies(trails, trail):
    return {trails.key.cookie: trails.key.signed(trail)}


@pytest.fixture
def trails(tmp_path):
    return Trails(TrailStore(f"sqlite:///{tmp_path / 'trails.db'}"))


def test_a_cookie_of_the_server_holds_its_trail(trails):
    trail = new_trail()
    assert trails.of(cookies(trails, trail)) == trails.issued(cookies(trails, trail)) == trail
    assert trails.key.cookie.startswith(f"{COOKIE}_")


def test_no_other_value_holds_one(trails, tmp_path):
    mine, yours = new_trail(), new_trail()
    other = Trails(TrailStore(f"sqlite:///{tmp_path / 'other.db'}"))
    signature = trails.key.signed(mine).partition(".")[2]
    forged = [
        mine, f"{mine}.", f"{yours}.{signature}", f"{mine}.{signature}x", f"{mine}.{signature[:-1]}", f"{mine}.{signature}=",
        f"{mine[:-1]}.{signature}", other.key.signed(mine), "a" * 20, "", ".", "\xff" * 40, "x" * 30_000,
    ]  # fmt: skip
    for value in forged:
        assert trails.of({trails.key.cookie: value}) is None, value
        assert trails.of({COOKIE: value}) is None, value
    assert trails.of(cookies(other, mine)) is None
    assert trails.of({}) is None


def test_a_trail_of_an_earlier_version_counts_if_the_database_held_it_before_its_key(url):
    log, attempts = SessionLog(url), Attempts(url)
    log.begin(OLD, "some-case", 1, "0" * 12)
    attempts.add(attempt(f"{OLD}2", "job"))
    trails = Trails(TrailStore(url))
    assert trails.key.since > 0
    log.begin(f"{OLD}3", "some-case", 1, "0" * 12)
    attempts.add(attempt(f"{OLD}4", "job", at=trails.key.since + 1))
    assert [trails.of({COOKIE: f"{OLD}{suffix}"}) for suffix in ("", "2", "3", "4")] == [OLD, f"{OLD}2", None, None]


def test_a_name_over_https_hides_a_cookie_that_another_host_has_planted(trails):
    mine, planted = new_trail(), new_trail()
    both = cookies(trails, planted) | {f"__Host-{trails.key.cookie}": trails.key.signed(mine)}
    assert trails.of(both) == mine
    assert trails.issued(both, https=True) == mine
    assert trails.issued(cookies(trails, planted), https=True) is None


def test_many_trails_take_no_place_in_the_database(trails):
    for _ in range(200):
        assert trails.of(cookies(trails, new_trail()))
    with trails._store._connected() as connection:
        assert len(connection.execute(select(SESSIONS.c.id)).fetchall()) == 1  # the key


def test_a_visitor_without_a_cookie_costs_no_look_up():
    assert Trails(store=None).of({"casesim_browser": "0a" * 32}) is None


def test_a_database_that_cannot_be_used_is_asked_again_after_a_while(monkeypatch):
    asked, now = [], [100.0]

    class Broken:
        def key(self):
            asked.append(now[0])
            raise StoreError("no connection")

    monkeypatch.setattr(shown, "monotonic", lambda: now[0])
    trails = Trails(Broken())
    for now[0] in (100.0, 101.0, 109.0, 111.0):
        with pytest.raises(StoreError, match="no connection"):
            trails.of({COOKIE: OLD})
    assert asked == [100.0, 111.0]
