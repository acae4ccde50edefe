"""The app under Streamlit's test driver, from its entry script."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from time import monotonic, sleep

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import HeadingBase

from simulator.app import workers
from simulator.app.jobs import registry
from simulator.app.own_sessions import attempts, session_log
from simulator.incident.sessions import games
from simulator.paths import APP, PAGES
from tests.patience import PATIENCE_S

_OF_PROCESSES = workers._spawned


@pytest.fixture(autouse=True)
def at_the_machine(monkeypatch):
    """Whoever looks is at the machine: the driver has no browser that could say so."""
    monkeypatch.setattr("simulator.app.visitors.at_the_machine", lambda: True)


@pytest.fixture(scope="package", autouse=True)
def no_processes():
    """Runs of the default tests have threads: two processes a worker take seconds to start.

    It holds between the tests too, when the next piece of a study that was not waited for begins.
    """
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("CASESIM_LONG") != "1":
            patch.setattr("simulator.app.workers._spawned", lambda: ThreadPoolExecutor(1))
        yield


@pytest.fixture
def processes(monkeypatch):
    """Runs of this test have processes, in the default tests too: some are killed."""
    monkeypatch.setattr(workers, "_spawned", _OF_PROCESSES)
    registry.cache_clear()
    yield
    registry().workers.stop()
    registry.cache_clear()


@pytest.fixture(autouse=True)
def own_studies(monkeypatch, tmp_path):
    """Notes of begun studies lie apart from those of the person who runs the tests."""
    monkeypatch.setattr("simulator.paths.STUDIES", tmp_path / "studies")


@pytest.fixture(autouse=True)
def stores_of_this_test():
    """A page opens its database once a process; the next test may name another one."""
    yield
    for store in (attempts, session_log, games):
        store.cache_clear()


@pytest.fixture(autouse=True)
def nothing_goes_on():
    """What a page has begun goes on for nobody once its test has ended, and takes no processor from the next."""
    yield
    if registry.cache_info().currsize:
        for job in [*registry()._jobs.values()]:
            job.cancel()


@pytest.fixture(autouse=True)
def pages_stay_known(monkeypatch):
    """A server knows its pages from one run to the next; the driver forgets them where a run draws a few fragments alone."""
    known = {}
    pages, resolve = PagesManager.get_pages, PagesManager.set_pages_and_resolve

    def resolved(manager, found, *args, **options):
        known.update(found)
        return resolve(manager, found, *args, **options)

    monkeypatch.setattr(PagesManager, "set_pages_and_resolve", resolved)
    monkeypatch.setattr(PagesManager, "get_pages", lambda manager: {**known, **pages(manager)})


@pytest.fixture
def app():
    """The app at its first page."""
    return AppTest.from_file(APP, default_timeout=PATIENCE_S).run()


def opened(script, **address):
    """Open a page at an address, not by way of the first page, whose run would go on beside it."""
    return moved(AppTest.from_file(APP, default_timeout=PATIENCE_S), script, **address)


def moved(page, script, **address):
    """Move to a page at an address; before its first run the driver only finds pages whose address is their file's name."""
    page.switch_page(str(PAGES / f"{script}.py"))
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    assert jumps(page) == []
    return page


def jumps(page):
    """The headings of a page that lie more than one level below the heading before them; the first is the title."""
    headings = [(int(one.tag[1]), one.value) for one in page.main if isinstance(one, HeadingBase)]
    headings += [(9, one.value) for one in page.markdown if one.value.startswith("#")]  # whatever is before it
    return [words for (before, _), (level, words) in pairwise([(0, ""), *headings]) if level > before + 1]


@pytest.fixture
def practice():
    """Opens the practice page at an address; with two replications unless the address has another number."""
    return lambda **address: opened("practice", **({"replications": "2"} | address))


@pytest.fixture(scope="module")
def _default_designs():
    return {}


@pytest.fixture
def default_design(practice, _default_designs):
    """Opens the practice page once a case and module, with the run of the default design; for tests that only look."""

    def look(case):
        if case not in _default_designs:
            _default_designs[case] = settled(practice(case=case))
        return _default_designs[case]

    return look


def settled(page):
    """Look again until the run of the design has come to its end; seldom, as each look takes processor time from it."""
    deadline = monotonic() + 240
    if not page.title:  # after a change that drew a few fragments alone, the driver has those alone
        page.run()
    while runs(page) or page.get("progress"):
        assert monotonic() < deadline
        next_look = monotonic() + 1
        while monotonic() < next_look and any(job.running for job in [*registry()._jobs.values()]):
            sleep(0.02)
        page.run()
    return page


def bar(page):
    """Content of the bar of the verdicts; empty where there is none."""
    return content(page, "verdicts")


def content(page, component):
    """What a component shows; empty where it is not there."""
    found = [part.proto for part in page.get("bidi_component") if part.proto.component_name == component]
    return json.loads(found[0].json) if found else {}


def runs(page):
    """Whether the run of the design goes on."""
    return bar(page).get("share") is not None


def chips(page):
    """The objectives in the bar, by label."""
    return {chip["label"]: chip for chip in bar(page)["chips"]}


def said(page):
    """Everything that a page says in words."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "warning", "error", "info")
    words = [str(element.value) for kind in kinds for element in page.get(kind)]
    cards = [
        " ".join([f"**{card['label']}**", card["sentence"], *(words for _, words in card["split"]), card["rest"], advice])
        for card in content(page, "reasons").get("cards", [])
        for advice in [card.get("advice", "")]
    ]
    return "\n".join([*words, bar(page).get("words", ""), *cards])


def told(page):
    """The same, with the marks that keep text from being read as markdown taken away."""
    return said(page).replace("\\", "")
