"""The modules of a package and the imports between them, those for types and those inside functions counted."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import networkx as nx


class Module:
    """A file of Python: its dotted name, its text and its syntax tree."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file = file
        parts = file.relative_to(root).with_suffix("").parts
        self.parts = parts[:-1] if parts[-1] == "__init__" else parts

    @property
    def name(self) -> str:
        return ".".join(self.parts)

    @property
    def folder(self) -> str:
        """The folder of the package in which it lies; empty at the top."""
        inside = self.file.name == "__init__.py" or len(self.parts) > 2
        return self.parts[1] if inside and len(self.parts) > 1 else ""

    @cached_property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return self.text.count("\n")


class Import(NamedTuple):
    """An import of one module by another. Both are dotted names."""

    source: str
    target: str


def modules_of(root: Path, *packages: str) -> list[Module]:
    """Return the modules of packages that lie in the folder `root`."""
    return [Module(file, root) for package in packages for file in sorted((root / package).rglob("*.py"))]


def imports(modules: list[Module]) -> list[Import]:
    """Return each import of one of these modules by another, once for a pair."""
    names = {module.name for module in modules}
    pairs = [Import(module.name, name) for module in modules for name in imported(module, names)]
    return [pair for pair in dict.fromkeys(pairs) if pair.source != pair.target]


def imported(module: Module, names: set[str]) -> Iterator[str]:
    """Yield the modules among `names` that a module imports: `from a import b` imports `a.b` if that is one, or else `a`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ({alias.name for alias in node.names} & names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            inner = (f"{base}.{alias.name}" for alias in node.names)
            yield from ({name if name in names else base for name in inner} & names)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    folder = module.parts if module.file.name == "__init__.py" else module.parts[:-1]
    above = folder[: len(folder) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def circles(pairs: list[Import]) -> list[list[str]]:
    """Return the groups of modules that import each other in a circle, the largest first."""
    graph = nx.DiGraph(pairs)
    groups = [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]
    return sorted(groups, key=lambda group: (-len(group), group))


def between(pairs: list[Import], folders: set[str]) -> list[Import]:
    """Return the imports that lead from one of the folders into another."""
    return [pair for pair in pairs if _folder(pair.source) != _folder(pair.target) and {*map(_folder, pair)} <= folders]


def _folder(name: str) -> str:
    return [*name.split("."), ""][1]
