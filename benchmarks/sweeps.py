"""What a sweep takes: a tornado, a thousand points, one point as there are more of them, a cluster; how well a search finds."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from time import perf_counter

import numpy as np
import psutil
from distributed import LocalCluster
from rich.console import Console
from rich.table import Table

from simulator.case.load import load
from simulator.dask_cluster import Cluster
from simulator.engine.plan import compile_plan
from simulator.explain.design_changes import changes_of_design
from simulator.metrics.paired_samples import change
from simulator.metrics.replications import warm
from simulator.processes import ProcessPool
from simulator.sweeps.design_space import DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome, solve
from simulator.sweeps.sweep import Submit, Sweep, SweepRequest, sweep_request, swept
from simulator.tradeoffs.best_design import Sampler, Search, cost_goal
from simulator.tradeoffs.breakeven_claims import claims_of
from simulator.tradeoffs.front import Front, goals_of
from simulator.tradeoffs.tradeoff_charts import front_chart

CASE = "skin-cancer-triage"

#: Half of the case's photos a day for two days, in two replications: 20,000 patients a point.
HALF = {"arrivals.per_day": 5000.0}

#: What is varied where every latency was measured: projections run three times, in the middle and at both edges.
MEASURED = ("architecture", "operating_point", "replicas", "dermatologists", "certain", "quality_gate")

SIZES, LEVERS = (10, 100, 1000), 10

#: A twentieth of the case's photos a day, so that ten thousand points take minutes.
FEW, MANY = {"arrivals.per_day": 500.0}, (10, 100, 1000, 10_000)

#: Points that are run on a cluster, and workers of it.
ON_CLUSTER, WORKERS = 60, (1, 2)

#: A space small enough to be run whole, and searches of it.
SPACE = ("architecture=efficientnet_lite0,fine_tuned_views", "operating_point", "dermatologists=10:24", "certain")
SEEDS, BUDGET = 20, 120


def main(large: bool = False) -> None:
    """Print all of it; large: also what a point costs as there are ten thousand of them (minutes)."""
    out = Console(width=130)
    with ProcessPool(None, warm) as pool:
        out.print(f"With processes that have just begun: {tornado(pool)}")
        out.print(f"With the same processes again: {tornado(pool, seed=2)}", "")
        out.print(growth(pool), "")
        if large:
            out.print(many(pool), "")
        out.print(searches(pool), "")
    out.print(overhead())


def tornado(pool: ProcessPool, seed: int = 1) -> str:
    """How long ten levers take, each in four replications of 10,000 patients, the same ones that the design meets."""
    scenario, names = load(CASE), ["sensitivity", "cost_per_1000_usd"]
    steps = [step for step in changes_of_design(compile_plan(scenario)) if step.plan and not step.plan.bands][:LEVERS]
    points = [DesignPoint({}, HALF), *(DesignPoint({step.choice: step.pick}, HALF) for step in steps)]
    request = SweepRequest(scenario, [], names, points, figures=HALF, seed=seed, replications=4)
    begun = perf_counter()
    base, *others = swept(Sweep(request, pool.submit))
    changes = {
        name: [change(scenario.metrics[name], base.readings[name], one.readings[name]) for one in others] for name in names
    }
    seconds = perf_counter() - begun
    points_wide, usd_wide = (np.median([one.run.high - one.run.low for one in changes[name]]) for name in names)
    told = f"a tornado of {len(others)} levers of {CASE}, {base.requests:,} patients each, {seconds:.1f} s"
    known = f"{100 * points_wide:.2f} points, that of the cost to {usd_wide:,.0f} USD (95%)"
    return f"{told}; by the luck of the run the median change of sensitivity is known to {known}"


def growth(pool: ProcessPool) -> Table:
    """What a point costs as there are more of them."""
    table = Table("sweep", "points", "patients a point", "seconds", "ms a point", box=None)
    spaces = {
        "measured hardware": MEASURED,
        "half of it projected": (*MEASURED, "hardware"),
    }
    for told, over in spaces.items():
        for size in SIZES:
            request = sweep_request(load(CASE), over, metrics=["sensitivity", "cost_per_1000_usd"], method="sobol", points=size,
                              replications=2, figures=HALF)  # fmt: skip
            begun = perf_counter()
            outcomes = [one for one in swept(Sweep(request, pool.submit)) if not one.refused]
            seconds, count = perf_counter() - begun, len(outcomes)
            patients = np.mean([one.requests for one in outcomes])
            table.add_row(told, f"{count:,}", f"{patients:,.0f}", f"{seconds:.1f}", f"{1000 * seconds / count:.0f}")
            if over == MEASURED:
                table.caption = drawn(request, outcomes)
    return table


def many(pool: ProcessPool) -> Table:
    """What a point of few patients costs as there are more and more of them, and what this process takes meanwhile."""
    table = Table("points of few patients", "patients a point", "seconds", "ms a point", "memory, MB", box=None)
    for size in MANY:
        request = sweep_request(load(CASE), MEASURED, metrics=["sensitivity", "cost_per_1000_usd"], method="sobol", points=size,
                          replications=2, figures=FEW)  # fmt: skip
        begun = perf_counter()
        outcomes = swept(Sweep(request, pool.submit))
        seconds, count = perf_counter() - begun, len(outcomes)
        patients, memory = np.mean([one.requests for one in outcomes]), psutil.Process().memory_info().rss / 1e6
        table.add_row(f"{count:,}", f"{patients:,.0f}", f"{seconds:.1f}", f"{1000 * seconds / count:.1f}", f"{memory:,.0f}")
    return table


def drawn(request: SweepRequest, outcomes: Sequence[DesignOutcome]) -> str:
    """How long the front of so many designs takes to be worked out, and to be drawn as a browser is sent it."""
    begun = perf_counter()
    front = Front(goals_of(request.scenario, request.metrics), outcomes)
    cache = len(front.places)
    worked_out = perf_counter() - begun
    names, table = [request.words(point) for point in request.points], request.table(outcomes)
    chart = front_chart(front, names, None, request.scenario, (front.goals[0], front.goals[1]), table)
    size = len(chart.figure.to_json()) if chart.figure else 0
    seconds = perf_counter() - begun - worked_out
    return (
        f"The front of {len(outcomes):,} designs, {cache} of them not beaten, is worked out in {worked_out:.2f} s, and its "
        f"picture of {size / 1000:.0f} kB is made in {seconds:.2f} s."
    )


def overhead() -> Table:
    """What a point takes on processes of this machine, and on as many workers of a Dask scheduler beside them."""
    table = Table("workers", "ms a point on processes", "ms a point on a cluster", "overhead", box=None)
    metrics = ["sensitivity", "cost_per_1000_usd"]
    request = sweep_request(
        load(CASE), MEASURED, metrics=metrics, method="sobol", points=ON_CLUSTER, replications=2, figures=HALF
    )
    tasks = [request.task(point, request.seed, request.replications) for point in request.points]
    for workers in WORKERS:
        with ProcessPool(workers, warm) as pool:
            here = _ms_a_point(request, pool.submit)
        dask = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
        with dask, Cluster(dask.scheduler_address) as cluster:
            there = _ms_a_point(request, cluster.submit)
        table.add_row(str(workers), f"{here:.0f}", f"{there:.0f}", f"{there - here:.0f} ms, {there / here - 1:.0%}")
    sent = np.mean([len(task.plan) for task in tasks]) / 1000
    back = np.mean([len(pickle.dumps(solve(task))) for task in tasks[: ON_CLUSTER // 4]]) / 1000
    table.caption = f"a point sends {sent:.0f} kB to a worker and {back:.0f} kB back"
    return table


def _ms_a_point(request: SweepRequest, submit: Submit) -> float:
    swept(Sweep(request, submit, points=request.points[:4]))  # whoever runs them has imported all by now
    begun = perf_counter()
    swept(Sweep(request, submit))
    return 1000 * (perf_counter() - begun) / len(request.points)


class Enumerated:
    """A space that was run whole, so that a search of it only has to look up."""

    def __init__(self, pool: ProcessPool) -> None:
        scenario = load(CASE)
        self.request: SweepRequest = sweep_request(scenario, SPACE, replications=2, figures=HALF)
        self.outcomes = dict(zip(map(repr, self.request.points), swept(Sweep(self.request, pool.submit)), strict=True))
        self.claims = claims_of(scenario, ["sensitivity", "wait_p95_s.dermatologist.urgent"])
        self.goal = cost_goal(scenario)

    def search(self, seed: int) -> Search:
        """A search of it."""
        return Search(self.request.axes, self.request.base, self.claims, self.goal, self._looked_up, seed)

    def _looked_up(self, points: Sequence[DesignPoint], _: int) -> list[DesignOutcome]:
        return [self.outcomes[repr(point)] for point in points]

    def best(self) -> float:
        """The least cost of a design that meets the objectives."""
        search = self.search(0)
        tried = [search._judged(point, self.outcomes[repr(point)]) for point in self.request.points]
        return min(one.cost for one in tried if one.meets)


def searches(pool: ProcessPool) -> Table:
    """How much dearer the best design is that a search has found by a number of designs, over seeds; beside random search."""
    space = Enumerated(pool)
    best = space.best()
    counts = (15, 30, 60, 90, BUDGET)
    title = f"search of {len(space.outcomes):,} designs, {SEEDS} seeds; the best costs {best:,.0f} USD"
    table = Table(title, *map(str, counts), box=None)
    told: dict[Sampler, str] = {"tpe": "Optuna's TPE", "random": "random"}
    for sampler, name in told.items():
        paths = [space.search(seed).propose(BUDGET, sampler) for seed in range(SEEDS)]
        cells = []
        for count in counts:
            regrets = [path[count - 1].cost - best if path[count - 1].meets else np.inf for path in paths]
            cells.append(f"{np.median(regrets):,.0f} USD ({np.quantile(regrets, 0.9):,.0f})")
        table.add_row(f"{name}: median regret (and 90%)", *cells)
    return table


if __name__ == "__main__":
    main("--large" in sys.argv)
