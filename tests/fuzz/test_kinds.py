"""A little of every kind, in every run of the tests; `make fuzz` tries them by the thousand."""

import os
import shutil
import sys
from itertools import islice

import pytest

pytest.importorskip("onnx", reason="without the extra there is nothing that reads ONNX files")

from tests.effort import examples, quarter
from tests.fuzz.kinds import KINDS
from tests.fuzz.runner import Verdict, verdicts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory and of seconds are Linux's")

NAMES = {kind.name: kind for kind in KINDS}


@pytest.mark.parametrize("name", quarter(NAMES))
def test_the_same_seed_gives_the_same_input(name):
    trials = NAMES[name].trials
    first, same, other = (list(islice(trials(seed, 2), 2)) for seed in (7, 7, 8))
    assert first == same != other


@pytest.mark.parametrize("name", quarter(NAMES))
def test_what_a_seed_gives_runs_or_is_refused_at_its_place(name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    number = examples(8)
    found: list[Verdict] = list(verdicts(NAMES[name], NAMES[name].trials(1, number), tmp_path, os.cpu_count() or 1))
    assert len(found) == number
    assert not [(one.trial.changed, one.trial.words, one.ending, one.said) for one in found if one.failed]
    shutil.rmtree(tmp_path)
