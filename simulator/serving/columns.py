"""Columns of numbers, one element a request."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def elements(column: NDArray[np.generic]) -> Any:
    """A view that reads and writes single elements as plain Python numbers, several times faster than the array does."""
    return memoryview(column)  # type: ignore[arg-type]


class InTurn:
    """Draws of a request, where it may be served several times at once: the first service takes its first draw, and so on.

    After the last draw it is the first one's turn again.
    """

    def __init__(self, draws: Sequence[NDArray[np.generic]]) -> None:
        """draws: at least one column, each of shape (n,)."""
        self._draws = [elements(column) for column in draws]
        self.turn = elements(np.zeros(len(draws[0]), np.int8))

    def __getitem__(self, row: int) -> Any:
        """The next draw of a request."""
        turn = self.turn[row]
        self.turn[row] = (turn + 1) % len(self._draws)
        return self._draws[turn][row]
