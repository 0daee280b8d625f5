"""Decision-directed Wiener filter (Scalart and Filho 1996), the noise taken from the first samples.

As in paper B: alpha 0.99, windows of 25 ms shifted by 40 %, the noise from the first 1,024 samples.
The noise estimate is not updated later, so where a clip starts with sound, that is taken for noise.
"""

from collections.abc import Sequence

import numpy as np

from dap.observation import Observation

BASELINES = {
    "wiener": {"title": "Wiener filter, noise from the first 1,024 samples", "tasks": ["denoise"]}
}

ALPHA = 0.99
WINDOW_SECONDS = 0.025
SHIFT = 0.4  # of a window
NOISE_SAMPLES = 1024


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(1, samples) float32, clipped to [-1, 1] like the priors' estimates."""
    signal = wiener(observation.signal, observation.sample_rate)
    return np.clip(signal, -1, 1).astype(np.float32)[np.newaxis]


def wiener(signal: np.ndarray, sample_rate: int, *, noise_std: float | None = None) -> np.ndarray:
    """Filter a signal by G = xi / (1 + xi) in each bin of its short-time spectrum Y.

    xi_t = alpha G_{t-1}^2 |Y_{t-1}|^2 / L + (1 - alpha) max(|Y_t|^2 / L - 1, 0), L being the
    noise's power in the bin. Before the first frame G and |Y|^2 / L are 1.

    Args:
        signal: (samples,).
        sample_rate: in Hz.
        noise_std: the standard deviation of white noise, where it is known; None takes the mean
            power of the frames within the first 1,024 samples, or of the first frame.

    Returns:
        (samples,) float64. Where the noise has no power in a bin, nothing is taken away.
    """
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hamming

    length = round(WINDOW_SECONDS * sample_rate)
    hop = round(SHIFT * length)
    window = hamming(length, sym=False)
    # a shorter signal is filtered as one frame
    padded = np.zeros(max(signal.size, length))
    padded[: signal.size] = signal
    transform = ShortTimeFFT(window, hop, fs=sample_rate)
    spectrum = transform.stft(padded)  # (bins, frames)
    if noise_std is None:
        starts = range(0, max(min(NOISE_SAMPLES, padded.size) - length, 0) + 1, hop)
        first = np.stack([padded[start : start + length] for start in starts])
        noise = np.square(np.abs(np.fft.rfft(first * window))).mean(axis=0)
    else:
        noise = np.full(len(spectrum), noise_std**2 * np.square(window).sum())
    # a floor far below rounding: silence stays silent, and all that is louder passes
    posterior = np.square(np.abs(spectrum)) / np.maximum(noise, 1e-30)[:, np.newaxis]
    gains = decision_directed(posterior, ALPHA)
    return transform.istft(gains * spectrum, k1=padded.size)[: signal.size]


def decision_directed(posterior: np.ndarray, alpha: float) -> np.ndarray:
    """The gains G of `wiener`, (bins, frames), from the ratios |Y|^2 / L, of the same shape."""
    gains = np.empty_like(posterior)
    before = np.ones(len(posterior))  # G^2 times the posterior SNR of the frame before
    for t, gamma in enumerate(posterior.T):
        prior = alpha * before + (1 - alpha) * np.maximum(gamma - 1, 0)
        gains[:, t] = prior / (1 + prior)
        before = np.square(gains[:, t]) * gamma
    return gains
