"""The app on a free port, and an installed browser that is watched: it may talk to this machine only."""

import os
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from simulator.app.store.incident_log import Incidents
from tests.browser.screen import settle
from tests.browser.serving import ARGS, installed, served
from tests.browser.visiting import Visitors
from tests.patience import PATIENCE_MS
from tests.test_docs import FIRST_CASE
from tests.tradeoffs.test_capacity import QUEUE

# Nothing is said of speed here: a busy machine may take as long for what is expected as for a click.
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser():
    """An installed Chromium or Chrome; CASESIM_CHROME names one, CASESIM_REQUIRE_BROWSER=1 makes its absence a failure."""
    found = installed()
    if found is None:
        missing = "no Chromium or Chrome is installed; name one in CASESIM_CHROME"
        (pytest.fail if os.environ.get("CASESIM_REQUIRE_BROWSER") == "1" else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _visitors(browser):
    return Visitors(browser)


@pytest.fixture
def newcomer(_visitors):
    """Opens an empty page for a new visitor: `newcomer(viewport=..., color_scheme=...)`."""
    with _visitors.group() as come:
        yield come


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """The database in which the app keeps its incidents."""
    return Incidents(f"sqlite:///{tmp_path_factory.mktemp('kept') / 'kept.db'}")


@pytest.fixture(scope="session")
def app(store, tmp_path_factory):
    """The address of the app, served by a process of its own."""
    with served(tmp_path_factory.mktemp("app"), CASESIM_DATABASE=store.url) as address:
        yield address


@pytest.fixture(scope="session")
def own_cases(tmp_path_factory):
    """A folder of one's own cases: the first one of the guide, a queue with readers, and a broken one."""
    folder = tmp_path_factory.mktemp("cases")
    (folder / "parcel-check.yaml").write_text(FIRST_CASE, encoding="utf-8")
    (folder / "queue.yaml").write_text(QUEUE.replace("BOUND", "120").replace("days: 2", "days: 0.2"), encoding="utf-8")
    (folder / "worse.yaml").write_text("id: worse\nstages: [", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def authors_app(own_cases, tmp_path_factory):
    """The address of the app with those cases in front, which keeps no sweep of others."""
    home = tmp_path_factory.mktemp("app")
    own = {"XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    with served(home, CASESIM_CASES=str(own_cases), **own) as address:
        yield address


@pytest.fixture
def visit(_visitors, app):
    """Opens a page of the app as a new visitor. At the end no visitor may have met an error or left this machine."""
    errors, strangers = [], []

    def open_page(path="", **context):
        page = come(**context)
        page.on("console", lambda message: errors.append(message.text) if ours(message) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: strangers.append(request.url) if leaves(request.url) else None)
        page.on("websocket", lambda channel: strangers.append(channel.url) if leaves(channel.url) else None)
        page.goto(path if path.startswith(app) else f"{app}/{path}")
        settle(page)
        return page

    with _visitors.group() as come:
        yield open_page
    assert strangers == []
    assert errors == []


def leaves(url):
    """Whether a request goes to another machine."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in {"127.0.0.1", "localhost"}


def ours(message):
    """Whether a console message is an error of the app; below a page's address Streamlit looks for its server in vain."""
    return message.type == "error" and "/_stcore/" not in message.location["url"]
