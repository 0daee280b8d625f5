"""The Wiener filter of `dap.baselines.wiener`, of white noise whose level the recording tells."""

import math
from collections.abc import Sequence

import numpy as np

from dap.baselines.wiener import wiener
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
    std = math.sqrt(white_noise_power(observation.signal))
    signal = wiener(observation.signal, observation.sample_rate, noise_std=std)
    return np.clip(signal, -1, 1).astype(np.float32)[np.newaxis]
