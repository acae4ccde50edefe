from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 80, 200)
    return pd.DataFrame(
        {
            "item": [f"photo{number}" for number in range(200)],
            "patient": [f"p{patient}" for patient in patients],
            "label": patients % 2,
            "diagnosis": "NEV",
            "fitzpatrick": pd.array([2, None] * 100, dtype="Int64"),
        }
    )


@pytest.fixture
def tiny_lite(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a network of a few weights with a last layer `_fc`, as an EfficientNet-Lite has it."""
    import torch
    from torch import nn

    from simulator.making.zoo.architectures import ARCHITECTURES, Architecture

    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
            self._fc = nn.Linear(32, 5)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self._fc(self.body(image))

    half = (0.5, 0.5, 0.5)
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture("tiny", 16, "random", half, half, Tiny))
    return "tiny"


@pytest.fixture
def labelled(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a folder of photos with labels: one a patient, every other malignant and a little redder."""

    def make(count: int) -> Path:
        folder = tmp_path / "data"
        (folder / "images").mkdir(parents=True)
        rng = np.random.default_rng(0)
        lines = ["file,patient_id,malignant,diagnostic,fitspatrick"]
        for number in range(count):
            pixels = rng.integers(0, 200, (16, 16, 3), dtype=np.uint8)
            pixels[..., 0] += np.uint8(30 * (number % 2))
            Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
            lines.append(f"{number}.png,P{number},{number % 2},{'MEL' if number % 2 else 'NEV'},{number % 6 + 1}")
        (folder / "labels.csv").write_text("\n".join(lines) + "\n")
        return folder

    return make
