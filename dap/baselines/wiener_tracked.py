"""Decision-directed Wiener filter, the noise, of any colour, tracked through the recording."""

from collections.abc import Callable, Sequence

import numpy as np

from dap.baselines.wiener import decision_directed
from dap.crossfade import in_parts
from dap.noise import noise_power
from dap.observation import Observation

BASELINES = {
    "wiener-tracked": {
        "title": "Wiener filter, white noise or noise tracked in each bin",
        "tasks": ["denoise"],
    }
}

# chosen on recordings for SNR and PESQ (docs/results/beyond.md)
ALPHA = 0.98
WINDOW_SECONDS = 0.064
OVERLAP = 8  # windows
# of long recordings; by then the tracker has forgotten where it began
PART_SECONDS, REACH_SECONDS, FADE_SECONDS = 60.0, 2.0, 0.064


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(1, samples) float32, clipped to [-1, 1]; the noise is that of `dap.noise.noise_power`."""
    signal = filtered(observation, noise_power)
    return np.clip(signal, -1, 1).astype(np.float32)[np.newaxis]


def filtered(observation: Observation, noise_of: Callable[..., np.ndarray]) -> np.ndarray:
    """An observation's signal by the filter of `dap.baselines.wiener`, with windows of 64 ms.

    Args:
        noise_of: the noise's power, as `dap.noise.noise_power`, of each part of a long recording.

    Returns:
        (samples,) float64.
    """
    rate = observation.sample_rate
    return in_parts(
        lambda signal: _filtered(signal, rate, noise_of),
        observation.signal.astype(float),
        part=round(PART_SECONDS * rate),
        reach=round(REACH_SECONDS * rate),
        fade=round(FADE_SECONDS * rate),
    )


def _filtered(signal: np.ndarray, rate: int, noise_of: Callable[..., np.ndarray]) -> np.ndarray:
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    hop = round(WINDOW_SECONDS * rate / OVERLAP)
    window = np.sqrt(hann(OVERLAP * hop, sym=False))
    padded = np.zeros(max(signal.size, len(window)))  # a shorter signal is filtered as one frame
    padded[: signal.size] = signal
    transform = ShortTimeFFT(window, hop, fs=rate)
    spectrum = transform.stft(padded)  # (bins, frames)
    powers = np.square(np.abs(spectrum)) / np.square(window).sum()
    # a floor far below rounding: silence stays silent, and all that is louder passes
    posterior = powers / np.maximum(noise_of(powers, signal, hop, rate), 1e-30)
    gains = decision_directed(posterior, ALPHA)
    return transform.istft(gains * spectrum, k1=padded.size)[: signal.size]
