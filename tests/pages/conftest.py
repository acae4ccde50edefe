"""The app under Streamlit's test driver, from its entry script."""

import json
import sys
from time import monotonic, sleep

import pytest
from streamlit.testing.v1 import AppTest

from simulator.app.jobs import registry
from simulator.paths import APP, PAGES


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """Puts `__main__` back, which the driver replaces by the page: a process spawned later would run the page again."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def at_the_machine(monkeypatch):
    """Whoever looks is at the machine: the driver has no browser that could say so."""
    monkeypatch.setattr("simulator.app.visitors.at_the_machine", lambda: True)


@pytest.fixture(autouse=True)
def nothing_goes_on():
    """What a page has begun goes on for nobody once its test has ended, and takes no processor from the next."""
    yield
    if registry.cache_info().currsize:
        for job in [*registry()._jobs.values()]:
            job.cancel()


@pytest.fixture
def app():
    """The app at its first page."""
    return AppTest.from_file(APP, default_timeout=60).run()


@pytest.fixture
def practice():
    """Opens the practice page at an address; few replications unless the address says how many."""

    def open_page(**address):
        page = AppTest.from_file(APP, default_timeout=60).run()
        page.switch_page(str(PAGES / "practice.py"))
        for name, value in ({"replications": "2"} | address).items():
            page.query_params[name] = value
        return page.run()

    return open_page


def settled(page):
    """Look again until the run of the design has come to its end."""
    deadline = monotonic() + 240
    while page.get("progress"):
        assert monotonic() < deadline
        sleep(0.1)
        page.run()
    return page


def chips(page):
    """The objectives in the bar, by label."""
    [bar] = [part.proto for part in page.get("bidi_component") if part.proto.component_name == "verdicts"]
    return {chip["label"]: chip for chip in json.loads(bar.json)["chips"]}


def said(page):
    """Everything that a page says in words."""
    kinds = ("title", "subheader", "markdown", "caption", "warning", "error", "info")
    return "\n".join(str(element.value) for kind in kinds for element in page.get(kind))


def told(page):
    """The same, with the marks that keep text from being read as markdown taken away."""
    return said(page).replace("\\", "")
