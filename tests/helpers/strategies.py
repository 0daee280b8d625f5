"""What hypothesis draws signals from; a failure prints the call that made one, not its samples."""

import numpy as np
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)


def signals(lengths: st.SearchStrategy[int], level: float = 1.0) -> st.SearchStrategy[np.ndarray]:
    """Uniform noise within `level` of 0, float32 (samples,), maybe a stretch of it silent."""
    return st.builds(
        uniform, samples=lengths, level=st.just(level), silence=st.booleans(), seed=SEEDS
    )


def uniform(samples: int, level: float, silence: bool, seed: int) -> np.ndarray:
    """One of `signals`."""
    rng = np.random.default_rng(seed)
    signal = rng.uniform(-level, level, samples).astype(np.float32)
    if silence:
        start, end = np.sort(rng.integers(0, samples + 1, 2))
        signal[start:end] = 0
    return signal
