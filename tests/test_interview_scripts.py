"""Scripts of the shipped cases: probes for each level, in plain sentences, with figures that the case or a run of it shows."""

import itertools
import re

import pytest

from simulator.case.interview import LEVELS_OF_CANDIDATES, probes_of
from simulator.case.load import load, scenario_ids
from simulator.case.phases import phases_of
from tests.plain_english import PATTERNS

NUMBER = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|(?<!\d)\.\d+")

SPEED_MPS = 50 / 3.6

#: The mean times of a photo on one replica, of calls without a pause before them.
RESNET_8_BITS_MS, MOBILENET_MS = 22.9, 9.27

#: Figures of probes that follow from the case by arithmetic, as written there;.
CALCULATED = {
    "retry-storm": {
        "87": 2000 / RESNET_8_BITS_MS,
        "175": 4000 / RESNET_8_BITS_MS,
        "44": 1000 / RESNET_8_BITS_MS,
        "195": 2000 / RESNET_8_BITS_MS + 1000 / MOBILENET_MS,
        "46": 100 * 1000 / MOBILENET_MS / (13 * 18),
        "234": 13 * 18,
        "216": 12 * 18,
        "360": 20 * 18,
        "52": 4 * 13,
        "19.8": 18 * 1.1,
        "2.2": 26 / 12,
        "23.6": 26 / 1.1,
        "6,240": 30 * (13 * 18 - 26),
        "12,960": 360 * 18 + 30 * 12 * 18,
        "7,020": 30 * 13 * 18,
        "39": 13 * 18 - 195,
        "1,170": 30 * 39,
        "9.0": 100 * 1170 / 12_960,
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


def lines(case):
    script = load(case).interview
    return [
        line
        for probe in script.probes
        for line in (probe.ask, *probe.strong, *itertools.chain(*probe.at_level.values()), *probe.weak)
    ]


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
def test_every_figure_of_a_probe_stands_in_the_case_or_is_calculated(case):
    data = {name: part for name, part in load(case).document.data.items() if name != "interview"}
    extra = " ".join(CALCULATED[case])
    shown = numbers(f"{values(data)} {extra}")
    assert [line for line in lines(case) if numbers(line) - shown] == []
    assert numbers(" ".join(lines(case))) >= numbers(extra)


@pytest.mark.parametrize("case", CALCULATED)
def test_calculated_figures_are_those_of_the_arithmetic(case):
    assert [text for text, value in CALCULATED[case].items() if _as_written(value, text) != text] == []


def _as_written(value, text):
    """The value with as many decimals as a text has."""
    return f"{value:,.{len(text.partition('.')[2])}f}"
