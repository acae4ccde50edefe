import pytest
import torch
from torch import nn
from torchvision import models

from simulator.zoo.architectures import ARCHITECTURES, multiply_adds, parameters

pytestmark = pytest.mark.zoo

TORCHVISION = [name for name in ARCHITECTURES if "lite" not in name]
#: Parameters and multiply-adds, in millions, as the authors of EfficientNet-Lite published them.
LITE = {"efficientnet_lite0": (4.7, 407), "efficientnet_lite1": (5.4, 631), "efficientnet_lite2": (6.1, 899)}


@pytest.mark.parametrize("name", TORCHVISION)
def test_sizes_are_those_that_torchvision_publishes(name: str) -> None:
    published = models.get_model_weights(name).DEFAULT
    architecture = ARCHITECTURES[name]
    with torch.device("meta"):  # shapes without values: quick
        model = architecture.build()
        counted = multiply_adds(model, architecture.input_shape)
    assert architecture.input_size == published.transforms().crop_size[0]
    assert parameters(model) == published.meta["num_params"]
    assert counted / 1e9 == pytest.approx(published.meta["_ops"], abs=6e-4)


@pytest.mark.parametrize("name", LITE)
def test_lite_sizes_are_those_that_its_authors_publish(name: str) -> None:
    millions, multiply_add_millions = LITE[name]
    architecture = ARCHITECTURES[name]
    model = architecture.build()
    assert parameters(model) / 1e6 == pytest.approx(millions, abs=0.06)
    # The published figures also count normalisations and activations.
    assert multiply_adds(model, architecture.input_shape) / 1e6 == pytest.approx(multiply_add_millions, rel=0.06)


def test_a_convolution_counted_by_hand() -> None:
    # 4 x 4 outputs, 8 channels, each from 3 x 3 x 3 inputs
    assert multiply_adds(nn.Conv2d(3, 8, 3), [3, 6, 6]) == 4 * 4 * 8 * 27


def test_attention_is_counted_and_its_fast_path_restored() -> None:
    layer = nn.TransformerEncoderLayer(16, 2, dim_feedforward=32, batch_first=True).eval()
    before = torch.backends.mha.get_fastpath_enabled()
    projections, scores, feed_forward = 4 * 10 * 16 * 16, 2 * 10 * 10 * 16, 2 * 10 * 16 * 32
    assert multiply_adds(layer, [10, 16]) == projections + scores + feed_forward
    assert torch.backends.mha.get_fastpath_enabled() is before


def test_weights_are_the_same_each_time_and_the_generator_is_left_alone() -> None:
    state = torch.get_rng_state()
    first, second = (next(ARCHITECTURES["mobilenet_v3_small"].build().parameters()) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())
