"""The U-Net skeleton of paper A, from which its designs are made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from dap.fitting.cpu.layers import Conv, Feature, Resize
from dap.fitting.cpu.network import Layer, Network
from dap.nn.norm import InstanceNorm


@dataclass(frozen=True)
class Block:
    """Two 3x3 convolutions: their numbers of filters and their dilations."""

    filters: tuple[int, int]
    dilation: tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """A U-Net of three levels: two blocks down, one at the bottom, two up."""

    down: tuple[Block, Block]
    bottom: Block
    up: tuple[Block, Block]

    def blocks(self) -> tuple[Block, ...]:
        """The five blocks from input to output."""
        return (*self.down, self.bottom, *self.up)


# the network of A's public code, and the one that A's text describes (fidelity: network-of-a)
FILTERS = {
    "code": ((35, 35), (70, 70), (140, 140), (70, 70), (35, 35)),
    "text": ((35, 70), (70, 140), (70, 70), (140, 70), (70, 35)),
}
DILATIONS = {
    "code": ((1, 2), (4, 8), (16, 32), (32, 16), (8, 4)),
    "text": ((2, 4), (8, 16), (32, 32), (16, 8), (4, 2)),
}


def layout(network: str, width: float, dilation: int | None) -> Layout:
    """The layout of one of A's designs.

    Args:
        network: "code" or "text" (fidelity: network-of-a).
        width: factor on every number of filters; 1 is the paper's.
        dilation: the same for every 3x3 convolution, or None for A's exponential schedule.
    """

    def scaled(filters: int) -> int:
        return max(1, round(filters * width))

    dilations = DILATIONS[network] if dilation is None else ((dilation, dilation),) * 5
    blocks = [
        Block((scaled(first), scaled(second)), pair)
        for (first, second), pair in zip(FILTERS[network], dilations, strict=True)
    ]
    return Layout((blocks[0], blocks[1]), blocks[2], (blocks[3], blocks[4]))


class ConvBlock(nn.Module):
    """Two dilated 3x3 convolutions, each with ReLU, then a linear 1x1 transition.

    With `dense`, each convolution sees all that came before it in the block, and the block's output
    is the concatenation of its input and of both convolutions' outputs (section 3.1 of A).

    Attributes:
        out_channels: channels before the transition, which is where the skip connection leaves.
    """

    def __init__(self, in_channels: int, block: Block, *, dense: bool, normalise: bool):
        super().__init__()
        first, second = block.filters
        self.dense = dense
        self.conv1 = _conv3x3(in_channels, first, block.dilation[0], normalise)
        self.conv2 = _conv3x3(first + dense * in_channels, second, block.dilation[1], normalise)
        self.out_channels = in_channels + first + second if dense else second
        self.transition = nn.Conv2d(self.out_channels, second, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, F, T) -> before and after the transition, (B, out_channels or second, F, T)."""
        if self.dense:
            x = torch.cat((x, self.conv1(x)), dim=1)
            x = torch.cat((x, self.conv2(x)), dim=1)
        else:
            x = self.conv2(self.conv1(x))
        return x, self.transition(x)


def _conv3x3(in_channels: int, out_channels: int, dilation: int, normalise: bool) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation)
    ]
    if normalise:
        layers.append(InstanceNorm(out_channels))
    return nn.Sequential(*layers, nn.ReLU())


class DilatedUNet(nn.Module):
    """Paper A's U-Net: max-pooling down, bilinear up, skips from before each transition.

    Instance normalisation in the encoder and at the bottom alone; the last layer is a linear 1x1.
    Height and width must be multiples of 4.
    """

    def __init__(self, layout: Layout, *, dense: bool, in_channels: int = 2, out_channels: int = 2):
        super().__init__()
        self.down1 = ConvBlock(in_channels, layout.down[0], dense=dense, normalise=True)
        level1 = layout.down[0].filters[1]
        self.down2 = ConvBlock(level1, layout.down[1], dense=dense, normalise=True)
        level2 = layout.down[1].filters[1]
        self.bottom = ConvBlock(level2, layout.bottom, dense=dense, normalise=True)
        below = layout.bottom.filters[1]
        self.pool = nn.MaxPool2d(2)
        self.upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.reduce2, self.up2 = self._up(below, self.down2.out_channels, layout.up[0], dense)
        above = layout.up[0].filters[1]
        self.reduce1, self.up1 = self._up(above, self.down1.out_channels, layout.up[1], dense)
        self.final = nn.Conv2d(layout.up[1].filters[1], out_channels, 1)

    @staticmethod
    def _up(below: int, skip: int, block: Block, dense: bool) -> tuple[nn.Conv2d, ConvBlock]:
        reduce = nn.Conv2d(below, block.filters[0], 3, padding=1)
        return reduce, ConvBlock(block.filters[0] + skip, block, dense=dense, normalise=False)

    def forward(self, z: Tensor) -> Tensor:
        """(B, in_channels, F, T) -> (B, out_channels, F, T)."""
        skip1, x = self.down1(z)  # (B, ., F, T)
        skip2, x = self.down2(self.pool(x))  # (B, ., F/2, T/2)
        _, x = self.bottom(self.pool(x))  # (B, ., F/4, T/4)
        _, x = self.up2(torch.cat((self.reduce2(self.upsample(x)), skip2), dim=1))
        _, x = self.up1(torch.cat((self.reduce1(self.upsample(x)), skip1), dim=1))
        return self.final(x)

    def compiled(self, z: Tensor, precision: str) -> Callable[[], Tensor]:
        """The same on the CPU's compiled layers, for one fixed z: (1, in_channels, F, T).

        Args:
            precision: "float32" or "bfloat16".

        Returns:
            a function without arguments that returns the output, (1, out_channels, F, T) float32,
            with the gradients of the parameters.
        """
        return Network(partial(wire, self), z, precision)


def wire(net: DilatedUNet, z: Feature, add: Callable[[Layer], Feature]) -> None:
    """Add the layers of `net` on the compiled layers (`dap.fitting.cpu.network.Wiring`)."""

    def block(part: ConvBlock, inputs: list[Feature]) -> tuple[list[Feature], Feature]:
        """The features before the transition, and the one after it."""
        for layers in (part.conv1, part.conv2):
            normalise = any(isinstance(layer, nn.InstanceNorm2d) for layer in layers)
            (conv,) = (layer for layer in layers if isinstance(layer, nn.Conv2d))
            out = add(Conv.of(conv, inputs, "norm_relu" if normalise else "relu"))
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


def design(
    *,
    dilation: int | None,
    dense: bool,
    width: float,
    network: str = "code",
    in_channels: int = 2,
    out_channels: int = 2,
) -> DilatedUNet:
    """One of A's designs, with PyTorch's default initialisation from the global random state."""
    return DilatedUNet(
        layout(network, width, dilation),
        dense=dense,
        in_channels=in_channels,
        out_channels=out_channels,
    )


def receptive_field(layout: Layout, index: int) -> tuple[int, int]:
    """The first and last input row that output row `index` can depend on, computed from dilations.

    Rows beyond the input's edge are counted as if the input went on. A dependency is an interval,
    which each layer widens, from the output back to the input; columns behave alike.
    """

    def conv(span: tuple[int, int], *dilations: int) -> tuple[int, int]:
        return span[0] - sum(dilations), span[1] + sum(dilations)

    def upsampled(span: tuple[int, int]) -> tuple[int, int]:
        # bilinear x2: output row i reads rows floor((i - 1) / 2) and the next one
        return (span[0] - 1) // 2, (span[1] - 1) // 2 + 1

    def pooled(span: tuple[int, int]) -> tuple[int, int]:
        return 2 * span[0], 2 * span[1] + 1

    def union(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        return min(a[0], b[0]), max(a[1], b[1])

    level1 = conv((index, index), *layout.up[1].dilation)
    level2 = conv(upsampled(conv(level1, 1)), *layout.up[0].dilation)
    level3 = conv(upsampled(conv(level2, 1)), *layout.bottom.dilation)
    level2 = conv(union(level2, pooled(level3)), *layout.down[1].dilation)
    return conv(union(level1, pooled(level2)), *layout.down[0].dilation)
