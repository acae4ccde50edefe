"""Files and functions of the package that a run executes: `python -m tests.house.executed engine`, or `command`.

A file counts where the body of a function ran. What runs while a module is imported does not count.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple
from unittest.mock import patch

PACKAGE = Path(__file__).parents[2] / "simulator"
CASE = "skin-cancer-triage"


class Execution(NamedTuple):
    """Files, and functions with lambdas, of which a body ran."""

    files: list[str]
    functions: int


def executed(work: Callable[[], object], package: Path = PACKAGE) -> Execution:
    """Call `work` and return what of the package it executed, in its threads too."""
    codes: set[CodeType] = set()
    with _profile(_Recorder(package, codes).note):
        work()
    files = sorted({str(Path(code.co_filename).relative_to(package)) for code in codes})
    return Execution(files, sum(code.co_name == "<lambda>" or not code.co_name.startswith("<") for code in codes))


@contextlib.contextmanager
def _profile(note: Callable[[FrameType, str, Any], None]) -> Iterator[None]:
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


class _Recorder:
    """Notes the code of called functions, unless a module is being imported in their thread."""

    def __init__(self, package: Path, codes: set[CodeType]) -> None:
        self._prefix = f"{package}{os.sep}"
        self._codes = codes
        self._importing = threading.local()

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if code.co_name == "<module>":
            self._importing.depth = self._depth + {"call": 1, "return": -1}.get(event, 0)
        elif event == "call" and not self._depth and self._is_function(code):
            self._codes.add(code)

    def _is_function(self, code: CodeType) -> bool:
        """Tell a function of the package from the body of a class."""
        return bool(code.co_flags & inspect.CO_OPTIMIZED) and code.co_filename.startswith(self._prefix)

    @property
    def _depth(self) -> int:
        return getattr(self._importing, "depth", 0)


def engine_run() -> Callable[[], object]:
    """Return the work to compile the skin case, simulate two replications, and summarise them."""
    from simulator import compile_plan, load, simulate, summarise

    scenario = load(CASE)

    def work() -> object:
        plan = compile_plan(scenario)
        return summarise([simulate(plan, seed=1, replication=number) for number in range(2)])

    return work


def command_run() -> Callable[[], object]:
    """Return the work of the command `casesim run` in this process, with its workers in threads."""
    from simulator.cli.commands import call

    def work() -> None:
        with _workers_here(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            call(["run", CASE, "--replications", "2"])

    return work


@contextlib.contextmanager
def _workers_here() -> Iterator[None]:
    """Let worker processes be threads of this process, one at a time."""

    def worker(prepare: Callable[..., object] | None = None, *given: Any) -> ThreadPoolExecutor:
        if prepare:
            prepare(*given)
        return ThreadPoolExecutor(1)

    with (
        patch("os.cpu_count", lambda: 1),
        patch("simulator.processes.lone_worker", worker),
        patch("simulator.processes.kill_worker", lambda thread: thread.shutdown(cancel_futures=True)),
    ):
        yield


def in_a_fresh_process(name: str) -> Execution:
    """Return what the run of this name executes where nothing is cached yet."""
    command = [sys.executable, "-m", "tests.house.executed", name]
    answer = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    return Execution(*json.loads(answer.stdout))


RUNS = {"engine": engine_run, "command": command_run}

if __name__ == "__main__":
    print(json.dumps(executed(RUNS[sys.argv[1]]())))
