"""The loop for many plain cases does what the steps of people do one by one, which rotas by hand and theory bear out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.run import Run
from simulator.engine.stages import people as people_stage
from simulator.engine.stages.case_readings import read_cases
from simulator.engine.stages.stage import Inbox
from simulator.records.streams import Streams
from tests.builders import arrivals_at, assumed, end, link, people, plan, population, spread
from tests.effort import examples
from tests.engine.stages.test_people import DAY, rotas

LIMITS = {}, {"max_queue": 10_000, "on_full": "full"}  # with a limit, even one that is never reached, people go step by step


def traces(stage, times, stops=()):
    """The run with the loop for every stretch, and the run step by step."""
    ends = {"done": end(), "full": end(), "late": end()}
    for limit in LIMITS:
        stages = {"r": people(**stage, **limit, negative_to="on"), "on": link("done", 60)}
        made = plan(stages, ends=ends, run=DAY, population=population(0.5))
        with arrivals_at(times):
            run = Run(made, Streams(1), stops=bool(stops))
            for stop in stops:
                run.advance(stop)
            yield run.trace()


@settings(max_examples=examples(120), deadline=None)
@given(
    rotas(),
    st.lists(st.integers(0, 900), min_size=1, max_size=60).map(sorted),
    st.fixed_dictionaries(
        {
            "order": st.sampled_from(["fifo", "freshest"]),
            "sigma": st.sampled_from([0, 0.7]),
            "fatigue_per_h": st.sampled_from([assumed(0), assumed(0.4)]),
            "on_timeout": st.sampled_from(["late", "on"]),
            "patience_h": st.sampled_from([spread(0.2, 0.7), spread(3, 0.5)]),
        }
    ),
    st.sampled_from([(), (7_000.0, 30_000.0)]),
)
def test_the_loop_reads_as_the_steps_do(rota, minutes, fields, stops):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people_stage, "FEW", 0)
        patch.setattr(people_stage, "PER_WAITING", 0)
        loop, steps = traces({"minutes": 10, "shifts": rota, **fields}, [60.0 * minute for minute in minutes], stops)
    assert loop.visits.equals(steps.visits)
    assert loop.requests.equals(steps.requests)


def test_many_plain_cases_are_read_by_the_loop_and_a_case_that_takes_no_time_is_not(monkeypatch):
    calls = []
    monkeypatch.setattr(people_stage, "read_cases", lambda *given: calls.append(given) or read_cases(*given))
    for minutes in (1, 1e-9):
        made = plan({"r": people(("08:00", "16:00", 1), minutes=minutes)}, run=DAY)
        with arrivals_at(range(0, 6000, 100)):
            Run(made, Streams(1)).trace()
        assert len(calls) == 1


def test_an_inbox_sorts_in_single_deliveries_that_come_before_a_time():
    inbox = Inbox()
    inbox.add_block(np.array([1, 2, 3], np.int32), np.array([1.0, 2.0, 9.0]))
    for row, time in ((4, 8.0), (5, 1.5), (6, 2.0)):
        inbox.add((row,), time)
    rows, times, upcoming = inbox.gather(5.0)
    assert rows.tolist() == [1, 5, 2, 6]
    assert times.tolist() == [1.0, 1.5, 2.0, 2.0]
    assert upcoming == 8.0
    assert [inbox.pop() for _ in range(6)] == [(1, 1.0), (5, 1.5), (2, 2.0), (6, 2.0), (4, 8.0), (3, 9.0)]
