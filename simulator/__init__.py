"""CaseSim: run an ML system design for computer vision.

from simulator import compile_plan, load, simulate, summarise

plan = compile_plan(load("skin-cancer-triage"), {"operating_point": 0.99})
metrics = summarise(simulate(plan, seed=1, replication=r) for r in range(5))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.case.load import load
    from simulator.engine.plan import compile_plan
    from simulator.engine.run import simulate
    from simulator.metrics.summary import summarise

__all__ = ["compile_plan", "load", "simulate", "summarise"]

#: Where each lies. It is imported when it is asked for, so that what needs a part of the package waits for no other.
_PLACES = {
    "compile_plan": "simulator.engine.plan",
    "load": "simulator.case.load",
    "simulate": "simulator.engine.run",
    "summarise": "simulator.metrics.summary",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "load":
        import_module("simulator.case.schema").Scenario.model_rebuild()  # with the kinds and sections that cases may name
    return getattr(import_module(_PLACES[name]), name)
