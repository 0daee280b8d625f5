"""The Wave-U-Net of Michelashvili and Wolf (2019): a U-Net of 1-d convolutions on the waveform."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from dap.errors import DapError

LEVELS = 6
FILTERS = 60  # times the level
KERNEL_DOWN, KERNEL_UP = 15, 5
SLOPE = 0.1
# a level of one sample has no variance to normalise by
SHORTEST = 2**LEVELS + 1


class Layer(nn.Sequential):
    """Convolution, zero-padded to keep the length, batch normalisation, leaky ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int):
        super().__init__(
            nn.Conv1d(in_channels, out_channels, kernel, padding=kernel // 2),
            nn.BatchNorm1d(out_channels, track_running_stats=False),
            nn.LeakyReLU(SLOPE),
        )


class WaveUNet(nn.Module):
    """Six levels of 60, 120, ..., 360 filters, of length 15 on the way down and 5 on the way up.

    Down, the second of every two samples is dropped, so that a level of n samples precedes one
    of ceil(n / 2); a layer of 360 filters of length 15 lies below the last. Up, samples are doubled
    by linear interpolation, cut to the length of the level's features, which are concatenated, and
    convolved. The last layer, of length 1, sees the input again, and ends in a tanh. Statistics are
    always those of the one signal.

    Args:
        width: factor on every number of filters; 1 is the paper's, with 9,279,602 parameters.
    """

    # in PyTorch's mixed precision on a CPU, too: the layers are long enough to gain from it
    autocast = True

    def __init__(self, *, width: float = 1.0, in_channels: int = 1, out_channels: int = 1):
        super().__init__()
        filters = [max(1, round(FILTERS * i * width)) for i in range(1, LEVELS + 1)]
        above = [in_channels, *filters[:-1]]
        self.down = nn.ModuleList(map(Layer, above, filters, [KERNEL_DOWN] * LEVELS))
        self.bottom = Layer(filters[-1], filters[-1], KERNEL_DOWN)
        below = [*filters[1:], filters[-1]]
        self.up = nn.ModuleList(
            Layer(deep + skip, skip, KERNEL_UP)
            for deep, skip in zip(reversed(below), reversed(filters), strict=True)
        )
        self.final = nn.Conv1d(filters[0] + in_channels, out_channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        """(B, in_channels, S) -> (B, out_channels, S) within [-1, 1].

        Raises:
            DapError: fewer than 65 samples.
        """
        if z.shape[-1] < SHORTEST:
            raise DapError(
                f"the signal has {z.shape[-1]} samples; wave-u-net needs at least {SHORTEST}"
            )
        x, skips = z, []
        for layer in self.down:
            skips.append(layer(x))  # (B, 60 i, S / 2^(i - 1))
            x = skips[-1][..., ::2]
        x = self.bottom(x)  # (B, 360, S / 64)
        for layer, skip in zip(self.up, reversed(skips), strict=True):
            x = functional.interpolate(x, scale_factor=2, mode="linear", align_corners=False)
            x = layer(torch.cat((x[..., : skip.shape[-1]], skip), dim=1))
        # in float32: bfloat16 would round the waveform to 8 bits
        with torch.autocast("cuda" if z.is_cuda else "cpu", enabled=False):
            return torch.tanh(self.final(torch.cat((x.float(), z), dim=1)))


def wave_u_net(
    *, width: float, network: str = "code", in_channels: int = 1, out_channels: int = 1
) -> WaveUNet:
    """The network; `network`, a choice of paper A's, is not used."""
    return WaveUNet(width=width, in_channels=in_channels, out_channels=out_channels)
