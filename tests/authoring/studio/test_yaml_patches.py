"""Changes of a YAML text: the value is there, and every other line stays as it was, comments included."""

from difflib import ndiff

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.authoring.studio.yaml_patches import UnfitTextError, patched_text, text_without
from simulator.case.document import ScenarioError, parse_document

TEXT = """\
# A case.
id: small   # its name
brief: >-
  One line,
  and another.

# What comes in.
arrivals: {kind: poisson, rate_per_s: {value: 20, assumed: "a busy, loud hour"}}  # guessed
stages:
  reader:
    kind: people
    label: Reader
    minutes:
      # by the clock
      median: {value: 2, assumed: why}
      sigma: 0.5

  # the last one
  gate:
    routes: [{at: 0.5, to: here}, {to: there}]
objectives:
  - {metric: wait_p95_s, at_most: 60, label: Wait}  # a minute
  - metric: cost
    label: Cost
    at_most: 3
choices: {}
note:
"""


def changed_lines(before, after):
    """The lines that went, and those that came."""
    lines = [line for line in ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    return [line[2:] for line in lines if line[0] == "-"], [line[2:] for line in lines if line[0] == "+"]


@pytest.mark.parametrize(
    ("path", "value", "gone", "come"),
    [
        (("id",), "large", ["id: small   # its name"], ["id: large   # its name"]),
        (
            ("stages", "reader", "minutes", "median"),
            {"value": 2.5, "published": "a paper, 2020"},
            ["      median: {value: 2, assumed: why}"],
            ["      median: {value: 2.5, published: 'a paper, 2020'}"],
        ),
        (
            ("stages", "reader", "minutes", "median"),
            {"value": 2, "assumed": "why", "between": [1, 4]},
            ["      median: {value: 2, assumed: why}"],
            ["      median: {value: 2, assumed: why, between: [1, 4]}"],
        ),
        (("stages", "reader", "minutes", "unit"), "min", [], ["      unit: min"]),
        (("stages", "reader", "hours"), ["early", "late, very"], [], ["    hours: [early, 'late, very']"]),
        (("objectives", 1, "at_most"), 4, ["    at_most: 3"], ["    at_most: 4"]),
        (("objectives", 2), {"metric": "late", "label": "Late: none"}, [], ["  - metric: late", "    label: 'Late: none'"]),
        (
            ("stages", "gate", "routes", 2),
            {"to": "end"},
            ["    routes: [{at: 0.5, to: here}, {to: there}]"],
            ["    routes: [{at: 0.5, to: here}, {to: there}, {to: end}]"],
        ),
        (
            ("choices",),
            {"pace": {"kind": "number", "set": ["a.b"]}},
            ["choices: {}"],
            ["choices: {pace: {kind: number, set: [a.b]}}"],
        ),
        (("note",), "so: it is", ["note:"], ["note: 'so: it is'"]),
        (("brief",), "Other words.", ["brief: >-", "  One line,", "  and another."], ["brief: >-", "  Other words."]),
        (("stages", "new"), {"kind": "gate", "label": "New"}, [], ["  new:", "    kind: gate", "    label: New"]),
        (("run",), {"days": 1}, [], ["run: {days: 1}"]),
    ],
    ids=str,
)
def test_a_value_is_written_and_no_other_line_changes(path, value, gone, come):
    after = patched_text(TEXT, path, value)
    lines = changed_lines(TEXT, after)
    assert [line for line in lines[0] if line not in lines[1]] == [line for line in gone if line not in come]
    assert [line for line in lines[1] if line not in lines[0]] == [line for line in come if line not in gone]
    assert [line for line in after.splitlines() if "#" in line] == [
        line.replace("small", "large") if path == ("id",) else line for line in TEXT.splitlines() if "#" in line
    ]


def test_an_equal_value_changes_nothing():
    data = parse_document(TEXT, "text").data
    for path in (("arrivals",), ("stages",), ("objectives",), ("brief",)):
        assert patched_text(TEXT, path, data[path[0]]) == TEXT


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        (("objectives", 0), ["  - {metric: wait_p95_s, at_most: 60, label: Wait}  # a minute"]),
        (("objectives", 1), ["  - metric: cost", "    label: Cost", "    at_most: 3"]),
        (("stages", "reader", "minutes", "sigma"), ["      sigma: 0.5"]),
        (("note",), ["note:"]),
    ],
    ids=str,
)
def test_an_entry_goes_with_its_lines_alone(path, gone):
    assert changed_lines(TEXT, text_without(TEXT, path)) == (gone, [])


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("stages", "gate", "routes", 0), "    routes: [{to: there}]"),
        (("stages", "gate", "routes", 1), "    routes: [{at: 0.5, to: here}]"),
        (("objectives", 1, "metric"), "  - label: Cost"),
    ],
    ids=str,
)
def test_an_entry_beside_others_in_its_line_goes_alone(path, line):
    assert line in text_without(TEXT, path).splitlines()


def test_the_only_entry_leaves_an_empty_collection():
    assert text_without("a: {b: 1}\n", ("a", "b")) == "a: {}\n"
    assert text_without("a:\n  - 1\nb: 2\n", ("a", 0)) == "a:\n  []\nb: 2\n"


@pytest.mark.parametrize("path", [("stages", "nowhere", "kind"), ("id", "deeper"), ("objectives", 7), ("brief", 0)], ids=str)
def test_a_place_that_cannot_take_it_is_named(path):
    with pytest.raises(UnfitTextError, match=path[0]):
        patched_text(TEXT, path, 1)
    with pytest.raises(UnfitTextError, match=path[0]):
        text_without(TEXT, path)


def test_a_text_that_is_no_yaml_is_refused_with_its_line():
    with pytest.raises(ScenarioError, match="text:2:"):
        patched_text("a: 1\nb: [", ("a",), 2)


VALUES = st.recursive(
    st.integers(-(10**9), 10**9)
    | st.booleans()
    | st.none()
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    ("id",), ("arrivals", "rate_per_s"), ("stages", "reader", "label"), ("stages", "reader", "more"), ("objectives", 0),
    ("objectives", 2), ("stages", "gate", "routes", 1), ("brief",), ("choices",), ("note",), ("further",),
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLACES), VALUES)
def test_whatever_is_written_reads_back_or_is_refused(path, value):
    try:
        after = patched_text(TEXT, path, value)
    except UnfitTextError:
        return
    data = parse_document(after, "text").data
    for part in path:
        data = data[part]
    assert data == value
    assert "# the last one" in after
