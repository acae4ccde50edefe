"""Runs to draw panels of, made once: of two cases, of one about posts that are checked first, and of a vehicle."""

from dataclasses import replace
from functools import cache

from simulator.explain.result import replicate
from tests.builders import assumed, end, gate, people, plan, pool, population, score_table
from tests.encounters import encounters, hazard, misses, recall, vehicle_plan
from tests.shipped import run_of

SCORED = score_table([0.9, 0.8, 0.7, 0.2], [0.6, 0.5, 0.4, 0.3, 0.25, 0.1, 0.1, 0.1])
ALWAYS = ("00:00", "24:00", 2)
WORDS = {"positive": "breaks a rule", "negative": "keeps the rules", "positives": "banned posts", "negatives": "allowed posts",
         "detected": "taken down", "missed": "let through", "escalated": "taken down"}  # fmt: skip


def moderation():
    """Posts that a model flags for moderators, with a choice of its threshold."""
    routes = [{"at_sensitivity": 0.75, "to": "moderators", "tag": "flagged"}, {"to": "shown"}]
    stages = {
        "model": pool(to="triage", scores="test", label="Classifier"),
        "triage": gate("score", *routes, answers=True),
        "moderators": people(ALWAYS, label="Moderators", positive_to="down", negative_to="shown"),
    }
    ends = {"shown": end(label="Shown"), "down": end(label="Taken down", escalated=True, detected=assumed(1))}
    dial = {"kind": "number", "label": "Threshold", "default": 0.75, "values": [0.5, 0.75, 1.0],
            "set": ["stages.triage.routes.0.at_sensitivity"]}  # fmt: skip
    return plan(
        stages,
        scores=SCORED,
        seconds=3600,
        rate=0.1,
        ends=ends,
        population=population(0.25) | WORDS,
        unit={"one": "post", "many": "posts"},
        costs={"missed_positive_usd": assumed(5)},
        choices={"dial": dial},
        exhibits=["outcomes", "threshold", "batches", "shifts", "answer_times", "one_request", "cost"],
    )


def appeals():
    """Posts of `moderation`, where the authors of one in ten that moderators take down appeal to a team of its own."""
    shown, down = {"to": "shown"}, {"to": "down"}
    stages = {
        "model": pool(to="triage", scores="test", label="Classifier"),
        "triage": gate("score", {"at_sensitivity": 0.75, "to": "moderators"}, shown, answers=True),
        "moderators": people(ALWAYS, label="Moderators", positive_to="objects", negative_to="shown"),
        "objects": gate("random", {"share": 0.1, "to": "board"}, down, label="Appeal"),
        "board": people(ALWAYS, minutes=5, label="Appeals team", positive_to="down", negative_to="shown"),
    }
    ends = {"shown": end(label="Shown"), "down": end(label="Taken down", escalated=True, detected=assumed(1))}
    fields = {"ends": ends, "population": population(0.25) | WORDS, "unit": {"one": "post", "many": "posts"}}
    made = plan(stages, scores=SCORED, seconds=3600, rate=0.1, exhibits=["outcomes", "threshold"], **fields)
    return replace(made, scenario_hash="appeals")  # charts are kept by what tells plans apart


def vehicle():
    """At 36 km/h: of pedestrians 30 m ahead and cars 40 m ahead three in four frames find one, after 0.1 s."""
    stopped = hazard(label="Stopped car", object="car", share=assumed(0.5), distance_m={"constant": assumed(40)})
    kinds = {"walker": hazard(share=assumed(0.5)), "car": stopped}
    made = vehicle_plan(recall(0.75), misses(0.3, 0.3, 0.5), encounters=encounters(kinds))
    return replace(made, scenario_hash="vehicle")  # runs are kept by what tells plans apart


#: Plans of this module by name.
PLANS = {"moderation": moderation, "appeals": appeals, "vehicle": vehicle}


@cache
def result(name):
    """The result of two replications of a case, or of a plan of this module."""
    return replicate(PLANS[name](), seed=1, replications=2) if name in PLANS else run_of(name)
