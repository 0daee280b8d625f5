"""Two sources from one mixture, what rings and what strikes, by median filtering (Fitzgerald 2010).

Tones are lines along time in a spectrogram, and strikes lines along frequency: a median over time
keeps the first, one over frequency the second, and a Wiener mask is made of both. Nothing is
trained, and nothing is random. It is for mixtures of such two alone.
"""

from collections.abc import Sequence

import numpy as np

from dap.observation import Observation

BASELINES = {"hpss": {"title": "median filtering of tones and strikes", "tasks": ["separate"]}}

# of 32 to 256 ms, 0.1 to 1.2 s, and 150 to 2500 Hz, on mixtures of piano and drums
# (docs/separation.md)
WINDOW_SECONDS = 0.128
TONE_SECONDS = 0.8
STRIKE_HERTZ = 1500


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(2, samples) float32, clipped to [-1, 1]: tones, and strikes, which add up to the mixture."""
    sources = separate(observation.signal, observation.sample_rate)
    return np.clip(sources, -1, 1).astype(np.float32)


def separate(mixture: np.ndarray, sample_rate: int) -> np.ndarray:
    """(samples,) -> (2, samples) float64: tones, strikes; silence gives silence."""
    from scipy.ndimage import median_filter
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    n_fft = 8 * round(WINDOW_SECONDS * sample_rate / 8)
    hop, beyond = n_fft // 8, n_fft // 2
    # with the window's own length, frames reach a window beyond the ends: into silence
    padded = np.pad(np.asarray(mixture, np.float64), beyond)
    transform = ShortTimeFFT(hann(n_fft, sym=False), hop, fs=sample_rate)
    spectrum = transform.stft(padded)  # (bins, frames)
    magnitudes = np.abs(spectrum)
    tones = median_filter(magnitudes, (1, _odd(TONE_SECONDS * sample_rate / hop)))
    strikes = median_filter(magnitudes, (_odd(STRIKE_HERTZ * n_fft / sample_rate), 1))
    total = np.square(tones) + np.square(strikes)
    mask = np.where(total > 0, np.square(tones) / np.where(total > 0, total, 1), 0.5)
    source = transform.istft(mask * spectrum, k1=padded.size)[beyond:][: mixture.size]
    return np.stack((source, mixture - source))


def _odd(count: float) -> int:
    """The largest odd number up to a count."""
    return (int(count) - 1) // 2 * 2 + 1
