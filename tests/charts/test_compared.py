"""Several runs in one chart."""

from dataclasses import replace

import numpy as np

from simulator.charts.answer_charts import answer_times_compared
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.metrics.measures import CURVE, measure
from simulator.metrics.summary import summary_of
from tests.builders import plan, pool


def run_of(seconds):
    made = plan({"p": pool(replicas=40)}, constant(seconds))
    return summary_of(made, 0, [measure(simulate(made, 0, number)) for number in range(2)])


def test_each_run_has_a_line_of_its_own_look_and_its_95th_percentile_in_the_sentence():
    runs = [run_of(1.0), run_of(3.0)]
    chart = answer_times_compared(runs, ["run 1", "run 4"])
    assert chart.takeaway == "95% of those served are answered within 1.00 s in run 1, within 3.00 s in run 4."
    lines = chart.figure.data
    assert [line.name for line in lines] == ["run 1", "run 4"]
    assert len({(line.line.color, line.line.dash) for line in lines}) == 2
    for line, run in zip(lines, runs, strict=True):
        np.testing.assert_array_equal(line.x, run.latency_curve)
        np.testing.assert_allclose(line.y, 100 * CURVE)
    assert chart.table.columns.tolist() == ["answered_share", "time_s, run 1", "time_s, run 4"]


def test_a_run_that_served_nobody_is_told_too():
    served = run_of(1.0)
    nobody = replace(served)
    vars(nobody)["latency_curve"] = np.full(len(CURVE), np.nan)  # in place of the one that is worked out when it is asked for
    chart = answer_times_compared([served, nobody], ["run 1", "run 2"])
    assert chart.takeaway.endswith("within 1.00 s in run 1. run 2 served too few to say.")
    assert "served too few" in answer_times_compared([nobody], ["run 2"]).takeaway
