"""A visitor comes in by a link with the token or by pasting it; nothing else of the server is seen without it."""

import re
from urllib.parse import quote, quote_plus, urlsplit

import pytest

from simulator.paths import ROOT
from tests.browser.conftest import leaves
from tests.browser.screen import settle
from tests.browser.serving import STRICT_APP, served
from tests.browser.test_looks import LOOKS, severe, sticking_out

pytestmark = pytest.mark.browser

TOKEN = "the token of class 7b"
PAGE = "incident?case=production-drift"

#: All addresses that a page has asked for, and the page before it as the browser tells it.
ASKED = "performance.getEntriesByType('resource').map(one => one.name).join() + document.referrer"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def app(folder):
    with served(folder, STRICT_APP, CASESIM_TOKEN=TOKEN, PYTHONPATH=str(ROOT)) as address:
        yield address


@pytest.fixture
def stranger(newcomer):
    """Opens pages as a visitor who has never been here, and asserts that none of them asks another machine."""
    strangers = []

    def come(**look):
        page = newcomer(**look)
        page.on("request", lambda request: strangers.append(request.url) if leaves(request.url) else None)
        return page

    yield come
    assert strangers == []


def asks(page, answer, status=403):
    """Whether the page asks for a token, and holds nothing of the app."""
    assert answer.status == status
    assert page.get_by_role("heading", level=1).inner_text() == "CaseSim needs a token"
    return page.get_by_label("Token").is_visible() and "stApp" not in page.content()


def paste(page, token):
    """Paste a token into the form; the answer."""
    page.get_by_label("Token").fill(token)
    with page.expect_navigation() as went:
        page.get_by_role("button", name="Open CaseSim").click()
    return went.value


def in_the_app(page):
    settle(page)
    assert page.get_by_role("button", name="Take the pager", exact=True).is_visible()
    assert "token" not in page.url
    return True


def test_a_visitor_comes_in_by_a_link_or_by_pasting_and_guesses_have_to_wait(stranger, app, folder):
    ann = stranger()
    ann.goto(f"{app}/{PAGE}&token=the+token+of+class+7b")
    assert in_the_app(ann)
    assert dict(part.split("=") for part in urlsplit(ann.url).query.split("&"))["case"] == "production-drift"
    assert "token=" not in ann.evaluate(ASKED)
    [cookie] = [one for one in ann.context.cookies() if one["name"].startswith("casesim_admission_")]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert TOKEN not in cookie["value"]

    ben = stranger(color_scheme="dark")
    assert asks(ben, ben.goto(f"{app}/{PAGE}&token=this+one+is+not+right"))
    assert ben.get_by_role("alert").inner_text() == "This token is wrong."
    assert asks(ben, ben.goto(f"{app}/{PAGE}"))
    assert ben.get_by_role("alert").count() == 0
    assert asks(ben, paste(ben, "nor is this one, I fear"))
    assert ben.get_by_role("alert").inner_text() == "This token is wrong."
    for theme, width in (LOOKS["dark"], LOOKS["phone"]):
        ben.emulate_media(color_scheme=theme)
        ben.set_viewport_size({"width": width, "height": 800})
        assert severe(ben) == []
        assert sticking_out(ben) == []
    assert paste(ben, f" {TOKEN} ").status == 200
    assert in_the_app(ben)

    cal = stranger()
    answers = [cal.goto(f"{app}/?token=guess+number+{number}") for number in range(12)]
    assert [answer.status for answer in answers] == [403] * 8 + [429] * 4  # two wrong ones came before
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3600
    assert re.fullmatch(r"Too many wrong tokens came\. Try again in \d+ s\.", cal.get_by_role("alert").inner_text())
    assert asks(cal, paste(cal, TOKEN), 429)  # the right one has to wait as well
    ann.reload()  # whoever is in needs no token again, and does not wait
    assert in_the_app(ann)
    log = (folder / "log.txt").read_text()
    assert not any(written in log for written in (TOKEN, quote(TOKEN), quote_plus(TOKEN)))
