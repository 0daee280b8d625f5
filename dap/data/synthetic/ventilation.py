"""Synthetic ventilation: broadband hiss, the environmental noise with the least structure."""

import numpy as np
from scipy import signal

from dap.data.synthetic._synthesis import drift, normalise

SYNTHETIC = {"ventilation": {"title": "synthetic noise: ventilation hiss"}}


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """White noise behind a gentle low-pass of the first order, that swells slowly.

    Returns:
        (samples,) float32 of peak 0.9.
    """
    cut = rng.uniform(0.1, 0.3) * sample_rate
    shape = signal.butter(1, cut, fs=sample_rate, output="sos")
    warm = round(0.02 * sample_rate)  # until the filter rings
    sound = signal.sosfilt(shape, rng.standard_normal(samples + warm))[warm:]
    swell = 1.0 + rng.uniform(0.05, 0.2) * drift(rng, samples, sample_rate, 1.0)
    return normalise(sound * swell)
