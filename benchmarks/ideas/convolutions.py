"""Convolutions in place of those of A's designs, for `benchmarks.ideas`.

Each is of the folder of recordings, and of what its idea says.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor, nn

from dap.nn import dilated_unet
from dap.nn.harmonic_conv import HarmonicConv2d


@contextmanager
def in_pytorch(conv3x3: Callable[..., nn.Module]) -> Iterator[None]:
    """Other convolutions in A's designs, for which there are no compiled layers."""
    with (
        mock.patch.object(dilated_unet, "_conv3x3", conv3x3),
        mock.patch.object(dilated_unet.DilatedUNet, "compiled", None),
    ):
        yield


@contextmanager
def dilated(folder: Path, bins: int, frames: int) -> Iterator[None]:
    """Dilations so many times as long; 0 for none."""
    make = dilated_unet._conv3x3

    def conv3x3(inputs: int, outputs: int, dilation: int, normalise: bool) -> nn.Sequential:
        layers = make(inputs, outputs, dilation, normalise)
        (conv,) = (layer for layer in layers if isinstance(layer, nn.Conv2d))
        conv.dilation = conv.padding = (max(1, bins * dilation), max(1, frames * dilation))
        return layers

    with in_pytorch(conv3x3):
        yield


@contextmanager
def factored(folder: Path, kind: str) -> Iterator[None]:
    """Convolutions of two factors: "depthwise", then pointwise; or 3x1, then 1x3 ("separable")."""
    make = dilated_unet._conv3x3

    def conv3x3(inputs: int, outputs: int, dilation: int, normalise: bool) -> nn.Sequential:
        _, *after = make(inputs, outputs, dilation, normalise)
        if kind == "depthwise":
            first = nn.Conv2d(inputs, inputs, 3, 1, dilation, dilation, groups=inputs)
            last = nn.Conv2d(inputs, outputs, 1)
        else:
            first = nn.Conv2d(inputs, outputs, (3, 1), 1, (dilation, 0), (dilation, 1))
            last = nn.Conv2d(outputs, outputs, (1, 3), 1, (0, dilation), (1, dilation))
        return nn.Sequential(first, last, *after)

    with in_pytorch(conv3x3):
        yield


@contextmanager
def harmonic(folder: Path, dilation: int) -> Iterator[None]:
    """B's harmonic convolutions where dilations are at most this."""
    make = dilated_unet._conv3x3

    def conv3x3(inputs: int, outputs: int, its: int, normalise: bool) -> nn.Sequential:
        layers = make(inputs, outputs, its, normalise)
        return (
            nn.Sequential(HarmonicConv2d(inputs, outputs), *layers[1:])
            if its <= dilation
            else layers
        )

    with in_pytorch(conv3x3):
        yield


@contextmanager
def in_resolutions(folder: Path) -> Iterator[None]:
    """Blocks of three resolutions in place of convolutions (Miotello et al. 2023)."""
    make = dilated_unet._conv3x3

    def conv3x3(inputs: int, outputs: int, dilation: int, normalise: bool) -> nn.Sequential:
        _, *after = make(inputs, outputs, dilation, normalise)
        return nn.Sequential(Resolutions(inputs, outputs, dilation), *after)

    with in_pytorch(conv3x3):
        yield


class Resolutions(nn.Module):
    """Three 3x3 convolutions, one after the other, side by side, beside a 1x1 (MultiResUNet).

    The second sees as far as a 5x5 would, the third as a 7x7 (Ibtehaz and Rahman 2020).
    """

    def __init__(self, inputs: int, outputs: int, dilation: int):
        super().__init__()
        filters = [max(1, outputs // 6), max(1, outputs // 3)]
        filters.append(outputs - sum(filters))
        self.convs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 3, 1, dilation, dilation), nn.ReLU())
            for before, after in zip([inputs, *filters], filters, strict=False)
        )
        self.residual = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, F, T) -> (B, outputs, F, T)."""
        seen = [x]
        for conv in self.convs:
            seen.append(conv(seen[-1]))
        return torch.cat(seen[1:], dim=1) + self.residual(x)
