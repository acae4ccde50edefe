"""What several tests share: repeatable examples, and small evidence in place of what was measured."""

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from simulator.authoring.case_checker import check_text
from simulator.authoring.studio.draft import SectionParser
from simulator.case import load
from simulator.case.document import Document, read_document
from simulator.case.load import _checked
from simulator.case.schema import Scenario
from simulator.evidence.profiles import Calls, Profile, Provenance, ThreadRun, write_profile
from simulator.paths import SCENARIOS, SCORES
from tests.case.texts import SMALL
from tests.effort import examples
from tests.families import heed_interrupts

heed_interrupts()

# Tests write thousands of small files and databases. Where memory holds them, no test waits for a disk: many then take half the
# time. Some run what they have written.
_MEMORY = Path("/dev/shm")
if "TMPDIR" not in os.environ and _MEMORY.is_dir():
    _room = os.statvfs(_MEMORY)
    if _room.f_bavail * _room.f_frsize >= 4 * 2**30 and not _room.f_flag & os.ST_NOEXEC and os.access(_MEMORY, os.W_OK):
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # what was looked up before

# The app under test has a database and kept runs of its own, apart from those of the person who runs the tests.
_folder = tempfile.TemporaryDirectory(prefix="casesim-")
os.environ["CASESIM_DATABASE"] = f"sqlite:///{_folder.name}/casesim.db"
os.environ["CASESIM_RUNS"] = f"{_folder.name}/runs"
os.environ["CASESIM_PREPARE"] = "no"
os.environ.pop("CASESIM_TOKEN", None)

# Hypothesis tries the same examples every time, so that a failure can be had again, however slow the machine is.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")

_MAIN = sys.modules["__main__"]
_HERE = Path(__file__).resolve().parent

SIDECAR = """\
kind: measured
model: tiny
precision: fp32
source: a test
dataset: a test
head: none
items: 60
positives: 30
patients: 60
attribution: nobody
date: '2026-01-01'
"""


def pytest_configure() -> None:
    """Read and check a shipped case once a worker: it takes as long as a run, and parameters of tests ask for it too.

    Of a text that a test has changed, the sections that stayed are not parsed again, as in the studio.
    """
    known: dict[str, Document] = {}

    def read(file: Path, form: type = dict) -> Document:
        if file.parent != SCENARIOS:
            return read_document(file, form)
        name = str(file)
        return known[name] if name in known else known.setdefault(name, read_document(file, form))

    @cache
    def of_shipped(name: str) -> Scenario:
        return _checked(known[name])

    def checked(document: Document) -> Scenario:
        return of_shipped(document.file) if document is known.get(document.file) else _checked(document)

    load.read_document, load._checked = read, checked
    parser = SectionParser()
    for function in (load.loads, check_text):
        function.__defaults__ = (*(function.__defaults__ or ())[:-1], parser.parse)


def _import_another_part_first() -> None:
    """Import a part of the tests, each worker another one, before all are collected.

    Pytest compiles a module of tests where no other process has. In a new clone all workers would compile the same one at the
    same time, and each of them every one.
    """
    files = [file for file in sorted(_HERE.rglob("test_*.py")) if _HERE / "campaigns" not in file.parents]
    modules = [".".join(file.relative_to(_HERE.parent).with_suffix("").parts) for file in files]
    worker, workers = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for name in modules[len(modules) * worker // workers : len(modules) * (worker + 1) // workers]:
        with suppress(Exception, pytest.skip.Exception):  # told again where it is collected
            import_module(name)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collect garbage once all tests are imported, and leave their modules out of every later search for it.

    Imports make a million objects that stay. Searches among them took a third of the time of the collection of tests, and a
    tenth of that of the tests.
    """
    gc.disable()
    try:
        if "PYTEST_XDIST_WORKER" in os.environ and [*map(Path.resolve, map(Path, session.config.args))] == [_HERE]:
            _import_another_part_first()
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)  # tests leave little in circles
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of a browser: they wait longest, and processors would be idle if they were the last."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.fixture(scope="session", autouse=True)
def _looked_up_once():
    """What Streamlit and Plotly look up for each page and chart stays the same from test to test.

    The test driver searches every installed package for components and compiles each script anew, and Plotly takes names such
    as `xaxis_title` apart.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "streamlit.testing.v1" in sys.modules:
            from streamlit.components.v2 import manifest_scanner
            from streamlit.runtime.scriptrunner.script_cache import ScriptCache

            compiled = ScriptCache()
            patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
            patch.setattr("streamlit.testing.v1.app_test.ScriptCache", lambda: compiled)
            patch.setattr("streamlit.testing.v1.local_script_runner.ScriptCache", lambda: compiled)
        if "plotly.basedatatypes" in sys.modules:
            from plotly import basedatatypes

            patch.setattr(basedatatypes, "_str_to_dict_path_full", cache(basedatatypes._str_to_dict_path_full))
        yield


@pytest.fixture(autouse=True)
def own_main():
    """Put back `__main__`, which a page under test replaces by its script: a new process would run that script."""
    yield
    sys.modules["__main__"] = _MAIN


class Ended(NamedTuple):
    """How a command ended, and what it wrote to standard output and standard error."""

    status: int
    out: str
    err: str


@pytest.fixture
def casesim(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs the command, to its last word."""
    from simulator.cli.main import main

    def run(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["casesim", *map(str, words)])
        capsys.readouterr()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        with pytest.raises(SystemExit) as ended:
            main()
        for number, handler in before.items():
            signal.signal(number, handler)
        return Ended(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def evidence(tmp_path, monkeypatch):
    """Latencies of the model `tiny` up to batch 4 with one thread, its scores, and nothing else."""
    about = Provenance(processor="none", cores=2, system="none", libraries={}, date="2026-01-01", weights="random")
    rng = np.random.default_rng(0)
    latencies = {size: (10 * size + rng.exponential(5, 20)).tolist() for size in (1, 2, 4)}
    calls = [Calls(batch=size, latency_ms=latency, idle_ms=[0.0] * 20) for size, latency in latencies.items()]
    run = ThreadRun(threads=1, session_s=[0.1], resident_mb=1, calls=calls)
    for precision in ("fp32", "int8_static"):
        key = {"model": "tiny", "precision": precision, "device": "epyc-zen4-2c"}
        write_profile(Profile(**key, input_shape=[3, 8, 8], provenance=about, runs=[run]), tmp_path / "profiles")
    folder = tmp_path / "scores"
    folder.mkdir()
    (folder / "tiny.fp32.yaml").write_text(SIDECAR, encoding="utf-8")
    rows = [f"i{item},p{item},{item % 2},{rng.beta(3, 2) if item % 2 else rng.beta(2, 3):.4f}" for item in range(60)]
    (folder / "tiny.fp32.csv").write_text("\n".join(["item,patient,label,score", *rows]), encoding="utf-8")
    monkeypatch.setattr("simulator.evidence.profiles.FOLDERS", (tmp_path / "profiles",))
    monkeypatch.setattr("simulator.evidence.score_tables.FOLDERS", (folder,))


@pytest.fixture
def own_scores(monkeypatch, tmp_path):
    """Where a test's imported scores go; beside them are those that are shipped."""
    folder = tmp_path / "own"
    monkeypatch.setattr("simulator.evidence.score_tables.FOLDERS", (SCORES, folder))
    monkeypatch.setattr("simulator.evidence.score_import.OWN_SCORES", folder)
    return folder


@pytest.fixture
def cases(monkeypatch, tmp_path):
    """A folder that holds the case `small` in place of the cases that come with CaseSim."""
    folder = tmp_path / "cases"
    folder.mkdir()
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    monkeypatch.setattr("simulator.case.load.SCENARIOS", folder)
    return folder
