"""A small valid scenario as text, and where things stand in it."""

import re

SMALL = """\
id: small
version: 1
title: Small
summary: A gate, a pool and people
brief: A test
run: {starts_at: "08:00", days: 0.01, drain_days: 1, replications: 2}
arrivals:
  kind: poisson
  rate_per_s: {value: 0.1, assumed: a test}
population:
  positive: ill
  negative: healthy
  prevalence: {value: 0.5, assumed: a test}
start: classify
stages:
  classify:
    kind: pool
    label: Classifier
    model: tiny
    precision: fp32
    device: epyc-zen4-2c
    max_batch: 4
    scores: tiny
    to: sort
  sort:
    kind: gate
    label: Sort
    by: score
    routes:
      - {at_sensitivity: 0.5, to: reader, tag: urgent}
      - {at_sensitivity: 0.9, to: reader}
      - {to: cleared}
  reader:
    kind: people
    label: Reader
    shifts:
      - {start: "08:00", end: "16:00", people: 2}
    minutes:
      median: {value: 0.05, assumed: a test}
      sigma: 0.5
    usd_per_hour: {value: 60, assumed: a test}
    sensitivity: {value: 0.9, assumed: a test}
    specificity: {value: 0.9, assumed: a test}
    positive_to: seen
    negative_to: cleared
ends:
  seen:
    label: Seen
    escalated: true
    detected: {value: 1, assumed: a test}
    usd: {value: 100, assumed: a test}
  cleared:
    label: Cleared
    escalated: false
    detected: {value: 0, assumed: a test}
    usd: {value: 0, assumed: a test}
objectives:
  - {metric: sensitivity, at_least: 0.9, label: Found}
choices:
  point:
    kind: number
    label: Operating point
    default: 0.9
    values: [0.6, 0.9, 1.0]
    set: [stages.sort.routes.1.at_sensitivity]
  urgent:
    kind: number
    label: Urgent
    default: 0.5
    min: 0.2
    max: 0.8
    step: 0.1
    set: [stages.sort.routes.0.at_sensitivity]
  reading:
    kind: options
    label: Reading
    default: usual
    options:
      usual:
        label: Usual
        set: {stages.reader.sensitivity.value: 0.9}
      expert:
        label: Expert
        set:
          stages.reader.sensitivity: {value: 0.99, assumed: a test}
"""


def changed(*pairs: str, text: str = SMALL) -> str:
    """The text with each first member of a pair replaced by the second; it must stand there exactly once."""
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text


#: The sections of a case that no run reads.
WORDS = "questions", "debrief", "phases", "reference", "anchors", "claims", "tests", "interview"


def without(text: str, *sections: str) -> str:
    """Return the text of a case without some of its sections: a shipped case takes long to read, most of all its `WORDS`."""
    parts = re.split(r"^(?=[a-z_]+:)", text, flags=re.MULTILINE)
    return "".join(part for part in parts if part.partition(":")[0] not in sections)


def place(text: str, what: str) -> tuple[int, int]:
    """Line and column, from 1, of the only place where `what` stands."""
    assert text.count(what) == 1, f"{what!r} stands {text.count(what)} times"
    before = text[: text.index(what)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")
