"""Paper B's networks: how many parameters they have, and what its ablations leave out."""

import pytest
import torch

from dap.nn.harmonic_conv import HarmonicConv2d
from dap.plugins import plugins

# at full width: (in_channels, out_channels) of the ten convolutions
LAYERS = [(2, 2), (2, 35), (35, 35), (35, 70), (70, 70), (70, 70)]
LAYERS += [(140, 140), (140, 35), (70, 70), (70, 35)]
# of a layer, beside its kernel of 7 harmonics and 7 frames, and its bias
MIXING = {
    "harmonic": lambda o: 7 * o * o,
    "harmonic-single": lambda o: 0,
    "harmonic-unmixed": lambda o: 7,
    "harmonic-groups": lambda o: o * o,
}
PARAMETERS = {
    "harmonic": 631_089,
    "harmonic-single": 322_361,
    "harmonic-unmixed": 322_431,
    "harmonic-groups": 366_465,
    "harmonic-unmixed-wide": 630_920,
    "conv7": 2_225_185,
    "dilated7": 2_225_185,
}


def build(name, width=1.0):
    return plugins("priors")[name].load().build(width=width, network="code")


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def convolutions(network):
    return [layer for layer in network.modules() if isinstance(layer, HarmonicConv2d)]


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name):
    assert count(build(name)) == PARAMETERS[name]


@pytest.mark.parametrize("name", MIXING)
def test_parameters_by_hand(name):
    layers = [7 * i * o + 7 * o + o + MIXING[name](o) for i, o in LAYERS]
    assert sum(layers) + 35 * 2 + 2 == PARAMETERS[name]


def test_parameters_of_regular_convolutions_by_hand():
    assert sum(49 * i * o + o for i, o in LAYERS) + 35 * 2 + 2 == PARAMETERS["conv7"]


@pytest.mark.parametrize("width", [0.25, 0.5, 1, 2])
def test_without_mixing_but_wide_there_are_as_many_parameters(width):
    mixed, wide = build("harmonic", width), build("harmonic-unmixed-wide", width)
    assert count(wide) == pytest.approx(count(mixed), rel=0.003)
    # and as many layers: a 1x1 convolution after each sum of anchors
    for before, after in zip(convolutions(mixed), convolutions(wide), strict=True):
        assert (before.in_channels, before.out_channels) == (after.in_channels, after.out_channels)
        assert after.mix.shape == (after.out_channels, after.channels)
        assert after.channels >= after.out_channels


def test_without_mixing_all_anchors_have_the_same_weights_but_for_a_factor():
    layer = convolutions(build("harmonic-unmixed-wide", 0.1))[3]
    torch.nn.init.normal_(layer.weights)
    by_anchor = layer.matrix().view(layer.out_channels, layer.anchors, layer.channels)
    for n in range(7):
        torch.testing.assert_close(by_anchor[:, n], layer.weights[n] * layer.mix)


def test_in_groups_each_channel_reads_one_anchor():
    layer = convolutions(build("harmonic-groups"))[3]
    by_anchor = layer.matrix().view(layer.out_channels, layer.anchors, layer.channels)
    read = (by_anchor != 0).any(dim=0)  # (anchors, channels)
    assert read.sum(dim=0).tolist() == [1] * 70
    assert read.sum(dim=1).tolist() == [10] * 7
