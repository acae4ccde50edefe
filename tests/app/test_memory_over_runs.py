"""The memory of a server that is also its own worker, while 16 people change designs: what it keeps has bounds."""

import gc
import os
from random import Random

import psutil
import pytest

from simulator.app.jobs import Registry, Watcher
from simulator.app.turns import TaskReply
from simulator.case.designs import TRAFFIC
from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.limits import MIB

CASE, PEOPLE, RUNS = "skin-cancer-triage", 16, int(os.environ.get("CASESIM_MEMORY_RUNS", "500"))

#: Growth of the second half of the runs, while the registry still fills with the results that it may keep (bytes).
MORE = 64 * MIB


class InTurn:
    """Workers that do one task after the other in this process, when they are told to."""

    def __init__(self):
        self.tasks = []

    def submit(self, behalf, work, *arguments):
        self.tasks.append((work, arguments, TaskReply()))
        return self.tasks[-1][-1]

    def sooner(self, first, second):
        return first.urgency < second.urgency

    def do_all(self):
        while self.tasks:
            work, arguments, reply = self.tasks.pop(0)
            if not reply.done():
                reply.set_result(work(*arguments))


def designs(rng):
    """Endless designs of the case that can run, with a twentieth of its traffic."""
    case = load(CASE)
    while True:
        names = rng.sample(sorted(case.choices), 4)
        picks = {name: rng.choice(list(case.choices[name].picks())) for name in names}
        try:
            yield compile_plan(case, picks, figures={TRAFFIC: 0.05})
        except ScenarioError:
            continue


@pytest.mark.long
def test_memory_stays_within_its_bound_over_five_hundred_runs_of_sixteen_people():
    workers, people = InTurn(), [Watcher(f"person {number}", "a tab") for number in range(PEOPLE)]
    registry, process, plans = Registry(workers), psutil.Process(), designs(Random(1))
    used = []
    for run in range(RUNS):
        registry.live(people[run % PEOPLE], next(plans), 1, 4)
        workers.do_all()
        if (run + 1) % (RUNS // 10) == 0:
            gc.collect()
            used.append(process.memory_info().rss)
    print("MB after each tenth of the runs:", [round(one / 1e6) for one in used])
    assert used[-1] - used[4] <= MORE
