import time

import numpy as np

from campaigns.compression.paired_calls import ratio_of_medians, turns


def test_each_round_calls_every_network_once_and_the_warm_up_is_not_kept() -> None:
    heard: list[str] = []
    took = turns([lambda: heard.append("a"), lambda: heard.append("b")], rounds=7)
    assert took.shape == (7, 2)
    assert heard.count("a") == heard.count("b")
    assert all(set(pair) == {"a", "b"} for pair in zip(heard[::2], heard[1::2], strict=True))


def test_sleep_takes_no_processor_time() -> None:
    assert float(np.median(turns([lambda: time.sleep(0.01)], rounds=3))) < 5


def test_the_ratio_of_medians_of_twice_the_time_is_two() -> None:
    base = np.random.default_rng(0).lognormal(0, 0.1, 400)
    found = ratio_of_medians(2 * base, base)
    assert (found.value, found.low, found.high) == (2, 2, 2)
