"""Spectral gating by the package `noisereduce`, with its defaults, as its users call it."""

from collections.abc import Sequence

import numpy as np

from dap.observation import Observation

BASELINES = {"spectral-gate": {"title": "spectral gating (noisereduce)", "tasks": ["denoise"]}}


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(1, samples) float32, clipped to [-1, 1]; silence comes back as silence.

    The default gate is not stationary: a bin is closed by how far it stands above its average over
    2 s, so steady sound is taken for noise, too.
    """
    signal = observation.signal
    if not signal.any():  # the package would divide by zero
        return np.zeros_like(signal)[np.newaxis]
    from noisereduce import reduce_noise

    restored = reduce_noise(y=signal, sr=observation.sample_rate)
    return np.clip(restored, -1, 1).astype(np.float32)[np.newaxis]
