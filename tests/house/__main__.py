"""`python -m tests.house`, or `make house`: how large the house is and how its parts hang together, beside the bars."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.house.counts import binds, is_test, sentence_builders, shared_names, signature_lines, test_functions, untested
from tests.house.executed import Execution, in_a_fresh_process
from tests.house.modules import Import, Module, between, circles, imports, modules_of
from tests.house_picture import ROOT, layers

#: Folders that make up the core, and those of its engine's room. Each counts where it lies at the top of the package.
CORE = {"case", "evidence", "engine", "stages", "arrivals", "records", "metrics", "theory", "explain"}
ROOM = {"engine", "stages", "arrivals", "records"}
#: Variables that hide which thing they hold.
PRONOUNS = ("one", "found", "known", "drawn", "left")


class Row(NamedTuple):
    """A line of the table. most: the bar; nothing where there is none."""

    what: str
    count: int
    most: int | None = None
    detail: str = ""


def rows(root: Path = ROOT) -> Iterator[Row]:
    package, tests = modules_of(root, "simulator", "pages"), modules_of(root, "tests")
    yield from _sizes(package)
    yield from _runs()
    yield from _imports(package)
    yield from _names(package)
    yield from _tests(package, tests)


def _sizes(package: list[Module]) -> Iterator[Row]:
    yield Row("lines of simulator/ and pages/", _lines(package), 95_000, f"{len(package)} files")
    core = [module for module in package if module.folder in CORE]
    yield Row("lines of the core", _lines(core), 33_000, ", ".join(_present(CORE, core)))
    room = [module for module in package if module.folder in ROOM]
    yield Row("lines of the engine's room", _lines(room), 10_500, ", ".join(_present(ROOM, room)))


def _lines(modules: Iterable[Module]) -> int:
    return sum(module.lines for module in modules)


def _present(folders: set[str], modules: list[Module]) -> list[str]:
    sizes = Counter[str]()
    for module in modules:
        sizes[module.folder] += module.lines
    return [f"{folder} {sizes[folder]:,}" for folder in sorted(folders) if sizes[folder]]


def _runs() -> Iterator[Row]:
    for name, what, most in (("engine", "compile_plan, simulate, summarise", 60), ("command", "casesim run", 90)):
        execution = in_a_fresh_process(name)
        yield Row(f"files that {what} execute", len(execution.files), most, _run_detail(execution))


def _run_detail(execution: Execution) -> str:
    folders = Counter(file.split("/")[0] for file in execution.files)
    return f"{execution.functions:,} functions; " + ", ".join(f"{folder} {count}" for folder, count in folders.most_common(7))


def _imports(package: list[Module]) -> Iterator[Row]:
    pairs = imports(package)
    groups = circles(pairs)
    largest = groups[0] if groups else []
    folders = Counter([*name.split("."), ""][1] for name in largest)
    yield Row(
        "files in the largest circle of imports", len(largest), 3, ", ".join(f"{name} {folders[name]}" for name in folders)
    )
    across = between(pairs, features())
    yield Row("imports from one feature into another (pairs of modules)", len(across), 0, _ways(across))
    complex_functions = sum(module.text.count("noqa: C901") for module in package)
    yield Row("functions that ruff finds too complex (noqa: C901)", complex_functions, 0)


def features() -> set[str]:
    """Return the folders of features: the highest layer of the package."""
    return set(layers()[0])


def _ways(pairs: list[Import]) -> str:
    ways = Counter("{} to {}".format(*(name.split(".")[1] for name in pair)) for pair in pairs)
    return ", ".join(f"{way} {count}" for way, count in ways.most_common())


def _names(package: list[Module]) -> Iterator[Row]:
    bound = sum((binds(module.tree) for module in package), Counter[str]())
    for name in PRONOUNS:
        yield Row(f"times that a variable is named `{name}`", bound[name], 300 if name == "one" else None)
    commands = [module for module in package if "_command" in module.file.name]
    signatures = sum(signature_lines(module.tree) for module in commands)
    yield Row("lines of signatures in command files", signatures, None, f"{len(commands)} files, {_lines(commands):,} lines")
    builders = sum(len(sentence_builders(module.tree)) for module in package)
    yield Row("functions that build sentences", builders)
    shared = shared_names(package)
    examples = ", ".join(f"{name} {len(files)}" for name, files in list(shared.items())[:5])
    yield Row("names of top-level functions in three or more files", len(shared), None, examples)


def _tests(package: list[Module], tests: list[Module]) -> Iterator[Row]:
    bare = untested(package, tests)
    longest = ", ".join(f"{module.parts[-1]} {module.lines}" for module in bare[:4])
    yield Row("modules without a test of their name or import", len(bare), None, f"{_lines(bare):,} lines; {longest}")
    files = sum(map(is_test, tests))
    yield Row("test functions", test_functions(tests), None, f"{files} files")
    yield Row("lines of tests/", _lines(tests))


def main() -> int:
    """Print the table. Return 1 where a bar is missed."""
    table = Table("", "count", "bar", "", "detail", box=None)
    missed = 0
    for what, count, most, detail in rows():
        over = most is not None and count > most
        missed += over
        verdict = "" if most is None else "[red]over[/red]" if over else "[green]held[/green]"
        table.add_row(what, f"{count:,}", "" if most is None else f"{most:,}", verdict, detail)
    Console(width=None if sys.stdout.isatty() else 180).print(table)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
