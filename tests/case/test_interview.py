"""The interviewer's part of a case: read by phase and level, derived where a case has none, and without any effect on a run."""

from copy import deepcopy
from functools import cache

import pytest

from simulator.case.document import ScenarioError, read_document
from simulator.case.interview import LEVELS_OF_CANDIDATES, notes_at, other_notes, probes_of
from simulator.case.load import find, load, scenario_ids
from simulator.case.phases import PRACTICE_FIELDS, defence_of, phases_of
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.session.best_known import best_known
from tests.builders import checked
from tests.effort import quick_cases

SCRIPT = {
    "probes": [
        {"phase": "frame", "level": "junior", "ask": "Who waits?", "strong": ["The phone."], "weak": ["The server."]},
        {"phase": "serve", "level": ["senior", "staff"], "ask": "How long is the queue?", "strong": ["40 photos."]},
    ],
    "notes": "Lead with the outage.",
}


@cache
def document(case):
    return read_document(find(case))


def with_script(script, case="retry-storm"):
    """A shipped case with another interviewer's part; None: without any."""
    data = deepcopy(document(case).data)
    data.pop("interview", None)
    return checked(data if script is None else data | {"interview": script}, document(case).file)


def changed(place=0, **fields):
    script = deepcopy(SCRIPT)
    script["probes"][place] |= fields
    return script


@pytest.mark.parametrize("case", quick_cases())
def test_a_case_with_and_without_its_interviewers_part_is_the_same_plan(case):
    full, bare, other = load(case), with_script(None, case), with_script({"notes": "Other notes."}, case)
    assert bare.interview.notes is None
    identities = [compile_plan(one).identity for one in (full, bare, other)]
    assert identities[0] == identities[1] == identities[2]


@pytest.mark.parametrize("case", scenario_ids())
def test_results_that_were_computed_before_still_belong_to_a_shipped_case(case):
    assert best_known(load(case)) is not None


def test_a_copy_without_it_gives_the_same_run_hash():
    hashes = {
        replicate(compile_plan(one, {"queue": "short"}), seed=1, replications=2).run_hash
        for one in (load("retry-storm"), with_script(None), with_script(SCRIPT))
    }
    assert len(hashes) == 1


def test_the_probes_of_a_phase_are_those_of_the_level():
    case = with_script(SCRIPT)
    asked = {
        (phase.id, level): [probe.ask for probe in probes_of(case, phase.id, level)]
        for phase in phases_of(case)
        for level in LEVELS_OF_CANDIDATES
    }
    assert {place: asks for place, asks in asked.items() if asks} == {
        ("frame", "junior"): ["Who waits?"],
        ("serve", "senior"): ["How long is the queue?"],
        ("serve", "staff"): ["How long is the queue?"],
    }
    assert probes_of(case, "frame", "junior")[0].weak == ["The server."]


def test_optional_probes_come_last_and_each_level_has_its_own_strong_answer():
    optional = SCRIPT["probes"][1] | {"ask": "And then?", "optional": True, "at_level": {"staff": ["The price."]}}
    case = with_script({"probes": [optional, SCRIPT["probes"][1]]})
    asked = {level: probes_of(case, "serve", level) for level in ("senior", "staff")}
    assert [probe.ask for probe in asked["senior"]] == ["How long is the queue?", "And then?"]
    common = optional["strong"]
    assert [probes[1].strong for probes in asked.values()] == [common, [*common, "The price."]]


def test_a_phase_that_the_case_lacks_is_an_error():
    with pytest.raises(KeyError):
        probes_of(load("retry-storm"), "evaluate", "junior")


@pytest.mark.parametrize("case", quick_cases())
def test_without_probes_they_quote_the_case_and_are_equal_at_all_levels(case):
    bare = with_script(None, case)
    phases = phases_of(bare)
    for phase in phases:
        probes = probes_of(bare, phase.id, "junior")
        assert probes == probes_of(bare, phase.id, "senior") == probes_of(bare, phase.id, "staff")
        defence = defence_of(bare) if phase is phases[-1] else []
        assert [probe.ask for probe in probes] == [*phase.prompts, *defence]
        assert all(probe.strong[0] == phase.expects for probe in probes)
    answers = {question.phase: question for question in bare.questions}
    uses = [line for probe in probes_of(bare, "data", "senior") for line in probe.strong]
    assert any(answers["data"].ask in line for line in uses)
    assert set(uses).issuperset(bare.anchors.get("data", [])[2:])


def test_a_case_without_phases_or_probes_has_one_question_a_phase_and_three_at_the_end():
    data = {name: part for name, part in document("retry-storm").data.items() if name not in PRACTICE_FIELDS}
    data["choices"] = {name: {k: v for k, v in one.items() if k != "phase"} for name, one in data["choices"].items()}
    data["questions"] = [{k: v for k, v in one.items() if k != "phase"} for one in data["questions"]]
    case = checked(data, document("retry-storm").file)
    counts = [len(probes_of(case, phase.id, "staff")) for phase in phases_of(case)]
    assert counts == [1, 1, 1, 1, 1, 1, 3]
    assert probes_of(case, "model", "staff")[0].weak == []


FAULTS = [
    (changed(phase="fram"), "interview.probes.0.phase", "'fram' is not a phase; did you mean 'frame'?"),
    (changed(phase="evaluate"), "interview.probes.0.phase", "'evaluate' is not a phase"),
    (changed(level="juniour"), "interview.probes.0.level", "did you mean 'junior'?"),
    (changed(level=[]), "interview.probes.0.level", "at least 1 item"),
    (changed(1, level=["staff", "staff"]), "interview.probes.1.level", "a level is named twice"),
    (changed(at_level={"staff": ["a"]}), "interview.probes.0.at_level.staff", "not asked of staff"),
    (changed(1, ask="who  WAITS?"), "interview.probes.1.ask", "probe 1 asks this too"),
    (changed(strong=[]), "interview.probes.0.strong", "at least 1 item"),
    (changed(strnog=["a"]), "interview.probes.0.strnog", "did you mean 'strong'?"),
    (changed(ask="a" * 301), "interview.probes.0.ask", "300"),
    (changed(weak=["![a](b)"]), "interview.probes.0.weak.0", "another server"),
    (SCRIPT | {"notes": "a" * 8001}, "interview.notes", "8000"),
    (SCRIPT | {"note": "a"}, "interview.note", "did you mean 'notes'?"),
    (["a"], "interview", "write it as keys: probes, notes and notes_on"),
    ({"probes": ["a"]}, "interview.probes.0", "write it as {phase: serve"),
]


@pytest.mark.parametrize(("script", "field", "message"), FAULTS, ids=[f"{field}: {message}" for _, field, message in FAULTS])
def test_a_fault_is_named_at_its_place_with_the_nearest_name(script, field, message):
    with pytest.raises(ScenarioError) as caught:
        with_script(script)
    assert [fault.field for fault in caught.value.faults] == [field], str(caught.value)
    assert message in caught.value.faults[0].message


def test_a_misspelled_phase_of_the_case_has_one_fault_and_none_at_its_probes():
    data = deepcopy(document("retry-storm").data) | {"interview": SCRIPT}
    data["phases"][3]["id"] = "model"
    with pytest.raises(ScenarioError) as caught:
        checked(data, document("retry-storm").file)
    assert [fault.field for fault in caught.value.faults] == ["phases.3.id"]


def test_an_option_cannot_write_to_it():
    data = deepcopy(document("retry-storm").data)
    data["choices"]["replicas"]["set"].append("interview.notes")
    with pytest.raises(ScenarioError, match="is fixed for all designs"):
        checked(data, document("retry-storm").file)


def test_notes_on_a_phase_and_its_choices_stand_there_and_the_others_elsewhere():
    bare = with_script(None)
    own = next(one for one in phases_of(bare) if one.choices)
    choice, stage, ball = own.choices[0], next(iter(bare.stages)), next(iter(bare.curveballs))
    texts = {own.id: "On the phase.", choice: "On the choice.", stage: "On the stage.", ball: "On the curveball."}
    made = with_script({"notes_on": texts})
    near, others = notes_at(made, own.id), other_notes(made, own.id)
    assert list(near.values()) == ["On the phase.", "On the choice."]
    assert list(near) == [own.title, made.choices[choice].label]
    assert others == {made.stages[stage].label: "On the stage.", made.curveballs[ball].label: "On the curveball."}
    elsewhere = next(one for one in phases_of(bare) if choice not in one.choices and one.id != own.id)
    assert notes_at(made, elsewhere.id) == {}
    assert compile_plan(made).identity == compile_plan(bare).identity


def test_a_note_on_nothing_is_refused_at_its_place():
    name = next(iter(with_script(None).choices))
    with pytest.raises(ScenarioError) as caught:
        with_script({"notes_on": {f"{name}x": "A note."}})
    assert f"interview.notes_on.{name}x" in str(caught.value)
    assert f"did you mean '{name}'" in str(caught.value)
