"""The place of the cursor, in texts that are being written."""

import pytest

from simulator.authoring.studio.schema_help import place_at

TEXT = """\
id: x
stages:
  model:
    kind: pool
    max_ba
  gate:
    routes: [{at_sensitivity: 0.9, to: inv
questions:
  - ask: A
    # a comment: no key
    ans
  - ask: B
    answer: >-
      text
  -
choices:
- a: 1
- b:
  c:
    d
run: {days: 1,
"""


@pytest.mark.parametrize(
    ("line", "path", "of_value", "written"),
    [
        ("id: x", ("id",), True, "x"),
        ("    max_ba", ("stages", "model"), False, "max_ba"),
        ("    kind: po", ("stages", "model", "kind"), True, "po"),
        ("    routes: [{at_sensitivity: 0.9, to: inv", ("stages", "gate", "routes", 0, "to"), True, "inv"),
        ("    ans", ("questions", 0), False, "ans"),
        ("  - ask: B", ("questions", 1, "ask"), True, "B"),
        ("      text", ("questions", 1, "answer"), False, "text"),
        ("  -", ("questions", 2), False, ""),
        ("- b:", ("choices", 1, "b"), True, ""),
        ("    d", ("choices", 1, "c"), False, "d"),
        ("run: {days: 1,", ("run",), False, ""),
    ],
    ids=str,
)
def test_a_place_follows_from_indentation_and_braces(line, path, of_value, written):
    lines = TEXT.split("\n")
    number = 1 + (lines.index(line) if line in lines else next(at for at, one in enumerate(lines) if one.startswith(line)))
    place = place_at(TEXT, number, len(line))
    assert (place.path, place.of_value, place.written) == (path, of_value, written)
    assert place.start == len(line) - len(written)


def test_any_cursor_in_any_text_has_a_place():
    for number, line in enumerate(TEXT.split("\n"), 1):
        for column in range(len(line) + 1):
            assert place_at(TEXT, number, column).start <= column
