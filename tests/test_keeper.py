"""The keeper of answers: once for equal keys, within its bound, for threads that ask at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from simulator.keeper import remembers


def doubler(most, nbytes=None):
    calls = []

    @remembers(most, lambda values: tuple(values), nbytes)
    def doubled(values):
        calls.append(values)
        return [2 * value for value in values]

    return doubled, calls


def test_equal_keys_share_an_answer_and_a_changed_argument_does_not():
    doubled, calls = doubler(4)
    values = [1, 2]
    assert doubled(values) is doubled([1, 2])
    values.append(3)
    assert doubled(values) == [2, 4, 6]
    assert len(calls) == 2


def test_the_answer_used_longest_ago_goes_beyond_the_number():
    doubled, calls = doubler(2)
    for value in (1, 2, 1, 3, 1, 2):
        assert doubled([value]) == [2 * value]
    assert [value for (value,) in calls] == [1, 2, 3, 2]


def test_a_bound_in_bytes_counts_bytes_and_an_answer_beyond_it_is_not_kept():
    doubled, calls = doubler(5, len)
    for length in (3, 2, 3, 6, 6):
        assert len(doubled([0] * length)) == length
    assert [len(values) for values in calls] == [3, 2, 6, 6]


def test_an_error_is_not_kept():
    attempts = []

    @remembers(4, lambda: "key")
    def flaky():
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("not yet")
        return "done"

    with pytest.raises(ValueError, match="not yet"):
        flaky()
    assert flaky() == flaky() == "done"
    assert len(attempts) == 2


def test_two_threads_that_ask_at_once_get_equal_answers():
    doubled, _ = doubler(2)
    together = Barrier(2)

    def ask(first):
        together.wait()
        return [doubled([first + number % 3, number % 5]) for number in range(300)]

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(ask, (0, 1)))
    assert answers == [[[2 * (first + number % 3), 2 * (number % 5)] for number in range(300)] for first in (0, 1)]
