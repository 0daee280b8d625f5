"""Signal-to-distortion ratio that no gain changes."""

import numpy as np

from dap.decibels import snr_db
from dap.metrics.level import checked

METRICS = {"si_sdr": {"label": "SI-SDR", "unit": "dB", "better": "higher"}}


def si_sdr(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Scale-invariant SDR, 10 log10(|a x|^2 / |a x - y|^2) with a = <x, y> / |x|^2, in dB.

    As in Le Roux et al. 2019 ("SDR: half-baked or well done?"). Means are not removed, as there.

    Args:
        reference: clean signal x, (samples,).
        estimate: y, (samples,).
        sample_rate: in Hz; has no influence.
        where: (samples,) bool, the samples to score; all where it is None.

    Returns:
        dB; +inf where y is a multiple of x; -inf where it has nothing of x; NaN where the scored
        part of either is silent or holds no samples.

    Raises:
        ValueError: as `dap.metrics.level.checked`.
    """
    reference, estimate, where = checked(reference, estimate, where)
    signals = [signal[where] for signal in (reference, estimate)]
    if not all(signal.any() for signal in signals):
        return float("nan")
    # peaks of 1: squares of faint signals would underflow
    x, y = (signal / np.abs(signal).max() for signal in signals)
    target = (x @ y) / (x @ x) * x
    if not target.any():
        return float("-inf")
    return snr_db(target, y - target)
