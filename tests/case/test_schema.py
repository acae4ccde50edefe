"""A scenario is data: written out and read again it is the same, and every figure names one source."""

import json

import pytest
from pydantic import ValidationError

from simulator.case.fields import EVIDENCE_KINDS, Figure
from simulator.case.load import load, loads, scenario_ids
from tests.case.texts import SMALL
from tests.effort import quick_cases


@pytest.mark.parametrize("case", ["small", *quick_cases()])
def test_a_scenario_written_out_and_read_again_is_the_same(case):
    scenario = loads(SMALL) if case == "small" else load(case)
    written = json.dumps(scenario.model_dump(exclude_unset=True))
    assert loads(written).model_dump() == scenario.model_dump()


@pytest.mark.parametrize("kind", EVIDENCE_KINDS)
def test_a_figure_says_of_which_kind_its_evidence_is(kind):
    figure = Figure(value=1, **{kind: "because"})
    assert (figure.kind, figure.source) == (kind, "because")


@pytest.mark.parametrize("given", [{}, {"measured": "a", "assumed": "b"}])
def test_a_figure_names_exactly_one_source(given):
    with pytest.raises(ValidationError, match="exactly one of"):
        Figure(value=1, **given)


def test_the_metrics_of_a_scenario_are_named_in_the_order_of_the_screen():
    names = list(loads(SMALL).metrics)
    assert names[:2] == ["latency_served_mean_s", "latency_served_p50_s"]
    assert len(names) == len(set(names))
    assert [name for name in names if "reader" in name] == [
        "utilization.reader", "wait_p50_s.reader", "wait_p95_s.reader", "wait_p95_s.reader.urgent",
    ]  # fmt: skip


@pytest.mark.parametrize("case", scenario_ids())
def test_labels_of_metrics_speak_of_what_the_case_counts(case):
    """An objective and its metric have one name, and no label calls photos, clips, frames or people requests."""
    scenario = load(case)
    assert {one.metric: one.label for one in scenario.objectives}.items() <= {
        name: metric.label for name, metric in scenario.metrics.items()
    }.items()
    words = {word.strip(",:()").lower() for metric in scenario.metrics.values() for word in metric.label.split()}
    assert words.isdisjoint({"request", "requests", "positives", "negatives"})
    assert scenario.unit.many in words
