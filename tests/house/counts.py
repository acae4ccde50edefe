"""Counts of names, signatures, sentences and tests in syntax trees."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.house.modules import Module, imported

#: Text with a value in it is a sentence from this number of words on.
_SENTENCE_WORDS = 5


def binds(tree: ast.AST) -> Counter[str]:
    """Count how often each name is bound: assigned, looped over, taken as a parameter, imported `as`, or caught."""
    return Counter(_bound(tree))


def _bound(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def signature_lines(tree: ast.AST) -> int:
    """Count the lines from each `def` to the line before its body; 1 for a signature on a line."""
    return sum(max(1, function.body[0].lineno - function.lineno) for function in functions(tree))


def sentence_builders(tree: ast.AST) -> list[str]:
    """Return the names of functions that return text and put a value into a sentence of five words or more.

    The sentences of errors that they raise are left out.
    """
    writers = (function for function in functions(tree) if function.returns and "str" in ast.unparse(function.returns))
    return [function.name for function in writers if any(_is_sentence(node) for node in _outside_errors(function))]


def _outside_errors(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.Raise | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _outside_errors(child)


def _is_sentence(node: ast.AST) -> bool:
    if not isinstance(node, ast.JoinedStr):
        return False
    words = [re.findall(r"[A-Za-z]{2,}", part.value) for part in node.values if isinstance(part, ast.Constant)]
    return sum(map(len, words)) >= _SENTENCE_WORDS


def shared_names(modules: list[Module], files: int = 3) -> dict[str, list[str]]:
    """Return the names of top-level functions that occur in `files` or more modules, with these, the most frequent first."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                places[node.name].append(module.name)
    shared = {name: sorted(set(names)) for name, names in places.items() if len(set(names)) >= files}
    return dict(sorted(shared.items(), key=lambda item: -len(item[1])))


def untested(modules: list[Module], tests: list[Module]) -> list[Module]:
    """Return the modules without a test of their name and without a test that imports them, the longest first."""
    names = {test.parts[-1].removeprefix("test_") for test in tests if is_test(test)}
    everything = {module.name for module in modules}
    imports = {name for test in tests if is_test(test) for name in imported(test, everything)}
    bare = (module for module in modules if module.parts[-1] not in names and module.name not in imports)
    return sorted((module for module in bare if module.file.name != "__init__.py"), key=lambda module: -module.lines)


def is_test(module: Module) -> bool:
    return module.file.name.startswith("test_")


def test_functions(tests: list[Module]) -> int:
    return sum(function.name.startswith("test_") for test in tests for function in functions(test.tree))
