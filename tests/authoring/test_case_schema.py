"""The JSON Schema of a case: it never refuses what the checker accepts, and it knows every fault of a single value."""

import json
from random import Random

import pytest
from jsonschema import Draft7Validator
from pydantic import ValidationError
from ruamel.yaml import YAML

from simulator.authoring.case_schema import case_schema
from simulator.case.document import Document, ScenarioError
from simulator.case.load import loads
from simulator.case.schema import Scenario
from simulator.limits import CASE_NUMBER
from simulator.paths import SCENARIOS
from tests.case.texts import SMALL, changed
from tests.effort import quarter
from tests.fuzz.mutate import HOSTILE, as_yaml, changed_tree
from tests.fuzz.scenarios import bases

SCHEMA = case_schema()
VALIDATOR = Draft7Validator(SCHEMA)

#: Cases that are changed, and how often each.
CHANGED = {"small": 350, "retry-storm": 200, "skin-cancer-triage": 30, "production-drift": 10, "av-perception": 30}

#: Values that a case's reader lets through to the models.
READABLE = [value for value in HOSTILE if not isinstance(value, int) or abs(value) <= CASE_NUMBER.most]

#: What only the checker knows of a single model, by pydantic's name for it: fields that need each other, texts with pictures,
#: numbers that no file of JSON holds, and whole numbers that are written as 2.0.
OF_THE_CHECKER = {"value_error", "finite_number", "int_type", "int_from_float", "string_unicode"}


def plain(text: str):
    return YAML(typ="safe", pure=True).load(text)


def test_it_is_a_schema_of_draft_7_and_points_to_nothing_that_is_missing():
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    text = json.dumps(SCHEMA)
    assert "$defs" not in text and "prefixItems" not in text and "discriminator" not in text
    for part in text.split('"#/definitions/')[1:]:
        assert part.split('"')[0] in SCHEMA["definitions"]


@pytest.mark.parametrize("name", [file.stem for file in SCENARIOS.glob("*.yaml")])
def test_the_shipped_cases_fit(name):
    errors = VALIDATOR.iter_errors(plain((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8")))
    assert [(list(error.path), error.message) for error in errors] == []


@pytest.mark.parametrize("name", quarter(CHANGED))
def test_schema_and_checker_agree_on_changed_cases(name):
    """The checker refuses whatever the schema refuses; the schema misses no fault but those of the checker alone."""
    data, _ = bases()[name]
    random, agreed = Random(1), 0
    for _ in range(CHANGED[name]):
        tree, how = changed_tree(data, random, READABLE)
        tree = _as_read(tree)
        fits = VALIDATOR.is_valid(tree)
        faults = _faults_of_values(tree)
        if not fits:
            assert faults, f"{name}, {how}: the schema alone refuses it"
            agreed += 1
        else:
            assert faults <= OF_THE_CHECKER or "finite_number" in faults, f"{name}, {how}: the checker alone refuses it"
    assert agreed > CHANGED[name] / 3


def _as_read(tree):
    """The tree with keys as a case's reader gives them: each is a text."""
    if isinstance(tree, dict):
        return {str(key): _as_read(value) for key, value in tree.items()}
    return [_as_read(value) for value in tree] if isinstance(tree, list) else tree


def _faults_of_values(tree) -> set[str]:
    try:
        Scenario.of(Document("case.yaml", tree))
    except ValidationError as error:
        return {line["type"] for line in error.errors(include_url=False)}
    return set()


#: Faults that only the checker can know: names that refer to nothing, parts that need each other, numbers that do not add up.
BEYOND = [
    ("start: classify", "start: clasify"),
    ("to: sort", "to: sorting"),
    ("metric: sensitivity", "metric: sensitivty"),
    ("set: [stages.sort.routes.1.at_sensitivity]", "set: [stages.sort.routes.9.at_sensitivity]"),
    ("default: usual", "default: unusual"),
    ("values: [0.6, 0.9, 1.0]", "values: [0.6, 1.0]"),
    ("at_least: 0.9, label: Found", "label: Found"),
    ("at_least: 0.9, label: Found", "at_least: 0.9, at_most: 1, label: Found"),
    ("brief: A test", 'brief: "![a picture](https://pictures.example)"'),
    ("scores: tiny", "scores: nosuch"),
]


@pytest.mark.parametrize(("old", "new"), BEYOND, ids=[new for _, new in BEYOND])
def test_what_only_the_checker_can_know_passes_the_schema(old, new, evidence):
    text = changed(old, new)
    assert VALIDATOR.is_valid(plain(text))
    if "nosuch" not in new:  # evidence is looked up when a plan is made
        with pytest.raises(ScenarioError):
            loads(text)


#: Faults of a single value, each at the place where an editor marks it.
MARKED = [
    ("max_batch: 4", "max_bach: 4", ["stages", "classify"]),
    ("max_batch: 4", "max_batch: 0", ["stages", "classify", "max_batch"]),
    ("kind: gate", "kind: gatee", ["stages", "sort"]),
    ("prevalence: {value: 0.5, assumed: a test}", "prevalence: 0.5", ["population"]),
    ("prevalence: {value: 0.5, assumed: a test}", "prevalence: {value: 1.5, assumed: a test}", ["population"]),
    ("prevalence: {value: 0.5, assumed: a test}", "prevalence: {value: 0.5}", ["population"]),
    ('start: "08:00"', 'start: "8:00"', ["stages", "reader"]),
    ("version: 1", 'version: "1"', ["version"]),
    ("  - {metric: sensitivity", "  - {metrc: sensitivity", ["objectives", 0]),
]


@pytest.mark.parametrize(("old", "new", "path"), MARKED, ids=[new for _, new, _ in MARKED])
def test_a_fault_of_a_value_is_marked_at_its_place_by_both(old, new, path, evidence):
    text = changed(old, new)
    deepest = max((list(error.absolute_path) for error in _all_errors(plain(text))), key=len)
    assert deepest[: len(path)] == path
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    assert any(fault.field.split(".")[: len(path)] == list(map(str, path)) for fault in caught.value.faults)


def _all_errors(data):
    errors = list(VALIDATOR.iter_errors(data))
    for error in errors:
        errors += error.context or []
    return errors


def test_every_field_and_every_model_has_its_words():
    lacking = [
        f"{model}.{name}"
        for model, one in SCHEMA["definitions"].items()
        for name, field in one.get("properties", {}).items()
        if name != "kind" and not field.get("description")
    ]
    assert lacking == [], "write a docstring below the field"
    assert [name for name, field in SCHEMA["properties"].items() if not field.get("description")] == []
    assert [model for model, one in SCHEMA["definitions"].items() if not one.get("description")] == []


def test_the_command_prints_the_schema_and_nothing_else(casesim):
    status, out, err = casesim("schema")
    assert (status, err) == (0, "")
    assert json.loads(out) == SCHEMA


def test_the_small_case_fits_as_yaml_too():
    assert VALIDATOR.is_valid(plain(SMALL)) and VALIDATOR.is_valid(json.loads(as_yaml(plain(SMALL))))
