"""How requests are kept on their way to a stage."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.stages.stage import Inbox

times = st.lists(st.integers(0, 30).map(float), max_size=8)


@given(st.lists(st.tuples(st.booleans(), times, st.integers(0, 6)), max_size=8))
def test_requests_leave_in_the_order_of_their_times_however_they_were_delivered(deliveries):
    inbox, waiting, row = Inbox(), {}, 0
    for in_bulk, delivered, taken in deliveries:
        rows = range(row, row + len(delivered))
        row += len(delivered)
        waiting |= dict(zip(rows, delivered, strict=True))
        if in_bulk:
            inbox.add_block(np.array(rows, np.int32), np.array(delivered))
        else:
            for one, time in zip(rows, delivered, strict=True):
                inbox.add((one,), time)
        for _ in range(min(taken, len(waiting))):
            first = min(waiting.values())
            one, time = inbox.pop()
            assert time == waiting.pop(one) == first
        inbox.tidy()
        by_time = sorted(waiting.values())
        assert inbox.head == min(by_time, default=np.inf)
        for index, time in enumerate(by_time):
            assert inbox.head <= inbox.time_of(index) <= time


def test_columns_keep_their_types_whatever_a_stage_delivers():
    inbox = Inbox()
    inbox.add_block(np.array([3, 1], np.int64), np.array([1, 2]))
    assert [(column.dtype, column.tolist()) for column in inbox.columns] == [(np.int32, [3, 1]), (np.float64, [1.0, 2.0])]
