"""Paper B's U-Net (`dap.nn.harmonic_unet`) on the compiled layers."""

from collections.abc import Callable

from torch import Tensor, nn

from dap.fitting.cpu.layers import Conv, Feature, Resize, Value
from dap.fitting.cpu.network import Layer
from dap.fitting.cpu.sampling import Sample
from dap.nn.harmonic_conv import HarmonicConv2d, positions
from dap.nn.harmonic_unet import HarmonicUNet, Pair


def wire(net: HarmonicUNet, z: Feature, add: Callable[[Layer], Feature]) -> None:
    """Add the layers of `net` (`dap.fitting.cpu.network.Wiring`)."""

    def pair(part: Pair, inputs: list[Feature]) -> Feature:
        for layer in part:
            if isinstance(layer, nn.Conv2d):
                inputs = [add(Conv.of(layer, inputs, "norm_relu"))]
            elif isinstance(layer, HarmonicConv2d):
                inputs = [_harmonic(layer, inputs, add)]
        return inputs[0]

    skip1 = pair(net.down1, [z])
    skip2 = pair(net.down2, [add(Resize(skip1, "mean_pool"))])
    x = pair(net.bottom, [add(Resize(skip2, "mean_pool"))])
    x = pair(net.up2, [add(Resize(x, "upsample")), skip2])
    x = pair(net.up1, [add(Resize(x, "upsample")), skip1])
    add(Conv.of(net.final, [x], "", planar=True))


def _harmonic(
    layer: HarmonicConv2d, inputs: list[Feature], add: Callable[[Layer], Feature]
) -> Feature:
    """The harmonics' channels where they are, sampled and filtered, then mixed and normalised."""
    harmonics, length = layer.kernel_size

    def kernel() -> Tensor:
        if layer.time is not None:
            return layer.frequency.permute(2, 0, 1).reshape(-1, layer.in_channels, 1, 1)
        return layer.frequency.permute(2, 0, 1, 3).reshape(-1, layer.in_channels, 1, length)

    def mixing() -> Tensor:
        return layer.matrix()[..., None, None]

    u = add(Conv(Value(kernel), None, inputs, "", parts=harmonics))
    filters = None if layer.time is None else Value(lambda: layer.time)
    entries = positions(u.size[1], harmonics, layer.anchors)
    z = add(Sample(u, entries, layer.anchors, filters))
    bias = None if layer.bias is None else Value(lambda: layer.bias)
    return add(Conv(Value(mixing), bias, [z], "norm_relu"))
