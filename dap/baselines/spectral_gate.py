"""Spectral gating by the package `noisereduce`, with its defaults, as its users call it."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

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
    # it imports PyTorch, where there is one, for a gate of that, which takes seconds
    with _hidden("torch"):
        from noisereduce import reduce_noise

    restored = reduce_noise(y=signal, sr=observation.sample_rate)
    return np.clip(restored, -1, 1).astype(np.float32)[np.newaxis]


class _NotFound(MetaPathFinder):
    """Has the import of a module fail, as if it were not installed."""

    def __init__(self, name: str):
        self.name = name

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == self.name:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Have the import of a module fail, unless it was imported before."""
    finder = _NotFound(name)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
