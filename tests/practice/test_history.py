"""Every run of a case is kept, says what it changed, and comes back; a broken database takes nothing else down."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from simulator.app import own_sessions
from simulator.app.design_state import key
from simulator.app.store.attempts import TRAIL, Attempts
from simulator.app.trails import new_trail, trails
from simulator.case.load import loads
from simulator.practice import history
from tests.case.texts import changed
from tests.patience import PATIENCE_S


def page():
    """The part of the page that is about history."""
    import streamlit as st

    from simulator.practice import history as shown

    job, back, star = (st.session_state[name] for name in ("job", "back", "star"))
    scenario = job.plan.authored
    if back:
        shown.restore(scenario, back)
    if star:
        shown._starred(scenario, star)
    shown.remember(job)
    shown.comparison(job)
    shown.strip(scenario, job)


def look(job, before=None, back=None, star=None):
    """The page with this run, in a new session or in that of a page seen before; a button brings a run back or pins it."""
    seen = before or AppTest.from_function(page, default_timeout=PATIENCE_S)
    for name, value in (("job", job), ("back", back), ("star", star)):
        seen.session_state[name] = value
    seen.run()
    assert not seen.exception, seen.exception[0].value
    return seen


def said(seen):
    return "\n".join(str(element.value) for kind in ("markdown", "caption", "warning") for element in seen.get(kind))


def attempt(run, **picks):
    made = run(**picks)
    return replace(history._attempt(made), trail="a" * 22)


def test_what_a_run_changed_is_told_in_labels_with_the_unit_once(run):
    first, second = attempt(run), attempt(run, point=1.0, reading="expert")
    small = loads(changed("label: Operating point", "label: Operating point\n    unit: of the ill"))
    assert history.changes(small, first, second) == ["Operating point: 0.9 → 1 of the ill", "Reading: Usual → Expert"]
    assert history.changes(small, None, second) == history.changes(small, first, second)
    assert history.changes(small, None, first) == []
    other = replace(first, seed=5, replications=9, scenario_hash="other")
    assert history.changes(small, first, other) == ["Seed: 1 → 5", "Replications: 2 → 9", "The case or its drawing was changed"]


def test_curveballs_are_told_by_their_labels(skin_cancer):
    calm = replace(BARE, picks=skin_cancer.defaults())
    struck, later = replace(calm, strikes={"news": 28_800.0}), replace(calm, strikes={"news": 36_000.0})
    assert history.changes(skin_cancer, calm, struck) == ["The news again at 8.00 h"]
    assert history.changes(skin_cancer, struck, later) == ["The news again at 8.00 h → 10.0 h"]
    assert history.changes(skin_cancer, struck, calm) == ["Without: The news again"]


def test_a_row_names_two_changes_and_counts_the_rest():
    assert history._named([], first=True) == "The default design"
    assert history._named(["a", "b"], first=False) == "a, b"
    assert history._named(["a", "b", "c", "d"], first=False) == "a, b and 2 more"


def test_each_run_is_kept_once_with_what_it_reached(run, jobs, store):
    first, second = run(), run(point=1.0)
    seen = look(first)
    seen = look(second, seen)
    look(first, seen)
    kept = store.of(seen.session_state["trail"], "small")
    assert [one.job for one in kept] == [first.id, second.id]
    (reached,), (verdict,) = kept[1].reached, second.summary.verdicts
    assert (reached.metric, reached.value, reached.standing) == ("sensitivity", verdict.estimate.value, verdict.standing)
    assert (kept[1].picks, kept[1].run_hash) == (second.plan.design, second.summary.run_hash)


def test_a_run_is_compared_with_the_one_before_and_then_with_the_pinned_one(run, jobs, store):
    first, second, third = run(), run(point=1.0), run(point=0.6)
    seen = look(first)
    assert "Compared" not in said(seen)
    seen = look(second, seen)
    assert "Compared with the run before (Operating point\\: 0.9 → 1): Found" in said(seen)
    seen = look(third, seen, star=first.id)
    assert "Compared with the pinned run (Operating point\\: 0.9 → 0.6): Found" in said(seen)
    seen = look(third, seen, star=first.id)  # once more: nothing is pinned
    assert "Compared with the run before (Operating point\\: 1 → 0.6): Found" in said(seen)


def test_a_comparison_with_a_longer_run_says_which_replications_it_compares(run, jobs, store):
    seen = look(run(point=1.0), look(run(replications=3)))
    assert "The runs have 3 and 2 replications. The first 2 of each are compared, " in said(seen)


def test_a_click_brings_back_the_design_and_computes_the_run_again(run, jobs, store, small):
    first = run(seed=7, replications=3, point=1.0, reading="expert")
    seen = look(first)
    kept = store.of(seen.session_state["trail"], "small")[0]
    seen = look(run(), seen, back=kept)
    state = {name: seen.session_state[key("small", name)] for name in ("point", "reading", "urgent", "seed", "replications")}
    assert state == {"point": 1, "reading": "expert", "urgent": 0.5, "seed": 7, "replications": 3}
    assert jobs.get(first.id).summary.run_hash == first.summary.run_hash


def test_a_run_that_is_no_longer_what_it_was_is_told(run, jobs, store):
    first, second = run(), run(point=1.0)
    jobs.jobs[first.id] = first
    seen = look(first)
    with store._connected() as connection:
        connection.exec_driver_sql("update attempts set run_hash = 'fedcba987654'")
    hashes = f"hash {first.summary.run_hash}, once fedcba987654"
    assert f"The run before was computed again from the case as it is now: {hashes}" in said(look(second, seen))


def test_a_design_that_is_no_longer_offered_is_told(run, jobs, store):
    gone = replace(attempt(run), picks={"point": 0.7})
    assert "no longer offered" in said(look(run(), back=gone))


def test_a_broken_database_is_told_in_a_sentence_and_the_comparison_stands(run, jobs, monkeypatch, tmp_path):
    file = tmp_path / "broken.db"
    file.write_text("This is no database. " * 100)
    for module in (history, own_sessions):
        monkeypatch.setattr(module, "attempts", lambda: Attempts(f"sqlite:///{file}"))
    first, second = run(), run(point=1.0)
    jobs.jobs[first.id] = first
    seen = look(first)
    assert "not a database" in said(seen)
    assert "Compared with the run before" in said(look(second, seen))


def test_a_trail_is_taken_from_a_cookie_only_if_a_server_has_made_it():
    made, trail = trails().key, new_trail()
    signed = {made.cookie: made.signed(trail)}
    for cookies, good in ((signed, True), ({made.cookie: trail}, False), ({"casesim_trail": trail}, False), ({}, False)):
        seen = AppTest.from_function(trail_of, default_timeout=PATIENCE_S, kwargs={"cookies": cookies}).run()
        found = seen.session_state["trail"]
        assert (found == trail) is good
        assert TRAIL.fullmatch(found)


def trail_of(cookies):
    from unittest.mock import patch

    from simulator.app import own_sessions as shown

    with patch("streamlit.context") as context:
        context.cookies = cookies
        shown.trail()


BARE = history.Attempt("c", 1, "h", "j", {}, {}, 1, 2, "r", [], trail="a" * 22)


@pytest.fixture(scope="module")
def skin_cancer():
    from simulator.case.load import load

    return load("skin-cancer-triage")
