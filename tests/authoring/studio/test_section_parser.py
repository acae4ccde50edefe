"""A text that is parsed section by section gives the document of the whole text, and its faults."""

import pytest

from simulator.authoring.studio.draft import SectionParser
from simulator.case.document import ScenarioError, parse_document
from simulator.case.load import find
from simulator.limits import Limit
from tests.case.texts import SMALL
from tests.effort import quick_cases


def outcome(parse, text):
    """The document without its name, or the faults."""
    try:
        found = parse(text, "a.yaml")
    except ScenarioError as error:
        return [(fault.file, fault.line, fault.column, fault.field, fault.message) for fault in error.faults]
    return found.data, found.places, found.bare, found.source


@pytest.mark.parametrize("case", quick_cases())
def test_shipped_cases_read_alike(case):
    text = find(case).read_text(encoding="utf-8")
    parser = SectionParser()
    assert outcome(parser.parse, text) == outcome(parse_document, text)
    changed = text.replace("minutes: ", "minutes: 1", 1)
    assert parser._joined(changed, "a.yaml") is not None, "no whole parse for a change of a section"
    assert outcome(parser.parse, changed) == outcome(parse_document, changed)


ODD = {
    "a key twice": "a: 1\nb: 2\na: 3\n",
    "a list at the margin": "a:\n- 1\n- 2\nb: {c: 1}\n",
    "a comment before all": "# first\n\na: 1 # one\n# two\nb: 2\n",
    "a block at the end": "a: |\n  x: 1\n  y\n\n# not part\nb: >-\n  z\n",
    "quoted keys": "\"a b\": 1\n'c': 2\n",
    "a document mark": "---\na: 1\nb: 2\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "an end mark": "a: 1\n...\nb: 2\n",
    "a text over the margin": 'a: "one\n\nb: two"\nc: 3\n',
    "a plain text over the margin": "a: one\nb\nc: 3\n",
    "an anchor": "a: &x 1\nb: *x\n",
    "a tag": "a: !!python/name:os.system 1\n",
    "no mapping": "- 1\n- 2\n",
    "nothing": "",
    "a comment alone": "# nothing\n",
    "a tab": "a:\n\t- 1\nb: 2\n",
    "an open brace": "a: {b: 1\nc: 2\n",
    "bare keys": "a: {b, c: 1}\nd: 2\n",
    "returns": "a: 1\r\nb: 2\r\n",
    "another line end": "a: 1\u2028b: 2\nc: 3\n",
    "an indented key": "  a: 1\nb: 2\n",
    "a colon without a space": "a:1\nb: 2\n",
    "a question": "? a\n: 1\nb: 2\n",
    "a key of two words": "a b: 1\nc: 2\n",
    "an empty value": "a:\nb:\n",
    "a directive": "%YAML 1.2\n---\na: 1\n",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_texts_read_alike_or_have_the_same_faults(text):
    parser = SectionParser()
    for _ in range(2):  # the second time from what is known
        assert outcome(parser.parse, text) == outcome(parse_document, text)


def test_too_many_values_are_the_same_fault(monkeypatch):
    monkeypatch.setattr("simulator.limits.CASE_VALUES", Limit("a test", 200, "values", "a test"))
    text = "\n".join(f"k{number}: [{', '.join('1' * 20)}]" for number in range(11))
    test_odd_texts_read_alike_or_have_the_same_faults(text)
    assert "more than 200 values" in str(outcome(SectionParser().parse, text))


def test_every_cut_of_a_text_reads_alike():
    parser = SectionParser()
    for end in range(0, len(SMALL), 23):
        assert outcome(parser.parse, SMALL[:end]) == outcome(parse_document, SMALL[:end])


def test_documents_of_two_texts_share_nothing_that_a_reader_may_change():
    parser = SectionParser()
    first = parser.parse("a: {b: 1}\nc: 2\n", "a.yaml")
    second = parser.parse("a: {b: 1}\nc: 3\n", "a.yaml")
    first.places.clear()
    assert second.places[("a", "b")] == (1, 5)
    assert (first.data["c"], second.data["c"]) == (2, 3)
