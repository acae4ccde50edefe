"""Why objectives are not met, on designs in which it is known who is missed where, what costs, and who turns requests away."""

import json
import re
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.exhibits import EXHIBITS
from simulator.case.load import find, load
from simulator.case.load import loads as loads_text
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.explain import advice
from simulator.explain.bottleneck import by_decider
from simulator.explain.causes import shared_out
from simulator.explain.result import replicate, result_of
from simulator.metrics.measures import measure
from simulator.metrics.overload import goodput, trouble
from tests.builders import assumed, end, gate, link, people, plan, pool, population, retake, score_table, spread
from tests.metrics.test_groups import screened


@pytest.fixture(autouse=True)
def few_replications(monkeypatch):
    """Three replications a trial are enough for steps that change much."""
    monkeypatch.setattr(advice, "TRIALS", 3)


ENDS = {
    "clinic": end(label="Clinic", escalated=True, detected=assumed(1), usd=assumed(100)),
    "cleared": end(label="Cleared"),
    "gone": end(label="Gone"),
}
FOUND = {"metric": "sensitivity", "at_least": 0.99, "label": "Ill people found"}


def gated(*routes, objectives=(FOUND,), **fields):
    """A classifier that misses every fourth positive and alarms for every fourth negative."""
    scores = score_table([0.9, 0.9, 0.9, 0.1], [0.1, 0.1, 0.1, 0.6])
    routes = routes or ({"at_least": 0.5, "to": "clinic", "tag": "alarm"}, {"to": "cleared"})
    stages = {"p": pool(to="g", scores="x", label="Model"), "g": gate("score", *routes, label="Cut")} | fields.pop("more", {})
    shape = {"seconds": 200, "rate": 4, "ends": ENDS, "population": population()} | fields
    return plan(stages, constant(1e-4), scores, objectives=list(objectives), **shape)


def requests_of(made, replications, seed=1):
    """The requests of all replications, as the trace tells them."""
    return pd.concat([simulate(made, seed, number).requests for number in range(replications)])


def only(result):
    (reason,) = result.reasons.values()
    return reason


def test_who_is_missed_is_counted_where_it_ended_and_the_gate_is_named():
    made = gated()
    reason, rows = only(replicate(made, 1, 3)), requests_of(made, 3)
    ill = rows[rows["positive"]]
    missed = ill[~ill["detected"]]
    assert set(missed["end"]) == {"cleared"}
    assert f"{len(missed) / 3:.0f} of {len(ill) / 3:.0f} positives are missed." in reason.sentence
    assert "All of them end at “Cleared”: “Cut” decides, by the score of “Model”." in reason.sentence
    assert "on average over 3 runs of 200 s" in reason.sentence.lower().replace("3.33 min", "200 s")
    assert (reason.stage, reason.exhibit) == ("g", "threshold")


def test_of_a_group_its_own_are_counted():
    made = screened(objectives=[{"metric": "sensitivity.kind.rare", "at_least": 1, "label": "Rare ones"}])
    reason, rows = only(replicate(made, 1, 2)), requests_of(made, 2)
    rare = rows[(rows["kind"] == "rare") & rows["positive"]]
    missed = np.count_nonzero(~rare["detected"])
    told = f"{missed / 2:.0f}" if missed / 2 >= 9.95 else f"{missed / 2:.1f}".removesuffix(".0")
    assert f"{told} of {len(rare) / 2:.0f} positives of the group “Kind: rare” are missed" in reason.sentence


def test_who_gave_up_and_who_waited_too_long_are_missed_where_they_left():
    """The model turns down every fourth, who gives up; the reader can read half of the others, and misses half of these."""
    reader = people(("00:00", "24:00", 1), minutes=0.2, label="Reader", patience_h=spread(1 / 60), on_timeout="gone",
                    positive_to="clinic", negative_to="cleared", sensitivity=assumed(0.5))  # fmt: skip
    more = {
        "again": retake("p", label="Another photo", gives_up=assumed(1), on_give_up="gone", on_exhausted="r"),
        "r": reader,
    }
    made = gated({"at_least": 0.5, "to": "r"}, {"to": "again"}, more=more, rate=0.3, seconds=4000)
    reason, rows = only(replicate(made, 1, 2)), requests_of(made, 2)
    missed = rows[rows["positive"] & ~rows["detected"]]
    late, gave_up = missed[missed["outcome"] == "timed_out"], missed[(missed["end"] == "gone") & (missed["outcome"] == "done")]
    misread = missed[missed["end"] == "cleared"]
    assert min(len(late), len(gave_up), len(misread)) > 30
    told = sorted(
        [
            (len(late), "end at “Gone” after too long a wait at “Reader”"),
            (len(gave_up), "end at “Gone”, having given up at “Another photo”"),
            (len(misread), "end at “Cleared”: “Reader” decides"),
        ],
        reverse=True,
    )
    parts = [f"{count / 2:.0f} {'of them ' if place == 0 else ''}{words}" for place, (count, words) in enumerate(told)]
    assert reason.sentence.endswith("; ".join(parts) + ".")


def test_where_few_are_counted_that_is_said():
    made = gated(seconds=10)
    missed = np.count_nonzero((rows := requests_of(made, 2))["positive"] & ~rows["detected"])
    assert missed < 30
    reason = only(replicate(made, 1, 2))
    assert f"Only {missed} that are missed were counted in all, so the split is rough." in reason.sentence


def test_who_is_escalated_in_vain_is_told_by_the_route_that_took_them():
    made = gated(objectives=[{"metric": "specificity", "at_least": 0.99, "label": "Healthy people left alone"}])
    reason, rows = only(replicate(made, 1, 3)), requests_of(made, 3)
    well = rows[~rows["positive"]]
    raised = np.count_nonzero(well["end"] == "clinic")
    assert f"{raised / 3:.0f} of {len(well) / 3:.0f} negatives are escalated." in reason.sentence
    assert "All of them are “alarm”: “Cut” decides, by the score of “Model”." in reason.sentence


def test_the_parts_of_the_cost_are_those_that_the_trace_adds_up_to():
    dear = {"metric": "cost_per_1000_usd", "at_most": 1, "label": "Cost"}
    made = gated(objectives=[dear], costs={"missed_positive_usd": assumed(300)})
    reason, rows = only(replicate(made, 1, 3)), requests_of(made, 3)
    missed = 300 * np.count_nonzero(rows["positive"] & ~rows["detected"])
    visits = {ill: 100 * np.count_nonzero((rows["end"] == "clinic") & (rows["positive"] == ill)) for ill in (True, False)}
    total = missed + sum(visits.values())  # the machine costs next to nothing
    assert f"{missed / total:.0%} missed positives" in reason.sentence.replace(" of the cost is", "")
    assert f"{visits[False] / total:.0%} follow-up of negatives" in reason.sentence.replace(" of the cost is", "")
    assert f"{visits[True] / total:.0%} follow-up of positives" in reason.sentence.replace(" of the cost is", "")
    assert "“Cut” trades one for the other; a better score moves both." in reason.sentence
    assert reason.exhibit == "cost"


def test_of_a_late_answer_the_stage_with_most_of_the_slowest_is_named():
    late = {"metric": "latency_p95_s", "at_most": 0.1, "label": "Answer"}
    stages = {"a": pool(to="b", label="First"), "b": pool(label="Second")}
    made = plan(stages, {"a": constant(0.1), "b": constant(0.5)}, seconds=1000, objectives=[late])
    result = replicate(made, 1, 2)
    reason = only(result)
    assert reason.stage == result.bottleneck.stage == "b"
    assert "At “Second” the slowest requests spend" in reason.sentence
    assert f"the offered load is {result.stages['b'].load:.0%} of what its replicas can serve" in reason.sentence
    assert result.stages["b"].load == pytest.approx(0.5, rel=0.1)  # two a second can be served, one a second comes


def test_an_objective_without_a_figure_is_explained_by_the_queue_that_only_grows():
    late = {"metric": "latency_p95_s", "at_most": 10, "label": "Answer"}
    reason = only(replicate(plan({"p": pool(label="Model")}, constant(2.0), objectives=[late], seconds=1000), 1, 2))
    assert "There is no figure to quote, because “Model” has no steady state: the offered load is" in reason.sentence


def test_what_is_met_has_no_reason_and_what_is_not_proven_has_one():
    met = {"metric": "sensitivity", "at_least": 0.01, "label": "Some"}
    open_ = {"metric": "sensitivity", "at_least": 0.75, "label": "Three in four"}
    result = replicate(gated(objectives=[met, open_]), 1, 3)
    assert [verdict.standing for verdict in result.verdicts] == ["met", "not proven"]
    assert list(result.reasons) == [1]
    assert "It is not proven: the interval of" in result.reasons[1].sentence
    assert "and 4 were labelled" in result.reasons[1].sentence
    assert "mostly because" not in result.reasons[1].sentence  # it has been said
    assert result.reasons[1].claims[-1].decided_by.why == "few requests are labelled"


@pytest.mark.parametrize(
    "asked",
    [
        {"metric": "utilization.p", "at_least": 0.9, "label": "Busy"},
        {"metric": "escalated_share", "at_least": 0.9, "label": "Many"},
    ],
)
def test_what_nothing_is_known_of_is_told_honestly(asked):
    result = replicate(gated(objectives=[asked]), 1, 2)
    reason = only(result)
    assert "no single reason can be given" in reason.sentence
    assert result.verdicts[0].metric.label in reason.sentence
    assert reason.advice.sentence == "No choice in this case changes that."


def test_the_way_through_a_link_alone_is_explained_too():
    late = {"metric": "latency_p95_s", "at_most": 1, "label": "Answer"}
    reason = only(replicate(plan({"far": link("done", 5)}, objectives=[late], seconds=300), 1, 2))
    assert "its time does not depend on the load" in reason.sentence


# The cases that come with it


@cache
def skin(**picks):
    """Four replications, without those for other labelled people."""
    made = compile_plan(load("skin-cancer-triage"), picks)
    return result_of(made, 1, [measure(simulate(made, 1, number)) for number in range(4)])


@pytest.mark.long
def test_the_default_skin_case_is_explained_by_its_readers_and_its_threshold_and_nobody_is_told_to_hire():
    result = skin()
    unmet = [place for place, verdict in enumerate(result.verdicts) if verdict.standing != "met"]
    assert list(result.reasons) == unmet == [0, 1, 3, 4]
    assert [reason.stage for reason in result.reasons.values()] == [*["dermatologist"] * 3, "triage"]
    for reason in result.reasons.values():
        assert reason.advice.move is None or reason.advice.move.step.choice != "dermatologists"
        assert reason.exhibit in EXHIBITS
    move = result.reasons[0].advice.move
    assert move is not None and (move.step.choice, move.step.pick) == ("certain", "one_in_10")


def test_where_readers_miss_cancers_the_choices_of_who_is_read_may_help_too():
    """At 99% sensitivity the threshold misses few; the reader does, and people who go straight to the clinic are not read."""
    picks = {"architecture": "fine_tuned", "operating_point": 0.99}
    reason = replicate(compile_plan(load("skin-cancer-triage"), picks), 1, 1).reasons[0]
    assert reason.stage == "dermatologist"
    assert {"certain", "operating_point"} <= {*reason.written_by}


def test_its_numbers_are_those_of_the_trace():
    rows = requests_of(skin().plan, 4)
    ill = rows[rows["positive"]]
    missed = ill[~ill["detected"]]
    dismissed, cleared = (np.count_nonzero(missed["end"] == end) for end in ("reassured", "cleared"))
    told = skin().reasons[0].sentence
    for pattern, counts in {
        r"(\d+) of (\d+) cancers": (len(missed), len(ill)),
        r"(\d+) of them end at “Reassured by a dermatologist”: “Dermatologists” decides": (dismissed,),
        r"(\d+) end at “Cleared by the model”: “Threshold” decides": (cleared,),
    }.items():
        found = re.search(pattern, told)
        assert [int(number) for number in found.groups()] == pytest.approx([count / 4 for count in counts], abs=0.5)
    melanomas = ill[ill["diagnosis"] == "MEL"]
    lost = np.count_nonzero(~melanomas["detected"])
    told = f"{lost / 4:.0f} of {len(melanomas) / 4:.0f} cancers"
    assert f"{told} of the group “Diagnosis: melanoma” are missed" in skin().reasons[1].sentence


@pytest.mark.long
def test_a_move_changes_an_objective_by_what_runs_of_both_designs_say():
    text = find("skin-cancer-triage").read_text(encoding="utf-8").replace("  days: 2\n", "  days: 1\n")  # one is enough
    short = loads_text(text)
    advised = replicate(compile_plan(short), 1, advice.TRIALS).reasons[0].advice
    move = advised.move
    plans = [compile_plan(short, picks) for picks in ({}, {move.step.choice: move.step.pick})]
    ill = [rows[rows["positive"]] for rows in (requests_of(made, advice.TRIALS) for made in plans)]
    change = ill[1]["detected"].mean() - ill[0]["detected"].mean()
    moved = move.own.change.change
    assert moved.value == pytest.approx(change)
    assert 0 < moved.low < moved.value < moved.high
    own = advised.claims[0].parts[0]
    assert (own.value, own.interval, own.population) == (moved.value, (moved.low, moved.high), move.words)


@pytest.mark.long
def test_people_are_told_to_be_too_few_where_they_are():
    result = skin(dermatologists=10)
    wait = result.reasons[3]
    assert "“Dermatologists” has no steady state" in wait.sentence
    assert wait.advice.move is not None and wait.advice.move.step.choice == "dermatologists"
    assert result.bottleneck.stage == "dermatologist"
    more = skin(dermatologists=wait.advice.move.step.pick)
    assert more.verdicts[3].estimate is not None


@cache
def storm(**picks):
    return compile_plan(load("retry-storm"), picks)


#: The places of its objectives on retries and on cost; what is a share of ends has no parts to be a reason.
RETRIES, COST = 3, 5


@cache
def stormy():
    traces = [simulate(storm(), 1, number) for number in range(3)]
    return traces, result_of(storm(), 1, [measure(trace) for trace in traces])


def test_in_a_retry_storm_the_answer_is_the_retries():
    traces, result = stormy()
    reason = result.reasons[RETRIES]
    assert (reason.stage, reason.exhibit) == ("check", "overload")
    calls = sum(trace.visits[(trace.visits["stage"] == "check") & trace.visits["wanted"]].shape[0] for trace in traces)
    resent = calls - sum(trace.columns.n for trace in traces)  # every photo calls once of its own accord
    assert f"{resent / calls:.0%} of what comes to it is sent again by “Gateway and phone try again”" in reason.sentence
    assert "the retries alone keep it overloaded" in reason.sentence
    told = json.loads(json.dumps(result.reasons[RETRIES].to_json(), allow_nan=False))
    assert (told["move"]["choice"], told["move"]["pick"]) == ("retries", "none")
    assert told["advice"] == told["move"]["sentence"]
    assert told["choices"][0] == "retries"


#: Photos that two replicas check a second: the case says 69% of it at 18 a second, or 26.
CHECKED_PER_S = 26.0266


@cache
def short_storm(**picks):
    traces = [simulate(storm(**picks), 1, number) for number in range(2)]
    return traces, result_of(storm(**picks), 1, [measure(trace) for trace in traces])


def test_retries_keep_a_service_overloaded_only_where_the_load_stays_too_high_after_the_surge():
    """With a short queue the service serves nearly all photos again as soon as the surge is over."""
    traces, result = short_storm(queue="short")
    assert all(trouble(goodput(trace)).ended <= 90 for trace in traces)  # the surge is from 60 s to 90 s
    assert "the retries alone keep it overloaded" not in result.reasons[RETRIES].sentence
    after = 2 * CHECKED_PER_S * (360 - 90)  # two runs, whose arrivals last 360 s
    calls = sum((trace.visits["stage"].eq("check") & trace.visits["entered_s"].ge(90)).sum() for trace in traces)
    assert f"From 20:01:30 (90.0 s into the run) on, its load is {calls / after:.0%}." in result.reasons[RETRIES].sentence


@pytest.mark.parametrize("picks", [{}, {"abandoned": "dropped"}, {"queue": "long"}, {"queue": "short"}], ids=str)
def test_without_retries_the_load_of_the_same_arrivals_is_the_same(picks):
    traces, result = short_storm(**picks)
    fresh = sum(trace.columns.n for trace in traces)
    alone = fresh / (2 * CHECKED_PER_S * 360)
    assert f"without that its load would be {alone:.0%}" in result.reasons[RETRIES].sentence
    assert ("the retries alone keep it overloaded" in result.reasons[RETRIES].sentence) == (picks != {"queue": "short"})


def test_without_retries_it_is_no_longer_the_retries():
    result = replicate(storm(retries="none"), 1, 2)
    reason = result.reasons[COST]
    assert "sent again" not in reason.sentence
    assert reason.stage == "check"


@given(st.lists(st.floats(0.001, 40), min_size=1, max_size=6))
def test_rounded_parts_sum_to_their_rounded_whole_and_none_is_off_by_a_digit(parts):
    shown, whole = shared_out(parts, sum(parts)), sum(parts)
    step = 1 if whole >= 9.95 else 0.1
    if whole >= 0.1:
        assert sum(shown) == pytest.approx(round(whole / step) * step)
        assert all(abs(one - part) <= step + 1e-9 for one, part in zip(shown, parts, strict=True))


def test_halves_are_shared_out_as_their_sum_is_written():
    """5.25 is written 5.2: 2.75, 1.5 and 1 would read 2.8, 1.5 and 1."""
    assert shared_out([2.75, 1.5, 1.0], 5.25) == pytest.approx([2.7, 1.5, 1.0])


@pytest.mark.parametrize("audit", ["none", "one_in_10"])
def test_a_gate_by_chance_decides_on_nobody_and_the_gate_before_it_is_the_cause(audit):
    """An audit draws some of the cleared; the threshold before it cleared them."""
    scenario = load("skin-cancer-triage")
    flows = pd.DataFrame({"end": ["cleared"], "last": ["classifier"], "count": [26.0]})
    ((stage, words),) = by_decider(compile_plan(scenario, {"audit": audit}).scenario, flows)
    assert stage == "triage"
    assert words == "end at “Cleared by the model”: “Threshold” decides, by the score of “Classifier”"


def test_a_share_of_ends_is_explained_by_the_stage_that_keeps_requests_from_them():
    _, result = stormy()
    shares = [place for place, verdict in enumerate(result.verdicts) if verdict.metric.name in ("checked_share", "right_share")]
    checked = result.reasons[shares[0]]
    assert (checked.stage, checked.exhibit) == ("check", "overload")
    assert "is the stage that turns photos away" in checked.sentence
    assert shares[1] not in result.reasons or result.reasons[shares[1]].stage is None  # of photos that came to an end
