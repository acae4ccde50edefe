from pathlib import Path

import numpy as np
import pytest
import torch

from simulator.measure.architectures import ARCHITECTURES
from simulator.measure.image_steps import normalize
from simulator.measure.onnx_export import export
from simulator.measure.score_training import VIEWS, answers, logits_by_precision

pytestmark = [pytest.mark.zoo, pytest.mark.usefixtures("one_process")]


def test_views_show_the_photo_as_taken_mirrored_upside_down_and_both(tiny_lite: str, tmp_path: Path) -> None:
    takes, pixels = ARCHITECTURES[tiny_lite], np.random.default_rng(2).integers(0, 256, (19, 16, 16, 3), dtype=np.uint8)
    network = takes.build()
    export(network, takes.input_shape, tmp_path / "net.onnx")
    shown = [pixels, pixels[:, :, ::-1], pixels[:, ::-1], np.rot90(pixels, 2, axes=(1, 2))]
    with torch.inference_mode():
        images = [torch.from_numpy(normalize(photo, takes.mean, takes.std)) for photo in shown]
        expected = np.stack([network(batch)[:, 0].numpy() for batch in images], axis=1)
    np.testing.assert_allclose(answers(tmp_path / "net.onnx", takes, pixels, len(VIEWS)), expected, rtol=1e-3, atol=1e-5)


def test_8_bits_resemble_32_and_are_not_the_same(tiny_lite: str) -> None:
    takes, rng = ARCHITECTURES[tiny_lite], np.random.default_rng(3)
    # Smooth photos of different colours: noise alone looks the same to any network.
    pixels = (rng.integers(0, 200, (60, 1, 1, 3)) + rng.integers(0, 50, (60, 16, 16, 3))).astype(np.uint8)
    found = logits_by_precision(takes.build(), takes, ("fp32", "int8_dynamic", "int8_static"), pixels[:40], pixels[40:], 1)
    for precision in ("int8_dynamic", "int8_static"):
        assert np.corrcoef(found["fp32"].ravel(), found[precision].ravel())[0, 1] > 0.95
        assert not np.array_equal(found["fp32"], found[precision])
