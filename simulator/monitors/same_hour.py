"""Numbers without the usual course of a day and without each camera's own level, so that neither hides a change.

Both are means of both files together: they stay as they are while blocks change files, so a permutation test stays exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.monitors.blocks import Codes, Floats
from simulator.monitors.monitor_tables import Column

#: Hours of a slot to choose from, and the fewest rows of both files in a slot (of a source) on average.
_SLOTS_H, _ROWS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0), 10
#: Hours of a day; the reference covers this many of them.
_DAY_H, _DAYS = 24, 2


@dataclass(frozen=True, eq=False)
class UsualCourse:
    """The slot of each row of the two files, in the order of the file, shapes (n,) and (m,). words: for a note."""

    reference: Codes
    production: Codes
    words: str

    def without(self, column: Column) -> Column:
        """Return a column of numbers less the mean of its slot plus the mean of all; other columns as they are."""
        if column.kind != "numbers":
            return column
        values = pd.concat([column.reference, column.production])
        slots = np.concatenate([self.reference[column.reference.index], self.production[column.production.index]])
        usual = values.groupby(slots).transform("mean").to_numpy()
        left = values - usual + values.mean()
        size = len(column.reference)
        return Column(column.name, column.kind, left.iloc[:size], left.iloc[size:])


def usual_course(
    hours: Sequence[Floats] | None, sources: Sequence[Codes] | None, source: str = "", time: str = ""
) -> UsualCourse | None:
    """Return slots of the same hour of the day and the same source; None where neither is known.

    hours: of the rows of both files; sources: of the rows of both files, named by the column `source`
    """
    count = 1 + int(max(codes.max() for codes in sources)) if sources else 1
    slot_h = _slot_h(hours, count) if hours else None
    if slot_h is None and not sources:
        return None
    codes = [np.zeros(len(source), np.int64) for source in (sources or hours or ())]
    if slot_h is not None:
        codes = [(hour % _DAY_H // slot_h).astype(np.int64) for hour in hours or ()]
    if sources:
        codes = [source * _DAY_H + other for source, other in zip(sources, codes, strict=True)]
    same = [f"the same {slot_h:g} h of the day by '{time}'"] if slot_h is not None else []
    same += [f"the same '{source}'"] if source else []
    return UsualCourse(codes[0], codes[1], " and ".join(same))


def _slot_h(hours: Sequence[Floats], sources: int) -> float | None:
    if np.ptp(hours[0]) < _DAYS * _DAY_H - max(_SLOTS_H):
        return None
    rows = sum(map(len, hours))
    return next((slot for slot in _SLOTS_H if rows / (sources * _DAY_H / slot) >= _ROWS), None)
