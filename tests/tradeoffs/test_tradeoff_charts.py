"""Charts of studies: words on them can be read."""

from simulator.tradeoffs.tradeoff_charts import _close_together


def test_lines_that_lie_close_share_their_words():
    marks = [(0.365, "a"), (0.37, "b"), (0.4, "c"), (2.0, "d")]
    assert _close_together(marks, 0.1) == [(0.365, ["a", "b", "c"]), (2.0, ["d"])]
    assert _close_together(marks, 0.001) == [(at, [label]) for at, label in marks]
