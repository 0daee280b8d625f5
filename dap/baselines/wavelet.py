"""Wavelet denoising by empirical Bayes (Johnstone and Silverman 2004, 2005), as `wdenoise` does it.

sym4, as many levels as fit; the noise's deviation from the median of the finest coefficients; on
each level a prior of a spike at zero and the quasi-Cauchy density, whose weight is of maximum
marginal likelihood; and each coefficient replaced by its posterior median.
"""

from collections.abc import Callable, Sequence

import numpy as np

from dap.observation import Observation

BASELINES = {
    "wavelet": {"title": "wavelet denoising, empirical Bayes (sym4)", "tasks": ["denoise"]}
}

WAVELET = "sym4"
HALVINGS = 50  # of an interval, down to double precision


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(1, samples) float32, clipped to [-1, 1]."""
    return np.clip(denoise(observation.signal, posterior_median), -1, 1)[np.newaxis]


def denoise(signal: np.ndarray, shrink: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    """Shrink the wavelet details of a signal.

    Args:
        signal: (samples,); one too short for one level of sym4 (under 14 samples) is returned.
        shrink: details of one level in units of the noise's standard deviation, and the signal's
            length -> the same details, shrunk.

    Returns:
        (samples,) float32.
    """
    import pywt

    levels = pywt.dwt_max_level(signal.size, WAVELET)
    if levels == 0:
        return signal.astype(np.float32)
    approximation, *details = pywt.wavedec(signal.astype(np.float64), WAVELET, level=levels)
    std = np.median(np.abs(details[-1])) / 0.6745  # of a normal distribution, from its quartiles
    if std == 0:  # no noise, or most of the signal is digital silence
        return signal.astype(np.float32)
    shrunk = [std * shrink(level / std, signal.size) for level in details]
    return pywt.waverec([approximation, *shrunk], WAVELET)[: signal.size].astype(np.float32)


def posterior_median(details: np.ndarray, samples: int) -> np.ndarray:
    """Posterior medians under the quasi-Cauchy prior of the weight that fits the details best.

    Args:
        details: (n,), with noise of standard deviation 1.
        samples: has no influence: the weight adapts to the number of details.

    Returns:
        (n,), each of its detail's sign and no larger.
    """
    size = np.abs(details)
    weight = _likeliest_weight(size)
    # the median is 0, or where the posterior probability above it is 1/2
    low, high = np.zeros_like(size), size.copy()
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = _probability_above(middle, size, weight) > 0.5
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.sign(details) * high * (_probability_above(0 * size, size, weight) > 0.5)


def _likeliest_weight(size: np.ndarray) -> float:
    """The non-zero part's weight w that maximises sum ln((1 - w) phi + w g).

    It is at least that whose posterior median is 0 up to the universal threshold, and at most 1.
    """
    lowest = _weight_of_threshold(np.sqrt(2 * np.log(max(size.size, 2))))
    # the excess g / phi - 1 would overflow for larger details, which all mean the same for w
    size = np.minimum(size, 37.0)
    square = np.maximum(np.square(size), 1e-8)
    excess = np.expm1(square / 2) / square - 1
    # the score falls with w, so halving finds its zero, on a logarithmic scale
    low, high = np.log(lowest), 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        score = (excess / (1 + np.exp(middle) * excess)).sum()
        low, high = (middle, high) if score > 0 else (low, middle)
    return float(np.exp((low + high) / 2))


def _weight_of_threshold(threshold: float) -> float:
    """The weight at which the posterior median leaves 0 at `threshold`."""
    from scipy.special import ndtr

    density = np.exp(-np.square(threshold) / 2) / np.sqrt(2 * np.pi)
    odds = (ndtr(threshold) - threshold * density - 0.5) / (
        np.sqrt(np.pi / 2) * density * np.square(threshold)
    )
    return 1 / (1 + odds)


def _probability_above(value: np.ndarray, size: np.ndarray, weight: float) -> np.ndarray:
    """P(mean > value | an observation of `size`), for 0 <= value <= size.

    The prior's density is (1 - u R(u)) / sqrt(2 pi), R = (1 - Phi) / phi being Mills' ratio, and
    the marginal's g(z) = (1 - exp(-z^2 / 2)) / (sqrt(2 pi) z^2).
    """
    from scipy.special import erfcx, ndtr

    size = np.maximum(size, 1e-4)  # the limit at 0 is reached within rounding
    mills = np.sqrt(np.pi / 2) * erfcx(value / np.sqrt(2))
    gap = size - value
    density = np.exp(-np.square(gap) / 2) / np.sqrt(2 * np.pi)
    tail = ndtr(gap) - size * density + (size * value - 1) * density * mills
    # tail and evidence are both multiplied by sqrt(2 pi) z^2 / w
    evidence = 1 + np.exp(-np.square(size) / 2) * (np.square(size) * (1 / weight - 1) - 1)
    return tail / evidence
