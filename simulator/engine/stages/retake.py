"""Asks for another photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import inf, prod
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.case.any_stage import Faults, Repeats, Target
from simulator.case.case_contract import AnyCase
from simulator.case.fields import Quantity, ShareFigure
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import Comers, Onward, Photo, Stage, StageModel, StageRun
from simulator.engine.stages.gate import Gate
from simulator.records.trace import as_memoryview


class Retake(StageModel):
    """The requester is asked for another photo, takes some time over it, or gives up."""

    keeps: ClassVar[bool] = True
    in_branches: ClassVar[bool] = False

    fresh: ClassVar[Mapping[str, Any]] = {
        "label": "Ask for another photo",
        "minutes": {"constant": {"value": 2, "assumed": "time to take another photo"}},
        "gives_up": {"value": 0.04, "assumed": "share of people who do not send a second photo"},
    }
    at_the_box: ClassVar[Mapping[str, str]] = {"max_tries": "Photos in all", "gives_up.value": "Share who give up"}

    kind: Literal["retake"]
    minutes: Quantity
    """the time until another photo comes"""
    gives_up: ShareFigure
    """the share that sends no further photo"""
    max_tries: Annotated[int, Field(ge=2, le=5)] = 2
    """total number of photos one person may send"""
    to: Target
    on_give_up: Target
    on_exhausted: Target
    """where a request goes if its last photo was no better"""

    @property
    def repeats(self) -> Repeats:
        return Repeats(photos=self.max_tries)

    def check(self, name: str, scenario: AnyCase) -> Faults:
        if scenario.population is None:
            yield ("kind",), "a retake needs a `population` section"

    def flows(self, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        """With r the chance of being sent back and trying again, 1 + r + ... + r^(m-1) photos are taken; the last is final."""
        back = sum(photo.chance * _sent_to(plan, name, photo) for photo in comers.photos)
        stays = 1 - self.gives_up.value
        chain = [(back * stays) ** k for k in range(self.max_tries)]
        last = chain[-1] / sum(chain)
        return [
            Onward(self.to, (1 - last) * stays, anew=True),
            Onward(self.on_exhausted, last),
            Onward(self.on_give_up, (1 - last) * (1 - stays)),
        ]


class RetakeStage(Stage):
    """A pure delay with two ways out early: no patience left, or no tries left.

    A person who gives up where the path then ends has left without an answer.
    """

    def __init__(self, run: StageRun, name: str, spec: Retake) -> None:
        super().__init__(run, name, spec)
        attempts = range(spec.max_tries - 1)
        self.minutes = [as_memoryview(self._minutes(attempt)) for attempt in attempts]
        self.tries = as_memoryview(run.requests.tries)
        self.gave_up = as_memoryview(run.requests.gave_up)

    def _minutes(self, attempt: int) -> NDArray[np.float32]:
        """Return the seconds until each request sends another photo after photo `attempt`, shape (n,); inf: it gives up."""
        minutes = self.run.draw(f"{self.name}.{attempt}.minutes", self.spec.minutes)
        gives_up = self.run.uniform(f"{self.name}.{attempt}.gives_up") < self.spec.gives_up.value
        return np.where(gives_up, np.float32(inf), minutes)

    def connect(self) -> None:
        self.to = self.run.receiver(self.spec.to)
        self.on_give_up = self.run.receiver(self.spec.on_give_up)
        self.on_exhausted = self.run.receiver(self.spec.on_exhausted)
        self.leaves = self.spec.on_give_up in self.run.ends

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Ask for another photo, or let go."""
        for row in rows:
            attempt = self.tries[row]
            if attempt + 1 >= self.spec.max_tries:
                self.run.answer((row,), time)
                self.on_exhausted.accept((row,), time)
            elif self.minutes[attempt][row] == inf:
                self.gave_up[row] = self.leaves
                self.on_give_up.accept((row,), time)
            else:
                self._try_again(row, attempt, time)

    def _try_again(self, row: int, attempt: int, time: float) -> None:
        sent = time + 60 * self.minutes[attempt][row]
        self.tries[row] = attempt + 1
        self.run.requests.send_again(row, sent)
        self.log.add(row, time, time, sent)
        self.to.accept((row,), sent)


def _sent_to(plan: Plan, name: str, photo: Photo) -> float:
    """Return the share of a photo that gates send here: by any of those in a row, or by the one that sends most."""
    gates = {sender: cast(Gate, plan.scenario.stages[sender]) for sender in photo.routes}
    shares = {
        sender: sum(share for route, share in zip(gate.routes, photo.routes[sender], strict=True) if route.to == name)
        for sender, gate in gates.items()
    }
    senders = [sender for sender, share in shares.items() if share]
    reached = {sender: plan.scenario.network.reached(sender, name) for sender in senders}
    in_a_row = all(second in reached[first] or first in reached[second] for first, second in combinations(senders, 2))
    if in_a_row:
        return 1 - prod(1 - shares[sender] for sender in senders)
    return max(shares.values(), default=0.0)
