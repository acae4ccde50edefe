"""Numbers as people read them."""

import pytest

from simulator.units import roughly


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0%"), (0.004, "under 1%"), (0.01, "1%"), (0.876, "88%"), (0.995, "over 99%"), (1, "100%"), (1.179, "118%")],
)
def test_a_rough_share_is_never_rounded_to_nothing_or_to_all(share, words):
    assert roughly(share) == words
