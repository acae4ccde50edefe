"""What would decide an objective: one answer for the card and the notes, worked out by hand from its interval."""

import dataclasses

import pandas as pd
import pytest

from simulator.engine.latency_tables import constant
from simulator.explain.remedies import remedy_of, unprovable
from simulator.explain.result import replicate
from simulator.explain.trust import notes_on
from simulator.intervals import Interval, estimate
from simulator.paths import ASSETS
from tests.builders import plan, pool
from tests.explain.test_reasons import gated
from tests.shipped import run_of


@pytest.fixture(scope="module")
def late():
    """Ten replications of a case with an answer due within 1 s."""
    asked = {"metric": "latency_p95_s", "at_most": 1.0, "label": "Answer"}
    return replicate(plan({"p": pool()}, constant(0.1), objectives=[asked]), 0, 10)


def verdict_of(summary, value, run, labels=0.0, band=0.0):
    """The verdict on a value whose doubts reach so far to both sides."""
    found = estimate(Interval(value, value - run, value + run), Interval(value, value - labels, value + labels))
    projected = Interval(value, value - band, value + band) if band else None
    found = dataclasses.replace(found, low=found.low - band, high=found.high + band, projected=projected)
    return dataclasses.replace(summary.verdicts[0], estimate=found)


@pytest.mark.parametrize(
    ("parts", "kind", "words"),
    [
        ((0.8, 0.4), "replications", "About 40 replications"),  # twice as narrow takes four times as many
        ((0.8, 0.05, 0.3), "labels", "Only more labelled requests would"),
        ((0.8, 0.3, 0.25), "labels", "Only more labelled requests and more replications would"),
        ((0.8, 0.05, 0.0, 0.3), "measurement", "Only a measurement on that hardware would"),
        ((0.8, 0.05, 0.21, 0.3), "measurement", "Only a measurement on that hardware would"),
        ((0.8, 0.4, 0.0, 0.1), "replications", "About 160 replications"),  # the band leaves 0.1 of the 0.2
        ((0.99, 0.2), "nothing", "too close to the bound"),
        ((0.99, 0.01, 0.2), "nothing", "too close to the bound"),
    ],
)
def test_the_largest_doubt_says_what_would_decide(late, parts, kind, words):
    remedy = remedy_of(late, verdict_of(late, *parts))
    assert remedy.kind == kind
    assert words in remedy.sentence


def test_only_the_side_of_the_bound_counts(late):
    """A value below a bound is decided by its upper end: a projection that reaches far down leaves nothing open there."""
    skewed = verdict_of(late, 0.8, 0.25, 0.0, 0.05)
    down = dataclasses.replace(skewed.estimate, projected=Interval(0.8, 0.2, 0.85))
    remedy = remedy_of(late, dataclasses.replace(skewed, estimate=down))
    assert remedy.sentence == "About 28 replications would decide it."  # 10 * (0.25 / 0.15) ** 2 = 27.8


VEHICLE = {"preparing": "imager", "front_rate": 20, "side_rate": 2, "confirming": "h2of3", "predicting": "ahead", "margin": 1}


def test_the_card_and_the_notes_give_one_answer():
    """The age of the view is open because the detector's latency is projected, not because of the run."""
    found = run_of("av-perception", **VEHICLE)
    open_ones = [place for place, verdict in enumerate(found.verdicts) if verdict.standing == "not proven"]
    noted = [note.sentence for note in notes_on(found) if note.topic == "verdicts"]
    for place, note in zip(open_ones, noted, strict=True):
        verdict, remedy = found.verdicts[place], remedy_of(found, found.verdicts[place])
        assert found.reasons[place].sentence.count(remedy.sentence) == 1
        assert note == f"{verdict.objective.label}: the interval includes the bound. {remedy.sentence}"
    kinds = {found.verdicts[place].metric.name: remedy_of(found, found.verdicts[place]).kind for place in open_ones}
    assert kinds["age_p99_s.planner.front"] == "measurement"


def test_a_rate_that_no_drive_of_this_length_can_prove_is_said_at_once():
    """Three hours without an event are needed for fewer than one an hour (rule of three); 13 minutes were recorded.

    Five of six frames at 10 a second: no false answer lasted so long.
    """
    found = run_of("av-perception", **VEHICLE | {"front_rate": 10, "confirming": "h5of6"})
    (place,) = [at for at, verdict in enumerate(found.verdicts) if verdict.metric.name == "needless_brakes_per_h"]
    words = "No design can prove this here: it takes about 3.0 h without a false answer, and 13 minutes were recorded."
    sentence = found.reasons[place].sentence
    assert sentence.startswith(words)
    assert (remedy_of(found, found.verdicts[place]).sentence, remedy_of(found, found.verdicts[place]).kind) == (words, "drives")
    assert "would decide" not in sentence


@pytest.mark.parametrize("value", [0.93, 0.97])
def test_replications_do_not_decide_what_no_design_can_prove(value):
    """0.95 asks for 59 positives and 4 are labelled: the run is the widest doubt, but its end changes nothing."""
    result = replicate(gated(objectives=[{"metric": "sensitivity", "at_least": 0.95, "label": "Found"}]), 1, 2)
    verdict = verdict_of(result, value, 0.04)
    assert verdict.standing == "not proven"
    remedy = remedy_of(result, verdict)
    assert (remedy.kind, remedy.why) == ("labels", "")
    assert remedy.sentence == "No design can prove this here: it takes 59 positives without a miss, and 4 were labelled."


@pytest.mark.parametrize(("share", "needed"), [(0.99, 299), (0.9, 29), (0.75, 11), (0.5, 5)])
def test_a_sensitivity_that_too_few_positives_can_prove_is_said_at_once(share, needed):
    """With four labelled positives. share ** needed is the chance that none is missed, 5% at the most."""
    assert share**needed <= 0.05 < share ** (needed - 1)
    result = replicate(gated(objectives=[{"metric": "sensitivity", "at_least": share, "label": "Found"}]), 1, 2)
    words = f"No design can prove this here: it takes {needed} positives without a miss, and 4 were labelled."
    assert unprovable(result, result.verdicts[0]) == words
    assert result.reasons[0].sentence.startswith(words)


def test_where_enough_are_labelled_nothing_is_impossible():
    """452 cancers are enough for 84%, melanomas of 33 people for 47% and not for 95%: 0.95 ** 58 > 0.05 > 0.95 ** 59."""
    rows = pd.read_csv(ASSETS / "scores" / "pad_ufes20.efficientnet_lite0.fp32.csv")
    assert rows.loc[rows["diagnosis"] == "MEL", "patient"].nunique() == 33
    found = run_of("skin-cancer-triage")
    assert [unprovable(found, verdict) for verdict in found.verdicts] == [""] * len(found.verdicts)
    melanomas = found.verdicts[1]
    asked = dataclasses.replace(melanomas, objective=melanomas.objective.model_copy(update={"at_least": 0.95}))
    needs = "it takes 59 cancers of the group “Diagnosis: melanoma” without a miss, and the labelled ones come from 33 people."
    assert unprovable(found, asked) == f"No design can prove this here: {needs}"
    few = replicate(gated(objectives=[{"metric": "specificity", "at_least": 0.4, "label": "Spared"}]), 1, 2)
    assert unprovable(few, few.verdicts[0]) == ""  # 0.4 ** 4 < 0.05
