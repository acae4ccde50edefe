"""A task of an interviewer's own: name, rate, payload and objectives become a case with generic parts and ends."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from simulator.case.designs import validated
from simulator.case.document import Document
from simulator.case.fields import no_picture
from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.phrases import phrase
from simulator.records.timetables import DAY_S
from simulator.units import spoken_bound

#: The case of a room with a task of its own: no file holds it, the room's log does.
OWN_TASK = "own-task"

#: The evidence of every number that the interviewer gives.
_ASSUMED = "the task of the interviewer"

#: The lowest and the highest rate (requests a second), and payload (MB).
LEAST_RATE, MOST_RATE = 1e-4, 20_000.0
LEAST_MB, MOST_MB = 1e-6, 10_000.0


class TaskBound(NamedTuple):
    """A metric that a task may bound: its label and unit on the page, whether more is better, and the largest bound.

    field: the words of its field in the form of a task; per_one: the number in the field for one of the metric
    """

    label: str
    unit: str
    upward: bool
    most: float
    field: str
    per_one: float


BOUNDS = {
    "latency_p95_s": TaskBound("95% of the answers within", "s", False, 1e6, "95% of the answers within (ms)", 1000),
    "latency_p99_s": TaskBound("99% of the answers within", "s", False, 1e6, "99% of the answers within (ms)", 1000),
    "goodput_per_s": TaskBound("Requests served a second", "1/s", True, MOST_RATE, "Served, at least (requests a second)", 1),
    "cost_per_1000_usd": TaskBound("Cost of 1,000 requests", "USD", False, 1e6, "Cost of 1,000 requests, at most (USD)", 1),
    "done_share": TaskBound("Share of the requests served", "share", True, 1, "Served, at least (% of all requests)", 100),
}

#: Requests of a replication, where its length (s) allows it.
_REQUESTS, _SHORTEST_S, _LONGEST_S = 20_000, 10.0, 7 * DAY_S


class OwnTask(BaseModel):
    """A task as the log of a room holds it. bounds: by metric of BOUNDS."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Annotated[str, Field(min_length=1, max_length=120)]
    rate_per_s: Annotated[float, Field(ge=LEAST_RATE, le=MOST_RATE)]
    payload_mb: Annotated[float, Field(ge=LEAST_MB, le=MOST_MB)] = 1.0
    bounds: Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(max_length=len(BOUNDS))] = {}

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if "{" in name or "}" in name:
            raise ValueError("a name holds no braces")
        return no_picture(name)

    @field_validator("bounds")
    @classmethod
    def _known_bounds(cls, bounds: dict[str, float]) -> dict[str, float]:
        for metric, bound in bounds.items():
            if metric not in BOUNDS or bound > BOUNDS[metric].most:
                raise ValueError(f"no task bounds {metric!r} at {bound:g}")
        return {metric: bounds[metric] for metric in BOUNDS if metric in bounds}  # one order, so that equal tasks are one case

    @property
    def case(self) -> Scenario:
        """The case of this task; equal tasks share one object."""
        return _case(self.model_dump_json())


@lru_cache(maxsize=128)
def _case(written: str) -> Scenario:
    task = OwnTask.model_validate_json(written)
    seconds = min(max(_REQUESTS / task.rate_per_s, _SHORTEST_S), _LONGEST_S)
    base = _base()
    data: Any = base.document.data
    upload = data["stages"]["upload"] | {"payload_mb": {"constant": _figure(task.payload_mb)}}
    changes = {
        "title": task.name,
        "questions": _questions(task),
        "run": data["run"] | {"days": seconds / DAY_S},
        "arrivals": data["arrivals"] | {"rate_per_s": _figure(task.rate_per_s)},
        "stages": data["stages"] | {"upload": upload},
        "objectives": [
            {"metric": metric, "label": bound.label, "at_least" if bound.upward else "at_most": task.bounds[metric]}
            for metric, bound in BOUNDS.items()
            if metric in task.bounds
        ],
    }
    return validated(Document("the task", data | changes), base)


@cache
def _base() -> Scenario:
    return load(Path(__file__).with_name("own_task.yaml"))


def _figure(value: float) -> dict[str, Any]:
    return {"value": value, "assumed": _ASSUMED}


def _questions(task: OwnTask) -> list[dict[str, Any]]:
    """Return the answers that the interviewer can send with a click: the numbers of the task."""
    rate = str(phrase("rooms.rate", rate=f"{task.rate_per_s:,.4g}", day=task.rate_per_s * DAY_S))  # it is written to a file
    asked = {"How many requests come?": rate, "How large is a request?": f"{task.payload_mb:g} MB."}
    for metric, value in task.bounds.items():
        bound = BOUNDS[metric]
        side = "At least" if bound.upward else "At most"
        asked[f"{bound.label}: what is asked?"] = f"{side} {spoken_bound(value, bound.unit)}."
    return [{"ask": ask, "answer": answer} for ask, answer in asked.items()]
