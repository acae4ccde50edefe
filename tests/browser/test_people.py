"""Two people on one server, each with a browser: what each sees of the other. docs/limits.md lists it."""

import pytest
from playwright.sync_api import expect

from tests.browser.screen import changed, move, panel, result, settle

pytestmark = pytest.mark.browser

SCORES = "evidence?evidence=Scores"
TABLE = b"id,group,label,score\n" + b"".join(b"p%d,g%d,%d,%.3f\n" % (n, n, n % 2, 0.3 + 0.4 * (n % 2)) for n in range(80))
NAME = "mine.ward.fp32"
LONG = "practice?case=retry-storm&replications=6&seed=77"


def bring(page):
    page.locator("input[type=file]").set_input_files({"name": "ward.csv", "mimeType": "text/csv", "buffer": TABLE})
    page.get_by_text("ward.csv").first.wait_for()
    page.get_by_role("button", name="Check and import").click()
    page.get_by_text(f"Imported {NAME}").wait_for()
    settle(page)


def yours(page):
    return page.get_by_text(f"Yours: {NAME}")


def history(page):
    return page.get_by_role("region", name="Every run of this case").get_by_role("row")


@pytest.mark.long
def test_an_upload_is_its_browsers_own_whatever_link_the_other_has(visit):
    ann, ben = visit(SCORES), visit(SCORES)
    bring(ann)
    expect(yours(ann)).to_be_visible()
    for page in (ben, visit(ann.url)):
        page.reload()
        settle(page)
        assert NAME not in page.content()
    ann.reload()
    settle(ann)
    expect(yours(ann)).to_be_visible()

    bring(ben)  # one of the same name, which replaces nothing
    ann.get_by_role("button", name="Delete", exact=True).click()
    ann.get_by_role("button", name=f"Delete {NAME}").click()
    expect(yours(ann)).to_have_count(0)
    ben.reload()
    settle(ben)
    expect(yours(ben)).to_be_visible()


@pytest.mark.long
def test_to_cancel_leaves_the_same_run_to_the_other_and_a_history_is_ones_own(visit):
    ann, ben = visit(LONG), visit(LONG)
    cancel = ben.get_by_role("button", name="Cancel")
    cancel.wait_for()
    cancel.click()
    expect(ben.get_by_text("The run was cancelled.")).to_be_visible()
    result(ann)
    changed(ann, lambda: move(ann, "Replicas", "ArrowRight"))
    panel(ann, "Runs")
    rows = ann.get_by_role("region", name="Every run of this case").get_by_role("row")
    expect(rows).to_have_count(3)  # the head, and two runs
    panel(ben, "Runs")
    expect(ben.get_by_role("region", name="Every run of this case").get_by_role("row")).to_have_count(
        2
    )  # the run that both wanted, which is there now


@pytest.mark.long
def test_an_incident_is_open_to_whoever_has_its_link_and_to_nobody_else(visit):
    ann = visit("incident?case=production-drift")
    ann.get_by_role("button", name="Take the pager", exact=True).click()
    ann.get_by_text("Sensible first moves").first.wait_for()
    settle(ann)
    ben, friend = visit("incident?case=production-drift"), visit(ann.url)
    expect(ben.get_by_role("button", name="Take the pager", exact=True)).to_be_visible()
    expect(friend.get_by_text("Sensible first moves").first).to_be_visible()
