"""The whole way in a real browser: from the list of cases to a link that gives the same run."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from tests.browser.screen import move, pick, run_design, run_hash, settle, verdict

pytestmark = pytest.mark.browser


def test_home_shows_the_case_and_an_example_that_was_run(visit):
    page = visit()
    assert page.get_by_role("heading", name="Skin-cancer triage from phone photos", exact=True).is_visible()
    assert run_hash(page)
    assert re.search("met|not proven", verdict(page, "Cancers found"))
    page.get_by_role("button", name="Practise: Skin-cancer triage").click()
    page.get_by_role("button", name="Run this design").wait_for()
    settle(page)


def test_three_picks_change_the_verdict_and_a_copied_link_gives_the_same_run(visit):
    page = visit("practice?replications=4")
    run_design(page)
    before, found_before = run_hash(page), verdict(page, "Cancers found")

    pick(page, "Architecture", "EfficientNet-Lite1")
    move(page, "Operating point", "ArrowRight", "ArrowRight", "ArrowRight")
    move(page, "Dermatologists per shift", "ArrowLeft")
    assert page.get_by_text("Changed since this run").is_visible()
    run_design(page)
    after, found_after = run_hash(page), verdict(page, "Cancers found")
    assert after != before
    assert found_after != found_before

    page.get_by_role("button", name="Link and command").click()
    link = page.get_by_role("code").filter(has_text="http").inner_text()
    friend = visit(link)
    run_design(friend)
    assert run_hash(friend) == after
    assert verdict(friend, "Cancers found") == found_after

    command = shlex.split(page.get_by_role("code").filter(has_text="casesim run").inner_text())
    asked = [sys.executable, "-m", "simulator.commands", *command[1:], "--json"]
    assert json.loads(subprocess.run(asked, check=True, stdout=subprocess.PIPE).stdout)["run_hash"] == after
