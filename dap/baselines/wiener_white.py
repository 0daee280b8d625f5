"""The Wiener filter of `dap.baselines.wiener_tracked`, of white noise alone."""

from collections.abc import Sequence

import numpy as np

from dap.baselines.wiener_tracked import filtered
from dap.noise import white_noise_power
from dap.observation import Observation

BASELINES = {
    "wiener-white": {
        "title": "Wiener filter, white noise found in the weakest bins",
        "tasks": ["denoise"],
    }
}


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(1, samples) float32, clipped to [-1, 1]; next to the observation, without white noise."""
    signal = filtered(observation, _white)
    return np.clip(signal, -1, 1).astype(np.float32)[np.newaxis]


def _white(powers: np.ndarray, signal: np.ndarray, hop: int, sample_rate: int) -> np.ndarray:
    return np.full_like(powers, white_noise_power(signal))
