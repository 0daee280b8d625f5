"""Sample-by-sample metrics, and the check of arguments that all single-signal metrics share."""

import numpy as np

from dap.decibels import ratio_db, snr_db

METRICS = {
    "snr": {"label": "SNR", "unit": "dB", "better": "higher"},
    "psnr": {"label": "PSNR", "unit": "dB", "better": "higher"},
}


def snr(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Signal-to-noise ratio, 10 log10(sum x^2 / sum (x - y)^2), in dB.

    Args:
        reference: clean signal x, (samples,).
        estimate: y, (samples,).
        sample_rate: in Hz; has no influence.
        where: (samples,) bool, the samples to score; all where it is None.

    Returns:
        dB; +inf for a perfect estimate; NaN where the scored part of the reference is silent or
        holds no samples.

    Raises:
        ValueError: as `checked`.
    """
    reference, estimate, where = checked(reference, estimate, where)
    return snr_db(reference[where], reference[where] - estimate[where])


def psnr(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Peak signal-to-noise ratio for a peak of 1, 10 log10(1 / mean (x - y)^2), in dB.

    The peak is that of full scale, not of the clip (fidelity: psnr-of-a), so a silent reference
    is scored like any other.

    Args:
        reference: clean signal x, (samples,).
        estimate: y, (samples,).
        sample_rate: in Hz; has no influence.
        where: (samples,) bool, the samples to score; all where it is None.

    Returns:
        dB; +inf for a perfect estimate; NaN where there are no samples to score.

    Raises:
        ValueError: as `checked`.
    """
    reference, estimate, where = checked(reference, estimate, where)
    error = np.square(reference[where] - estimate[where])
    return ratio_db(error.size, error.sum())


def checked(
    reference: np.ndarray, estimate: np.ndarray, where: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A metric's arguments: two float64 signals and a mask, all of shape (samples,).

    Raises:
        ValueError: the signals are not one-dimensional or not of equal length, or hold samples that
            are not finite; `where` is not boolean or not of the signals' shape.
    """
    reference = np.asarray(reference, np.float64)
    estimate = np.asarray(estimate, np.float64)
    if reference.ndim != 1 or reference.shape != estimate.shape:
        raise ValueError(
            "reference and estimate must be one-dimensional and of equal length: "
            f"they have shapes {reference.shape} and {estimate.shape}"
        )
    for name, signal in (("reference", reference), ("estimate", estimate)):
        if not np.isfinite(signal).all():
            raise ValueError(f"{name} holds {(~np.isfinite(signal)).sum()} samples not finite")
    if where is None:
        return reference, estimate, np.ones(reference.shape, bool)
    where = np.asarray(where)
    if where.dtype != bool or where.shape != reference.shape:
        raise ValueError(
            f"where must be boolean of shape {reference.shape}: not {where.dtype} of {where.shape}"
        )
    return reference, estimate, where
