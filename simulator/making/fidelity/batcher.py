"""A real server: one worker that runs a model, behind a queue that is batched by the rule that the engine simulates."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Protocol, Self


class Rule(Protocol):
    """When a batch goes, and how large it is; see `simulator.stages.batching.TritonRule`."""

    @property
    def delay_s(self) -> float:
        """How long the oldest request waits for company, in s."""

    def take(self, waiting: int, overdue: bool) -> int:
        """How many requests to send now; 0 means wait."""


@dataclass(frozen=True)
class Pending:
    """A request that waits: what the client calls it, which sample it brings, and when it came."""

    token: int
    sample: int
    entered: float


@dataclass(frozen=True)
class Batch:
    """Requests that went together, in order of arrival.

    start: when the rule let them go; done: when the last of them was answered; free: since when the worker had been idle
    (all in s, by `time.perf_counter`)
    """

    requests: list[Pending]
    start: float
    done: float
    free: float


class Batcher:
    """Serves batches one after the other until it is closed; a context manager.

    compute: runs the model on these samples; answer: tells the client which requests are done
    A batch is formed at the instant the rule allows it: by the thread that brings the last request, or by the worker as
    it comes free. What the worker's thread takes to wake up is a part of the batch's service, as a client sees it.
    """

    def __init__(self, rule: Rule, compute: Callable[[list[int]], object], answer: Callable[[list[int]], object]) -> None:
        self.rule = rule
        self.served: list[Batch] = []
        self._compute, self._answer = compute, answer
        self._changed = threading.Condition()
        self._waiting: deque[Pending] = deque()
        self._formed: tuple[list[Pending], float] | None = None
        self._free: float | None = perf_counter()  # since when the worker has been idle; None while it works
        self._closing = False
        self._error: BaseException | None = None
        self._worker = threading.Thread(target=self._work, name="worker", daemon=True)

    def __enter__(self) -> Self:
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._worker.join()
        if self._error is not None:
            raise self._error

    def submit(self, requests: Sequence[tuple[int, int]]) -> None:
        """Requests as pairs of token and sample, all at one instant."""
        with self._changed:
            now = perf_counter()
            due = self._due()
            if self._idle and now >= due:  # the worker is about to wake up for those who came before
                self._form(due)
            self._waiting.extend(Pending(token, sample, now) for token, sample in requests)
            if self._idle:
                self._form(now)
                self._changed.notify_all()

    def wait_until(self, condition: Callable[[Batcher], bool]) -> None:
        """Block until it holds; looked at whenever a batch starts or ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or condition(self))

    @property
    def queued(self) -> int:
        """Requests that are in no batch yet."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is served."""
        return self._idle and not self._waiting

    @property
    def _idle(self) -> bool:
        return self._free is not None and self._formed is None

    def _due(self) -> float:
        """When the oldest request has waited for as long as the rule lets it."""
        return self._waiting[0].entered + self.rule.delay_s if self._waiting and self.rule.delay_s else inf

    def _form(self, now: float) -> None:
        """Form a batch as of `now`, if the rule lets one go."""
        size = self.rule.take(len(self._waiting), now >= self._due()) if self._waiting else 0
        if size:
            self._formed = [self._waiting.popleft() for _ in range(size)], now

    def _work(self) -> None:
        try:
            while batch := self._next():
                self._serve(*batch)
        except BaseException as error:  # raised again where the server is closed
            self._error = error
            with self._changed:
                self._changed.notify_all()

    def _next(self) -> tuple[list[Pending], float, float] | None:
        """The next batch, when it was formed, and since when the worker had been idle; None when there will be none."""
        with self._changed:
            assert self._free is not None
            free = self._free
            self._form(free)
            while self._formed is None:
                if self._closing and not self._waiting:
                    return None
                due = self._due()
                if perf_counter() >= due:
                    self._form(due)
                else:
                    self._changed.wait(None if due == inf else max(due - perf_counter(), 0.0))
            (requests, start), self._formed, self._free = self._formed, None, None
            self._changed.notify_all()
            return requests, start, free

    def _serve(self, requests: list[Pending], start: float, free: float) -> None:
        self._compute([request.sample for request in requests])
        self._answer([request.token for request in requests])
        with self._changed:
            self._free = perf_counter()
            self.served.append(Batch(requests, start, self._free, free))
            self._changed.notify_all()
