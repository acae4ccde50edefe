"""Sentences that users read, and the patterns that make them hard to read: `python -m tests.plain_english [PATH ...]`."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

#: Files whose text users read: code with its literals, tables of texts, and pages of prose.
CODE = ("simulator", "pages", "campaigns")
DATA = ("simulator/*.toml", "simulator/*/*.toml")
PROSE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md")

PATTERNS = {
    "a person without a role (name the user, the author, the server)": re.compile(
        r"\b(?:nobody|somebody|whoever|anybody|someone|anyone|whatsoever)\b", re.I
    ),
    "an inverted relative (write two sentences)": re.compile(
        r"\b(?:at|of|by|in|on|from|for|with|to|under|after|before|than|between|through|behind|among|within) (?:which|whom)\b",
        re.I,
    ),
    "a number without a name (write N)": re.compile(r"\b(?:so many|by how much|to how much|how many of whom)\b", re.I),
    "a clause used as a noun (start with a noun or a verb)": re.compile(
        r"^(?:What|How|Whether|Where|Who|Which|By how)\b(?![^.!]*\?)"
    ),
    "a word that needs its neighbour (name the thing)": re.compile(r"\b(?:the same of|such that one|that one alone)\b", re.I),
}

#: A slot in a text of the catalogue, and words that stand in it only under a condition.
_SLOT, _CONDITION = re.compile(r"\{\w+(?::(?!if )\w[^{}]*)?\}"), re.compile(r"\{\w+:if ([^{}|]*)\|?([^{}]*)\}")

#: The words that begin a clause used as a noun, in docstrings.
CLAUSE = re.compile(r"^(?:What|How|Whether|Where|Who|Which)\b")


class Sentence(NamedTuple):
    """A sentence that users read, with the file and the line where it stands."""

    file: str
    line: int
    text: str

    def faults(self) -> list[str]:
        """Return the patterns that the sentence matches."""
        return [name for name, pattern in PATTERNS.items() if pattern.search(self.text)]


def sentences(paths: tuple[str, ...] = ()) -> Iterator[Sentence]:
    """Yield every sentence of the literals in the code, of tables of texts and of the prose; paths: only files below these."""
    for folder in CODE:
        for file in sorted((ROOT / folder).rglob("*.py")):
            if _wanted(file, paths):
                yield from _text_of(file).sentences
    for patterns, reader in ((DATA, _of_data), (PROSE, _of_prose)):
        for file in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
            if _wanted(file, paths):
                yield from reader(file)


def docstrings(paths: tuple[str, ...] = ()) -> Iterator[Sentence]:
    """Yield the first line of every docstring under simulator/, pages/ and campaigns/."""
    for folder in CODE:
        for file in sorted((ROOT / folder).rglob("*.py")):
            if _wanted(file, paths):
                yield from _text_of(file).docstrings


def empty_handed() -> Iterator[Sentence]:
    """Yield the docstrings of functions that return nothing and say that they return something."""
    for folder in CODE:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield from _text_of(file).empty_handed


def identifiers(word: str) -> Iterator[Sentence]:
    """Yield the places under simulator/, pages/ and campaigns/ where a word is the name of something."""
    for folder in CODE:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield from (Sentence(_name(file), line, word) for line in _text_of(file).identifiers.get(word, []))


def _wanted(file: Path, paths: tuple[str, ...]) -> bool:
    return not paths or any(_name(file).startswith(path) for path in paths)


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


class CodeText(NamedTuple):
    """The text in a file of code: sentences of its literals, first lines of its docstrings, lines of each name.

    empty_handed: the docstrings of functions that return nothing and say that they return something
    """

    sentences: list[Sentence]
    docstrings: list[Sentence]
    identifiers: dict[str, list[int]]
    empty_handed: list[Sentence]


@cache
def _text_of(file: Path) -> CodeText:
    """Read a file of code once for all questions: to parse all of them takes seconds."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    documented = [(node, text) for node in nodes if isinstance(node, kinds) and (text := ast.get_docstring(node))]
    first = [Sentence(_name(file), getattr(node, "lineno", 1), text.partition("\n")[0]) for node, text in documented]
    skipped = {id(node.body[0].value) for node, _ in documented if isinstance(node.body[0], ast.Expr)}
    skipped |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    identifiers: dict[str, list[int]] = {}
    for node in nodes:
        for word in _names(node):
            identifiers.setdefault(word, []).append(getattr(node, "lineno", 1))
    returns = {getattr(node, "lineno", 1) for node, _ in documented if _returns_nothing(node)}
    empty_handed = [one for one in first if one.line in returns and re.match("(Return|Yield) (?!None)", one.text)]
    literals = [one for node in nodes if id(node) not in skipped for one in _literal(file, node)]
    return CodeText(literals, first, identifiers, empty_handed)


def _returns_nothing(node: ast.AST) -> bool:
    result = getattr(node, "returns", None)
    return isinstance(result, ast.Constant) and result.value is None


def _names(node: ast.AST) -> set[str]:
    found = (getattr(node, field, None) for field in ("id", "attr", "arg", "name", "asname"))
    return {one for one in found if isinstance(one, str)}


def _literal(file: Path, node: ast.AST) -> Iterator[Sentence]:
    if isinstance(node, ast.JoinedStr):
        yield from _split(file, node.lineno, "".join(_shown(part) for part in node.values))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _split(file, node.lineno, node.value)


def _shown(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "X"


def _of_data(file: Path) -> Iterator[Sentence]:
    """Yield the sentences of a table of texts: records by name, whose values are texts; X stands for a slot."""
    for record in tomllib.loads(file.read_text(encoding="utf-8")).values():
        for text in record.values():
            yield from _split(file, 1, _without_slots(text))


def _without_slots(text: str) -> str:
    shorter = _CONDITION.sub(r"\1 \2", _SLOT.sub("X", text))
    return text if shorter == text else _without_slots(shorter)


def _of_prose(file: Path) -> Iterator[Sentence]:
    fenced = False
    paragraph, start = "", 1
    for number, line in enumerate([*file.read_text(encoding="utf-8").splitlines(), ""], start=1):
        fenced ^= line.startswith("```")
        if not fenced and line.strip() and not line.startswith(("```", "#", "|", "- ", "1. ")):
            start, paragraph = (start if paragraph else number), f"{paragraph} {line.strip()}"
            continue
        yield from _split(file, start, paragraph)
        paragraph = ""
        if not fenced and line.startswith(("#", "|", "- ", "1. ")):
            cells = line.strip("|").split("|") if line.startswith("|") else [line.lstrip("#- 1.")]
            for cell in cells:
                yield from _split(file, number, cell)


def _split(file: Path, line: int, text: str) -> Iterator[Sentence]:
    """Yield the sentences of a text that has at least three words."""
    text = re.sub(r"`[^`]*`", "X", " ".join(text.split()))
    if len(re.findall(r"[a-z]{2,}", text)) < 3:
        return
    for part in re.split(r"(?<=[.!?:;])\s+", text):
        yield Sentence(_name(file), line, part)


if __name__ == "__main__":
    asked = tuple(sys.argv[1:])
    for sentence in sentences(asked):
        for fault in sentence.faults():
            print(f"{sentence.file}:{sentence.line}: {fault}: {sentence.text}")
    for docstring in docstrings(asked):
        if CLAUSE.search(docstring.text):
            print(f"{docstring.file}:{docstring.line}: a docstring that is a clause: {docstring.text}")
