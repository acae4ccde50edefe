"""When batches end: on a device of their own, and on one that all batches share at the same pace."""

from math import inf

import pytest

from simulator.engine.stages.device_batches import Dedicated, RunningBatch, Shared, SharedDevice


class Alarm:
    """Notes the times that a stage is to wake at."""

    def __init__(self):
        self.times = []

    def set(self, time):
        self.times.append(time)


def batch(fails=inf, repaired=inf):
    return RunningBatch([], None, 0, 0.0, (fails, repaired), None)


def device(stretch=lambda batches, threads: max(batches, 1)):
    return SharedDevice(stretch)


def ends(work, now):
    return [(one.done, one.lost) for one in work.ended(now)]


def test_alone_each_batch_takes_its_time():
    work = Dedicated()
    slow, quick = batch(), batch()
    work.begin(slow, 5.0, now=0.0)
    work.begin(quick, 1.0, now=2.0)
    assert work.next_end == 3.0
    assert work.unfinished() == [quick, slow]
    assert ends(work, 3.0) == [(3.0, False)]
    assert (len(work), work.next_end) == (1, 5.0)


def test_a_replica_that_fails_loses_its_batch_and_is_free_once_repaired():
    work, lost = Dedicated(), batch(fails=3.0, repaired=9.0)
    work.begin(lost, 5.0, now=0.0)
    assert ends(work, 3.0) == [(3.0, True)]
    assert lost.free_again == 9.0


def test_a_batch_that_makes_way_is_lost_at_that_moment():
    work, first, second = Dedicated(), batch(), batch()
    work.begin(first, 5.0, now=0.0)
    work.begin(second, 6.0, now=0.0)
    work.interrupt(first, 2.0)
    assert (first.done, first.lost) == (2.0, True)
    assert work.next_end == 6.0


def test_two_batches_on_a_shared_device_go_at_half_the_pace_each():
    """Work of 4 s begins at 0 s, and of 1 s at 2 s. The second is done at 4 s, when the first has 1 s left."""
    gpu = device()
    one, other = Shared(gpu, Alarm()), Shared(gpu, Alarm())
    long, short = batch(), batch()
    one.begin(long, 4.0, now=0.0)
    assert one.next_end == 4.0
    other.begin(short, 1.0, now=2.0)
    assert other.next_end == pytest.approx(4.0)
    assert ends(one, 4.0) == []
    assert ends(other, 4.0) == [(4.0, False)]
    assert one.next_end == pytest.approx(5.0)
    assert ends(one, 5.0) == [(5.0, False)]
    assert (len(one), one.next_end) == (0, inf)


def test_the_pace_follows_the_threads_of_all_batches():
    """A batch of 4 threads and one of 2 on 3 cores: all takes twice as long."""
    gpu = device(lambda batches, threads: max(threads / 3, 1))
    one, other = Shared(gpu, Alarm(), threads=4), Shared(gpu, Alarm(), threads=2)
    one.begin(batch(), 3.0, now=0.0)
    assert one.next_end == pytest.approx(4.0)
    other.begin(batch(), 3.0, now=0.0)
    assert (one.next_end, other.next_end) == (pytest.approx(6.0), pytest.approx(6.0))


def test_what_ends_or_fails_on_a_shared_device_gives_the_others_its_share():
    gpu, alarm = device(), Alarm()
    one, other = Shared(gpu, Alarm()), Shared(gpu, alarm)
    failing = batch(fails=1.0, repaired=8.0)
    one.begin(failing, 3.0, now=0.0)
    other.begin(batch(), 3.0, now=0.0)
    assert one.next_end == 1.0
    assert ends(one, 1.0) == [(1.0, True)]
    one.tell_others()
    assert alarm.times == [pytest.approx(3.5)]  # half a second of work is done at 1 s; 2.5 s are left
    assert failing.free_again == 8.0


def test_a_batch_that_makes_way_on_a_shared_device_leaves_its_share():
    gpu = device()
    work, first, second = Shared(gpu, Alarm()), batch(), batch()
    work.begin(first, 2.0, now=0.0)
    work.begin(second, 2.0, now=0.0)
    work.interrupt(first, 2.0)
    assert (first.done, first.lost) == (2.0, True)
    assert work.next_end == pytest.approx(3.0)
    assert [one.done for one in work.unfinished()] == [pytest.approx(3.0)]
