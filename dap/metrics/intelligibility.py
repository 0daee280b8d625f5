"""Short-time objective intelligibility of speech."""

import warnings

import numpy as np

from dap.errors import extra
from dap.metrics.level import checked
from dap.metrics.remembered import remembered

METRICS = {"stoi": {"label": "STOI", "unit": "", "better": "higher", "speech": True, "whole": True}}


@remembered
def stoi(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """STOI (Taal et al. 2011), of the package `pystoi`, which resamples to 10 kHz.

    The mean correlation of third-octave envelopes over 0.384 s, about 0 to 1. A gain has
    no effect.

    Args:
        reference: clean signal, (samples,).
        estimate: (samples,).
        sample_rate: in Hz.
        where: must be None: STOI leaves out silent frames by itself.

    Returns:
        1 for a perfect estimate; NaN where a signal is silent, or fewer than 30 frames (0.4 s) of
        the reference are within 40 dB of its loudest.

    Raises:
        ValueError: `where` is not None; and as `dap.metrics.level.checked`.
    """
    with extra("metrics"):
        from pystoi import stoi as package

    if where is not None:
        raise ValueError("stoi scores whole signals: where must be None")
    reference, estimate, _ = checked(reference, estimate, None)
    # a window at 10 kHz, below which the package fails
    if reference.size < 0.0256 * sample_rate or not (reference.any() and estimate.any()):
        return float("nan")
    peaks = np.abs(reference).max(), np.abs(estimate).max()  # the package adds 1e-16 here and there
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Not enough STFT frames")
        try:
            return float(package(reference / peaks[0], estimate / peaks[1], sample_rate))
        except RuntimeWarning:  # the package would return 1e-5
            return float("nan")
