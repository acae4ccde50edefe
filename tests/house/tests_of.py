"""`python -m tests.house.tests_of simulator/...`, or `make tests-of FILE=...`: the tests that cover a file.

`make tests-map` records which test runs which line. Where there is no record, the tests count that import the module, or
have its name.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from pathlib import Path

from tests.house.counts import functions, is_test
from tests.house.modules import Module, imported, modules_of
from tests.house_picture import ROOT

RECORD = ROOT / "build" / "tests-map"


def recorded(file: Path, record: Path = RECORD) -> Counter[str]:
    """Return how many lines of the file's functions each test runs. Lines that run at import say nothing of a test."""
    from coverage import CoverageData

    data = CoverageData(str(record))
    data.read()
    inner = {
        line
        for function in functions(ast.parse(file.read_text(encoding="utf-8")))
        for line in range(function.body[0].lineno, (function.end_lineno or function.lineno) + 1)
    }
    lines = data.contexts_by_lineno(str(file)).items()
    return Counter(context.split("|")[0] for line, contexts in lines if line in inner for context in contexts if context)


def named_or_importing(file: Path, root: Path = ROOT) -> list[Path]:
    """Return the test files that import the module of a file, or have its name."""
    module = Module(file, root)
    named = f"test_{module.parts[-1]}"
    tests = [test for test in modules_of(root, "tests") if is_test(test)]
    return [test.file for test in tests if test.parts[-1] == named or module.name in set(imported(test, {module.name}))]


def answer(file: Path) -> str:
    """Say which tests cover a file: by test file, with the lines that its tests run together at most."""
    if not RECORD.is_file():
        files = "\n".join(str(test.relative_to(ROOT)) for test in named_or_importing(file))
        return f"{files or 'no test'}\n\n(by names and imports; `make tests-map` records what runs)"
    lines = recorded(file)
    if not lines:
        return "no test runs a function of this file"
    by_file: defaultdict[str, list[str]] = defaultdict(list)
    for test, _ in lines.most_common():
        by_file[test.split("::")[0]].append(test)
    most = {test_file: lines[tests[0]] for test_file, tests in by_file.items()}
    return "\n".join(f"{test_file}  {len(by_file[test_file])} tests, up to {count} lines" for test_file, count in most.items())


def main(words: list[str]) -> int:
    """Print the answer. Return 2 where no file of Python is named."""
    file = Path(*words[:1]).resolve()
    if not file.is_file() or file.suffix != ".py" or not file.is_relative_to(ROOT):
        print("name a file of Python, as in `make tests-of FILE=simulator/case/load.py`", file=sys.stderr)
        return 2
    print(answer(file))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
