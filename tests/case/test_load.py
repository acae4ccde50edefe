"""From a file and picks to a scenario: every fault at its line, and nothing but scenario errors."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.case.designs import apply
from simulator.case.document import Fault, ScenarioError
from simulator.case.load import find, load, load_all, loads, scenario_ids
from simulator.case.schema import Scenario
from simulator.limits import FAULTS_SHOWN, OPTIONS
from tests.case.texts import SMALL, changed, place
from tests.effort import examples


def faults_of(text: str) -> list[Fault]:
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    return caught.value.faults


def places_of(text: str) -> list[tuple[int, int]]:
    return [(fault.line, fault.column) for fault in faults_of(text)]


def test_the_small_scenario_loads_with_its_defaults():
    assert loads(SMALL).defaults() == {"point": 0.9, "urgent": 0.5, "reading": "usual"}


@pytest.mark.parametrize("name", scenario_ids())
def test_every_case_that_is_shipped_loads_under_its_own_name(name):
    assert load(name).id == name


def test_three_mistakes_are_told_at_once_each_at_its_line_and_column():
    text = changed("max_batch: 4", "max_batch: 0", "kind: gate", "kind: gat", "positive_to: seen", "positive_to: sen")
    assert places_of(text) == [place(text, "max_batch: 0"), place(text, "kind: gat"), place(text, "positive_to: sen")]


ROUNDS = {  # what stands in the file, and what is put there, by turns; and the places of all faults, in the order of the file
    "a key, a name": ("max_batch: 4", "max_bach: 4", "positive_to: seen", "positive_to: sen"),
    "a key, an order of routes": ("max_batch: 4", "max_bach: 4", "0.9, to: reader}", "0.3, to: reader}"),
    "a missing key, an order of routes": ("    device: epyc-zen4-2c\n", "", "0.9, to: reader}", "0.3, to: reader}"),
    "a kind, what is below it": ("kind: gate\n    label: Sort", "kind: gat\n    tag: x\n    label: Sort"),
    "a kind, an order of routes": ("kind: gate", "kind: gat", "0.9, to: reader}", "0.3, to: reader}"),
    "a bare number, a pick": ("usd_per_hour: {value: 60, assumed: a test}", "usd_per_hour: 60", "1.0]", "1.5]"),
    "what one choice writes to, a pick of another": (
        "set: [stages.sort.routes.1",
        "set: [stages.srt.routes.1",
        "max: 0.8",
        "max: 1.8",
    ),
    "a queue without an exit, a pick": ("max_batch: 4", "max_queue: 3", "max: 0.8", "max: 1.8"),
    "an order of routes, a pick": ("0.5, to: reader, tag", "0.95, to: reader, tag", "{value: 0.99,", "{value: 99,"),
}
TOLD = {
    "a key, a name": ["stages.classify.max_bach", "stages.reader.positive_to"],
    "a key, an order of routes": ["stages.classify.max_bach", "stages.sort.routes.1.at_sensitivity"],
    "a missing key, an order of routes": ["stages.classify.device", "stages.sort.routes.1.at_sensitivity"],
    "a kind, what is below it": ["stages.sort.kind", "stages.sort.tag"],
    "a kind, an order of routes": ["stages.sort.kind", "stages.sort.routes.1.at_sensitivity"],
    "a bare number, a pick": ["stages.reader.usd_per_hour", "stages.sort.routes.1.at_sensitivity"],
    "what one choice writes to, a pick of another": ["choices.point.set.0", "stages.sort.routes.0.at_sensitivity"],
    "a queue without an exit, a pick": ["stages.classify", "stages.sort.routes.0.at_sensitivity"],
    "an order of routes, a pick": ["stages.sort.routes.1.at_sensitivity", "stages.reader.sensitivity"],
}


@pytest.mark.parametrize("name", ROUNDS)
def test_faults_of_every_sort_are_told_in_one_round_each_once(name):
    assert [fault.field for fault in faults_of(changed(*ROUNDS[name]))] == TOLD[name]


def test_what_stands_in_for_a_faulty_value_is_never_blamed():
    """Without its score table the gate would lack scores, and with a stand-in for `to` the reader could not be reached."""
    text = changed(
        "scores: tiny", "scores: ../tiny", "    to: sort\n", "", "prevalence: {value: 0.5,", "prevalence: {value: 5,"
    )
    assert [fault.field for fault in faults_of(text)] == [
        "population.prevalence",
        "stages.classify.to",
        "stages.classify.scores",
    ]


MISTAKES = [  # what stands in the file, what is put there, where the fault should be, and what it should say
    ("max_batch:", "max_bach:", "max_bach:", "unknown key; did you mean 'max_batch'?"),
    ("id: small", "idd: small", "idd: small", "did you mean 'id'?"),
    ("max_batch: 4", "max_batch: 4.5", "max_batch:", "write a whole number, without a unit or quotes; got 4.5"),
    ("max_batch: 4", "max_batch: 2000", "max_batch:", "less than or equal to 1024; got 2000"),
    ("max_batch: 4", "max_batch: 4 photos", "max_batch:", "write a whole number, without a unit or quotes; got '4 photos'"),
    ("scores: tiny", "scores: ../tiny", "scores:", "should be a name of letters"),
    ("scores: tiny", "scores: {auc: 0.5, assumed: a guess}", "auc: 0.5", "greater than 0.5; got 0.5"),
    ("scores: tiny", "scores: {auc: 1, assumed: a guess}", "auc: 1", "less than 1; got 1"),
    ("scores: tiny", "scores: {auc: 0.9}", "scores:", "this field is missing"),
    (
        "scores: tiny",
        "scores: {auc: 0.9, assumed: a guess, positives: 3}",
        "positives: 3",
        "greater than or equal to 30; got 3",
    ),
    ("kind: pool", "kind: pol", "kind: pol", "'pol' is not a known kind; did you mean 'pool'?"),
    (
        "kind: poisson",
        "kind: bursts",
        "kind: bursts",
        "'bursts' is not a known kind; expected one of: poisson, constant, gamma, weibull, mmpp, daily",
    ),
    ("rate_per_s: {value: 0.1,", "rate_per_s: {value: .nan,", "value: .nan", "finite"),
    ("rate_per_s: {value: 0.1,", "rate_per_s: {value: -1,", "rate_per_s:", "between 1e-06 and 1e+06, got -1"),
    ("median: {value: 0.05, assumed: a test}", "median: {value: 0.05}", "median:", "exactly one of"),
    ("at_least: 0.9,", "at_most: 1, at_least: 0.9,", "{metric: sensitivity", "exactly one of at_least and at_most"),
    ('start: "08:00", end', 'start: "8:00", end', 'start: "8:00"', "got '8:00'"),
    (
        "routes.1.at_sensitivity",
        "routes.².at_sensitivity",
        "stages.sort.routes.².at_sensitivity",
        "should be the place of a value",
    ),
    ("min: 0.2", "min: 0.9", "urgent:\n", "min (0.9) should be below max (0.8)"),
    ("step: 0.1", "step: 1.0e-320", "urgent:\n", "0.5 is out of range"),
    ("step: 0.1", "values: [0.5, 0.6]", "urgent:\n", "either `values`, or `min`, `max` and `step`"),
    ("default: usual", "default: usul", "reading:\n", "did you mean 'usual'?"),
    ("default: 0.9\n", "default: 0.7\n", "point:\n", "0.7 is out of range; expected one of: 0.6, 0.9, 1"),
]


@pytest.mark.parametrize(("old", "new", "where", "message"), MISTAKES)
def test_a_mistake_is_told_at_its_place_with_the_value_and_what_was_expected(old, new, where, message):
    text = changed(old, new)
    (fault,) = (fault for fault in faults_of(text) if message in fault.message)
    assert (fault.line, fault.column) == place(text, where)


def test_a_missing_field_is_named_at_the_section_that_lacks_it():
    text = changed("    device: epyc-zen4-2c\n", "")
    (fault,) = faults_of(text)
    assert (fault.field, fault.message) == ("stages.classify.device", "this field is missing")
    assert (fault.line, fault.column) == place(text, "classify:")


def test_an_unknown_case_is_answered_with_the_nearest_one():
    with pytest.raises(ScenarioError, match=f"did you mean '{scenario_ids()[0]}'"):
        find(scenario_ids()[0][:-2])


def test_a_case_is_found_by_id_and_by_path(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(SMALL, encoding="utf-8")
    assert load(file).id == load(str(file)).id == "small"
    assert find(scenario_ids()[0]).is_file()


def test_a_file_in_the_folder_of_cases_is_named_by_its_id(cases):
    (cases / "dock.yaml").write_text(SMALL, encoding="utf-8")
    assert load("small").id == "small"
    for case in ("dock", cases / "dock.yaml"):
        with pytest.raises(ScenarioError) as caught:
            load(case)
        (fault,) = caught.value.faults
        assert (fault.line, fault.column, fault.field) == (*place(SMALL, "id: small"), "id")
        assert fault.message == "the file is called dock.yaml; name it small.yaml, or write `id: dock`"


def test_cases_that_cannot_be_used_are_told_beside_those_that_can(cases):
    (cases / "worse.yaml").write_text(changed("id: small", "id: worse", "kind: gate", "kind: gat"), encoding="utf-8")
    scenarios, faults = load_all()
    assert [scenario.id for scenario in scenarios] == ["small"]
    assert [fault.field for fault in faults] == ["stages.sort.kind"]


# Picks


def picked(**picks: object) -> list[Fault]:
    with pytest.raises(ScenarioError) as caught:
        apply(loads(SMALL), picks)
    return caught.value.faults


def test_a_pick_is_written_into_the_scenario_and_nothing_else_changes():
    scenario = loads(SMALL)
    designed, design = apply(scenario, {"reading": "expert", "point": "0.6"})
    assert design == {"point": 0.6, "urgent": 0.5, "reading": "expert"}
    assert designed.stages["reader"].sensitivity.value == 0.99
    assert designed.stages["sort"].routes[1].at_sensitivity == 0.6
    assert scenario.stages["reader"].sensitivity.value == 0.9
    restored = designed.model_copy(update={"stages": scenario.stages})
    assert restored.model_dump() == scenario.model_dump()


@pytest.mark.parametrize(
    ("picks", "message"),
    [
        ({"pont": 0.9}, "there is no choice 'pont'; did you mean 'point'?"),
        ({"reading": "experts"}, "'experts' is not an option; did you mean 'expert'?"),
        ({"point": 0.5}, "0.5 is out of range; expected one of: 0.6, 0.9, 1"),
        ({"point": "high"}, "'high' is not a number"),
        ({"point": "nan"}, "out of range"),
        ({"point": "inf"}, "out of range"),
    ],
)
def test_a_pick_that_is_not_offered_is_answered_with_what_is(picks, message):
    (fault,) = picked(**picks)
    assert message in fault.message


def test_picks_that_do_not_fit_together_are_told_at_the_line_that_wrote_one_of_them():
    (fault,) = picked(urgent=0.8, point=0.6)
    assert "0.6 is below 0.8 of an earlier route" in fault.message
    assert (fault.line, fault.column) == place(SMALL, "stages.sort.routes.1.at_sensitivity")


def test_a_choice_that_no_other_pick_can_save_is_faulted_when_the_file_is_read():
    text = changed("values: [0.6, 0.9, 1.0]", "values: [0.6, 0.9, 1.5]")
    (fault,) = faults_of(text)
    assert fault.message == "choice `point` at 1.5 writes this: input should be less than or equal to 1; got 1.5"
    assert (fault.line, fault.column) == place(text, "stages.sort.routes.1.at_sensitivity")


@pytest.mark.parametrize(
    ("values", "held"),
    [
        ("[0.6]", "holds 1 item; expected at least 2 items"),
        (str([0.6, 0.9, *range(63)]), "holds 65 items; expected at most 64 items"),
    ],
)
def test_too_few_or_too_many_items_are_counted(values, held):
    text = changed("values: [0.6, 0.9, 1.0]", f"values: {values}")
    (fault,) = faults_of(text)
    assert fault.message == held
    assert (fault.line, fault.column) == place(text, "values: [0.6")


def test_a_value_that_an_option_writes_is_faulted_at_the_option():
    text = changed("{value: 0.99, assumed: a test}", "{value: 99, assumed: a test}")
    (fault,) = faults_of(text)
    assert fault.line == place(text, "stages.reader.sensitivity: {value: 99")[0]
    assert fault.message.startswith("choice `reading` at expert writes this: should be between 0 and 1")


def test_a_field_within_what_an_option_writes_is_faulted_at_the_option():
    text = changed("{value: 0.99, assumed: a test}", "{value: high, assumed: a test}")
    (fault,) = faults_of(text)
    assert fault.line == place(text, "{value: high")[0]


def test_an_option_that_writes_to_a_place_that_does_not_exist_is_faulted_with_the_nearest_place():
    text = changed("set: [stages.sort.routes.1.at_sensitivity]", "set: [stages.srt.routes.1.at_sensitivity]")
    (fault,) = faults_of(text)
    assert "there is no 'stages.srt' to write to; did you mean 'sort'?" in fault.message
    assert (fault.line, fault.column) == place(text, "stages.srt.routes.1.at_sensitivity")


def test_an_option_that_writes_past_the_end_of_a_list_is_faulted():
    (fault,) = faults_of(changed("routes.1.at_sensitivity]", "routes.1.at_sensitivity, stages.reader.shifts.1]"))
    assert "the list has 1 entries" in fault.message


def test_an_option_that_writes_below_a_plain_value_is_faulted():
    (fault,) = faults_of(changed("routes.1.at_sensitivity]", "routes.1.at_sensitivity, stages.sort.by.what]"))
    assert "'stages.sort.by' is a plain value" in fault.message


def test_picks_that_take_away_what_another_writes_to_are_a_fault_at_the_other():
    expert = "          stages.reader.sensitivity: {value: 0.99, assumed: a test}\n"
    none = "          stages.sort.routes: [{to: cleared}]\n          start: reader\n"
    text = changed(expert, expert + none)
    assert place(text, "stages.sort.routes.1.at_sensitivity") in places_of(text)


# Robustness

WORDS = ["{", "}", "[", "]", ":", ", ", "- ", "#", "'", '"', "&a ", "*a", "!", "|", ">", "%", "@", "\t", "\x00", "é", "²"]
WORDS += ["0", "-1", ".nan", "1e400", "1e-320", "0x" + "f" * 5000, "null", "true", "stages", "{}", "[]", "!!bool x"]


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_no_mutation_of_a_valid_scenario_raises_anything_but_a_scenario_error(seed, changes):
    rng = random.Random(seed)
    text = SMALL
    for _ in range(changes):
        start = rng.randrange(len(text))
        stop = rng.choice([start, start + 1, len(text[:start]) + len(text[start:].split("\n")[0].split(",")[0])])
        text = text[:start] + rng.choice(WORDS) + text[stop:]
    try:
        loads(text)
    except ScenarioError as error:
        assert str(error)


def test_an_unchanged_part_keeps_its_model_and_a_changed_one_is_what_validating_all_of_it_gives():
    scenario = loads(SMALL)
    designed, _ = apply(scenario, {"reading": "expert"})
    assert designed.stages["classify"] is scenario.stages["classify"]
    assert designed.stages["reader"] is not scenario.stages["reader"]
    assert Scenario.of(designed.document).model_dump() == designed.model_dump()


def test_of_very_many_faults_those_are_told_that_anybody_mends_in_one_round():
    dangling = "".join(f"  s{n}: {{kind: gate, label: x, by: random, routes: [{{to: nowhere}}]}}\n" for n in range(300))
    with pytest.raises(ScenarioError) as caught:
        loads(changed("ends:\n", f"{dangling}ends:\n"))
    lines = str(caught.value).splitlines()
    assert len(lines) == FAULTS_SHOWN.most + 1
    assert lines[-1] == f"more than {FAULTS_SHOWN}; fix these first"


def test_more_options_than_can_be_tried_are_refused_before_any_is():
    options = ", ".join(f"o{n}: {{label: L{n}, set: {{stages.reader.sensitivity.value: 1}}}}" for n in range(64))
    many = "".join(f"  c{n}: {{kind: options, label: C{n}, default: o0, options: {{{options}}}}}\n" for n in range(7))
    (fault,) = faults_of(SMALL + many)
    assert (fault.line, fault.field) == (place(SMALL, "choices:")[0], "choices")
    assert f"at most {OPTIONS}" in fault.message


@pytest.mark.parametrize(
    ("write", "what"),
    [
        ("choices: {}", "is fixed for all designs"),
        ("id: other", "is fixed for all designs"),
        ("questions: []", "is fixed for all designs"),
        ("stages: {}", "cannot replace all of 'stages'"),
        ("ends: {}", "cannot replace all of 'ends'"),
    ],
)
def test_an_option_writes_neither_what_a_case_tells_nor_all_that_is_named_elsewhere(write, what):
    faults = faults_of(changed("set: {stages.reader.sensitivity.value: 0.9}", f"set: {{{write}}}"))
    fault = next(fault for fault in faults if fault.field.startswith("choices.reading.options.usual.set"))
    assert what in fault.message


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("id: small", "id: Small", "should be a lower-case word of letters, digits and -"),
        ("tag: urgent", "tag: Urgent!", "should be a lower-case word of letters, digits and _"),
        ("model: tiny", "model: ../tiny", "should be a name of letters, digits, _, . and -"),
        ("stages.sort.routes.1.at_sensitivity", "stages/sort", "should be the place of a value"),
    ],
)
def test_what_a_name_may_hold_is_told_in_words(old, new, what):
    messages = [fault.message for fault in faults_of(changed(old, new))]
    assert any(message.startswith(what) for message in messages)
    assert not any("^[" in message for message in messages)


@pytest.mark.parametrize("field", ["title: Small", "summary: A gate, a pool and people", "brief: A test", "label: Classifier"])
def test_a_picture_in_a_text_is_refused_at_its_place(field):
    key = field.split(":")[0]
    (fault,) = faults_of(changed(field, f"{key}: '![x](https://elsewhere.example/x.png)'"))
    assert fault.line == place(SMALL, field)[0]
    assert "a picture" in fault.message


@pytest.mark.parametrize("fence", ["```mermaid", "~~~~ MERMAID", "```&#109;ermaid", "```\\mermaid", "> - ```\u00a0mermaid"])
def test_a_diagram_in_a_text_is_refused_as_it_may_hold_pictures(fence):
    text = json.dumps(fence + '\ngraph LR\n a@{ img: "https://elsewhere.example/x.png" }')
    (fault,) = faults_of(changed("brief: A test", f"brief: {text}"))
    assert fault.line == place(SMALL, "brief: A test")[0]
    assert "a block of code may not name a language" in fault.message


@pytest.mark.parametrize("text", ["```\ncode\n```", "    code", "`code`"])
def test_code_in_a_text_is_no_diagram(text):
    assert loads(changed("brief: A test", f"brief: {json.dumps(text)}")).brief == text


MMPP = "kind: mmpp\n  states: [{rate_per_s: &1, stay_s: &2}, {rate_per_s: &1, stay_s: &2}]"


def test_a_state_that_changes_too_often_is_told_with_what_would_be_right():
    figure = "{value: %s, assumed: a test}"
    arrivals = MMPP.replace("&1", figure % 1).replace("&2", figure % 1e-9)
    old = "kind: poisson\n  rate_per_s: {value: 0.1, assumed: a test}"
    (fault,) = faults_of(changed(old, arrivals))
    assert fault.field == "arrivals.states.0.stay_s"
    least = float(fault.message.split("make it at least ")[1].split(" s")[0])
    assert loads(changed(old, arrivals.replace("1e-09", str(1.01 * least))))


def test_an_autoscaler_that_looks_too_often_is_refused_at_its_field():
    scaling = "max_batch: 4\n    scaling: {kind: hpa, max_replicas: 2, every_s: 1.0e-9}"
    (fault,) = faults_of(changed("max_batch: 4", scaling))
    assert fault.field == "stages.classify.scaling.every_s"
    assert "1e-09 s means 87,264,000,000,000 looks at the pool" in fault.message


def test_a_file_that_is_not_there_is_answered_with_the_nearest_beside_it_and_a_folder_with_its_files(tmp_path):
    (tmp_path / "mole-check.yaml").write_text(SMALL)
    for name, told in ((tmp_path / "mole-chek.yaml", "did you mean"), (tmp_path, "this is a folder; name a file")):
        with pytest.raises(ScenarioError) as refused:
            load(name)
        assert told in str(refused.value)
        assert str(tmp_path / "mole-check.yaml") in str(refused.value)
