"""Ratios of energies in dB."""

import numpy as np


def snr_db(signal: np.ndarray, noise: np.ndarray) -> float:
    """Signal-to-noise ratio, 10 log10(sum x^2 / sum n^2), in dB; `ratio_db` has its limits.

    Args:
        signal: x, of any shape.
        noise: n, the noise or the error of an estimate, of any shape.
    """
    return ratio_db(
        np.square(signal, dtype=np.float64).sum(), np.square(noise, dtype=np.float64).sum()
    )


def ratio_db(signal: float, noise: float) -> float:
    """10 log10(signal / noise) of two energies: NaN where signal is 0, else +inf where noise is."""
    if signal == 0:
        return float("nan")
    if noise == 0:
        return float("inf")
    # a difference of logarithms, since the quotient of a tiny error may overflow; noise > signal
    # by any factor is fine: the answer is negative
    return float(10 * (np.log10(signal) - np.log10(noise)))
