"""Triton's dynamic batching rule, as a function of the queue alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BatchRule:
    """How a free instance forms a batch from a queue of single requests.

    Source: triton-inference-server/core, `src/dynamic_batch_scheduler.cc`. `preferred` empty stands for `[max_batch]`.
    """

    max_batch: int = 1
    delay_s: float = 0.0
    preferred: tuple[int, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """The preferred sizes in effect, ascending."""
        return tuple(sorted(self.preferred)) or (self.max_batch,)

    def take(self, waiting: int, overdue: bool) -> int:
        """How many of the `waiting` requests to send now, from the front; 0 means wait.

        overdue: whether the oldest of them has waited for `delay_s` or longer.
        """
        pending = min(waiting, self.max_batch)
        exceeded = self.delay_s > 0 and overdue
        marked = max((size for size in self.sizes if size <= pending), default=0)
        if marked and not exceeded:
            return marked
        stopped = waiting > self.max_batch
        if stopped or pending >= self.sizes[-1] or exceeded or self.delay_s == 0:
            return pending
        return 0

    def table(self) -> tuple[list[int], list[int]]:
        """`take` for every queue length up to max_batch + 1 (a longer queue gives the same), not overdue and overdue."""
        lengths = range(self.max_batch + 2)
        return [self.take(waiting, False) for waiting in lengths], [self.take(waiting, True) for waiting in lengths]
