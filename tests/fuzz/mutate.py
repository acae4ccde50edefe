"""Changes to what is right: to the tree of a structured file, to its text, to its bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

#: Values that a field does not expect.
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 10**15, 10**18, -(10**9), 10**400, 0.0, -0.0, 1e-9, 1e-300, 1e300, 1e308, -1e308,
    math.inf, -math.inf, math.nan, "", " ", "0", "1e999", "1e-9", ".inf", "nan", "yes", "x" * 5000, "\x1b]0;t\x07", "\x00",
    "\u202eabc", "\ud800", "${HOME}", "../../etc/passwd", "/dev/zero", "[", "(a+)+$", "model", "{}", "08:00", "24:00", "-1:99",
    [], {}, [[]], [None], {"": None}, {"value": 1}, {"value": math.nan, "assumed": "x"}, {"value": -1, "assumed": "x"},
    {"value": 1e300, "assumed": "x"}, {"kind": "nosuch"}, list(range(300)), {f"k{n}": n for n in range(300)},
)  # fmt: skip

#: Any plain data.
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)

Value = TypeVar("Value")


def drawn(strategy: st.SearchStrategy[Value], count: int, begin: int) -> list[Value]:
    """So many examples of a Hypothesis strategy, the same for the same seed."""
    found: list[Value] = []

    @seed(begin)
    @settings(
        max_examples=count, database=None, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def collect(value: Value) -> None:
        found.append(value)

    collect()
    return found


Path = tuple[Any, ...]


def paths(data: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a tree but its root."""
    for key in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield (*at, key)
        yield from paths(data[key], (*at, key))


def _holder(data: Any, path: Path) -> Any:
    for part in path[:-1]:
        data = data[part]
    return data


def changed_tree(data: Any, random: Random, extra: list[Any]) -> tuple[Any, str]:
    """The tree with one to three places changed, and which; extra: values beside HOSTILE."""
    data, told = deepcopy(data), []
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        places = list(paths(data))
        if not places:
            break
        path = random.choice(places)
        change = random.choice(_CHANGES)
        change(data, path, places, random, extra)
        told.append(f"{change.__name__.strip('_')} at {'.'.join(map(str, path))}")
    return data, "; ".join(told)


def _hostile(data: Any, path: Path, places: list[Path], random: Random, extra: list[Any]) -> None:
    _holder(data, path)[path[-1]] = deepcopy(random.choice((random.choice(HOSTILE), random.choice(extra))))


def _number(data: Any, path: Path, places: list[Path], random: Random, extra: list[Any]) -> None:
    numbers = [at for at in places if isinstance(_holder(data, at)[at[-1]], int | float)] or [path]
    at = random.choice(numbers)
    times = random.choice((0, -1, 1e-9, 0.5, 0.9, 1.1, 2, 3, 1e3, 1e6, 1e9, 1e300))
    value = _holder(data, at)[at[-1]]
    try:
        _holder(data, at)[at[-1]] = value * times if isinstance(value, int | float) else times
    except OverflowError:  # a whole number too large for a fraction of it
        _holder(data, at)[at[-1]] = times


def _drop(data: Any, path: Path, places: list[Path], random: Random, extra: list[Any]) -> None:
    del _holder(data, path)[path[-1]]


def _rename(data: Any, path: Path, places: list[Path], random: Random, extra: list[Any]) -> None:
    holder = _holder(data, path)
    if isinstance(holder, dict):
        word = str(path[-1])
        place = random.randrange(len(word) + 1)
        holder[word[:place] + random.choice(("", "x", "_", "\x1b", "é")) + word[place + 1 :]] = holder.pop(path[-1])


def _swap(data: Any, path: Path, places: list[Path], random: Random, extra: list[Any]) -> None:
    other = random.choice(places)
    value = deepcopy(_holder(data, other)[other[-1]])
    _holder(data, path)[path[-1]] = value


def _retype(data: Any, path: Path, places: list[Path], random: Random, extra: list[Any]) -> None:
    value = _holder(data, path)[path[-1]]
    _holder(data, path)[path[-1]] = random.choice((str(value), [value], {"value": value}, [value, value]))


def _nest(data: Any, path: Path, places: list[Path], random: Random, extra: list[Any]) -> None:
    value = _holder(data, path)[path[-1]]
    for _ in range(random.choice((1, 5, 30, 200))):
        value = random.choice(([value], {"a": value}))
    _holder(data, path)[path[-1]] = value


def _repeat(data: Any, path: Path, places: list[Path], random: Random, extra: list[Any]) -> None:
    holder = _holder(data, path)
    value = holder[path[-1]]
    if isinstance(holder, list):
        holder[path[-1] : path[-1]] = [deepcopy(value) for _ in range(random.choice((1, 3, 50)))]
    else:
        holder |= {f"{path[-1]}{number}": deepcopy(value) for number in range(random.choice((1, 3, 50)))}


_CHANGES: tuple[Callable[..., None], ...] = (
    _hostile, _hostile, _hostile, _number, _number, _number, _number, _drop, _rename, _swap, _swap, _retype, _nest, _repeat,
)  # fmt: skip


def as_yaml(data: Any) -> bytes:
    """Plain data as YAML, by way of JSON."""
    text = json.dumps(data, indent=1)
    for word, yaml in (("-Infinity", "-.inf"), ("Infinity", ".inf"), ("NaN", ".nan")):
        text = text.replace(f": {word}", f": {yaml}").replace(f"\n{word}", f"\n{yaml}")
    return text.encode()


_TEXT_CHANGES = ("line lost", "line twice", "lines swapped", "cut short", "byte", "bytes", "put in", "indented", "cell")


def changed_text(text: bytes, random: Random, words: tuple[bytes, ...]) -> tuple[bytes, str]:
    """The text with some lines or bytes changed, and how; words: what is put in anywhere."""
    kind = random.choice(
        ("line lost", "line twice", "lines swapped", "cut short", "byte", "bytes", "put in", "indented", "cell")
    )
    lines = text.split(b"\n")
    at = random.randrange(len(lines))
    place = random.randrange(len(text) or 1)
    if kind == "line lost":
        del lines[at]
    elif kind == "line twice":
        lines[at:at] = [lines[at]] * random.choice((1, 2, 100))
    elif kind == "lines swapped":
        other = random.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "indented":
        lines[at] = b" " * random.randrange(9) + lines[at].lstrip()
    elif kind == "cell":
        cells = lines[at].split(b",")
        cells[random.randrange(len(cells))] = random.choice(words)
        lines[at] = b",".join(cells)
    else:
        return _changed_bytes(text, kind, place, random, words), f"{kind} at byte {place}"
    return b"\n".join(lines), f"{kind} at line {at + 1}"


def _changed_bytes(text: bytes, kind: str, place: int, random: Random, words: tuple[bytes, ...]) -> bytes:
    if kind == "cut short":
        return text[:place]
    if kind == "put in":
        return text[:place] + random.choice(words) + text[place:]
    mutable = bytearray(text)
    for _ in range(1 if kind == "byte" else 20):
        if mutable:
            mutable[random.randrange(len(mutable))] = random.randrange(256)
    return bytes(mutable)
