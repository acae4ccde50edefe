import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from simulator.measure.architectures import folded, pruned

pytestmark = pytest.mark.zoo


@pytest.fixture
def lite() -> nn.Module:
    """A Lite0 whose normalisations have statistics of their own."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = EfficientNet.from_name("efficientnet-lite0").eval()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.bias, std=0.3)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                nn.init.normal_(module.running_mean, std=0.1)
        return network


IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def answers(network: nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return network(IMAGES)


def test_folded_normalisations_leave_the_answers_as_they_are(lite: nn.Module) -> None:
    expected = answers(lite)
    assert torch.allclose(answers(folded(lite)), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in lite.modules())


def test_keeping_every_channel_changes_nothing(lite: nn.Module) -> None:
    expected = answers(lite)
    assert torch.allclose(answers(pruned(lite, 1.0)), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_half_of_the_hidden_channels_go_and_no_other(lite: nn.Module) -> None:
    before = [block._project_conv.weight.shape for block in lite._blocks]
    after = [block._project_conv.weight.shape for block in pruned(lite, 0.5)._blocks]
    assert after[0] == before[0]  # it does not expand
    assert [tuple(shape) for shape in after[1:]] == [(out, hidden // 2, 1, 1) for out, hidden, *_ in before[1:]]


def test_a_channel_that_never_varies_goes_and_its_constant_stays(lite: nn.Module) -> None:
    block = lite._blocks[1]
    hidden = len(block._bn1.weight)
    with torch.no_grad():
        block._bn1.weight[: hidden // 2] = 0.0
        block._bn1.bias[: hidden // 2] = 2.0
    inputs = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = block(inputs)
        found = pruned(lite, 0.5)._blocks[1](inputs)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4)
