"""Scripts of the shipped cases: probes in plain sentences, enough for each level."""

import itertools
import re

import pytest

from simulator.case.interview import LEVELS_OF_CANDIDATES, probes_of
from simulator.case.load import load, scenario_ids
from simulator.case.phases import phases_of
from tests.plain_english import PATTERNS


def lines(case):
    script = load(case).interview
    return [
        line
        for probe in script.probes
        for line in (probe.ask, *probe.strong, *itertools.chain(*probe.at_level.values()), *probe.weak)
    ]


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
