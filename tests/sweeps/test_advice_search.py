"""The advice that other processes work out is that of this process; it can be looked at, and cancelled, at any time."""

from concurrent.futures import Future

import pytest

from simulator.engine.plan import compile_plan
from simulator.explain.advice import TRIED
from simulator.explain.result import replicate
from simulator.sweeps.levers import AdviceSearch
from tests.sweeps.test_levers import Now, queue


@pytest.fixture(scope="module")
def result():
    """Three readers for whom 2.4 cases a second are too many; they cost 21 USD for 1,000 cases, and the case asks for 10."""
    objectives = [
        {"metric": "latency_mean_s", "at_most": 1.5, "label": "Mean time"},
        {"metric": "cost_per_1000_usd", "at_most": 10, "label": "Cost"},
    ]
    return replicate(compile_plan(queue(objectives=objectives)), 1, 4)


class Later:
    """Begins no job by itself: `work` does the next one."""

    def __init__(self):
        self.waiting = []

    def submit(self, job, *arguments):
        future = Future()
        self.waiting.append((future, job, arguments))
        return future

    def work(self):
        future, job, arguments = self.waiting.pop(0)
        if future.set_running_or_notify_cancel():
            future.set_result(job(*arguments))


def test_it_finds_what_the_process_itself_would_find(result):
    search = AdviceSearch(result, Now().submit)
    for _ in range(2 * search.most + 2):
        found = search.advice_so_far()
    assert not search.running
    assert {place: one.sentence for place, one in found.items()} == {
        place: reason.advice.sentence for place, reason in result.reasons.items()
    }


def test_it_waits_for_nothing_and_counts_the_steps_that_were_tried(result):
    later = Later()
    search = AdviceSearch(result, later.submit)
    assert (search.running, search.settled, search.advice_so_far(), search.share) == (True, 0, {}, 0.0)
    assert later.waiting
    seen = [search.settled]
    while search.running:
        later.work()
        search.advice_so_far()
        seen.append(search.settled)
    assert seen == sorted(seen)
    assert 0 < seen[-1] <= search.most == TRIED * len(result.reasons)
    assert search.share == 1.0


def test_a_cancelled_search_begins_no_further_trial(result):
    later = Later()
    search = AdviceSearch(result, later.submit)
    search.advice_so_far()
    search.cancel()
    assert later.waiting
    assert (search.running, search.cancelled) == (False, True)
    assert all(future.cancelled() for future, *_ in later.waiting)
