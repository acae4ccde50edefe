"""CaseSim: run an ML system design for computer vision.

from simulator import compile_plan, load, simulate, summarise

plan = compile_plan(load("skin-cancer-triage"), {"operating_point": 0.99})
metrics = summarise(simulate(plan, seed=1, replication=r) for r in range(5))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.analysis.run.summary import summarise
    from simulator.scenario.load import load
    from simulator.serving.engine import simulate
    from simulator.serving.plan import compile_plan

__all__ = ["compile_plan", "load", "simulate", "summarise"]

#: Where each lies. It is imported when it is asked for, so that what needs a part of the package waits for no other.
_PLACES = {
    "compile_plan": "simulator.serving.plan",
    "load": "simulator.scenario.load",
    "simulate": "simulator.serving.engine",
    "summarise": "simulator.analysis.run.summary",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
