"""Attempts come back as they were kept, to whoever made them, also from another process's connection; or a sentence does."""

import math
from dataclasses import replace

import pytest

from simulator.app.store.attempts import Attempt, Attempts, Reached
from simulator.app.store.faults import StoreError

ATTEMPT = Attempt(
    trail="a" * 22,
    case="skin-cancer-triage",
    version=3,
    scenario_hash="0123456789ab",
    job="job000000001",
    picks={"replicas": 4, "operating_point": 0.995, "reading": "cochrane"},
    strikes={"news": 100.0},
    seed=2**31 - 1,
    replications=20,
    run_hash="ba9876543210",
    reached=[Reached("sensitivity", 0.97, "met", "97.0%"), Reached("wait_p95_s", None, "no figure", "no steady state")],
    at=1000.0,
)


def test_an_attempt_comes_back_as_it_was_also_after_a_restart(url):
    Attempts(url).add(ATTEMPT)
    assert Attempts(url).of(ATTEMPT.trail, ATTEMPT.case) == [ATTEMPT]


def test_each_person_and_each_case_has_its_own_in_order_of_time(url):
    kept = Attempts(url)
    later, other = replace(ATTEMPT, job="job2", at=2000.0), replace(ATTEMPT, trail="b" * 22)
    elsewhere = replace(ATTEMPT, case="retry-storm")
    for one in (later, other, elsewhere, ATTEMPT):
        kept.add(one)
    assert kept.of(ATTEMPT.trail, ATTEMPT.case) == [ATTEMPT, later]
    assert kept.of(other.trail, ATTEMPT.case) == [other]
    assert kept.of("c" * 22, ATTEMPT.case) == []


def test_the_same_run_is_kept_once_where_it_was(url):
    kept = Attempts(url)
    kept.add(ATTEMPT)
    kept.add(replace(ATTEMPT, at=5000.0))
    assert kept.of(ATTEMPT.trail, ATTEMPT.case) == [ATTEMPT]


def test_one_attempt_of_a_case_at_most_is_starred(url):
    kept = Attempts(url)
    runs = [replace(ATTEMPT, job=f"job{number}", at=float(number)) for number in range(3)]
    others = replace(ATTEMPT, case="retry-storm", starred=True)
    for one in (*runs, others):
        kept.add(one)
    for starred in ("job1", "job2", None):
        kept.star(ATTEMPT.trail, ATTEMPT.case, starred)
        found = [one.job for one in kept.of(ATTEMPT.trail, ATTEMPT.case) if one.starred]
        assert found == ([starred] if starred else [])
    assert kept.of(ATTEMPT.trail, "retry-storm")[0].starred


def test_values_of_every_size_come_back_from_either_database(url):
    """PostgreSQL's own columns for JSON, 32 bits and 100 letters would refuse each of these."""
    kept = Attempts(url)
    odd = replace(
        ATTEMPT,
        case="c" * 150,
        version=2**62,
        seed=2**63 - 1,
        picks={"text": 'nul \0, half a pair \ud800, é, 😀, "\\u0000"', "large": 2**200},
        strikes={"minus": -math.inf, "most": 1.7976931348623157e308, "least": 5e-324},
        reached=[Reached("ratio", math.inf, "met", "\0")],
    )
    kept.add(odd)
    assert kept.of(odd.trail, odd.case) == [odd]
    kept.add(replace(odd, case="none", reached=[Reached("ratio", math.nan, "no figure", "")]))
    assert math.isnan(kept.of(odd.trail, "none")[0].reached[0].value)


def test_names_that_a_database_cannot_hold_are_unknown(url):
    kept = Attempts(url)
    kept.add(replace(ATTEMPT, case="zero\0"))
    assert kept.of(ATTEMPT.trail, "zero") == kept.of(ATTEMPT.trail, "half\ud800") == []
    assert [one.job for one in kept.of(ATTEMPT.trail, "zero\0")] == [ATTEMPT.job]


def test_a_number_past_64_bits_gives_a_sentence(url):
    kept = Attempts(url)
    with pytest.raises(StoreError, match=r"a number has more than 64 bits|bigint out of range"):
        kept.add(replace(ATTEMPT, version=2**63))
    kept.add(ATTEMPT)
    assert kept.of(ATTEMPT.trail, ATTEMPT.case) == [ATTEMPT]


def broken(tmp_path):
    file = tmp_path / "broken.db"
    file.write_text("This is no database. " * 100)
    return f"sqlite:///{file}"


def read_only(tmp_path):
    file = tmp_path / "kept.db"
    Attempts(f"sqlite:///{file}").of("a", "b")
    return f"sqlite:///file:{file}?mode=ro&uri=true"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (broken, "not a database"),
        (read_only, "readonly database"),
        (lambda tmp_path: f"sqlite:///{tmp_path / 'nowhere' / 'kept.db'}", "unable to open database file"),
        (lambda _: "nonsense", "no URL of a database"),
        (lambda _: "oracle9://scott:tiger@host/db", "oracle9"),
    ],
)
def test_a_database_that_cannot_be_used_gives_a_sentence(url, words, tmp_path):
    with pytest.raises(StoreError) as caught:
        Attempts(url(tmp_path)).add(ATTEMPT)
    assert words in str(caught.value)
    assert "CASESIM_DATABASE" in str(caught.value)
    assert "tiger" not in str(caught.value)


def test_what_can_only_be_read_is_read(tmp_path):
    Attempts(f"sqlite:///{tmp_path / 'kept.db'}").add(ATTEMPT)
    assert Attempts(read_only(tmp_path)).of(ATTEMPT.trail, ATTEMPT.case) == [ATTEMPT]


def test_the_environment_names_another_database(monkeypatch, url):
    monkeypatch.setenv("CASESIM_DATABASE", url)
    assert Attempts().url == url
