"""The Wiener filter of `dap.baselines.wiener`, told the level of the white noise."""

from collections.abc import Sequence

import numpy as np

from dap.baselines.wiener import wiener
from dap.errors import DapError
from dap.observation import Observation

# "corruptions": those whose observations tell what it needs
BASELINES = {
    "wiener-known": {
        "title": "Wiener filter, noise level known",
        "tasks": ["denoise"],
        "corruptions": ["gaussian"],
    }
}


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(1, samples) float32, clipped to [-1, 1].

    Raises:
        DapError: the observation does not tell its noise level.
    """
    if "noise_std" not in observation.known:
        raise DapError("wiener-known needs the noise level, which is not known here: take wiener")
    std = float(observation.known["noise_std"])
    signal = wiener(observation.signal, observation.sample_rate, noise_std=std)
    return np.clip(signal, -1, 1).astype(np.float32)[np.newaxis]
