"""Transforms in place of `dap.stft.STFT`, for `benchmarks.ideas`."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from dap.stft import STFT


class Compressed(STFT):
    """Magnitudes are replaced by their square roots; phases stay."""

    def analyse(self, signal: Tensor) -> Tensor:
        """(..., samples) -> (..., 2, bins, frames)."""
        return _powered(super().analyse(signal), 0.5)

    def synthesise(self, channels: Tensor, samples: int) -> Tensor:
        """(..., 2, bins, frames) -> (..., samples)."""
        return super().synthesise(_powered(channels, 2.0), samples)


def _powered(channels: Tensor, power: float) -> Tensor:
    """(..., 2, bins, frames), each bin's magnitude to a power."""
    magnitudes = channels.square().sum(dim=-3, keepdim=True)
    tiny = torch.finfo(channels.dtype).tiny
    return channels * magnitudes.clamp(min=tiny).pow((power - 1) / 2)


class MDCT(STFT):
    """The modified discrete cosine transform of 512 bins: real, orthonormal, as many as samples.

    Sine window of 1,024 samples, hop of 512. Even frames are one channel, odd ones the other.
    """

    def __init__(self, n_fft: int, hop_length: int, window: str, device: str = "cpu"):
        super().__init__(n_fft, hop_length, window, device)
        n = torch.arange(2 * self.bins, dtype=torch.float64, device=device) + 0.5
        k = torch.arange(self.bins, dtype=torch.float64, device=device) + 0.5
        basis = torch.cos(math.pi / self.bins * torch.outer(n + self.bins / 2, k))
        self.window = torch.sin(math.pi / (2 * self.bins) * n).float()
        self.basis = math.sqrt(2 / self.bins) * self.window[:, None] * basis.float()

    def analyse(self, signal: Tensor) -> Tensor:
        """(..., samples) -> (..., 2, bins, frames)."""
        hops = -(-signal.shape[-1] // self.bins)
        hops += (hops + 1) % 2  # one frame more than hops, an even number
        beyond = (hops + 1) * self.bins - signal.shape[-1]
        padded = functional.pad(signal, (self.bins, beyond))
        frames = padded.unfold(-1, 2 * self.bins, self.bins) @ self.basis  # (..., hops + 1, bins)
        return frames.unflatten(-2, (-1, 2)).movedim(-3, -1)

    def synthesise(self, channels: Tensor, samples: int) -> Tensor:
        """(..., 2, bins, frames) -> (..., samples)."""
        frames = channels.movedim(-1, -3).flatten(-3, -2) @ self.basis.T  # (..., hops + 1, 2 bins)
        first, second = frames.split(self.bins, dim=-1)
        signal = first[..., 1:, :] + second[..., :-1, :]
        return signal.flatten(-2)[..., :samples]
