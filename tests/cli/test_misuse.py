"""Errors of the library that reads command lines, in words of our own, for every option of every command."""

import re

import pytest

from simulator.cli.misuse import misuse
from tests.command_page import whole

#: Words of the library, in its present version and in older ones.
THEIRS = re.compile(
    r"Invalid value|Input should|not in the range|not a valid|No such|Missing|requires an arg|does not take|Got unex"
)


def commands(group, path=()):
    """Yields every command with the words that call it."""
    for name, command in group.commands.items():
        yield from commands(command, (*path, name)) if hasattr(command, "commands") else [((*path, name), command)]


COMMANDS = dict(commands(whole()))


def said(path, command, *words):
    """Returns what is said of a command line that the library refuses, or None for one that it takes."""
    line = [*path, *words]
    try:
        command.make_context(" ".join(["casesim", *path]), list(words))
    except Exception as error:
        return misuse(error, line)
    return None


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_word_of_the_library_is_printed(path):
    command = COMMANDS[path]
    options = [param.opts[0] for param in command.params if param.opts[0].startswith("-") and param.opts[0] != "--help"]
    lines = [["--nosuch"], ["x"] * 9, *([option, "\x1b"] for option in options), *([option] for option in options)]
    told = [(words, said(path, command, *words)) for words in [*lines, *([f"{option}=\x1b"] for option in options)]]
    assert [(words, one) for words, one in told if one and THEIRS.search(one)] == []
    assert all(one.startswith("casesim") for _, one in told if one)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "x", "--seed", "-1"], "casesim run: --seed -1: expected a whole number from 0 to 2,147,483,647"),
        (["run", "x", "--seed=3", "--seed=x"], "casesim run: --seed x: expected a whole number from 0 to 2,147,483,647"),
        (["run", "x", "--replications", "1001"], "casesim run: --replications 1001: expected a whole number from 2 to 1,000"),
        (["fidelity", "--minutes", "1e9"], "casesim fidelity: --minutes 1e9: expected a number from 0 to 1,440"),
        (["monitor", "a", "b", "--level", "x"], "casesim monitor: --level x: expected a number"),
        (
            ["profile", "--threads", "2", "--threads", "x"],
            "casesim profile: --threads x: expected a whole number from 1 to 1,024",
        ),
    ],
)
def test_a_wrong_number_is_named_with_its_range(words, sentence):
    path = (words[0],)
    assert said(path, COMMANDS[path], *words[1:]) == f"{sentence}; casesim {words[0]} --help lists the options"
