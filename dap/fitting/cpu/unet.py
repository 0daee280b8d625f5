"""Paper A's U-Nets (`dap.nn.dilated_unet`) on the compiled layers."""

from collections.abc import Callable

from torch import nn

from dap.fitting.cpu.layers import Conv, Feature, Resize
from dap.fitting.cpu.network import Layer
from dap.nn.dilated_unet import ConvBlock, DilatedUNet


def wire(net: DilatedUNet, z: Feature, add: Callable[[Layer], Feature]) -> None:
    """Add the layers of `net` (`dap.fitting.cpu.network.Wiring`)."""

    def block(part: ConvBlock, inputs: list[Feature]) -> tuple[list[Feature], Feature]:
        """The features before the transition, and the one after it."""
        for layers in (part.conv1, part.conv2):
            normalise = any(isinstance(layer, nn.InstanceNorm2d) for layer in layers)
            out = add(Conv.of(layers[0], inputs, "norm_relu" if normalise else "relu"))
            inputs = [*inputs, out] if part.dense else [out]
        return inputs, add(Conv.of(part.transition, inputs, ""))

    skip1, x = block(net.down1, [z])
    skip2, x = block(net.down2, [add(Resize(x, "max_pool"))])
    _, x = block(net.bottom, [add(Resize(x, "max_pool"))])
    x = add(Conv.of(net.reduce2, [add(Resize(x, "upsample"))], ""))
    _, x = block(net.up2, [x, *skip2])
    x = add(Conv.of(net.reduce1, [add(Resize(x, "upsample"))], ""))
    _, x = block(net.up1, [x, *skip1])
    add(Conv.of(net.final, [x], "", planar=True))
