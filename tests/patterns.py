"""The patterns of the package, and the texts at which each takes longest.

A pattern joins this list by being written: the calls of `re` are read from the code. So a new one is measured too, whatever
texts it meets; there is no list of patterns that matter.
"""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import product
from math import inf
from pathlib import Path
from random import Random
from time import thread_time
from typing import Any

from simulator.paths import ROOT

try:
    from re import _constants as kinds  # type: ignore[attr-defined]
    from re import _parser as parser
except ImportError:  # before Python 3.11
    import sre_constants as kinds
    import sre_parse as parser

#: Ways to use a pattern on a text, by the name of the function or method.
USES: dict[str, Callable[[re.Pattern[Any], Any], object]] = {
    "match": lambda pattern, text: pattern.match(text),
    "fullmatch": lambda pattern, text: pattern.fullmatch(text),
    "search": lambda pattern, text: pattern.search(text),
    "findall": lambda pattern, text: pattern.findall(text),
    "finditer": lambda pattern, text: [*pattern.finditer(text)],
    "split": lambda pattern, text: pattern.split(text),
    "sub": lambda pattern, text: pattern.sub(lambda match: match[0], text),
    "subn": lambda pattern, text: pattern.subn(lambda match: match[0], text),
}


@dataclass(frozen=True)
class Use:
    """A pattern of the package, and a way in which it is used there."""

    place: str
    pattern: re.Pattern[Any]
    way: str

    def __str__(self) -> str:
        return f"{self.place}:{self.way}"

    def seconds(self, text: str, repeats: int = 1) -> float:
        """Time of this thread for the text, the least of several repeats."""
        given = text if isinstance(self.pattern.pattern, str) else text.encode()
        use, times = USES[self.way], []
        for _ in range(repeats):
            begun = thread_time()
            use(self.pattern, given)
            times.append(thread_time() - begun)
            if sum(times) > 0.05:
                break
        return min(times)


@dataclass(frozen=True)
class _Call:
    """A call of a function of `re`."""

    file: Path
    node: ast.Call
    function: str
    names: frozenset[str]

    @property
    def place(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.node.lineno}"

    def pattern(self) -> re.Pattern[Any] | None:
        """The pattern; None where it is made of a text that is known at the call alone."""
        flags = next((word.value for word in self.node.keywords if word.arg == "flags"), None)
        if flags is None and self.function in _FLAGS_AT and len(self.node.args) > _FLAGS_AT[self.function]:
            flags = self.node.args[_FLAGS_AT[self.function]]
        try:
            return re.compile(self._value(self.node.args[0]), self._value(flags) if flags else 0)
        except NameError:
            return None

    def _value(self, node: ast.expr) -> Any:
        names = (
            {}
            if isinstance(node, ast.Constant)
            else vars(import_module(".".join(self.file.relative_to(ROOT).with_suffix("").parts)))
        )
        return eval(compile(ast.Expression(node), self.place, "eval"), dict(names))


#: The place of the flags among the arguments.
_FLAGS_AT = {"compile": 1, "match": 2, "fullmatch": 2, "search": 2, "findall": 2, "finditer": 2}


@cache
def _sources() -> dict[Path, str]:
    files = [file for folder in ("simulator", "pages") for file in sorted((ROOT / folder).rglob("*.py"))]
    return {file: file.read_text(encoding="utf-8") for file in files if "node_modules" not in file.parts}


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(_sources()[file])


@cache
def _calls() -> list[_Call]:
    found = []
    for file in [file for file, source in _sources().items() if "import re\n" in source]:
        tree = _tree(file)
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
        calls = [node for node in calls if _name_of(node.func.value) == "re" and node.func.attr in (*USES, "compile")]
        assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]
        names = {part: node for node in assigned if calls for part in ast.walk(node.value)}
        found += [_Call(file, node, node.func.attr, _names(names.get(node))) for node in calls]
    return found


def _name_of(node: ast.expr) -> str:
    """The last name of an expression, of an entry the collection's."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _names(assignment: ast.Assign | ast.AnnAssign | None) -> frozenset[str]:
    targets = [] if assignment is None else assignment.targets if isinstance(assignment, ast.Assign) else [assignment.target]
    return frozenset(name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def _ways(call: _Call) -> set[str]:
    """The methods that are called on a pattern, or on an entry of a collection, by its name; all where there is none."""
    if call.function != "compile":
        return {call.function}
    return {way for name, way in _named_ways() if name in call.names} or set(USES)


@cache
def _named_ways() -> set[tuple[str, str]]:
    names = {name for call in _calls() for name in call.names}
    files = [file for file, source in _sources().items() if any(name in source for name in names)]
    attributes = [node for file in files for node in ast.walk(_tree(file)) if isinstance(node, ast.Attribute)]
    return {(_name_of(node.value), node.attr) for node in attributes if node.attr in USES}


def uses() -> tuple[list[Use], list[str]]:
    """Every use of a pattern in the package, and the places whose pattern is made at the call."""
    found, unknown = [], []
    for call in _calls():
        pattern = call.pattern()
        if pattern is None:
            unknown.append(call.place)
        else:
            found += [Use(call.place, pattern, way) for way in sorted(_ways(call))]
    return found, unknown


# ---- texts that take long

_SAMPLES = {
    kinds.CATEGORY_DIGIT: "1", kinds.CATEGORY_SPACE: " \n", kinds.CATEGORY_WORD: "a_", kinds.CATEGORY_NOT_DIGIT: "a",
    kinds.CATEGORY_NOT_SPACE: "a", kinds.CATEGORY_NOT_WORD: "-",
}  # fmt: skip

_COMMON = "a1 \n-"


def _of_set(items: Any) -> str:
    """Some characters of a set, or beside it where it is negated."""
    negated, letters = False, ""
    for kind, value in items:
        if kind is kinds.NEGATE:
            negated = True
        elif kind is kinds.LITERAL:
            letters += chr(value)
        elif kind is kinds.RANGE:
            letters += chr(value[0]) + chr(value[1])
        elif kind is kinds.CATEGORY:
            letters += _SAMPLES[value]
    return "".join(letter for letter in "xy0 \n" if letter not in letters) + letters if negated else letters


def _parts(tree: Any) -> Iterator[tuple[str, str]]:
    """The characters of each part of a pattern in order, with "one" or "many"."""
    for kind, value in tree:
        if kind in _LETTERS:
            yield _LETTERS[kind](value), "one"
        elif kind in _REPEATS:
            yield from ((letters, "many" if value[1] > 3 else how) for letters, how in _parts(value[2]))
        elif kind in _INNER:
            for inner in _INNER[kind](value):
                yield from _parts(inner)


#: The letters of a part, and the parts of another.
_LETTERS: dict[Any, Callable[[Any], str]] = {
    kinds.LITERAL: chr,
    kinds.NOT_LITERAL: lambda letter: "x" + chr(letter),
    kinds.ANY: lambda _: "x",
    kinds.IN: _of_set,
}
_INNER: dict[Any, Callable[[Any], Any]] = {
    kinds.BRANCH: lambda value: value[1],
    kinds.SUBPATTERN: lambda value: value[-1:],
    kinds.ASSERT: lambda value: value[1:],
    kinds.ASSERT_NOT: lambda value: value[1:],
    getattr(kinds, "ATOMIC_GROUP", None): lambda value: [value],
}
_REPEATS = {kinds.MAX_REPEAT, kinds.MIN_REPEAT, getattr(kinds, "POSSESSIVE_REPEAT", kinds.MAX_REPEAT)}


def texts(pattern: re.Pattern[Any], size: int, wide: bool) -> Iterator[Callable[[int], str]]:
    """Makers of texts of any length: a beginning, a unit many times, an end. wide: with every pair and triple of letters."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    parts = [(letters, how) for letters, how in _parts(parser.parse(source, pattern.flags & ~re.UNICODE)) if letters]
    alphabet = "".join(dict.fromkeys("".join(letters for letters, _ in parts) + _COMMON))
    whole = "".join(letters[0] for letters, _ in parts)
    before = ["".join(letters[0] for letters, _ in parts[:place]) for place, (_, how) in enumerate(parts) if how == "many"]
    pairs = ["".join(pair) for pair in product(alphabet[:24], repeat=2)]
    random = Random(ascii(source))
    chosen = pairs if wide else random.sample(pairs, min(len(pairs), 40))
    triples = ["".join(random.choices(alphabet, k=3)) for _ in range(600 if wide else 10)]
    units = dict.fromkeys([*alphabet, whole, *before, *chosen, *triples])
    for head, unit, tail in product(dict.fromkeys(["", *before[: 9 if wide else 2], whole]), filter(None, units), ("", "\x00")):
        yield lambda length, head=head, unit=unit, tail=tail: (head + unit * (length // len(unit) + 1))[:length] + tail


#: Lengths of texts, each twice the one before.
LENGTHS = (1000, 2000, 4000, 8000, 16000)

#: A pattern that looks at every pair of 16,000 characters takes 30 times as long and more (s). Less is no ground for a ratio.
NEGLIGIBLE_S = 4e-3

#: The largest growth when the length doubles: it is 2 where the time is in proportion, and 4 where it is quadratic.
MOST = 2.5


def growth(use: Use, wide: bool = False, tries: int = 4) -> tuple[float, str]:
    """The largest growth of the time of the worst texts when their length doubles, the least of several tries; that text."""
    makers = sorted(texts(use.pattern, LENGTHS[0], wide), key=lambda make: _first(use, make), reverse=True)
    found = 0.0, ""
    if _first(use, makers[0]) == inf:
        return inf, makers[0](40)
    for make in makers[: 12 if wide else 3]:
        ratio = min_over(tries, lambda make=make: _growth(use, make))
        found = max(found, (ratio, make(40)))
        if ratio >= MOST:
            break
    return found


def _first(use: Use, make: Callable[[int], str]) -> float:
    """The time at the first length (s); infinite where much shorter texts take long, as if the growth were exponential."""
    for length in (8, 12, 16, 20, 24, 32, 64, 128, 256):
        if use.seconds(make(length)) > NEGLIGIBLE_S and use.seconds(make(length), repeats=5) > NEGLIGIBLE_S:
            return inf
    return use.seconds(make(LENGTHS[0]))


def min_over(tries: int, ratio: Callable[[], float]) -> float:
    least = float("inf")
    for _ in range(tries):
        least = min(least, ratio())
        if least < MOST:
            break
    return least


def _growth(use: Use, make: Callable[[int], str]) -> float:
    gc.disable()
    try:
        before = largest = 0.0
        for length in LENGTHS:
            now = use.seconds(make(length), repeats=5)
            if now > NEGLIGIBLE_S:
                largest = max(largest, now / max(before, NEGLIGIBLE_S / MOST))
            if now > 0.05:
                break
            before = now
        return largest
    finally:
        gc.enable()
