"""Who counts as a person at the machine: neither a proxy nor a page whose name leads to this machine."""

from types import SimpleNamespace

import pytest

from simulator.app import visitors as visitor

ALONE = {"server.address": "localhost", "server.allowedHosts": ["localhost", "127.0.0.1", "::1"]}


@pytest.fixture
def looked_at(monkeypatch):
    """Has a page be looked at from somewhere."""

    def look(host="localhost:8501", ip=None, token=None, **options):
        seen = SimpleNamespace(headers={"Host": host}, ip_address=ip, cookies={visitor.COOKIE: token} if token else {})
        served = ALONE | {f"server.{name}": value for name, value in options.items()}
        monkeypatch.setattr(visitor, "st", SimpleNamespace(context=seen, get_option=served.get))

    return look


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST"])
def test_a_person_at_the_machine(host, looked_at):
    looked_at(host)
    assert visitor.at_the_machine()


ELSEWHERE = {
    "another address": {"ip": "10.0.0.7"},
    "a name that leads here": {"host": "evil.example"},
    "no name": {"host": ""},
    "a server for others": {"address": "0.0.0.0"},
    "a server behind a proxy": {"allowedHosts": ["localhost", "class.example"]},
}


@pytest.mark.parametrize("how", ELSEWHERE.values(), ids=ELSEWHERE)
def test_everybody_else(how, looked_at):
    looked_at(**how)
    assert not visitor.at_the_machine()


@pytest.mark.parametrize(("cases", "is_author"), [("/cases", True), ("", False), (None, False)])
def test_an_author_sits_at_a_server_that_was_started_with_cases(cases, is_author, looked_at, monkeypatch):
    monkeypatch.delenv("CASESIM_CASES", raising=False)
    if cases is not None:
        monkeypatch.setenv("CASESIM_CASES", cases)
    looked_at()
    assert visitor.is_author() == is_author


@pytest.mark.parametrize("how", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_visitor_from_elsewhere_is_no_author(how, looked_at, monkeypatch):
    monkeypatch.setenv("CASESIM_CASES", "/cases")
    looked_at(**how)
    assert not visitor.is_author()


def test_a_browser_is_known_by_a_token_that_a_server_gave(looked_at):
    looked_at(token="0a" * 32)
    assert visitor.browser() == "0a" * 32
    for token in (None, "x", "0A" * 32, "0a" * 33):
        looked_at(token=token)
        assert visitor.browser() is None
