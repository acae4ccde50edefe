"""When an object counts as confirmed: so many hits among so many frames on end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Hits that confirm, and the frames among which they lie.
HITS, AMONG = 3, 4


def first_confirmed(hits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The first frame at which `HITS` of the last `AMONG` frames hit, for each row of (copies, frames); -1 where it never comes."""
    counted = np.cumsum(hits, axis=1)
    recent = counted.copy()
    recent[:, AMONG:] -= counted[:, :-AMONG]
    enough = recent >= HITS
    return np.where(enough.any(axis=1), enough.argmax(axis=1), -1).astype(np.int64)
