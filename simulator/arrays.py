"""Types of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Column = NDArray[Any]

#: Times in s; rows of requests; places in other arrays; numbers of words in a list; pictures of bytes.
Times = NDArray[np.float64]
Rows = NDArray[np.int32]
Places = NDArray[np.intp]
Codes = NDArray[np.int64]
Pixels = NDArray[np.uint8]
