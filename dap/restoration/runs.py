"""Runs of samples: where they start and end."""

import numpy as np

SILENCE_SECONDS = 0.01


def runs(mask: np.ndarray) -> np.ndarray:
    """Starts and ends of the runs of true samples, (runs, 2) int.

    >>> runs(np.array([True, False, True, True])).tolist()
    [[0, 1], [2, 4]]
    """
    edges = np.diff(np.r_[False, mask, False].astype(np.int8))
    return np.flatnonzero(edges).reshape(-1, 2)


def held(frames: np.ndarray) -> np.ndarray:
    """Starts and ends of the runs of equal samples, two at least, (runs, 2) int.

    Args:
        frames: (samples,), or (samples, channels), of which all are to be equal.
    """
    frames = frames.reshape(len(frames), -1)
    found = runs((frames[1:] == frames[:-1]).all(axis=1))
    return found + np.array([0, 1])


def digital_silence(signal: np.ndarray, sample_rate: int) -> np.ndarray:
    """Which samples are of a run of equal ones that lasts 10 ms, (samples,) bool."""
    silent = np.zeros(len(signal), bool)
    found = held(signal)
    for start, end in found[np.diff(found)[:, 0] >= SILENCE_SECONDS * sample_rate]:
        silent[start:end] = True
    return silent
