"""When an object counts as confirmed: so many hits among so many frames on end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Hits that confirm, and the frames among which they lie.
HITS, AMONG = 3, 4


def first_confirmed(hits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first frame at which `HITS` of the last `AMONG` frames hit, shape (copies,); -1 where it never comes.

    hits: (copies, frames)
    """
    counted = np.cumsum(hits, axis=1, dtype=np.int64)
    older = np.pad(counted, ((0, 0), (AMONG, 0)))[:, : counted.shape[1]]
    enough = counted - older >= HITS
    return np.where(enough.any(axis=1), enough.argmax(axis=1), -1).astype(np.int64)
