"""Every pattern of the package takes time in proportion to its text, whichever text that is: a search holds up all visitors."""

import re
from itertools import product

import pytest

from simulator.case.fields import _LANGUAGE
from simulator.paths import ROOT
from simulator.serving.serve_command import _NAME
from tests.patterns import MOST, Use, growth, uses

#: Patterns that are made at the call, of a text of the package's own or of escaped words: the file of each, and that text.
OF_OWN_TEXTS = {
    "simulator/authoring/known_numbers.py": "the words of a claim, escaped, with white space and stars between them",
    "simulator/evidence/evidence_files.py": "the name of a file that is being written",
    "simulator/practice/run_page.py": "a mark of a sentence",
}


def slow(wide):
    used, _ = uses()
    assert len(used) > 50
    grown = [(str(use), *growth(use, wide)) for use in used]
    return [f"{place}: {ratio:.1f} times as long on {text!a}" for place, ratio, text in grown if ratio >= MOST]


def test_twice_the_text_takes_about_twice_the_time():
    assert slow(wide=False) == []


@pytest.mark.long
def test_twice_the_text_takes_about_twice_the_time_for_many_more_texts():
    assert slow(wide=True) == []


SLOW = {
    "a run that each of its places begins": (r"\s*[-+=#>]", "search"),
    "lines of white space": (r"(?:^|(?<=\n))\s*[-+=#>]", "sub"),
    "a fence": (r"(?:`{3}|~{3})[`~]*[^\S\r\n]*([^\s`~]\S{0,20})", "search"),
    "a key": (r"\s*(?:- )?[\w.-]+:(?:\s|$)", "search"),
    "a begin without an end": (r"<script>(.*?)</script>", "findall"),
    "two stars of one letter": (r"[\w.-]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*", "fullmatch"),
    "two stars behind a beginning": (r"Load model .*x.*y", "match"),
    "stars in a star": (r"(a+)+$", "match"),
    "one of two in a star": (r"(?:a|a)*b", "fullmatch"),
}


@pytest.mark.parametrize(("pattern", "way"), SLOW.values(), ids=SLOW)
def test_a_pattern_whose_time_grows_faster_is_found(pattern, way):
    assert growth(Use("a test", re.compile(pattern), way), tries=1)[0] >= MOST


@pytest.mark.parametrize(
    ("former", "now", "letters"), [("a fence", _LANGUAGE, "`~ a\n"), ("two stars of one letter", _NAME, "a:.-g ")]
)
def test_a_quicker_pattern_finds_the_same(former, now, letters):
    pattern, way = SLOW[former]
    for text in map("".join, product(letters, repeat=6)):
        before, after = getattr(re.compile(pattern), way)(text), getattr(now, way)(text)
        assert (before and before.groups()) == (after and after.groups()), text


def test_only_patterns_of_own_texts_are_made_at_a_call():
    _, unknown = uses()
    assert sorted(place.split(":")[0] for place in unknown) == sorted(OF_OWN_TEXTS)


def test_every_file_calls_re_by_its_name_so_that_its_patterns_are_seen():
    for file in (ROOT / "simulator").rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        assert "from re import" not in source and "import re as" not in source and "import regex" not in source, file


def test_patterns_of_fields_are_searched_by_pydantic_in_rust():
    """Its engine takes time in proportion to the text for every pattern, and refuses those that it cannot search so."""
    for folder in ("simulator", "pages"):
        for file in (ROOT / folder).rglob("*.py"):
            assert "python-re" not in file.read_text(encoding="utf-8"), file
