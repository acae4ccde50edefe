"""Reading YAML as plain data: places are kept, whatever could run code or exhaust the machine is refused."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.document import Fault, ScenarioError, parse_document, read_document
from simulator.limits import CASE_DEPTH, CASE_FILE, CASE_VALUES, FAULTS_SHOWN


def faults_of(text: str) -> list[Fault]:
    with pytest.raises(ScenarioError) as caught:
        parse_document(text, "case.yaml")
    return caught.value.faults


def test_every_key_and_list_item_remembers_its_place():
    document = parse_document("a:\n  b: 1\n  c:\n    - x\n    - {d: y}\n", "case.yaml")
    assert document.data == {"a": {"b": 1, "c": ["x", {"d": "y"}]}}
    assert document.places[("a", "b")] == (2, 3)
    assert document.places[("a", "c", 0)] == (4, 7)
    assert document.places[("a", "c", 1, "d")] == (5, 8)


def test_a_fault_at_a_missing_field_stands_at_the_nearest_enclosing_place():
    document = parse_document("a:\n  b: {}\n", "case.yaml")
    assert str(document.fault(("a", "b", "c"), "is missing")) == "case.yaml:2:3: a.b.c: is missing"


def test_a_syntax_error_names_line_and_column():
    (fault,) = faults_of("a: 1\nb: [1, 2\nc: 3\n")
    assert (fault.line, fault.column) == (3, 2)  # the colon, where a comma or a bracket should be
    assert fault.message.startswith("is not YAML")


def test_a_key_that_stands_twice_is_told_at_the_second_with_the_line_of_the_first():
    (fault,) = faults_of("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert (fault.line, fault.column, fault.field) == (4, 3, "a.b")
    assert "first on line 2" in fault.message


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: &x 1\n", 2, "anchors (&x)"),
        ("a: 1\n&x b: 1\n", 2, "anchors (&x)"),
        ("a: 1\nb: !!str 1\n", 2, "tag"),
        ("a: 1\n!!str b: 1\n", 2, "tag"),
        ("a: 1\nb: ! 1\n", 2, "tag"),
        ("a: 1\nb: 2026-01-01\n", 2, "tag"),
        ("a: 1\nb: !!python/object/apply:os.system ['true']\n", 2, "tag"),
        ("a: 1\nb: !mine 1\n", 2, "tag"),
        ("a: 1\nb: !!set {x}\n", 2, "tag"),
        ("a: 1\nb: " + "9" * 5000, 2, "cannot be read"),
        ("a: 1\n? [b]\n: 1\n", 1, "single word"),
        ("- a\n- b\n", 1, "should be a mapping"),
        ("just words\n", 1, "should be a mapping"),
        ("", 1, "should be a mapping"),
        ("# only a comment\n", 1, "should be a mapping"),
        ("a: 1\n--- \nb: 2\n", 2, "is not YAML"),
        ("a: \x00\n", 1, "is not YAML"),
    ],
)
def test_anything_but_one_plain_mapping_is_refused_at_its_line(text, line, what):
    (fault,) = faults_of(text)
    assert fault.line == line
    assert what in fault.message


def test_ten_levels_of_ten_aliases_are_refused_and_never_expanded():
    levels = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    faults = faults_of("\n".join(levels))
    assert all("anchors" in fault.message for fault in faults)
    assert [fault.line for fault in faults] == list(range(1, 11))


def test_of_many_faults_as_many_are_collected_as_are_told():
    assert len(faults_of("a: [" + "!x 1," * 1000 + "]")) == FAULTS_SHOWN.most + 1


@pytest.mark.parametrize("deep", [CASE_DEPTH.most + 2, pytest.param(5000, marks=pytest.mark.long)])
def test_a_file_that_is_nested_too_deep_is_refused(deep):
    assert all("levels deep" in fault.message for fault in faults_of("a: " + "[" * deep + "]" * deep))


def test_a_file_as_deep_as_allowed_is_read():
    lists = CASE_DEPTH.most - 1
    assert parse_document("a: " + "[" * lists + "]" * lists, "case.yaml").data["a"] != []


def test_a_file_with_too_many_values_is_refused():
    assert f"more than {CASE_VALUES}" in faults_of("a: [" + "1," * CASE_VALUES.most + "]")[0].message


def test_a_file_too_long_is_refused_unread(tmp_path):
    file = tmp_path / "case.yaml"
    file.write_bytes(b"a: [" + b"\xff" * CASE_FILE.most)
    with pytest.raises(ScenarioError, match=f"longer than {CASE_FILE}"):
        read_document(file)


@pytest.mark.parametrize(("make", "what"), [(os.mkfifo, "a pipe"), (os.mkdir, "a folder"), (None, "a device")])
def test_only_a_file_is_read_and_nothing_waits(tmp_path, make, what):
    file = tmp_path / "case.yaml"
    file.symlink_to("/dev/zero") if make is None else make(file)
    with pytest.raises(ScenarioError, match=what):
        read_document(file)


def test_a_long_value_is_told_in_short():
    (fault,) = faults_of("a: {" + "k" * 5000 + ": !x 1}")
    assert len(str(fault)) < 300


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    file = tmp_path / "case.yaml"
    file.write_bytes("a: é".encode("latin-1"))
    with pytest.raises(ScenarioError, match="UTF-8"):
        read_document(file)


@pytest.mark.parametrize("path", ["nowhere.yaml", "."])
def test_a_file_that_cannot_be_opened_is_named(path):
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_document(Path(path))


def test_a_patched_copy_leaves_the_original_alone_and_points_to_where_the_value_was_written():
    document = parse_document("a: {b: 1}\nc: {d: 2}\n", "case.yaml")
    patched = document.patched({("a", "b"): (2, ("c", "d"), "x")})
    assert (document.data["a"]["b"], patched.data["a"]["b"]) == (1, 2)
    assert patched.fault(("a", "b"), "").line == 2
    assert document.fault(("a", "b"), "").line == 1


def test_a_patched_mapping_takes_the_places_of_what_is_within_it_along():
    document = parse_document("a: {b: {v: 1, w: 1}}\nc:\n  d:\n    v: 2\n", "case.yaml")
    patched = document.patched({("a", "b"): ({"v": 2}, ("c", "d"), "x")})
    assert patched.fault(("a", "b", "v"), "").line == 4
    assert patched.fault(("a", "b", "w"), "").line == 3


@pytest.mark.parametrize("lost", [("a", "b"), ("a", 0), ("x", "b")])
def test_a_patch_below_what_another_patch_has_replaced_is_a_fault_where_it_was_written(lost):
    document = parse_document("a: {b: {v: 1}}\nc: 1\nd: 2\n", "case.yaml")
    with pytest.raises(ScenarioError, match=r"case\.yaml:3:1: d: cannot write"):
        document.patched({("a",): (1, ("c",), "x"), (*lost, "v"): (2, ("d",), "y")})


@given(st.text())
def test_no_text_raises_anything_but_a_scenario_error(text):
    try:
        assert isinstance(parse_document(text, "case.yaml").data, dict)
    except ScenarioError as error:
        assert error.faults


def test_what_no_change_writes_to_is_shared_and_the_original_stays_as_it_was():
    document = parse_document("a: {b: 1, e: {f: 2}}\nc: {d: 3}\nlist: [{v: 1}, {v: 2}]\n", "x.yaml")
    patched = document.patched({("a", "b"): (5, ("c", "d"), "x"), ("list", 1, "v"): (6, ("c", "d"), "y")})
    assert patched.data == {"a": {"b": 5, "e": {"f": 2}}, "c": {"d": 3}, "list": [{"v": 1}, {"v": 6}]}
    assert document.data == {"a": {"b": 1, "e": {"f": 2}}, "c": {"d": 3}, "list": [{"v": 1}, {"v": 2}]}
    assert patched.data["c"] is document.data["c"]
    assert patched.data["a"]["e"] is document.data["a"]["e"]
    assert patched.data["list"][0] is document.data["list"][0]


def test_a_patch_of_a_patch_is_faulted_where_its_value_stands_in_the_file():
    document = parse_document("a: 1\nb: {v: 2}\nc:\n  d: 3\n", "x.yaml")
    twice = document.patched({("a",): ({"v": 2}, ("b",), "x")}).patched({("e",): (2, ("a", "v"), "y")})
    assert (twice.fault(("e",), "wrong").line, twice.fault(("e",), "wrong").column) == (2, 5)


def test_an_entry_of_a_list_has_no_name_to_be_given_another():
    document = parse_document("a: [1, 2]", "a.yaml")
    assert document.renamed(("a", 0), "b") is document
