"""Waveform to two real channels and back: the representation that every prior works on."""

from collections.abc import Callable

import torch
from torch import Tensor


class STFT:
    """A matched short-time Fourier transform whose real and imaginary parts are two channels.

    1022 / 64 with a Hann window for paper A and a rectangular one for paper B, analysis and
    synthesis with the same window, so that the round trip is exact to float32
    (fidelity: transform). It is not normalised (fidelity: loss-and-input), and has
    n_fft / 2 + 1 = 512 bins.
    """

    def __init__(self, n_fft: int, hop_length: int, window: str, device: str = "cpu"):
        self.n_fft = n_fft
        self.hop_length = hop_length
        windows: dict[str, Callable[..., Tensor]]
        windows = {"hann": torch.hann_window, "rectangular": torch.ones}
        self.window = windows[window](n_fft, device=device)

    @property
    def bins(self) -> int:
        """Number of frequency bins."""
        return self.n_fft // 2 + 1

    def frames(self, samples: int) -> int:
        """Number of frames of a signal; frame t is centred on sample t * hop_length."""
        return samples // self.hop_length + 1

    def analyse(self, signal: Tensor) -> Tensor:
        """(..., samples) -> (..., 2, bins, frames)."""
        flat = signal.reshape(-1, signal.shape[-1])
        # "constant" works for any length; frames are centred and reach half a window beyond the end
        spectrum = torch.stft(
            flat,
            self.n_fft,
            self.hop_length,
            window=self.window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )  # (n, bins, frames)
        channels = torch.stack((spectrum.real, spectrum.imag), dim=1)
        return channels.reshape(*signal.shape[:-1], *channels.shape[1:])

    def synthesise(self, channels: Tensor, samples: int) -> Tensor:
        """(..., 2, bins, frames) -> (..., samples)."""
        flat = channels.reshape(-1, *channels.shape[-3:])
        spectrum = torch.complex(flat[:, 0].contiguous(), flat[:, 1].contiguous())
        signal = torch.istft(
            spectrum,
            self.n_fft,
            self.hop_length,
            window=self.window,
            center=True,
            length=samples,
        )
        return signal.reshape(*channels.shape[:-3], samples)
