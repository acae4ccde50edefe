"""A small case that passes every check, and the same case with one fault planted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from copy import deepcopy
from typing import Any

from simulator.authoring.tested_designs import DesignRunner
from simulator.case.schema import Scenario
from tests.builders import checked

Data = dict[str, Any]


#: Outcomes by the key of their task: a planted claim or answer leaves every run as it was.
OUTCOMES: dict[str, Any] = {}


def submit(work: Callable[[Any], Any], task: Any) -> Future[Any]:
    """Run a task in this process, unless an equal one has run."""
    if task.key not in OUTCOMES:
        OUTCOMES[task.key] = work(task)
    done: Future[Any] = Future()
    done.set_result(OUTCOMES[task.key])
    return done


def runner(scenario: Scenario) -> DesignRunner:
    return DesignRunner(scenario, submit)


def assumed(value: float) -> Data:
    return {"value": value, "assumed": "a test", "between": [value / 2, 2 * value]}


def sound() -> Data:
    """A queue with replicas of two speeds: the quick ones cost more, and one slow one is too few."""
    time, price = "stages.model.service_ms.exponential_mean.value", "stages.model.usd_per_hour.value"
    options = {
        "slow": {"label": "Slow", "set": {time: 100, price: 1}},
        "quick": {"label": "Quick", "set": {time: 60, price: 2}},
    }
    free = {"value": 0, "assumed": "a test"}
    found = {"value": 1, "assumed": "a test"}
    return {
        "id": "queue", "version": 1, "title": "A queue", "summary": "A queue", "minutes": 20,
        "brief": "Eight requests a second arrive. Answer 95% of them within 0.4 seconds.",
        "questions": [{"ask": "How many come?", "answer": "Eight a second.", "rests_on": ["arrivals.rate_per_s"]}],
        "run": {"days": 0.003, "drain_days": 0.01, "replications": 6},
        "arrivals": {"kind": "poisson", "rate_per_s": assumed(8)},
        "start": "model",
        "stages": {"model": {"kind": "server", "label": "Model", "service_ms": {"exponential_mean": assumed(100)},
                             "usd_per_hour": assumed(1), "replicas": 1, "max_queue": 40, "on_full": "lost", "to": "done"}},
        "ends": {"done": {"label": "Done", "escalated": False, "detected": found, "usd": free},
                 "lost": {"label": "Lost", "escalated": True, "detected": free, "usd": free}},
        "objectives": [{"metric": "latency_served_p95_s", "at_most": 0.4, "label": "Answer, 95% within"},
                       {"metric": "cost_per_1000_usd", "at_most": 0.12, "label": "Cost of 1,000"}],
        "choices": {"speed": {"kind": "options", "label": "Speed", "default": "slow", "options": options},
                    "replicas": {"kind": "number", "label": "Replicas", "default": 1, "min": 1, "max": 6, "step": 1,
                                 "set": ["stages.model.replicas"]}},
        "phases": [{"id": "serve", "title": "Serve", "minutes": 20, "expects": "Enough replicas.", "prompts": ["How many?"]}],
        "reference": {"three": {"label": "Three slow ones", "set": {"replicas": 3}, "meets": ["latency_served_p95_s"],
                                "text": "Three hold the load.", "gives_up": "They cost more than two."}},
        "claims": [{"says": "Answer 95% of them within 0.4 seconds", "objective": "latency_served_p95_s", "shows": 0.4},
                   {"says": "Three hold the load", "metric": "latency_served_p95_s", "design": "three", "at_most": 0.4}],
        "tests": {"meets": [{"design": "three", "objectives": ["latency_served_p95_s"]}],
                  "fails": [{"design": "default", "objectives": ["latency_served_p95_s"]}]},
    }  # fmt: skip


def case(change: Callable[[Data], object] = lambda data: None) -> Scenario:
    """Return the sound case after a change of its data."""
    data = deepcopy(sound())
    change(data)
    return checked(data, "queue.yaml")
