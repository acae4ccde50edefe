"""Practice fields: derived where a case has none, checked where it has some, and without any effect on a run."""

from copy import deepcopy
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.document import ScenarioError, read_document
from simulator.case.load import find, load, loads, scenario_ids
from simulator.case.phases import PRACTICE_FIELDS, defence_of, hero_of, phases_of, predicted_metrics, shares_of
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from tests.builders import checked
from tests.effort import quick_cases


@cache
def document(case):
    return read_document(find(case))


def stripped(case):
    """The case without everything that only practice reads, and without the lessons, which may name a reference."""
    data = deepcopy(document(case).data)
    for name in (*PRACTICE_FIELDS, "debrief"):
        data.pop(name, None)
    for choice in data["choices"].values():
        choice.pop("phase", None)
    return data


def read(data, case="retry-storm"):
    return checked(data, document(case).file)


def changed(**fields):
    return deepcopy(document("retry-storm").data) | fields


@pytest.mark.parametrize("case", quick_cases())
def test_a_copy_without_the_fields_of_practice_is_the_same_plan(case):
    full, bare = load(case), read(stripped(case), case)
    assert full.phases
    assert not bare.phases
    assert compile_plan(full).identity == compile_plan(bare).identity


def test_a_copy_without_them_gives_the_same_run_hash_and_a_changed_bound_does_not():
    def run_hash(scenario):
        return replicate(compile_plan(scenario, {"queue": "short"}), seed=1, replications=2).run_hash

    bare = stripped("retry-storm")
    moved = deepcopy(bare)
    moved["objectives"][0]["at_least"] = 0.86
    moved_phase = changed()
    del moved_phase["phases"][3]["choices"][1:]
    moved_phase["choices"]["order"]["phase"] = "monitor"
    hashes = [run_hash(one) for one in (load("retry-storm"), read(bare), read(moved_phase), read(moved))]
    assert hashes[0] == hashes[1] == hashes[2] != hashes[3]


@pytest.mark.parametrize("case", quick_cases())
@pytest.mark.parametrize("of", [load, lambda case: read(stripped(case), case)], ids=["written", "derived"])
def test_each_choice_of_the_designer_has_one_phase_and_the_minutes_add_up(case, of):
    scenario = of(case)
    for minutes in (None, 20, 30, 45):
        phases = phases_of(scenario, minutes)
        assert sum(phase.minutes for phase in phases) == (minutes or scenario.minutes)
    placed = [name for phase in phases for name in phase.choices]
    assert sorted(placed) == sorted(name for name, choice in scenario.choices.items() if not choice.situation)
    assert (phases[0].id, phases[-1].id) == ("frame", "defend")


def test_derived_phases_fit_the_places_that_a_choice_writes():
    phases = phases_of(read(stripped("skin-cancer-triage"), "skin-cancer-triage"))
    where = {name: phase.id for phase in phases for name in phase.choices}
    expected = {
        "architecture": "model",
        "precision": "model",
        "operating_point": "evaluate",
        "promise": "evaluate",
        "replicas": "serve",
        "dermatologists": "serve",
        "on_timeout": "monitor",
    }
    assert expected.items() <= where.items()


def test_a_choice_keeps_the_order_of_its_phase_and_a_phase_of_its_own_wins():
    data = changed()
    data["phases"][3]["choices"] = ["replicas", "queue"]
    data["choices"]["order"]["phase"] = "monitor"
    phases = {phase.id: phase.choices for phase in phases_of(read(data))}
    assert phases["serve"][:2] == ["replicas", "queue"]
    assert phases["monitor"] == ["order", "breaker"]


def test_what_a_case_leaves_out_is_derived():
    bare = read(stripped("retry-storm"))
    assert predicted_metrics(bare) == ["checked_share", "recovered_share"]
    assert (len(defence_of(bare)), hero_of(bare)) == (3, "overload")
    assert {"overload", "answer_times"} <= {name for phase in phases_of(bare) for name in phase.panels}


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=12), st.integers(5, 240))
def test_minutes_are_divided_in_half_minutes_that_add_up(minutes, total):
    shares = shares_of(minutes, max(total, len(minutes)))
    assert sum(shares) == max(total, len(minutes))
    assert all(one >= 0.5 and (2 * one).is_integer() for one in shares)
    pairs = list(zip(minutes, shares, strict=True))
    assert all(share <= other + 0.5 for part, share in pairs for more, other in pairs if part <= more)


def test_the_usual_minutes_are_those_of_45():
    assert shares_of([6, 6, 8, 7, 8, 5, 5], 45) == [6, 6, 8, 7, 8, 5, 5]
    assert shares_of([1, 44], 45) == [1, 44]
    assert shares_of([1, 89], 5) == [0.5, 4.5]


def with_phase(place, **fields):
    data = changed()
    data["phases"][place] |= fields
    return data


def with_choice(name, phase):
    data = changed()
    data["choices"][name]["phase"] = phase
    return data


FAULTS = [
    (with_phase(3, choices=["quee"]), "phases.3.choices.0", "did you mean 'queue'?"),
    (with_phase(3, choices=["network"]), "phases.3.choices.0", "'network' is also a choice of the phase 'model'; keep one"),
    (with_phase(3, panels=["batchs"]), "phases.3.panels.0", "did you mean 'batches'?"),
    (with_phase(3, panels=["shifts"]), "phases.3.panels.0", "it needs a stage of people"),
    (with_phase(3, minutes=10), "phases", "the phases take 32 minutes in all; `minutes` of the case says 30"),
    (with_phase(3, id="model"), "phases.3.id", "there are two phases 'model'"),
    (changed(anchors={"charm": ["a", "b", "c", "d"]}), "anchors.charm", "is not a signal"),
    (changed(anchors={"data": ["a", "b", "c"]}), "anchors.data", "4"),
    (with_phase(3, id="Serve"), "phases.3.id", "a lower-case word"),
    (with_phase(3, hnts=[]), "phases.3.hnts", "did you mean 'hints'?"),
    (with_phase(3, hints=[{"step": "a"}, {"question": "b"}]), "phases.3.hints", "order the hints"),
    (with_phase(3, hints=[{"panel": "cots"}]), "phases.3.hints.0.panel", "did you mean 'cost'?"),
    (with_phase(3, hints=[{"question": "a", "text": "b"}]), "phases.3.hints.0.text", "belongs to a `panel`"),
    (with_phase(3, hints=[{"question": "a", "step": "b"}]), "phases.3.hints.0", "exactly one of question and panel and step"),
    (with_choice("order", "sreve"), "choices.order.phase", "'sreve' is not a phase; did you mean 'serve'?"),
    (with_choice("queue", "model"), "choices.queue.phase", "the phase 'serve' lists this choice"),
    (changed(predict=["done_shares"]), "predict.0", "did you mean 'done_share'?"),
    (changed(predict=["done_share", "done_share"]), "predict.1", "named twice"),
    (changed(hero="overlod"), "hero", "did you mean 'overload'?"),
    (changed(defence=["a", "b", "c", "d"]), "defence", "at most 3"),
    (changed(defence=["![a](b)"]), "defence.0", "another server"),
]
REFERENCE = {
    "label": "One",
    "set": {"queue": "short"},
    "meets": ["checked_share"],
    "text": "It recovers.",
    "gives_up": "Money.",
}
FAULTS += [
    (
        changed(reference={"one": REFERENCE | {"set": {"quee": "short"}}}, claims=[], tests={}),
        "reference.one.set.quee",
        "did you mean 'queue'?",
    ),
    (
        changed(reference={"one": REFERENCE | {"set": {"queue": "shor"}}}, claims=[], tests={}),
        "reference.one.set.queue",
        "did you mean 'short'?",
    ),
    (
        changed(reference={"one": REFERENCE | {"meets": ["done"]}}, claims=[], tests={}),
        "reference.one.meets.0",
        "no metric of an objective",
    ),
]


@pytest.mark.parametrize(("data", "field", "message"), FAULTS, ids=[f"{field}: {message}" for _, field, message in FAULTS])
def test_a_fault_is_named_at_its_place_with_the_nearest_name(data, field, message):
    with pytest.raises(ScenarioError) as caught:
        read(data)
    assert any(fault.field == field and message in fault.message for fault in caught.value.faults), str(caught.value)
    assert len(caught.value.faults) == 1


def test_a_fault_of_a_file_has_its_line():
    text = (
        find("retry-storm")
        .read_text(encoding="utf-8")
        .replace("choices: [network, batching, overflow]\n    panels", "choices: [retrys]\n    panels")
    )
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "[retrys]" in one)
    with pytest.raises(ScenarioError) as caught:
        loads(text, document("retry-storm").file)
    (fault,) = caught.value.faults
    assert (fault.line, fault.field) == (line, "phases.2.choices.0")


def test_a_misspelled_metric_of_an_objective_is_one_fault_and_not_one_at_each_place_that_names_it():
    data = changed()
    data["objectives"][0]["metric"] = "done_shares"
    with pytest.raises(ScenarioError) as caught:
        read(data)
    assert [fault.field for fault in caught.value.faults] == ["objectives.0.metric"]


def test_an_option_cannot_write_to_them():
    data = changed()
    data["choices"]["replicas"]["set"].append("hero")
    with pytest.raises(ScenarioError, match="'hero' is fixed for all designs"):
        read(data)


@pytest.mark.parametrize("case", scenario_ids())
def test_each_prompt_of_a_shipped_case_is_one_question(case):
    """An unquoted comma in a list would make two prompts of one."""
    scenario = load(case)
    prompts = [*scenario.defence, *(prompt for phase in scenario.phases for prompt in phase.prompts)]
    assert prompts
    assert [prompt for prompt in prompts if not (prompt[0].isupper() and prompt.endswith("?"))] == []
