"""Scripts of the shipped cases: probes for each level, in plain sentences, with figures that the case or a run of it shows."""

import re
from functools import cache

import pytest

from simulator.case.interview import LEVELS_OF_CANDIDATES, probes_of
from simulator.case.load import load, scenario_ids
from simulator.case.phases import phases_of
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from tests.plain_english import PATTERNS

NUMBER = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|(?<!\d)\.\d+")

SPEED_MPS = 50 / 3.6

#: Figures of probes that follow from the case by arithmetic, as written there; `casesim test` reads those of the other cases.
CALCULATED = {
    "retry-storm": {
        "110": 1000 * 5.50 / 50,
        "1,380": 30 * (4 * 18 - 26),
        "8": 26 - 18,
        "19.8": 18 * 1.1,
        "76": 100 * 18 * 1.1 / 26,
        "36": 2 * 18,
        "1.8": 18 / 10,
        "7.2": 4 * 18 / 10,
        "17.8": 0.9 * 18 * 1.1,
        "25.0": 4 * 18 / 10 + 0.9 * 18 * 1.1,
        "52": 4 * 13,
        "12,420": 600 * 18 + 30 * 3 * 18,
        "2,160": 30 * 4 * 18,
        "780": 30 * 26,
        "11.1": 100 * 30 * (72 - 26) / 12_420,
        "89": 100 - 100 * 30 * (72 - 26) / 12_420,
        "990": 30 * (72 - 39),
        "8.0": 100 * 30 * (72 - 39) / 12_420,
        "39": 3 * 13,
        "54": 3 * 18,
        "300": 20 * (54 - 39),
        "46": 100 * 18 / 39,
        "6.5": 26 / 4,
        "23.6": 26 / 1.1,
    },
    "av-perception": {
        "2.8": 0.2 * SPEED_MPS,
        "4,500": 9.0 * 5000 * 0.10,
        "31": 721 * 1.7 / 40,
        "61": 2 * 721 * 1.7 / 40,
        "13.8": SPEED_MPS**2 / 2 / 7,
        "19.3": SPEED_MPS**2 / 2 / 5,
    },
}

#: Figures of probes that a run shows: case, picks, metric, factor on it, and the figure as written.
MEASURED = [
    ("retry-storm", {}, {}, "done_share", 100, "9.3"),
    ("retry-storm", {"retries": "none"}, {}, "done_share", 100, "59.1"),
    ("retry-storm", {"retries": "none"}, {}, "latency_p99_s", 1, "2.0"),
    ("retry-storm", {"retries": "backoff"}, {}, "done_share", 100, "9.3"),
    ("retry-storm", {"retries": "budget"}, {}, "done_share", 100, "47.0"),
    ("retry-storm", {"queue": "long"}, {}, "done_share", 100, "9.3"),
    ("retry-storm", {"queue": "short"}, {}, "done_share", 100, "89.3"),
    ("retry-storm", {"queue": "short"}, {}, "retries_per_request.again", 1, "0.41"),
    ("retry-storm", {"order": "freshest"}, {}, "done_share", 100, "89.2"),
    ("retry-storm", {"order": "freshest"}, {}, "retries_per_request.again", 1, "0.33"),
    ("retry-storm", {"breaker": "on"}, {}, "done_share", 100, "82.4"),
    ("retry-storm", {"abandoned": "dropped"}, {}, "done_share", 100, "10.8"),
    ("retry-storm", {"replicas": 4}, {}, "done_share", 100, "11.6"),
    ("retry-storm", "reference", {"lost_replica": 300.0}, "done_share", 100, "92.4"),
    ("retry-storm", "reference", {"second_rush": 300.0}, "done_share", 100, "90.9"),
]


def lines(case):
    script = load(case).interview
    return [line for probe in script.probes for line in (probe.ask, *probe.strong, *probe.weak)]


def numbers(text):
    """The figures of a text, without the commas of thousands."""
    return {number.replace(",", "") for number in NUMBER.findall(text)}


def values(part):
    """Every key and value of a case's data, as text."""
    if isinstance(part, dict):
        return " ".join(f"{name} {values(one)}" for name, one in part.items())
    return " ".join(map(values, part)) if isinstance(part, list) else str(part)


@pytest.mark.parametrize("case", scenario_ids())
def test_each_phase_has_three_to_five_probes_and_some_for_each_level(case):
    scenario = load(case)
    assert 18 <= len(scenario.interview.probes) <= 24
    for phase in phases_of(scenario):
        assert 3 <= sum(probe.phase == phase.id for probe in scenario.interview.probes) <= 5
        counts = [len(probes_of(scenario, phase.id, level)) for level in LEVELS_OF_CANDIDATES]
        assert min(counts) >= 1, phase.id


@pytest.mark.parametrize("case", scenario_ids())
def test_a_probe_is_a_question_with_two_strong_and_two_weak_lines_at_least(case):
    probes = load(case).interview.probes
    assert [probe.ask for probe in probes if not (probe.ask[0].isupper() and probe.ask.endswith(("?", ".")))] == []
    assert [probe.ask for probe in probes if min(len(probe.strong), len(probe.weak)) < 2] == []
    answers = [line for probe in probes for line in (*probe.strong, *probe.weak)]
    assert [line for line in answers if not line.endswith(".")] == []


@pytest.mark.parametrize("case", scenario_ids())
def test_sentences_of_a_script_are_plain_and_its_notes_are_short(case):
    notes = load(case).interview.notes
    parts = [part for text in (*lines(case), notes) for part in re.split(r"(?<=[.!?:;])\s+", text)]
    assert [part for part in parts if any(pattern.search(part) for pattern in PATTERNS.values())] == []
    assert 60 <= len(notes.split()) <= 120


@pytest.mark.parametrize("case", CALCULATED)
def test_every_figure_of_a_probe_stands_in_the_case_or_is_calculated_or_measured(case):
    data = {name: part for name, part in load(case).document.data.items() if name != "interview"}
    extra = " ".join([*CALCULATED[case], *(one[-1] for one in MEASURED if one[0] == case)])
    shown = numbers(f"{values(data)} {extra}")
    assert [line for line in lines(case) if numbers(line) - shown] == []
    assert numbers(" ".join(lines(case))) >= numbers(extra)


@pytest.mark.parametrize("case", CALCULATED)
def test_calculated_figures_are_those_of_the_arithmetic(case):
    assert [text for text, value in CALCULATED[case].items() if _as_written(value, text) != text] == []


def _as_written(value, text):
    """The value with as many decimals as a text has."""
    return f"{value:,.{len(text.partition('.')[2])}f}"


@cache
def metrics_of_run(case, picks, strikes, replications=None):
    scenario = load(case)
    plan = compile_plan(scenario, dict(picks), dict(strikes))
    return replicate(plan, seed=1, replications=replications or scenario.run.replications).metrics


def measured(case, picks, strikes, replications=None):
    design = next(iter(load(case).reference.values())).set if picks == "reference" else picks
    return metrics_of_run(case, tuple(design.items()), tuple(strikes.items()), replications)


@pytest.mark.long
@pytest.mark.parametrize(("case", "picks", "strikes", "metric", "times", "said"), MEASURED)
def test_measured_figures_are_those_of_a_run(case, picks, strikes, metric, times, said):
    value = times * measured(case, picks, strikes)[metric].value
    assert _as_written(round(value, -2) if said.endswith("00") else value, said) == said


def test_two_replications_are_near_the_figures_of_the_retry_storm():
    quick = [one for one in MEASURED if one[0] == "retry-storm" and one[1] in ({}, {"queue": "short"})]
    for case, picks, strikes, metric, times, said in quick:
        assert times * measured(case, picks, strikes, 2)[metric].value == pytest.approx(float(said), rel=0.15)
