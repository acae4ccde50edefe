"""Phrases: text made of slots, from the catalogue of texts.

`phrase("overload.grows", stage="Reader", load=1.2)` is text that remembers its key and its slots: tests compare slots, and
another language is another catalogue (`Language`). A catalogue gives each key a text with the names of its slots in braces:

    {name}                  text, a whole number, or another phrase; `{name:upper}` with a capital letter first
    {share.low:percent}     a part of a slot that is a record or a mapping
    {load:roughly}          a number, written by a function of `FORMATS`, with its arguments: `{load:significant 2}`
    {price:spoken USD}      a number with a unit; `{cost}` for a `Quantity`, which has its unit
    {runs:count run}        a count with its noun; the plural of a noun that takes more than an s: `{n:count query|queries}`
    {runs:form is|are}      the singular for 1, else the plural, without the count
    {names:and}             a list: `a, b and c`; `{names:quoted}` in quotation marks, `{names:by ; }` with a separator
    {again:if A|B}          A where the slot is true, not empty and not 0, else B, or nothing; both may hold slots
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from simulator.units import duration, percent, plain_number, roughly, significant, spelled, spoken, upper_first, with_noun

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Quantity:
    """A number with its unit."""

    value: float
    unit: str


Slot: TypeAlias = "str | float | Quantity | DataclassInstance | Mapping[str, Any] | Sequence[str] | None"

#: The ways to write a number, by the name that a text gives to them.
FORMATS: Mapping[str, Callable[..., str]] = {
    "bare": lambda value, places="0": f"{value:.{places}f}",
    "change": lambda value, places="0": f"{value:+.{places}%}",
    "duration": duration,
    "general": lambda value: f"{value:g}",
    "percent": percent,
    "plain": plain_number,
    "points": lambda value, places="0": f"{100 * value:.{places}f}",
    "roughly": roughly,
    "share": lambda value, places="0": f"{value:.{places}%}",
    "significant": lambda value, digits="3": significant(value, int(digits)),
    "spelled": spelled,
    "spoken": spoken,
    "three": lambda value: f"{value:.3g}",
    "tenths": lambda value: f"{value:.1f}",
    "hundredths": lambda value: f"{value:.2f}",
    "thousandths": lambda value: f"{value:.3f}",
    "whole": lambda value: f"{value:,.0f}",
}


@dataclass(frozen=True)
class Language:
    """Texts by their keys, the word before the last item of a list, and the signs in numbers."""

    texts: Mapping[str, str]
    conjunction: str = "and"
    quotes: str = "“”"
    decimal: str = "."
    thousands: str = ","

    @classmethod
    def of(cls, catalogue: str) -> Self:
        """Read a catalogue in TOML: a table of keys for each prefix, and a table `language` with the other fields."""
        tables = tomllib.loads(catalogue)
        about = tables.pop("language", {})
        return cls({f"{table}.{name}": text for table, texts in tables.items() for name, text in texts.items()}, **about)

    def write(self, key: str, slots: Mapping[str, Slot]) -> str:
        """Write the text of a key with these slots; raises KeyError for an unknown key, and for a slot that is not given."""
        return self._filled(self.texts[key], slots)

    def _filled(self, text: str, slots: Mapping[str, Slot]) -> str:
        return "".join(how if name is None else self._written(_slot(slots, name), how, slots) for name, how in _parts(text))

    def _written(self, slot: Slot, how: str, slots: Mapping[str, Slot]) -> str:
        way, _, rest = how.partition(" ")
        if way == "if":
            then, otherwise = _halves(rest)
            return self._filled(then if slot else otherwise, slots)
        if isinstance(slot, str):
            return upper_first(self._text(slot)) if way == "upper" else self._text(slot)
        if isinstance(slot, Quantity):
            return self._number(spoken(slot.value, slot.unit))
        if slot is None or isinstance(slot, Sequence):
            return self._list(slot or (), way, rest)
        if way in ("count", "form"):
            one, many = _halves(rest)
            number = self._number(f"{slot:,.0f}")
            return with_noun(number, one, many) if way == "count" else one if number == "1" else many
        return self._number(FORMATS[way](slot, *([rest] if rest else [])) if way else f"{slot:,}")

    def _text(self, slot: str) -> str:
        return self.write(slot.key, slot.slots) if isinstance(slot, Phrase) and self is not english() else slot

    def _list(self, items: Sequence[str], way: str, rest: str) -> str:
        texts = [self._text(item) for item in items]
        if way == "by":
            return rest.join(texts)
        if way == "quoted":
            texts = [f"{self.quotes[0]}{text}{self.quotes[1]}" for text in texts]
        return f" {self.conjunction} ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))

    def _number(self, written: str) -> str:
        return written if self.decimal == "." else written.translate(str.maketrans(".,", f"{self.decimal}{self.thousands}"))


class Phrase(str):
    """Text in English, with its key and its slots."""

    key: str
    slots: Mapping[str, Slot]

    def __new__(cls, text: str, key: str, slots: Mapping[str, Slot]) -> Self:
        self = super().__new__(cls, text)
        self.key, self.slots = key, slots
        return self

    def __getnewargs__(self) -> tuple[str, str, Mapping[str, Slot]]:  # type: ignore[override]
        return str(self), self.key, self.slots

    def in_language(self, language: Language) -> str:
        return language.write(self.key, self.slots)

    def each(self) -> Iterator[Phrase]:
        """Yield the phrase, then those in its slots."""
        yield self
        for slot in self.slots.values():
            items = slot if isinstance(slot, list | tuple) else [slot]
            for item in items:
                if isinstance(item, Phrase):
                    yield from item.each()


def phrase(key: str, **slots: Slot) -> Phrase:
    """Return the English text of a key with these slots."""
    return Phrase(english().write(key, slots), key, slots)


@cache
def english() -> Language:
    return Language.of(Path(__file__).with_name("english.toml").read_text(encoding="utf-8"))


def _slot(slots: Any, name: str) -> Any:
    for part in name.split("."):
        slots = slots[part] if isinstance(slots, Mapping) else getattr(slots, part)
    return slots


@lru_cache(maxsize=4096)
def _parts(text: str) -> list[tuple[str | None, str]]:
    """Split a text into words, and names of slots with the way to write them."""
    parts = list[tuple[str | None, str]]()
    for words, name, how, _ in Formatter().parse(text):
        parts += [(None, words)] if words else []
        parts += [(name, how or "")] if name is not None else []
    return parts


@lru_cache(maxsize=4096)
def _halves(text: str) -> tuple[str, str]:
    """Split at the bar that stands outside of braces."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if sign == "|" and not depth:
            return text[:place], text[place + 1 :]
    return text, ""
