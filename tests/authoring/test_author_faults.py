"""Mistakes that a run survives but that are never right."""

import pytest

from simulator.authoring.case_checker import author_faults
from simulator.case.load import loads
from tests.case.texts import changed, place

SECOND = """  again:
    kind: number
    label: Again
    default: 0.9
    values: [0.9, 1.0]
    set: [stages.sort.routes.1.at_sensitivity]
  reading:
"""
EVEN = "kind: poisson\n  rate_per_s: {value: 0.1, assumed: a test}"


def daily(parts: int) -> str:
    return f"kind: daily\n  per_day: {{value: 100, assumed: a test}}\n  weights: [{', '.join(['1'] * parts)}]"


UNSEEN = "  unseen: {label: U, escalated: false, detected: {value: 0, assumed: a}, usd: {value: 0, assumed: a}}\nobjectives:"
EXPERT = "          stages.reader.sensitivity: {value: 0.99, assumed: a test}\n"

MISTAKES = {  # what stands in the file, what is put there, the place of the fault, its code, its words
    "a percentage as a share": (
        "at_least: 0.9,", "at_least: 95,", "at_least: 95", "impossible-objective", "write 0.95 for 95%"),
    "a percentage as a bound from above": (
        "at_least: 0.9,", "at_most: 5,", "at_most: 5", "certain-objective", "write 0.05 for 5%"),
    "a share of at least nothing": ("at_least: 0.9,", "at_least: 0,", "at_least: 0", "certain-objective", "never below 0%"),
    "a share of at most all": ("at_least: 0.9,", "at_most: 1,", "at_most: 1", "certain-objective", "never above 100%"),
    "a share below nothing": ("at_least: 0.9,", "at_most: -1,", "at_most: -1", "impossible-objective", "got -1"),
    "a cost below nothing": (
        "metric: sensitivity, at_least: 0.9,", "metric: cost_per_1000_usd, at_most: -5,", "at_most: -5",
        "impossible-objective", "never below 0 USD"),
    "a time longer than the run": (
        "metric: sensitivity, at_least: 0.9,", "metric: latency_p95_s, at_most: 100000,", "at_most: 100000",
        "certain-objective", "longer than the whole run of"),
    "a later choice that always writes": ("  reading:\n", SECOND, "point:\n", "overwritten-choice", "'again' comes later"),
    "an end without a way": (
        "objectives:", UNSEEN, "unseen:", "unreached-end", "no request can reach this end"),
    "23 hours": (EVEN, daily(23), "weights:", "uneven-day", "write 24 for one an hour"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_at_its_place(name):
    old, new, where, code, words = MISTAKES[name]
    text = changed(old, new)
    (fault,) = author_faults(loads(text, "small.yaml"))
    assert (fault.code, fault.line) == (code, place(text, where)[0])
    assert words in fault.message


@pytest.mark.parametrize("change", [
    ("at_least: 0.9,", "at_least: 1,"),
    ("at_least: 0.9,", "at_most: 0,"),
    ("metric: sensitivity, at_least: 0.9,", "metric: latency_p95_s, at_most: 3600,"),
    (EVEN, daily(24)),
    (EVEN, daily(48)),
])  # fmt: skip
def test_what_may_be_right_passes(change):
    assert author_faults(loads(changed(*change), "small.yaml")) == []


def test_an_end_that_only_an_option_leads_to_is_reached():
    text = changed("objectives:", UNSEEN, EXPERT, f"{EXPERT}          stages.reader.negative_to: unseen\n")
    assert author_faults(loads(text, "small.yaml")) == []


def test_an_option_that_writes_where_another_choice_writes_is_no_fault():
    text = changed(EXPERT, f"{EXPERT}          stages.sort.routes.1.at_sensitivity: 0.9\n")
    assert author_faults(loads(text, "small.yaml")) == []
