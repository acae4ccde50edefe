"""Runs of the cases that come with CaseSim, each made once a worker for all tests that read it."""

from functools import cache

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.result import Result, replicate


@cache
def run_of(case: str, strike: str = "", **picks: object) -> Result:
    """Return two replications of a design with seed 1, its curveball fired at 10 s; callers must not mutate the result."""
    return replicate(compile_plan(load(case), picks, {strike: 10.0} if strike else {}), seed=1, replications=2)
