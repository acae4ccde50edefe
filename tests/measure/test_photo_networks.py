from pathlib import Path

import numpy as np
import pytest
import torch

from simulator.measure import score_training as networks
from simulator.measure.architectures import ARCHITECTURES
from simulator.measure.image_steps import normalize
from simulator.measure.score_training import features, fine_tuned, frozen, new_head, varied

pytestmark = pytest.mark.zoo


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)


LABELS = np.arange(40) % 2


def logits(network: torch.nn.Module, pixels: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(normalize(pixels, (0.5,) * 3, (0.5,) * 3)))[:, 0].numpy()


def test_a_head_in_the_network_answers_as_scikit_learn_outside_it(tiny_lite: str, pixels: np.ndarray) -> None:
    takes = ARCHITECTURES[tiny_lite]
    seen = features(takes, pixels)
    expected = new_head().fit(seen, LABELS).decision_function(seen)
    np.testing.assert_allclose(logits(frozen(takes, seen, LABELS), pixels), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.long
def test_training_that_was_stopped_ends_as_one_that_was_not(
    tiny_lite: str, pixels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = ARCHITECTURES[tiny_lite]
    seen = features(takes, pixels)

    def train(checkpoint: str, told=lambda done: None) -> np.ndarray:
        network = frozen(takes, seen, LABELS)
        return logits(fine_tuned(network, takes, pixels, LABELS, tmp_path / checkpoint, told), pixels)

    class StoppedError(Exception):
        pass

    def stop(done: int) -> None:
        if (tmp_path / "stopped.pt").is_file():
            raise StoppedError

    through = train("through.pt")
    with pytest.raises(StoppedError):
        train("stopped.pt", stop)
    heard: list[int] = []
    np.testing.assert_allclose(train("stopped.pt", heard.append), through, rtol=1e-4, atol=1e-6)
    assert sum(heard) == networks.EPOCHS
    assert not np.allclose(through, logits(frozen(takes, seen, LABELS), pixels))


def test_training_learns_what_can_be_learnt(tiny_lite: str, pixels: np.ndarray, tmp_path: Path) -> None:
    takes = ARCHITECTURES[tiny_lite]
    red = pixels // 2
    red[LABELS == 1, ..., 0] += 120
    seen = features(takes, red)
    found = logits(fine_tuned(frozen(takes, seen, LABELS), takes, red, LABELS, tmp_path / "c.pt", lambda done: None), red)
    assert found[LABELS == 1].min() > found[LABELS == 0].max()


def test_variations_are_photos_of_the_same_size_and_follow_the_seed(pixels: np.ndarray) -> None:
    torch.manual_seed(3)
    once = varied(pixels)
    torch.manual_seed(3)
    assert (varied(pixels) == once).all()
    assert once.shape == pixels.shape
    assert once.dtype == np.uint8
    assert (once != pixels).any(axis=(1, 2, 3)).all()
