from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

#: Without the extra only the command is tested: it has to refuse well.
collect_ignore_glob = [] if find_spec("torch") else ["test_[!p]*.py", "test_photo.py"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        pixels = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((80, 60), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")
    return folder


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a network of a few weights, put among the architectures."""
    from torch import nn

    from simulator.zoo import architectures, subjects

    def construct() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))

    half = (0.5, 0.5, 0.5)
    architecture = architectures.Architecture("tiny", 16, "random", half, half, construct)
    monkeypatch.setitem(architectures.ARCHITECTURES, "tiny", architecture)
    monkeypatch.setattr(subjects, "MODELS", ["tiny", "photo_decode"])
    return "tiny"
