"""Sentences that users read are plain: no pattern that a regular expression can find, and names that say what they are."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache

from tests.plain_english import CLAUSE, PATTERNS, ROOT, Sentence, docstrings, empty_handed, identifiers, sentences

#: Sentences that match a pattern and are right, each with its reason; at most 20.
ALLOWED = {
    "Who stops in time": "the title of a panel is the question that the panel answers",
    "Who is missed": "as above",
    "Who is served": "as above",
    "What it costs": "as above",
    "What it rests on": "as above",
    "What lateness takes": "a shipped case names this exhibit in its text, and a case's text is part of its hash",
    "How misses follow each other": "as above",
    "What spoils a photo": "as above",
    "What a second sensor adds": "as above",
}


@cache
def faulty() -> list[Sentence]:
    """The sentences that match a pattern."""
    return [sentence for sentence in sentences() if sentence.faults()]


def test_sentences_of_the_screen_the_command_and_the_docs_are_plain():
    assert len(ALLOWED) <= 20
    found = [f"{one.file}:{one.line}: {', '.join(one.faults())}: {one.text}" for one in faulty() if not _allowed(one)]
    assert not found, "\n".join(found)


def _allowed(sentence: Sentence) -> bool:
    return any(allowed in sentence.text for allowed in ALLOWED)


def test_every_exception_is_used():
    assert all(any(allowed in one.text for one in faulty()) for allowed in ALLOWED)


def test_the_patterns_find_what_they_are_for():
    examples = (
        "Somebody else is at it.",
        "The rate at which it is sent.",
        "So many requests wait.",
        "What a vehicle costs",
        "The same of the other design.",
    )
    for example, pattern in zip(examples, PATTERNS.values(), strict=True):
        assert pattern.search(example), example
    assert not Sentence("page", 1, "Which model serves the photos?").faults()


def test_docstrings_begin_with_a_verb_or_a_noun():
    every = list(docstrings())
    clauses = [one for one in every if CLAUSE.search(one.text)]
    assert len(clauses) <= 0.02 * len(every), "\n".join(f"{one.file}:{one.line}: {one.text}" for one in clauses)


def test_a_function_that_returns_nothing_does_not_say_that_it_returns_something():
    assert [f"{one.file}:{one.line}: {one.text}" for one in empty_handed()] == []


def test_nothing_is_called_told():
    assert [f"{one.file}:{one.line}" for one in identifiers("told")] == []


def test_names_of_files_and_classes_occur_once():
    files = [file for file in (ROOT / "simulator").rglob("*.py") if not file.name.startswith("__")]
    names = Counter(file.name for file in files)
    classes = Counter(
        node.name
        for file in files
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in (names + classes).items() if count > 1] == []
