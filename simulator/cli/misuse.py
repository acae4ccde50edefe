"""Sentences on a command line that cannot be read: the fault, its place, the value, and what would be right.

The library that reads command lines words its errors in another way in each version, so their attributes are read instead.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import EnumType
from itertools import pairwise
from math import isfinite
from typing import Any, NamedTuple, get_args, get_type_hints

from simulator.errors import suggest
from simulator.phrases import phrase

#: Words of the library for the two faults that have no attribute of their own.
_NO_COMMAND, _TOO_MANY = (
    re.compile(r"^No such command '(.*?)'\."),
    re.compile(r"^Got unexpected extra arguments?(?:\(s\))? \((.*)\)$"),
)


def misuse(error: Any, words: Sequence[str]) -> str:
    """Describe an error of the library on a command line; words: the line, without the name of the program."""
    context, message = getattr(error, "ctx", None), str(error.format_message())
    path = context.command_path if context else " ".join(["casesim", *words[:1]])
    said = _fault_sentence(error, context, message, words)
    return f"{path}: {said}{' ' if said.endswith('?') else '; '}{path} --help lists the options"


def _fault_sentence(error: Any, context: Any, message: str, words: Sequence[str]) -> str:
    option, param = getattr(error, "option_name", None), getattr(error, "param", None)
    if option is not None:
        return _option(str(option), context, words)
    if type(error).__name__ == "MissingParameter" and param is not None:
        return _missing_parameter(param)
    if param is not None:
        return _value(param, context, words, message)
    if match := _NO_COMMAND.search(message):
        return f"there is no command '{match[1]}'{_near(match[1], context.command.commands)}"
    if match := _TOO_MANY.search(message):
        return f"{match[1]}: {_expected(context, match[1])}"
    return message.removesuffix(".")


def _option(option: str, context: Any, words: Sequence[str]) -> str:
    if context is not None:
        there = [name for param in context.command.params for name in param.opts if name.startswith("-")]
        return phrase("misuse.no_option", option=option, near=_near(option, there))
    given = any(word.startswith(f"{option}=") for word in words)
    return phrase("misuse.value" if given else "misuse.no_value", option=option)


def _near(name: str, there: Iterable[str]) -> str:
    """Suggest the nearest name; a list of names that are not near is what the help is for."""
    words = suggest(name, there)
    return f"; {words}" if words.endswith("?") else ""


def _missing_parameter(param: Any) -> str:
    return f"{_called(param)} is missing: {param.help}" if param.help else f"{_called(param)} is missing"


def _called(param: Any) -> str:
    return str(param.opts[0] if param.opts[0].startswith("-") else param.name.upper())


def _expected(context: Any, extra: str) -> str:
    """Say what a command takes instead of one argument too many: its arguments, or the options by which it is called."""
    names = [_called(param) for param in context.command.params if not param.opts[0].startswith("-")]
    if all("=" in word for word in extra.split()) and any("--set" in param.opts for param in context.command.params):
        return phrase("misuse.picks", picks=[f"--set {word}" for word in extra.split()])
    if names:
        return phrase("misuse.too_many", names=names)
    if not context.command.params:
        return phrase("misuse.no_words", command=context.command_path)
    first = context.command.params[0]
    value = "" if getattr(first, "is_flag", False) else f" {first.name.upper()}"
    return phrase("misuse.no_case", command=context.command_path, option=f"{_called(first)}{value}")


def _value(param: Any, context: Any, words: Sequence[str], message: str) -> str:
    """Describe a value that has the wrong type, is out of range or is none of those that there are."""
    declared, given = _declared(param, context), _given(param.opts, words)
    if isinstance(declared.kind, EnumType):
        members: list[Any] = list(declared.kind)
        names = [str(member) for member in members]
        wrong = next((value for value in given if value not in names), "")
        return f"{_called(param)} {wrong}: {suggest(wrong, names)}"
    if declared.kind not in (int, float):
        return f"{_called(param)}: {message.rpartition(': ')[2].removesuffix('.')}"
    wrong = next((value for value in given if not declared.takes(value)), "")
    return f"{_called(param)} {wrong}: expected {'a whole number' if declared.kind is int else 'a number'}{declared.range}"


class _Declared(NamedTuple):
    """The type of an option, or of each of its values, and its bounds."""

    kind: Any
    low: float | None
    high: float | None

    def takes(self, value: str) -> bool:
        try:
            number = self.kind(value)
        except ValueError:
            return False
        return isfinite(number) and (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    @property
    def range(self) -> str:
        if self.low is not None and self.high is not None:
            return f" from {self.low:,} to {self.high:,}"
        return "" if self.low is None else f" of at least {self.low:,}"


def _declared(param: Any, context: Any) -> _Declared:
    """Read the type and the bounds of an option as the function of the command declares them."""
    function = getattr(context and context.command, "callback", None)
    hint = get_type_hints(inspect.unwrap(function), include_extras=True).get(param.name) if function else None
    kinds = [type_ for type_ in _types(hint) if isinstance(type_, type) and type_ is not type(None)]
    bounds = next((part for part in get_args(hint) if hasattr(part, "min")), None)
    return _Declared(kinds[0] if kinds else None, getattr(bounds, "min", None), getattr(bounds, "max", None))


def _types(hint: Any) -> Iterator[Any]:
    """Yield the types in a hint, the innermost alone: of `Annotated[list[int] | None, ...]`, int and None."""
    if inner := get_args(hint):
        for part in inner:
            yield from _types(part)
    else:
        yield hint


def _given(names: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return the values that a command line gives an option, in order."""
    behind = [after for word, after in pairwise(words) if word in names]
    return [*behind, *(word.partition("=")[2] for word in words if word.partition("=")[0] in names and "=" in word)]
