"""Paper B's U-Net, of regular, dilated or harmonic convolutions (fidelity: network-of-b)."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from dap.fitting.cpu.layers import Conv, Feature, Resize
from dap.fitting.cpu.network import Layer, Network
from dap.nn import harmonic_conv
from dap.nn.harmonic_conv import HarmonicConv2d
from dap.nn.norm import InstanceNorm

FILTERS = (35, 70)
KERNEL = 7
DEVIATION = 0.02

Convolution = Callable[[int, int], nn.Module]


class Pair(nn.Sequential):
    """Two convolutions from one number of channels to the next, each normalised, with ReLU."""

    def __init__(self, convolution: Convolution, channels: tuple[int, int, int]):
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [convolution(before, after), InstanceNorm(after), nn.ReLU()]
        super().__init__(*layers)
        self.out_channels = channels[-1]


class HarmonicUNet(nn.Module):
    """Paper B's U-Net: average pooling down, bilinear up, a final linear 1x1.

    Weights are drawn from N(0, 0.02), biases are 0. Height and width must be multiples of 4.

    Args:
        convolution: makes a layer of (in_channels, out_channels).
        width: factor on the 35 and 70 filters; 1 is the paper's.
    """

    def __init__(
        self,
        convolution: Convolution,
        *,
        width: float = 1.0,
        in_channels: int = 2,
        out_channels: int = 2,
    ):
        super().__init__()
        few, many = (max(1, round(n * width)) for n in FILTERS)
        self.down1 = Pair(convolution, (in_channels, in_channels, few))
        self.down2 = Pair(convolution, (few, few, many))
        self.bottom = Pair(convolution, (many, many, many))
        self.up2 = Pair(convolution, (2 * many, 2 * many, few))
        self.up1 = Pair(convolution, (2 * few, 2 * few, few))
        self.pool = nn.AvgPool2d(2)
        self.upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.final = nn.Conv2d(few, out_channels, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=DEVIATION)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, z: Tensor) -> Tensor:
        """(B, in_channels, F, T) -> (B, out_channels, F, T)."""
        skip1 = self.down1(z)  # (B, few, F, T)
        skip2 = self.down2(self.pool(skip1))  # (B, many, F/2, T/2)
        x = self.bottom(self.pool(skip2))  # (B, many, F/4, T/4)
        x = self.up2(torch.cat((self.upsample(x), skip2), dim=1))  # (B, few, F/2, T/2)
        x = self.up1(torch.cat((self.upsample(x), skip1), dim=1))  # (B, few, F, T)
        return self.final(x)

    def compiled(self, z: Tensor, precision: str) -> Callable[[], Tensor]:
        """The same on the CPU's compiled layers, as `dap.nn.dilated_unet.DilatedUNet.compiled`."""
        return Network(partial(wire, self), z, precision)


def wire(net: HarmonicUNet, z: Feature, add: Callable[[Layer], Feature]) -> None:
    """Add the layers of `net` on the compiled layers (`dap.fitting.cpu.network.Wiring`)."""

    def pair(part: Pair, inputs: list[Feature]) -> Feature:
        for layer in part:
            if isinstance(layer, nn.Conv2d):
                inputs = [add(Conv.of(layer, inputs, "norm_relu"))]
            elif isinstance(layer, HarmonicConv2d):
                inputs = [harmonic_conv.wire(layer, inputs, add)]
        return inputs[0]

    skip1 = pair(net.down1, [z])
    skip2 = pair(net.down2, [add(Resize(skip1, "mean_pool"))])
    x = pair(net.bottom, [add(Resize(skip2, "mean_pool"))])
    x = pair(net.up2, [add(Resize(x, "upsample")), skip2])
    x = pair(net.up1, [add(Resize(x, "upsample")), skip1])
    add(Conv.of(net.final, [x], "", planar=True))


def regular(
    *,
    dilation: int,
    width: float,
    network: str = "code",
    in_channels: int = 2,
    out_channels: int = 2,
) -> HarmonicUNet:
    """B's U-Net of regular 7x7 convolutions; `network`, a choice of A's, is not used."""

    def convolution(before: int, after: int) -> nn.Module:
        padding = dilation * (KERNEL // 2)
        return nn.Conv2d(before, after, KERNEL, padding=padding, dilation=dilation)

    return HarmonicUNet(
        convolution, width=width, in_channels=in_channels, out_channels=out_channels
    )


def harmonic(
    *,
    anchors: int,
    mixing: str,
    width: float,
    network: str = "code",
    in_channels: int = 2,
    out_channels: int = 2,
    factorised: bool = True,
    bias: bool = True,
    implementation: str = "sampled",
) -> HarmonicUNet:
    """B's U-Net of harmonic convolutions; the options are those of `HarmonicConv2d`."""

    def convolution(before: int, after: int) -> nn.Module:
        return HarmonicConv2d(
            before,
            after,
            (KERNEL, KERNEL),
            anchors=anchors,
            mixing=mixing,
            factorised=factorised,
            bias=bias,
            implementation=implementation,
        )

    return HarmonicUNet(
        convolution, width=width, in_channels=in_channels, out_channels=out_channels
    )
