"""Small models, detectors and photos for the campaigns, which `make test-campaigns` tests and `make test` leaves out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import pytest

from campaigns.terminal import run
from tests.conftest import Ended
from tests.measure.conftest import detector, make_onnx, photos, yolo

__all__ = ["detector", "make_onnx", "photos", "yolo"]

#: Without the extra `campaigns` nothing here can run.
collect_ignore_glob = [] if find_spec("trackeval") and find_spec("filterpy") else ["test_*.py", "*/test_*.py"]


@pytest.fixture
def campaign(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Ended]:
    """Runs a campaign as `python -m campaigns.NAME` does, to its last word, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))

    def call(name: str, *words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run(name, import_module(f"campaigns.{name}.__main__").COMMANDS)
        return Ended(int(ended.value.code or 0), *capsys.readouterr())

    return call
