"""The case of the skin cancers: what its texts tell is what the tables, the profiles and a run say."""

import re
from functools import cache
from itertools import count

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.profiles import load_profile
from simulator.evidence.score_tables import load_scores, score_names, score_rows
from simulator.explain.result import replicate
from simulator.paths import ASSETS
from simulator.sources.threshold_transfer import paired, transfers

TABLES = "pad_ufes20.efficientnet_"
LITE0 = f"{TABLES}lite0.fp32"


@cache
def case():
    return load("skin-cancer-triage")


@cache
def texts():
    """Brief, answers and debrief, with single spaces."""
    told = [case().brief, *(question.answer for question in case().questions)]
    told += [f"{lesson.title}. {lesson.text}" for lesson in case().debrief]
    return " ".join(" ".join(told).split())


def cleared(name, sensitivity):
    """The positives below the threshold that the table chooses, by diagnosis."""
    rows, threshold = score_rows(name), load_scores(name).threshold_at(sensitivity)
    return rows[(rows["label"] == 1) & (rows["score"] < threshold)]["diagnosis"].value_counts()


def fewest_positives(misses):
    """With how many positives so many misses still show 99% (exact binomial, one-sided 95%)."""
    return next(n for n in count(misses + 1) if binom.cdf(misses, n, 0.01) <= 0.05)


def test_it_tells_whose_photos_there_are():
    rows = score_rows(LITE0)
    seen, of = rows["diagnosis"].value_counts(), rows["label"].value_counts()
    assert (
        f"of the {of[1]} labelled cancers {seen['BCC']} are basal-cell carcinomas, {seen['SCC']} squamous-cell carcinomas and "
        f"{seen['MEL']} melanomas" in texts()
    )
    assert f"{seen['ACK']} of the {of[0]} photos without cancer show actinic keratoses" in texts()
    assert rows["fitzpatrick"].isin([5, 6]).sum() == 6
    assert "Only six photos are known to show skin types V or VI" in texts()


def test_it_tells_with_how_many_positives_99_percent_can_be_claimed():
    none, one = fewest_positives(0), fewest_positives(1)
    assert f"It takes {none} cancers without a miss to claim 99%, or {one} with one." in texts()
    assert none < 393 < 452 < one
    assert (
        "Neither the 452 cancers here nor the 393 malignant crops among the 401,059 of ISIC 2024 are enough for one miss"
        in texts()
    )


def test_it_tells_which_cancers_a_model_misses():
    missed = cleared(LITE0, 0.95)
    assert f"Of the {missed.sum()} that Lite0 clears at 95% sensitivity {missed['MEL']} are" in texts()
    assert f"it finds {48 - missed['MEL']} of 48 melanomas, and {343 - missed['BCC']} of 343 basal-cell carcinomas" in texts()
    for name in score_names():
        if name.startswith(TABLES):
            missed = cleared(name, 0.95)
            assert missed["MEL"] / 48 > (missed.sum() - missed["MEL"]) / 404, name


def test_it_tells_who_is_referred_without_a_cancer():
    rows, threshold = score_rows(LITE0), load_scores(LITE0).threshold_at(0.95)
    referred = (rows["score"] >= threshold).groupby(rows["diagnosis"]).mean()
    assert f"refers {referred['ACK']:.0%} of those and {referred['NEV']:.0%} of the moles" in texts()


@pytest.mark.parametrize(
    ("first", "second", "place", "told"),
    [
        ("lite0.fp32", "lite0.int8_dynamic", 0, "takes {:.0f} points of AUC from Lite0 (95% interval {:.1f} to {:.1f})"),
        ("lite0.fp32", "lite0.int8_static", 0, "static int8 takes {:.0f} points ({:.1f} to {:.1f})"),
        ("lite0.fp32", "lite0_finetuned.fp32", 2, "without cancer at 95% sensitivity (95% interval {1:.0f} to {2:.0f})"),
        ("lite0.fp32", "lite0_finetuned.fp32", 2, "instead of its last layer alone: they send home {:.0f} points more"),
    ],
)
def test_it_tells_differences_that_the_tables_show(first, second, place, told):
    pair = paired(score_rows(TABLES + first), score_rows(TABLES + second))[place]
    assert pair.differs
    low, high = sorted(abs(100 * bound) for bound in (pair.change.low, pair.change.high))
    assert told.format(abs(100 * pair.change.value), low, high) in texts()


@pytest.mark.parametrize(
    ("first", "second", "places", "told"),
    [
        (
            "lite0.fp32",
            "lite_ensemble.fp32",
            (2,),
            "send home {:.0f} points more of the people without cancer at 95% sensitivity, and",
        ),
        ("lite0.fp32", "lite0_tta.fp32", (2,), "and four views of a photo {:.0f} points. Neither interval leaves out zero"),
        ("lite0.fp32", "lite2.fp32", (0, 1, 2, 3), "Lite2, twice the work, gains nothing that these photos could show"),
        (
            "lite_ensemble.fp32",
            "lite_ensemble.int8_static",
            (0, 1, 2, 3),
            "From the mean of three networks static int8 takes nothing",
        ),
    ],
)
def test_it_claims_no_difference_that_the_tables_do_not_show(first, second, places, told):
    pairs = paired(score_rows(TABLES + first), score_rows(TABLES + second))
    assert not any(pairs[place].differs for place in places)
    assert told.format(100 * pairs[2].change.value) in texts()


def test_it_tells_how_a_threshold_travels():
    to_melanoma = next(moved for moved in transfers(score_rows(LITE0), 0.95) if moved.away == "positives that are MEL")
    found = to_melanoma.sensitivity
    assert (
        f"finds {48 * found.value:.0f} of the 48 melanomas (95% interval {100 * found.low:.0f} to {found.high:.0%})" in texts()
    )


def test_it_tells_latencies_that_were_measured():
    def ms(model, precision):
        calls = load_profile("epyc-zen4-2c", model, precision).run(1).calls
        return np.median(next(one for one in calls if one.batch == 1).latency_ms)

    full, reduced = ms("photo_decode", "jpeg_12mp"), ms("photo_decode", "jpeg_12mp_draft")
    assert f"takes {full:.0f} ms to decode and resize, {reduced:.0f} ms where it is reduced" in texts()
    resnet, lite0, small = (
        [ms(model, precision) for precision in ("fp32", "int8_static")]
        for model in ("resnet50", "efficientnet_lite0", "mobilenet_v3_small")
    )
    assert f"Lite0 at fp32 takes {lite0[0]:.0f} ms to classify it, a ResNet-50 {resnet[0]:.0f} ms" in texts()
    assert "takes ResNet-50 from {:.0f} to {:.0f} ms and Lite0 from {:.1f} to {:.1f} ms".format(*resnet, *lite0) in texts()
    assert "It slows MobileNetV3-Small from {:.1f} to {:.1f} ms".format(*small) in texts()
    assert f"takes Lite0 to {ms('efficientnet_lite0', 'int8_dynamic'):.0f} ms" in texts()


def test_each_missed_cancer_has_a_price_of_its_own():
    prices = {price.label: price for price in case().costs.prices if price.of.missed}
    assert [price.of.groups["diagnosis"] for price in prices.values()] == [["MEL"], ["SCC"], ["BCC"]]
    melanoma, squamous, basal = (price.usd for price in prices.values())
    more = 159_808.17 - 4_648.48  # Alexandrescu 2009: stage IV and in situ
    assert melanoma.value == round(more / 10)
    assert melanoma.between == (round(more / 20), pytest.approx(more / 5, rel=1e-4))
    assert (
        f"melanoma {melanoma.value:,.0f} USD, by assumption: one in ten is found at stage IV, which costs {more:,.0f} USD more"
        in texts()
    )
    assert (basal.value, squamous.value) == (1222, 2085)  # Wilson 2012: an excision, Mohs surgery
    assert squamous.between == (463, melanoma.value)  # from curettage to the price of a melanoma
    labelled = score_rows(LITE0)["diagnosis"].value_counts()
    mean = np.average([melanoma.value, squamous.value, basal.value], weights=labelled[["MEL", "SCC", "BCC"]])
    unlabelled = compile_plan(case(), {"architecture": "resnet50_x3"}).scenario.costs.missed_positive_usd
    assert unlabelled.value == pytest.approx(mean, abs=1)


def test_an_actinic_keratosis_has_a_price_and_a_way_of_its_own():
    """24 in 10,000 a year become a squamous-cell carcinoma (Helfand 2001); 2.57% in four years at most (Criscione 2009)."""
    *_, price = case().costs.prices
    assert price.of.groups == {"diagnosis": ["ACK"]}
    assert "treatment" not in price.of.ends
    assert price.usd.value == round(4 * 24 / 10_000 * 2085)
    assert price.usd.between == (round(4 * 8 / 10_000 * 2085), round(0.0257 * 2085))
    rows = simulate(compile_plan(case()), 1).requests
    assert set(rows.loc[rows["end"] == "treatment", "diagnosis"]) == {"ACK"}
    assert "ACK" not in set(rows.loc[rows["end"] == "reassured", "diagnosis"])


#: By option: specificity, and the share of each cancer that a reader recognises.
READERS = {
    "cochrane_visual": (0.8, {"BCC": 0.885, "SCC": 0.759, "MEL": 0.47}),
    "cochrane": (0.8, {"BCC": 0.885, "SCC": 0.759, "MEL": 0.81}),
    "deepmind": (0.905, {"BCC": 0.885, "SCC": 0.759, "MEL": 0.798}),
    "in_doubt": (0.9, {"BCC": 1.0, "SCC": 1.0, "MEL": 1.0}),
}


@pytest.mark.parametrize("reading", READERS)
def test_a_reader_recognises_each_cancer_as_its_source_says(reading):
    specificity, shares = READERS[reading]
    reader = compile_plan(case(), {"reading": reading}).scenario.stages["dermatologist"]
    own = {one.groups["diagnosis"][0]: one.sensitivity for one in reader.readings if one.sensitivity is not None}
    assert reader.specificity.value == specificity
    assert {name: own.get(name, reader.sensitivity).value for name in shares} == shares
    figures = [reader.sensitivity, *own.values()]
    assert {figure.kind for figure in figures} == {"assumed" if reading == "in_doubt" else "published"}


def test_the_usual_reader_is_the_default_option_of_the_choice():
    """No model at all loses: readers as published find less than the bound, and miss every second melanoma."""
    usual, default = case().stages["dermatologist"], compile_plan(case()).scenario.stages["dermatologist"]
    assert case().choices["reading"].default == "cochrane_visual"
    assert usual == default
    table = pd.read_csv(ASSETS / "datalab" / "called_malignant.csv", index_col="truth")
    assert usual.sensitivity.value == pytest.approx(table.loc["BCC", "share"], abs=1e-3)
    assert usual.readings[1].sensitivity.value == pytest.approx(table.loc["SCC", "share"], abs=1e-3)
    labelled = score_rows(LITE0)["diagnosis"].value_counts()[["BCC", "SCC", "MEL"]]
    alone = np.average([0.885, 0.759, 0.47], weights=labelled)
    found, melanomas, *_ = case().objectives
    assert alone < found.bound == 0.84  # Salinas 2024: 84.2%
    assert melanomas.bound == 0.47  # Cochrane CD011902


@cache
def default_run():
    return replicate(compile_plan(case()), 1, 4)


def test_it_asks_for_the_melanomas_too_and_the_default_design_misses_too_many():
    metrics, verdicts = default_run().metrics, {one.metric.name: one for one in default_run().verdicts}
    asked = verdicts["sensitivity.diagnosis.MEL"]
    assert asked.standing == "not met"
    assert f"**{asked.bound:.0%} of the melanomas**" in texts()
    assert metrics["sensitivity.diagnosis.MEL"].high < metrics["sensitivity.diagnosis.BCC"].low
    assert "sensitivity.diagnosis.NEV" not in metrics  # a mole is no cancer
    assert metrics["specificity.diagnosis.ACK"].value < metrics["specificity.diagnosis.NEV"].value


def test_it_tells_where_there_are_too_few_labelled_people_to_say():
    rows = score_rows(LITE0)
    ill = rows[rows["label"] == 1].groupby("fitzpatrick")["patient"].nunique()
    for number, name in {4: "IV", 5: "V"}.items():
        told = (
            f"(Fitzpatrick skin type: {name}): too few to say. It rests on {ill[number]} labelled people; 30 would be enough."
        )
        assert f"Cancers found {told}" in default_run().warnings
    assert {name for name in default_run().metrics if "skin_type" in name} == {f"sensitivity.skin_type.{n}" for n in (1, 2, 3)}


@pytest.mark.parametrize(
    "pick", [{"operating_point": 0.99}, {"dermatologists": 30}, {"order": "fifo"}, {"reading": "cochrane"}]
)
def test_a_pick_that_changes_at_noon_changes_nothing_before(pick):
    plan, noon = compile_plan(load("skin-cancer-triage")), 43_200.0
    usual, changed = simulate(plan, 1).requests, simulate(plan, 1, actions=[(noon, pick)]).requests
    for column in ("answered_s", "finished_s"):
        assert usual[column].where(usual[column] < noon).equals(changed[column].where(changed[column] < noon))
    assert not usual.equals(changed)


@pytest.mark.parametrize(
    ("picks", "evidence"),
    [
        ({"architecture": "efficientnet_lite1", "data": "one_reader", "hardware": "t4"}, "scores"),
        ({"architecture": "resnet50_x3", "canary": "half"}, "scores"),
        ({"architecture": "efficientnet_lite2", "max_batch": 16}, "latencies"),
        ({"architecture": "distilled", "hardware": "t4"}, "latencies"),
        ({"precision": "int8_dynamic", "hardware": "agx_orin"}, "latencies"),
    ],
)
def test_picks_that_do_not_go_together_are_named_as_on_the_screen_and_each_way_back_runs(picks, evidence):
    with pytest.raises(ScenarioError) as caught:
        compile_plan(case(), picks)
    (fault,) = caught.value.faults
    said, apart = fault.words, [name for name in picks if f"“{case().choices[name].label}: " in fault.words]
    assert fault.message == said
    assert len(apart) == 2
    assert f"do not go together: no {evidence} are known for both" in said
    assert not re.search(r"[a-z]_[a-z]|pad_|stages\.|epyc", said)
    for name in apart:
        choice = case().choices[name]
        assert f"“{choice.label}” to “{choice.label_of(choice.default)}”" in said
        compile_plan(case(), {**picks, name: choice.default})
