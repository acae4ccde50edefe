"""CaseSim: run an ML system design for computer vision.

from simulator import compile_plan, load, simulate, summarise

plan = compile_plan(load("skin-cancer-triage"), {"operating_point": 0.99})
metrics = summarise(simulate(plan, seed=1, replication=r) for r in range(5))
"""

from simulator.analysis.run.summary import summarise
from simulator.scenario import load
from simulator.serving.engine import simulate
from simulator.serving.plan import compile_plan

__all__ = ["compile_plan", "load", "simulate", "summarise"]
