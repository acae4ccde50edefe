"""A session on servers that die and on servers side by side: what a page has shown is in the log, on both databases."""

import random
import time

import pytest

from simulator.app.store.session_log import SessionLog
from simulator.session.session_events import AssumptionWritten
from tests.app.conftest import postgres  # noqa: F401 - the server of the tests
from tests.browser.screen import patient, settle, until
from tests.browser.serving import free_port, served, started
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.browser, pytest.mark.long]

KILLS = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'sessions.db'}"
    return request.getfixturevalue("postgres").new_url()


def begun(page, address):
    page.goto(f"{address}/session?case=production-drift")
    settle(page)
    page.get_by_role("button", name="Begin", exact=True).click()
    page.get_by_role("timer").wait_for()
    settle(page)
    return page.url


def assumes(page, words):
    field = page.get_by_role("textbox", name="An assumption of your own")
    field.fill(words)
    field.press("Enter")


def shown(page, words):
    return page.get_by_role("listitem").filter(has_text=words).count() > 0


def kept(url, link):
    session = link.partition("session=")[2].partition("&")[0]
    return [one.event.text for one in SessionLog(url).events_after(session) if isinstance(one.event, AssumptionWritten)]


def test_no_event_that_the_page_has_shown_is_lost_in_twenty_kills(browser, url, tmp_path):
    port, rng = free_port(), random.Random(1)
    start = lambda: started(tmp_path, port, CASESIM_DATABASE=url)  # noqa: E731
    server, page = start(), patient(browser.new_page())
    link, confirmed = begun(page, f"http://127.0.0.1:{port}"), []
    try:
        for kill in range(KILLS):
            words = f"assumption number {kill:02}"
            assumes(page, words)
            deadline = time.monotonic() + rng.uniform(0.05, 1.5)
            while time.monotonic() < deadline:
                if shown(page, words):
                    confirmed.append(words)
                    break
                page.wait_for_timeout(20)
            server.kill()
            server.wait(timeout=PATIENCE_S)
            assert set(confirmed) <= set(kept(url, link))
            server = start()
            page.goto(link)
            settle(page)
            page.get_by_role("timer").wait_for()
            assert all(shown(page, one) for one in confirmed)
    finally:
        server.kill()
        page.close()
    assert len(confirmed) >= KILLS // 4
    found = kept(url, link)
    print(f"{len(confirmed)} confirmed, {len(found)} found")
    assert len(found) == len(set(found))


def test_two_processes_of_the_app_on_one_postgresql_serve_one_session(browser, request, tmp_path_factory):
    url = request.getfixturevalue("postgres").new_url()
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    with served(folders[0], CASESIM_DATABASE=url) as first, served(folders[1], CASESIM_DATABASE=url) as second:
        page, other = patient(browser.new_page()), patient(browser.new_page())
        link = begun(page, first)
        other.goto(link.replace(first, second))
        settle(other)
        for number in range(3):
            assumes(page, f"first {number}")
            assumes(other, f"second {number}")  # behind an event that this page has not seen
            until(page, lambda number=number: len(kept(url, link)) == 2 * number + 2)
        for one in (page, other):
            one.reload()
            settle(one)
            assert all(shown(one, f"{side} {number}") for side in ("first", "second") for number in range(3))
        assert len(kept(url, link)) == 6
        page.close()
        other.close()
