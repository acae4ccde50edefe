"""What happened in one replication, as flat rows: requests, and visits to stages."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.serving.conditions import Conditions
from simulator.serving.requests import OUTCOMES, Requests
from simulator.serving.streams import Streams

if TYPE_CHECKING:
    from simulator.serving.plan import Plan

#: A visit's columns: which request, at which stage, when it entered the queue, when service began (NaN: never), when it left
#: (NaN: it still waits), which replica or reviewer served it (-1: none), its batch, numbered within the stage, and its size.
VISIT_COLUMNS = ("request", "stage", "entered_s", "started_s", "left_s", "server", "batch", "batch_size")


class VisitLog:
    """The visits to one stage, in the order in which they were settled; columns grow as needed."""

    def __init__(self) -> None:
        self.request = array("i")
        self.entered = array("d")
        self.batch = array("i")
        self.started = array("d")
        self.left = array("d")
        self.server = array("i")

    def __len__(self) -> int:
        return len(self.request)

    def add(self, row: int, entered: float, started: float, left: float, server: int = -1) -> None:
        """A visit of one request alone; `started` is NaN where it was never served."""
        self.request.append(row)
        self.entered.append(entered)
        self.batch.append(len(self.started))
        self.started.append(started)
        self.left.append(left)
        self.server.append(server)

    def add_batch(self, requests: Sequence[tuple[int, float]], started: float, left: float, server: int) -> None:
        """Requests, as (row, time of entry), that were served together."""
        batch = len(self.started)
        for row, entered in requests:
            self.request.append(row)
            self.entered.append(entered)
            self.batch.append(batch)
        self.started.append(started)
        self.left.append(left)
        self.server.append(server)

    def add_block(
        self,
        rows: NDArray[np.int32],
        entered: NDArray[np.float64],
        started: NDArray[np.float64],
        left: NDArray[np.float64],
    ) -> None:
        """Many visits of one request each."""
        first = len(self.started)
        self.request.frombytes(rows.astype(np.intc).tobytes())
        self.entered.frombytes(entered.tobytes())
        self.batch.frombytes(np.arange(first, first + len(rows), dtype=np.intc).tobytes())
        self.started.frombytes(started.tobytes())
        self.left.frombytes(left.tobytes())
        self.server.frombytes(np.full(len(rows), -1, np.intc).tobytes())

    def frame(self, stage: str) -> pd.DataFrame:
        """The visits as rows with VISIT_COLUMNS."""
        batch = np.array(self.batch, np.int32)
        sizes = np.bincount(batch, minlength=len(self.started)) if len(batch) else np.zeros(0, int)
        return pd.DataFrame(
            {
                "request": np.array(self.request, np.int32),
                "stage": stage,
                "entered_s": np.array(self.entered),
                "started_s": np.array(self.started)[batch],
                "left_s": np.array(self.left)[batch],
                "server": np.array(self.server, np.int32)[batch],
                "batch": batch,
                "batch_size": sizes[batch].astype(np.int32),
            }
        )


@dataclass
class Trace:
    """One replication: the plan that ran, its seed, the requests as columns, and the visits to each stage."""

    plan: Plan
    seed: int
    replication: int
    columns: Requests
    logs: dict[str, VisitLog]

    @cached_property
    def requests(self) -> pd.DataFrame:
        """A row a request: when it arrived, was answered and finished, how it ended and where (times in seconds)."""
        columns = self.columns
        return pd.DataFrame(
            {
                "arrived_s": columns.arrived,
                "sent_s": columns.sent,
                "answered_s": columns.answered,
                "finished_s": columns.finished,
                "outcome": _named(columns.outcome, OUTCOMES),
                "end": _named(columns.end, self.plan.scenario.ends),
                "positive": columns.positive,
                "caught": columns.caught,
                "patient": columns.patient,
                "score": np.where(np.isfinite(columns.risk), columns.risk, np.nan),
                "tries": columns.tries + 1,
                "tag": columns.tag,
            }
        )

    @cached_property
    def visits(self) -> pd.DataFrame:
        """A row for each visit of a request to a stage, failures included, by time of entry."""
        frames = [log.frame(stage) for stage, log in self.logs.items() if len(log)]
        visits = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(VISIT_COLUMNS))
        visits["stage"] = visits["stage"].astype("category")
        return visits.sort_values(["entered_s", "request"], kind="stable", ignore_index=True)

    @cached_property
    def conditions(self) -> Conditions:
        """What was not as usual, and when."""
        return Conditions(self.plan, Streams(self.seed, self.replication))

    @cached_property
    def digest(self) -> str:
        """Identifies what happened: times to the microsecond, outcomes and ends of every request."""
        sha = hashlib.sha256()
        for times in (self.columns.arrived, self.columns.answered, self.columns.finished):
            sha.update(np.where(np.isfinite(times), np.round(times * 1e6), -1).astype(np.int64).tobytes())
        for codes in (self.columns.outcome, self.columns.end, self.columns.caught):
            sha.update(codes.tobytes())
        return sha.hexdigest()[:16]


def _named(codes: NDArray[np.int8], names: Iterable[str]) -> Any:
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(names)))
