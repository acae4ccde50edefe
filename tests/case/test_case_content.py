"""A case and a plan hash by content: two loads share what a cache holds, a pick or another figure does not."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import pytest

from simulator.board.box_fields import box_of_choice
from simulator.case.designs import TRAFFIC, apply
from simulator.case.document import read_document
from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import at_band_edge, case_hash
from simulator.engine.plan import compile_plan

CASE = "retry-storm"


@pytest.fixture(scope="module")
def case():
    return load(CASE)


@pytest.fixture(scope="module")
def other_pick(case):
    return next({name: pick} for name, choice in case.choices.items() for pick in choice.picks() if pick != choice.default)


def read_again(case):
    """Read the file of a case anew, past the cache that the tests share."""
    return Scenario.of(read_document(Path(case.document.file)))


@pytest.fixture
def calls():
    return []


@pytest.fixture
def title(calls):
    @lru_cache(maxsize=8)
    def remembered(scenario):
        calls.append(scenario.title)
        return scenario.title

    return remembered


def test_two_loads_of_a_file_share_a_memo(case, title, calls):
    again = read_again(case)
    assert again is not case
    assert (again, hash(again)) == (case, hash(case))
    assert title(case) == title(again)
    assert calls == [case.title]


def test_a_changed_file_shares_nothing_even_where_no_figure_moves(case, title, calls, tmp_path):
    text = Path(case.document.file).read_text()
    file = tmp_path / f"{CASE}.yaml"
    titles = "One title", "Another title"
    cases = []
    for words in titles:
        file.write_text(text.replace(f"title: {case.title}", f"title: {words}", 1))
        cases.append(load(file))
    assert case_hash(cases[0]) == case_hash(cases[1])
    assert [title(one) for one in cases] == calls == list(titles)


def test_a_pick_a_figure_and_a_copy_make_another_case(case, other_pick):
    designed, (_, picked) = apply(case, {})[0], (None, apply(case, other_pick)[0])
    narrowed = case.asking([next(iter(case.metrics))])
    copied = case.model_copy(update={"title": "Other"})
    variants = [case, designed, picked, narrowed, apply(narrowed, {})[0], copied, copied.model_copy(update={"title": "More"})]
    assert len({one.content for one in variants}) == len(variants)
    assert apply(case, other_pick)[0] == picked
    assert case.model_copy() == case


def test_a_case_keeps_its_content_on_its_way_to_another_process(case, other_pick):
    picked = apply(case, other_pick)[0]
    assert pickle.loads(pickle.dumps(picked)) == picked


def test_plans_are_equal_where_a_run_is(case, other_pick):
    plan = compile_plan(case, {})
    assert compile_plan(read_again(case), {}) == plan
    others = [compile_plan(case, other_pick), compile_plan(case, {}, figures={TRAFFIC: 2.0}), at_band_edge(plan, 0)]
    assert len({one.content for one in [plan, *others]}) == 4


def test_a_memo_is_not_stale_after_a_pick_has_changed(case, other_pick):
    slow = lru_cache(maxsize=8)(lambda plan: dict(plan.design))
    for picks in ({}, other_pick, {}, other_pick):
        plan = compile_plan(case, picks)
        assert slow(plan) == plan.design
    assert slow.cache_info().misses == 2


def test_two_threads_get_one_answer(case):
    cases = [read_again(case), case]
    with ThreadPoolExecutor(2) as threads:
        boxes = list(threads.map(lambda one: [box_of_choice(one, name) for name in one.choices], cases * 10))
    assert boxes == [boxes[0]] * 20
