import numpy as np
import torch
from torch import nn

from campaigns.compression.fake_quantization import RoundedActivations, RoundedWeights, with_rounding, without_rounding
from simulator.measure.architectures import ARCHITECTURES


def test_weights_lie_on_a_grid_of_their_channel_and_the_grid_stays_when_they_are_rounded_again() -> None:
    weight = torch.tensor([[1.27, 0.004, -0.5], [-12.7, 0.06, 1.0]])
    rounded = RoundedWeights()(weight)
    assert torch.allclose(rounded, torch.tensor([[1.27, 0.0, -0.5], [-12.7, 0.1, 1.0]]), atol=1e-5)
    assert torch.allclose(RoundedWeights()(rounded), rounded, atol=1e-6)


def test_activations_are_rounded_within_what_was_seen() -> None:
    rounded = RoundedActivations(clipped=True)
    rounded.watching = True
    seen = torch.tensor([-3.0, 0.5, 2.55])
    assert torch.equal(rounded(seen), torch.tensor([0.0, 0.5, 2.55]))
    rounded.watching = False
    assert torch.allclose(rounded(torch.tensor([-1.0, 0.014, 5.0])), torch.tensor([0.0, 0.01, 2.55]), atol=1e-6)


def test_gradients_pass_the_rounding_and_stop_where_it_clips() -> None:
    rounded = RoundedActivations(clipped=False)
    rounded.low, rounded.high = torch.tensor(-1.0), torch.tensor(1.0)
    values = torch.tensor([0.3, 5.0], requires_grad=True)
    rounded(values).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [1.0, 0.0]


def test_the_exported_network_has_the_rounded_weights_and_answers_nearly_as_the_rounded_one() -> None:
    takes = ARCHITECTURES["efficientnet_lite0_pruned"]
    network = takes.build()
    network._fc = nn.Linear(1280, 1)
    images = [np.ascontiguousarray(image) for image in takes.noise(3)]
    given = torch.from_numpy(np.stack(images))
    rounded = with_rounding(network, iter(images))
    with torch.inference_mode():
        expected = rounded(given)
        exported = without_rounding(rounded)
        found = exported(given)
    assert not any("rounded" in name or "parametrizations" in name for name, _ in exported.named_modules())
    weight = exported._conv_stem.weight.detach()
    assert torch.allclose(RoundedWeights()(weight), weight, atol=1e-7)
    assert float((found - expected).abs().max()) < 0.1 * float(1 + expected.abs().max())
