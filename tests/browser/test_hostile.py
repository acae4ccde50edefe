"""Cases and addresses of somebody who means harm, in a real browser: texts stay texts, and nothing comes from elsewhere."""

import json
import re
from urllib.parse import quote

import pytest
from ruamel.yaml import YAML

from simulator.paths import SCENARIOS
from tests.browser.screen import panel, result, settle
from tests.browser.serving import served

pytestmark = pytest.mark.browser

#: What would fetch, run or break something wherever it is more than text.
HARM = (
    "<img src=https://evil.example/a.png onerror=alert(1)> [x](javascript:alert(1)) **b** `c` :material/home: :red[d] $e$ "
    '"] --> z["`; click n_end href "https://evil.example" %%{init:{}}%% x@{ img: "https://evil.example/b.png" } '
    "<script>alert(1)</script>"
)
#: The keys of a case whose values are lines of text, and those whose values are Markdown.
LINES = {"title", "summary", "ask", "assumed", "published", "label", "note", "help", "source"}
MARKDOWN = {"brief", "answer", "teaches"}
#: Longer Markdown, with what Markdown alone can do.
MORE = f"""{HARM}

[ref]: https://evil.example/r.png

```
graph LR
  a@{{ img: "https://evil.example/m.png" }}
```

<style>@import url(https://evil.example/s.css)</style>

$\\includegraphics{{https://evil.example/l.png}}$
"""

CASES = ("skin-cancer-triage", "production-drift", "av-perception")


def hostile(node, key=""):
    """A case with harm in each of its texts, which differ by what they said before."""
    if isinstance(node, dict):
        return {name: hostile(value, name) for name, value in node.items()}
    if isinstance(node, list):
        return [hostile(value, key) for value in node]
    if isinstance(node, str) and key in LINES:
        return f"{node[:40]} {HARM}"[:300]
    return f"{node} {MORE}" if isinstance(node, str) and key in MARKDOWN else node


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The app with hostile versions of the cases in front."""
    folder = tmp_path_factory.mktemp("cases")
    for case in CASES:
        read = YAML(typ="safe").load(SCENARIOS / f"{case}.yaml")
        (folder / f"{case}.yaml").write_text(json.dumps(hostile(read)), encoding="utf-8")
    with served(tmp_path_factory.mktemp("app"), CASESIM_CASES=str(folder)) as address:
        yield address


@pytest.fixture
def watched(visit):
    """Opens a page on which no dialog of a script may open; at the end nothing but text may have come of the texts."""
    pages, dialogs = [], []

    def open_page(path):
        page = visit(path)
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        only_text(page)
    assert dialogs == []


def only_text(page):
    """Nothing on the page was made of a hostile text."""
    for made in ("img[src*=evil]", "[href^='javascript:' i]", "[onerror]", "link[href*=evil]"):
        assert page.locator(made).count() == 0, made
    # A chart draws a map of heat as an image of its own data.
    assert page.evaluate("() => [...document.querySelectorAll('image')].every(image => image.href.baseVal.startsWith('data:'))")


@pytest.mark.long
def test_every_panel_of_a_hostile_case_shows_its_texts_as_text(watched):
    page = watched("practice?case=skin-cancer-triage&replications=2")
    result(page)
    assert HARM in page.get_by_role("heading", level=1).inner_text()
    for name in page.get_by_role("tab").all_inner_texts():
        panel(page, name)
        only_text(page)
    for button in ("Brief", "Questions you may ask"):
        page.get_by_role("button", name=button).click()
        dialog = page.get_by_role("dialog")
        dialog.wait_for()
        for question in dialog.locator("summary").all():
            question.click()
        settle(page)
        only_text(page)
        page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")
    page.get_by_role("button", name=re.compile("^Curveballs")).click()
    page.get_by_role("button", name=re.compile("^Fire: ")).first.click()
    page.get_by_role("button", name=re.compile("^Disarm: ")).first.wait_for()
    settle(page)


@pytest.mark.long
def test_a_hostile_vehicle_case_too(watched):
    page = watched("practice?case=av-perception&replications=2")
    result(page)
    for name in page.get_by_role("tab").all_inner_texts():
        panel(page, name)
        only_text(page)


@pytest.mark.long
def test_a_hostile_incident_is_played_and_revealed(watched):
    page = watched("incident?case=production-drift")
    page.get_by_role("button", name="Take the pager", exact=True).click()
    page.get_by_text("Sensible first moves").first.wait_for()
    settle(page)
    for name in ("Put right", "Watch", "Name the cause", "Look closer"):
        page.get_by_role("tab", name=name).click()
        settle(page)
        only_text(page)
    page.get_by_role("tab", name="Name the cause").click()
    page.get_by_role("button", name="Close and reveal").click()
    page.get_by_role("button", name="Close for good").click()
    page.get_by_text("Lessons", exact=True).wait_for()
    settle(page)


#: Values of an address that no page wrote.
VALUES = {
    "digits": "9" * 5000,
    "huge": "1e999",
    "not a number": "nan",
    "negative": "-1",
    "markup": HARM,
    "nested": "[" * 3000,
    "a list": '[{"kind":"wait","hours":1e999}]',
    "nothing": "\0",
    "folder": "../../etc/passwd",
}
ASKED = {
    "practice": ("seed", "replications", "run", "case", "tab", "strike", "pin"),
    "incident": ("case", "incident", "actions", "seed", "cause"),
    "evidence": ("evidence", "models", "precisions", "measurement", "threads", "search"),
    "monitors": ("case", "seed", "monitor"),
    "": ("case", "seed"),
}


@pytest.mark.long
@pytest.mark.parametrize("page", ["practice", *(pytest.param(page, marks=pytest.mark.long) for page in [*ASKED][1:])])
@pytest.mark.parametrize("turn", [0, pytest.param(1, marks=pytest.mark.long)])
def test_an_address_that_no_page_wrote_opens_the_page_all_the_same(watched, page, turn):
    values = [*VALUES.values()]
    asked = [f"{name}={quote(values[(place + 5 * turn) % len(values)])}" for place, name in enumerate(ASKED[page])]
    watched(f"{page}?{'&'.join(asked)}")
