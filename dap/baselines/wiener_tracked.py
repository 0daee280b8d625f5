"""Decision-directed Wiener filter, the noise, of any colour, tracked through the recording."""

from collections.abc import Sequence

import numpy as np

from dap.baselines.wiener import decision_directed
from dap.noise import tracked_noise_power, white_noise_power
from dap.observation import Observation

BASELINES = {
    "wiener-tracked": {"title": "Wiener filter, noise tracked in each bin", "tasks": ["denoise"]}
}

ALPHA = 0.96
WINDOW_SECONDS = 0.064
OVERLAP = 8  # windows


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(1, samples) float32, clipped to [-1, 1].

    The noise is that of `dap.noise.tracked_noise_power`, or the white noise that explains the
    weakest bins, whichever is more in a bin.
    """
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    signal, rate = observation.signal.astype(float), observation.sample_rate
    hop = round(WINDOW_SECONDS * rate / OVERLAP)
    window = np.sqrt(hann(OVERLAP * hop, sym=False))
    padded = np.zeros(max(signal.size, len(window)))  # a shorter signal is filtered as one frame
    padded[: signal.size] = signal
    transform = ShortTimeFFT(window, hop, fs=rate)
    spectrum = transform.stft(padded)  # (bins, frames)
    powers = np.square(np.abs(spectrum))
    noise = tracked_noise_power(powers, rate / hop, transform.delta_f)
    white = white_noise_power(signal) * np.square(window).sum()
    posterior = powers / np.maximum(np.maximum(noise, white), 1e-30)
    gains = decision_directed(posterior, ALPHA)
    restored = transform.istft(gains * spectrum, k1=padded.size)[: signal.size]
    return np.clip(restored, -1, 1).astype(np.float32)[np.newaxis]
