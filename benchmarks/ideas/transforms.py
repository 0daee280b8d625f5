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


class TwoWindows(STFT):
    """Spectrograms of the window and of one half as long, in bins of the same width."""

    def __init__(self, n_fft: int, hop_length: int, window: str, device: str = "cpu"):
        super().__init__(n_fft, hop_length, window, device)
        self.short = STFT(n_fft, hop_length, window, device)
        half = STFT(n_fft // 2, hop_length, window, device).window
        left = (n_fft - len(half)) // 2
        self.short.window = functional.pad(half, (left, n_fft - len(half) - left))
        # noise is as strong in both
        self.gain = (self.window.square().sum() / half.square().sum()).sqrt()

    def analyse(self, signal: Tensor) -> Tensor:
        """(..., samples) -> (..., 4, bins, frames)."""
        return torch.cat((super().analyse(signal), self.gain * self.short.analyse(signal)), dim=-3)

    def synthesise(self, channels: Tensor, samples: int) -> Tensor:
        """(..., 4, bins, frames) -> (..., samples), the mean of the two signals."""
        long, short = channels.split(2, dim=-3)
        signals = super().synthesise(long, samples), self.short.synthesise(short, samples)
        return (signals[0] + signals[1] / self.gain) / 2


class LearnedSynthesis(STFT):
    """Each filter of synthesis has a factor for each of its samples, learned from 1.

    Attributes:
        factors: (2, bins, n_fft) of the real and of the imaginary part.
    """

    def __init__(self, n_fft: int, hop_length: int, window: str, device: str = "cpu"):
        super().__init__(n_fft, hop_length, window, device)
        unit = torch.eye(self.bins, device=device)
        parts = torch.stack((torch.complex(unit, 0 * unit), torch.complex(0 * unit, unit)))
        self.filters = self.window * torch.fft.irfft(parts, n_fft)  # (2, bins, n_fft)
        self.factors = torch.nn.Parameter(torch.ones_like(self.filters))

    def synthesise(self, channels: Tensor, samples: int) -> Tensor:
        """(..., 2, bins, frames) -> (..., samples)."""
        flat = channels.reshape(-1, *channels.shape[-3:])
        factors = self.factors if channels.requires_grad else self.factors.detach()
        frames = torch.einsum("npft,pfs->nst", flat, self.filters * factors)
        windows = self.window.square()[None, :, None].expand(1, -1, flat.shape[-1])
        sums = [self._added(x)[..., self.n_fft // 2 :][..., :samples] for x in (frames, windows)]
        return (sums[0] / sums[1]).reshape(*channels.shape[:-3], samples)

    def _added(self, frames: Tensor) -> Tensor:
        """(n, n_fft, frames) -> (n, samples), overlapped and added."""
        length = self.n_fft + (frames.shape[-1] - 1) * self.hop_length
        size, step = (1, self.n_fft), (1, self.hop_length)
        return functional.fold(frames, (1, length), size, stride=step)[:, 0, 0]


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
