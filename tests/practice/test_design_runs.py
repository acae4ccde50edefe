"""What a tab is told of its run: each stage once, a few steps of the progress, and the end when it has come."""

import pytest
import streamlit as st

from simulator.app.design_state import EXPLORE_TAB
from simulator.app.jobs import BESIDE, Registry, Watcher
from simulator.evidence.latency_tables import constant
from simulator.practice import design_runs
from simulator.practice.design_runs import RunsShown
from tests.app.test_jobs import Waiting, timed
from tests.builders import plan, pool


class Queued(Waiting):
    """Workers that also say that nobody waits before a run."""

    def ahead(self, run):
        return None


@pytest.fixture
def work():
    return Queued()


@pytest.fixture
def registry(monkeypatch, work):
    made = Registry(work)
    monkeypatch.setattr(design_runs, "registry", lambda: made)
    return made


@pytest.fixture
def made():
    return plan({"p": pool()}, constant(0.1), seconds=5, objectives=[{"metric": "latency_p50_s", "at_most": 1, "label": "x"}])


def test_a_run_of_thirty_is_news_four_times(registry, work, made):
    """At the start and at replications 4, 12, 20 and 30; lines about progress are seconds apart."""
    job = registry.live(Watcher("one", "a tab"), made, 1, 30)
    job.until_decided = False
    shown, revisions = RunsShown(live=job.id), []
    for _ in range(31):
        revisions.append(design_runs._look(shown).revision)
        work.do(1)
    assert [place for place in range(31) if place == 0 or revisions[place] != revisions[place - 1]] == [0, 4, 12, 20, 30]


def test_a_line_brings_the_chips_of_the_stage_and_the_state_of_the_run(registry, work):
    job = registry.live(Watcher("one", "a tab"), timed(0.04083), 1, 8)  # no look decides it
    shown = RunsShown(live=job.id)
    first = design_runs._look(shown).paint()
    assert (first["chips"], first["stale"], first["words"], first["share"]) == (None, True, "running", 0.0)
    work.do(4)
    early = design_runs._look(shown).paint()
    assert (len(early["chips"]), early["early"], early["share"]) == (1, True, 0.5)
    assert early["words"].startswith("preliminary, 4 of 8 replications")
    work.do(4)
    full = design_runs._look(shown).paint()
    assert (len(full["chips"]), full["early"], full["share"]) == (1, False, None)
    assert full["words"].endswith(f"run hash {job.summary.run_hash}.")
    assert (full["run"], full["action"]) == (job.id, "")


def test_a_run_that_its_verdicts_end_says_so_and_offers_all_replications(registry, work, monkeypatch):
    monkeypatch.setattr(design_runs, "watcher", lambda what="": Watcher("one", "a tab"))
    monkeypatch.setattr(design_runs, "redraw", lambda *_: None)
    made = timed(1.0)
    job = registry.live(Watcher("one", "a tab"), made, 1, 30)
    work.do(4)
    early = design_runs._look(shown := RunsShown(live=job.id)).paint()
    assert (early["early"], early["share"], early["action"]) == (False, None, "Run all 30")
    assert early["words"].startswith("4 of 30 replications, ")
    assert early["words"].endswith("More replications alone cannot change a verdict.")
    design_runs._pressed(made.scenario, early["action"], job.id)
    assert design_runs._look(shown).paint()["action"] == "Cancel"
    work.do(26)
    assert design_runs._look(shown).paint()["words"].startswith("30 replications, ")


def test_reasons_stay_until_the_next_run_has_ended_and_then_wait_for_the_calm_run_too(registry, work, made):
    job = registry.live(Watcher("one", "a tab"), made, 1, 4)
    calm = registry.live(Watcher("one", "calm"), made, 2, 4, BESIDE)
    shown, ends = RunsShown(live=job.id, calm=calm.id), []
    for _ in range(9):
        design_runs._look(shown).paint()
        ends.append(shown.ended())
        work.do(1)
    assert len(set(ends[:4])) == 1
    assert len(set(ends[4:8])) == 1
    assert len(set(ends)) == 3
    shown.live = registry.live(Watcher("one", "a tab"), made, 3, 4).id
    assert shown.ended() == ends[-1]


def test_the_diagram_and_the_reasons_wait_until_the_bar_has_the_last_figures(registry, work):
    """A line to the bar takes less than to draw them."""
    job = registry.live(Watcher("one", "a tab"), timed(0.04083), 1, 8)  # no look decides it
    shown = RunsShown(live=job.id)
    before = shown.ended()
    for done in (4, 8):
        work.do(4)
        assert (job.done, shown.ended()) == (done, before)
        design_runs._look(shown).paint()
    assert shown.ended() != before


def test_the_diagram_and_the_reasons_do_not_wait_for_the_figures_of_a_run_that_is_cancelled(registry, work, made):
    job = registry.live(Watcher("one", "a tab"), made, 1, 4)
    shown = RunsShown(live=job.id)
    before = shown.ended()
    job.cancel()
    assert shown.ended() != before


def test_two_windows_of_one_browser_with_the_same_panel_open_are_two_watchers_and_leave_the_tabs_alone(monkeypatch):
    windows = [{"person": "one", EXPLORE_TAB: "Runs"}, {"person": "one", EXPLORE_TAB: "Runs"}, {"person": "one"}]
    watchers = set()
    for window in windows:
        monkeypatch.setattr(st, "session_state", window)
        watchers |= {design_runs.watcher(), design_runs.watcher()}
    assert len(watchers) == 3
    assert [window.get(EXPLORE_TAB) for window in windows] == ["Runs", "Runs", None]
