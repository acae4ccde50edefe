"""The codes of faults and cautions, each with its reason, a wrong example and a right one.

The checks of `simulator.case` give a fault its code where they report it: by the type of pydantic's error for a single field,
by the section for what several fields say together.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

#: A fault stops a case, a caution may be intended, and a note states a limit of the evidence that no author can mend.
Severity = Literal["fault", "caution", "note"]


class Finding(NamedTuple):
    """The explanation of a code; wrong, right: lines of a case."""

    severity: Severity
    title: str
    why: str
    wrong: str
    right: str


def _fault(title: str, why: str, wrong: str, right: str) -> Finding:
    return Finding("fault", title, why, wrong, right)


def _caution(title: str, why: str, wrong: str, right: str) -> Finding:
    return Finding("caution", title, why, wrong, right)


def _note(title: str, why: str, wrong: str, right: str) -> Finding:
    return Finding("note", title, why, wrong, right)


def severity_of(code: str) -> Severity:
    """Return the severity of a code."""
    return FINDINGS[code].severity


#: Every code. Faults come first, from the file as a whole to its sections; then the cautions.
FINDINGS: dict[str, Finding] = {
    "file": _fault(
        "the file cannot be read",
        "A case is one UTF-8 file within stated limits of size and depth.",
        "a file of 40 MB",
        "a file of a few thousand lines, with tables in files beside it",
    ),
    "file-name": _fault(
        "the id is not the name of the file",
        "The app looks a case up by the name of its file, so `casesim serve` would refuse it.",
        "parcels.yaml with  id: parcel-check",
        "parcel-check.yaml with  id: parcel-check",
    ),
    "syntax": _fault(
        "the text is not YAML",
        "A colon in a text without quotes, a tab or a wrong indent changes the meaning of the line.",
        "brief: A test: find the holes",
        'brief: "A test: find the holes"',
    ),
    "quotes": _fault(
        "a comma ends a text within braces",
        "Within `{...}` a comma ends a value, and the words behind it become a key.",
        "{label: First come, first served}",
        '{label: "First come, first served"}',
    ),
    "yaml-feature": _fault(
        "a feature of YAML that a case may not use",
        "Tags, anchors and aliases could run code or hide the real size of a file.",
        "to: *reader",
        "to: reader",
    ),
    "duplicate-key": _fault(
        "a key stands twice in one mapping",
        "Only one of the two values would count, without a word about the other.",
        "max_batch: 4\nmax_batch: 8",
        "max_batch: 8",
    ),
    "unknown-key": _fault(
        "a key that this part does not have",
        "A misspelled key would leave its field at the default. The message names the nearest key.",
        "max_bach: 4",
        "max_batch: 4",
    ),
    "missing-field": _fault(
        "a field without a default is missing",
        "Add the field; the reference in docs/writing-cases.md lists the fields of each part.",
        "stages: {model: {kind: pool, label: Model}}",
        "stages: {model: {kind: pool, label: Model, model: resnet50, precision: fp32, device: epyc-zen4-2c, to: done}}",
    ),
    "unknown-kind": _fault("a kind that does not exist", "The message names the nearest kind.", "kind: pol", "kind: pool"),
    "unknown-word": _fault(
        "a word that is not among those allowed here", "The field takes one of a few words.", "warm_up: yes", "warm_up: mser5"
    ),
    "wrong-type": _fault(
        "a value of another type",
        "A number stands where a text belongs, a single value where a list or a figure belongs, or the other way round.",
        "rate_per_s: 20",
        "rate_per_s: {value: 20, assumed: two belts at full speed}",
    ),
    "out-of-range": _fault(
        "a number beyond the range of its field", "The message names the bound.", "max_batch: 0", "max_batch: 4"
    ),
    "wrong-length": _fault(
        "a text or a list that is too long or too short", "The message names the limit.", "routes: []", "routes: [{to: done}]"
    ),
    "wrong-form": _fault(
        "a name with letters that are not allowed",
        "Names are lower-case words; files lie beside the case.",
        "Reader 1: {kind: people}",
        "reader_1: {kind: people}",
    ),
    "bad-value": _fault(
        "values that contradict each other within one part",
        "Each value alone is right; together they are not, such as a minimum above its maximum or two bounds in one objective.",
        "{metric: sensitivity, at_least: 0.9, at_most: 1, label: Found}",
        "{metric: sensitivity, at_least: 0.9, label: Found}",
    ),
    "forbidden-text": _fault(
        "a text that would fetch something from another server",
        "Pages show neither pictures nor diagrams of a case's text.",
        "brief: See ![this](https://example.org/a.png)",
        "brief: See [this](https://example.org/a.png)",
    ),
    "unknown-name": _fault(
        "a name that refers to nothing",
        "A stage, end, metric, exhibit, or the place of a choice is misspelled or missing. The message names the nearest one.",
        "to: sortd",
        "to: sorted",
    ),
    "routes": _fault(
        "routes that lead nowhere, or for ever in a circle",
        "Each stage needs a way to it from the start, and a way from it to an end.",
        "two stages whose `to` name each other",
        "a stage whose `to` names an end",
    ),
    "stage": _fault(
        "a stage whose fields do not fit the rest of the case",
        "A gate by score needs a pool with scores; the strictest of its thresholds comes first.",
        "routes: [{at_sensitivity: 0.9, to: a}, {at_sensitivity: 0.5, to: b}, {to: c}]",
        "routes: [{at_sensitivity: 0.5, to: b}, {at_sensitivity: 0.9, to: a}, {to: c}]",
    ),
    "arrivals": _fault(
        "arrivals that do not fit the run",
        "A surge must begin before the last request arrives; a daily rhythm reaches no steady state.",
        "spikes: [{at_s: 90000, seconds: 60, times: 3}]   # in a run of one day",
        "spikes: [{at_s: 64800, seconds: 60, times: 3}]",
    ),
    "choices": _fault(
        "a choice that no page can offer",
        "The address of a page names options by their labels, so labels differ within a choice.",
        "two options with  label: Fast",
        "label: Fast  and  label: Fastest",
    ),
    "classes": _fault(
        "shares of classes that do not add up to 1",
        "Every request belongs to one class.",
        "shares of 0.5 and 0.4",
        "shares of 0.5 and 0.5",
    ),
    "attributes": _fault("an attribute that cannot be drawn", "The message says what it lacks.", "end: {...}", "town: {...}"),
    "curveballs": _fault(
        "a curveball that strikes nothing", "Its stage, its time or its quantity is not in this case.", "at_s: 1e9", "at_s: 600"
    ),
    "exhibits": _fault(
        "an exhibit without anything to show", "The message names its needs.", "exhibits: [shifts]", "exhibits: [batches]"
    ),
    "controllers": _fault(
        "a controller that cannot act",
        "During a run only values below `stages` can change.",
        "watches: queue.modle",
        "watches: queue.model",
    ),
    "sections": _fault(
        "a section of a vehicle or an incident that does not fit the case",
        "The message names the other section that it needs.",
        "encounters without a sensor",
        "encounters with a sensor in `arrivals`",
    ),
    "hardware": _fault(
        "a machine of the case's own without latencies",
        "`like` names a device of the catalogue, or one that was measured.",
        "like: epyc-zen5",
        "like: epyc-zen4-2c",
    ),
    "own-metrics": _fault(
        "a metric of the case's own that counts nothing",
        "Its conditions name ends, stages, classes and attributes of the case.",
        "an own metric of an end that does not exist",
        "an own metric of an end of the case",
    ),
    "practice": _fault(
        "phases, predictions or references that do not fit the case",
        "The minutes of the phases add up to those of the case; names refer to choices, metrics and exhibits.",
        "minutes: 45  with phases of 40 minutes",
        "minutes: 40  with phases of 40 minutes",
    ),
    "interview": _fault(
        "probes that do not fit the phases", "Each probe names a phase of the case.", "phase: sere", "phase: serve"
    ),
    "case-tests": _fault(
        "claims or tests of designs that do not exist",
        "Designs, metrics, figures and curveballs in `claims` and `tests` are names of the case.",
        "design: refrence",
        "design: reference",
    ),
    "evidence": _fault(
        "evidence that is not there",
        "The catalogue, the profiles or the score tables have no such device, latency or table. "
        "`casesim devices` and `casesim models` list them.",
        "device: epyc-zen4-2x",
        "device: epyc-zen4-2c",
    ),
    "too-large": _fault("a run that does not fit into memory", "Fewer requests, or a shorter run, fit.", "days: 28", "days: 1"),
    "pick": _fault("a pick that is not offered", "The message names the options.", "--set replicas=0", "--set replicas=1"),
    "placeholder": _fault(
        "a placeholder in a text that names nothing",
        "`{figure:PLACE}` names a figure of the case, `{metric:NAME@DESIGN}` a metric, and a reference or `default`.",
        "brief: One in fifty, {figure:population.prevalance}.",
        "brief: One in fifty, {figure:population.prevalence}.",
    ),
    "impossible-objective": _fault(
        "an objective that no design can meet",
        "The bound lies beyond the range of its metric; a share lies between 0 and 1.",
        "{metric: sensitivity, at_least: 95, label: Found}",
        "{metric: sensitivity, at_least: 0.95, label: Found}",
    ),
    "certain-objective": _fault(
        "an objective that every design meets",
        "The bound is the end of the metric's range, or a time longer than the whole run.",
        "{metric: done_share, at_most: 1, label: Done}",
        "{metric: done_share, at_least: 0.99, label: Done}",
    ),
    "overwritten-choice": _fault(
        "a choice that writes in vain",
        "Choices write in the order of the file. A later one that always writes to a place undoes an earlier one.",
        "two numbers with  set: [stages.model.replicas]",
        "one number with  set: [stages.model.replicas]",
    ),
    "unreached-end": _fault(
        "an end without a way to it",
        "Neither a stage nor an option leads there, so it only seems to be a possible outcome.",
        "ends: {seen: {...}, unseen: {...}}   # nothing leads to `unseen`",
        "ends: {seen: {...}}",
    ),
    "uneven-day": _fault(
        "weights that divide the day into odd parts",
        "`weights` divide the day from 00:00 into equal parts; 23 of them shift every hour.",
        "weights: [1, 1, 2]  with 23 numbers",
        "weights with 24 numbers, one an hour",
    ),
    "fault": _fault("another fault", "The message says what would be right.", "-", "-"),
    "unclear-words": _caution(
        "people or words that count twice",
        "The work of people counts as answer time unless a gate before them answers; one word stands for two events.",
        "a gate before the people without  answers: true",
        "answers: true",
    ),
    "no-range": _caution(
        "an assumed figure without a range",
        "`between` says how wrong the figure may be; `casesim breakeven` searches that range, and else half to double.",
        "prevalence: {value: 0.02, assumed: a guess}",
        "prevalence: {value: 0.02, between: [0.01, 0.05], assumed: a guess}",
    ),
    "no-date": _caution(
        "a published figure without a year",
        "Prices and benchmarks change; a source without its year cannot be looked up.",
        "{value: 0.81, published: Cochrane}",
        "{value: 0.81, published: Cochrane 2018}",
    ),
    "unprovable": _caution(
        "a bound that the labelled people cannot prove",
        "To show a share of 99% takes 299 labelled people without a miss (exact binomial, one-sided 95%).",
        "at_least: 0.99  with 48 labelled positives",
        "at_least: 0.9, or `tests.unmet` with the reason",
    ),
    "loose-bound": _caution(
        "a bound in seconds that may be meant in milliseconds",
        "Machines answer within seconds; a bound of ten minutes hardly limits them.",
        "{metric: latency_p95_s, at_most: 1000, label: Answer}",
        "{metric: latency_p95_s, at_most: 1, label: Answer}",
    ),
    "unused-value": _caution(
        "a value that every option of a choice replaces",
        "The base value is never used. A reader takes it for the default, which is another value.",
        "replicas: 8  below a choice with  default: 2",
        "replicas: 2",
    ),
    "shared-place": _caution(
        "two choices that write to one place",
        "The later one in the file wins if both are picked.",
        "two choices with  stages.model.precision",
        "one choice with  stages.model.precision",
    ),
    "unshown-text": _caution(
        "a text that no page shows",
        "The note of a stage or an end is not shown; a claim quotes words that stand in no text.",
        "claims: [{says: words of an older brief, ...}]",
        "claims: [{says: words as they stand in the brief, ...}]",
    ),
    "similar-names": _caution(
        "names that differ only by case, spaces or underscores",
        "A reader and an author mix them up.",
        "reader_1 and reader1",
        "reader_day and reader_night",
    ),
    "long-sentence": _caution(
        "a sentence of more than 30 words",
        "A candidate reads it under pressure. Write two.",
        "one of 45 words",
        "two of 20 words",
    ),
    "unknown-number": _caution(
        "a metric in a text whose value is not known",
        "The page shows the words “run to see” in its place. `casesim test` runs the design and keeps the number.",
        "{metric:sensitivity@default}  before the first test",
        "{metric:sensitivity@default}  after `casesim test`",
    ),
    "evidence-doubt": _note(
        "evidence that fits less well than it seems",
        "A latency or an accuracy was measured elsewhere or beyond the sizes in use. The message says which.",
        "int8 scores of one processor on another",
        "scores measured on the processor that serves",
    ),
}


def explanation(code: str) -> str:
    """Return the explanation of a code, with both examples."""
    finding = FINDINGS[code]
    examples = [(word, text) for word, text in (("wrong", finding.wrong), ("right", finding.right)) if text != "-"]
    shown = [f"{word}:\n" + "\n".join(f"    {line}" for line in text.split("\n")) for word, text in examples]
    return "\n".join([f"{code} ({finding.severity}): {finding.title}", finding.why, *shown])
