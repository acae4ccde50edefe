from collections import Counter

import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import models

from simulator.measure.architectures import ARCHITECTURES, RAW_PIXELS, Architecture, multiply_adds, parameters
from simulator.measure.onnx_export import TRAINED
from tests.effort import quarter

pytestmark = pytest.mark.zoo

CLASSIFIERS = [name for name, network in ARCHITECTURES.items() if network.task == "classification" and "lite" not in name]
#: Parameters and multiply-adds, in millions, as the authors of EfficientNet-Lite published them.
LITE = {"efficientnet_lite0": (4.7, 407), "efficientnet_lite1": (5.4, 631), "efficientnet_lite2": (6.1, 899)}
#: Parameters in millions and operations in billions, as the authors of YOLOX published them; two to a multiply-add.
YOLOX = {
    "yolox_nano": (0.91, 1.08),
    "yolox_tiny": (5.06, 6.45),
    "yolox_s": (9.0, 26.8),
    "yolox_m": (25.3, 73.8),
    "yolox_l": (54.2, 155.6),
    "yolox_x": (99.1, 281.9),
}
#: Networks whose published count of operations is that of the network alone, at the size measured here.
DENSE = [
    "ssdlite320_mobilenet_v3_large",
    "fasterrcnn_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "fcos_resnet50_fpn",
    "lraspp_mobilenet_v3_large",
    "deeplabv3_mobilenet_v3_large",
]


def sizes_of(name: str) -> tuple[int, int]:
    """Parameters and multiply-adds."""
    architecture = ARCHITECTURES[name]
    # Shapes without values are quick, but RegNet works its widths out with tensors.
    with torch.device("cpu" if "regnet" in name else "meta"):
        model = architecture.construct().eval()
        return parameters(model), multiply_adds(model, architecture.input_shape)


@pytest.mark.parametrize("name", quarter(CLASSIFIERS))
def test_sizes_are_those_that_torchvision_publishes(name: str) -> None:
    published = models.get_model_weights(name).DEFAULT
    weights, counted = sizes_of(name)
    assert ARCHITECTURES[name].input_size == published.transforms().crop_size[0]
    assert weights == published.meta["num_params"]
    assert counted / 1e9 == pytest.approx(published.meta["_ops"], abs=6e-4)


@pytest.mark.parametrize("name", quarter(DENSE))
def test_detectors_and_segmenters_are_as_large_as_torchvision_publishes(name: str) -> None:
    published = models.get_model_weights(name).DEFAULT.meta
    weights, counted = sizes_of(name)
    # Theirs counts an auxiliary head that only training uses, and not the normalisations that a trained backbone freezes.
    assert weights == pytest.approx(published["num_params"], rel=2e-3)
    assert counted / 1e9 == pytest.approx(published["_ops"], rel=2e-3)


@pytest.mark.parametrize("name", quarter(YOLOX))
def test_yolox_is_as_large_as_its_authors_publish(name: str) -> None:
    millions, operations = YOLOX[name]
    weights, counted = sizes_of(name)
    assert weights / 1e6 == pytest.approx(millions, rel=0.01)
    assert 2 * counted / 1e9 == pytest.approx(operations, rel=0.04)


def test_the_unet_scores_every_pixel_and_weighs_what_its_package_says() -> None:
    with torch.device("meta"):
        model = ARCHITECTURES["unet_resnet34"].construct().eval()
        assert model(torch.zeros(2, 3, 256, 256)).shape == (2, 1, 256, 256)
    # encoder ResNet-34 without its classifier: 21.3 million
    assert parameters(model.encoder) / 1e6 == pytest.approx(21.3, abs=0.05)


def test_there_are_enough_of_each_task_and_all_have_a_family() -> None:
    tasks = Counter(network.task for network in [*ARCHITECTURES.values(), *TRAINED.values()])
    assert tasks["classification"] >= 14
    assert tasks["detection"] >= 14
    assert tasks["segmentation"] >= 3
    assert all(network.family for network in [*ARCHITECTURES.values(), *TRAINED.values()])


@pytest.mark.parametrize("name", quarter(LITE))
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


def test_untrained_normalisations_keep_what_passes_in_range() -> None:
    def construct() -> nn.Module:
        layers = [
            layer for _ in range(12) for layer in (nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU())
        ]
        return nn.Sequential(*layers)

    network = Architecture("deep", 16, "random", (0.5,) * 3, (0.5,) * 3, construct)
    images = torch.from_numpy(network.noise())
    with torch.inference_mode():
        assert network.build()(images).std() > 0.1
        assert construct().eval()(images).std() < 1e-3


def test_noise_spans_what_pixels_span() -> None:
    network = Architecture("net", 32, "random", *RAW_PIXELS, nn.Identity)
    noise = network.noise(batch=3)
    assert noise.shape == (3, 3, 32, 32)
    assert 0 <= noise.min() < 5
    assert 250 < noise.max() <= 255


def test_a_network_that_takes_blue_first_gets_it() -> None:
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    takes = Architecture("net", 2, "random", *RAW_PIXELS, nn.Identity, bgr=True)
    assert takes.in_order(red).getpixel((0, 0)) == (0, 0, 255)
    assert Architecture("net", 2, "random", *RAW_PIXELS, nn.Identity).in_order(red).getpixel((0, 0)) == (255, 0, 0)
