"""Wavelet denoising with the universal soft threshold (Donoho and Johnstone 1994)."""

from collections.abc import Sequence

import numpy as np

from dap.baselines.wavelet import denoise
from dap.observation import Observation

BASELINES = {
    "wavelet-universal": {
        "title": "wavelet denoising, universal soft threshold (sym4)",
        "tasks": ["denoise"],
    }
}


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(1, samples) float32, clipped to [-1, 1]."""
    return np.clip(denoise(observation.signal, soft), -1, 1)[np.newaxis]


def soft(details: np.ndarray, samples: int) -> np.ndarray:
    """Shrink (n,) details of noise of deviation 1 by sqrt(2 ln samples), to 0 at most."""
    threshold = np.sqrt(2 * np.log(samples))
    return np.sign(details) * np.maximum(np.abs(details) - threshold, 0)
