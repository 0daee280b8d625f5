"""Metrics of short frames of speech: those that Hu and Loizou (2008) combine with PESQ.

Frames of 30 ms start every 7.5 ms and are weighted by a Hann window without its zeros,
0.5 (1 - cos(2 pi n / (N + 1))). As in Loizou's published code ("Speech Enhancement: Theory and
Practice", 2nd edition, chapter 11), with which the numbers of the field are made, there are
floor((samples - N) / hop) of them: the last whole one is left out.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import toeplitz

from dap.metrics.level import checked
from dap.metrics.remembered import remembered

# "whole": has no value inside gaps alone
METRICS = {
    "llr": {"label": "LLR", "unit": "", "better": "lower", "speech": True, "whole": True},
    "wss": {"label": "WSS", "unit": "", "better": "lower", "speech": True, "whole": True},
    "ssnr": {
        "label": "Segmental SNR",
        "unit": "dB",
        "better": "higher",
        "whole": True,
    },
}

FRAME_SECONDS = 0.03
SSNR_DB = (-10.0, 35.0)
EPS = np.finfo(np.float64).eps
# Klatt's 25 critical bands in Hz, as Loizou's code has them: centres, and bandwidths from the
# first of 70 Hz on
CENTRES = np.array(
    [50.0, 120.0, 190.0, 260.0, 330.0, 400.0, 470.0, 540.0, 617.372, 703.378, 798.717, 904.128,
     1020.38, 1148.30, 1288.72, 1442.54, 1610.70, 1794.16, 1993.93, 2211.08, 2446.71, 2701.97,
     2978.04, 3276.17, 3597.63]
)  # fmt: skip
BANDWIDTHS = np.array(
    [70.0, 70.0, 70.0, 70.0, 70.0, 70.0, 70.0, 77.3724, 86.0056, 95.3398, 105.411, 116.256,
     127.914, 140.423, 153.823, 168.154, 183.457, 199.776, 217.153, 235.631, 255.255, 276.072,
     298.126, 321.465, 346.136]
)  # fmt: skip
K_MAX, K_LOCAL = 20.0, 1.0  # Klatt (1982), p. 1280


@remembered
def llr(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Log-likelihood ratio, ln(a_y R_x a_y' / a_x R_x a_x'), not capped.

    a are the prediction error filters of the frames of x and y by the autocorrelation method, of
    order 16 (10 below 10 kHz), R_x is the autocorrelation matrix of the frame of x. A gain of the
    estimate has no effect.

    Args:
        reference: clean signal x, (samples,).
        estimate: y, (samples,).
        sample_rate: in Hz.
        where: must be None.

    Returns:
        Mean of the lowest 95 % of the frames, 0 for a perfect estimate. Frames in which x is
        digital silence are left out. Where y alone is silent, a_y is that of a constant
        (fidelity: digital-silence). NaN if no frame is left.

    Raises:
        ValueError: `where` is not None; and as `dap.metrics.level.checked`.
    """
    clean, restored = _framed("llr", reference, estimate, sample_rate, where)
    heard = clean.any(axis=1)
    order = 10 if sample_rate < 10000 else 16
    clean, restored = clean[heard], restored[heard]
    # Loizou's code adds EPS to all samples; the filter of a constant is the same at any level
    constant = _window(restored.shape[1])
    restored = np.where(restored.any(axis=1, keepdims=True), restored, constant)
    filters, correlations = _predictors(clean, order)
    others, _ = _predictors(restored, order)
    matrices = correlations[:, toeplitz(np.arange(order + 1))]  # (frames, order + 1, order + 1)
    # prediction errors of the clean frames, by either filter
    smallest, actual = (
        np.einsum("fi,fij,fj->f", a, matrices, a, optimize=True) for a in (filters, others)
    )
    # an almost predictable frame has an error below the rounding error
    least = EPS * correlations[:, 0]
    return _lowest(np.log(np.maximum(actual, least) / np.maximum(smallest, least)))


@remembered
def wss(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Weighted spectral slope distance (Klatt 1982, in the form of Loizou's published code).

    The energies of 25 bands in dB, not below -100, have 24 slopes s from band to band. A frame's
    distance is sum W (s_x - s_y)^2 / sum W; W is the mean over x and y of
    20 / (20 + E_max - E) * 1 / (1 + E_peak - E), E_peak being the band next to the nearest
    spectral peak along the slope. Where the slope rises, that is the band below the peak, as in
    Loizou's code. The bands end at 3.8 kHz. Levels are those of a full scale of 1.

    Args:
        reference: clean signal x, (samples,).
        estimate: y, (samples,).
        sample_rate: in Hz, at least 8000.
        where: must be None.

    Returns:
        Mean of the lowest 95 % of the frames, 0 for a perfect estimate; NaN where the reference
        is silent or the signals have no whole frame.

    Raises:
        ValueError: a lower sample rate; `where` is not None; and as `dap.metrics.level.checked`.
    """
    if sample_rate < 8000:
        raise ValueError(f"wss needs a sample rate of at least 8000 Hz: it is {sample_rate}")
    clean, restored = _framed("wss", reference, estimate, sample_rate, where)
    if not clean.any():
        return float("nan")
    bands = _bands(clean.shape[1], sample_rate)
    (slopes, weights), (others, other_weights) = (
        _slopes(frames, bands) for frames in (clean, restored)
    )
    weights = (weights + other_weights) / 2
    return _lowest((weights * np.square(slopes - others)).sum(axis=1) / weights.sum(axis=1))


@remembered
def ssnr(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Segmental SNR, the mean over frames of 10 log10(sum x^2 / sum (x - y)^2), in dB.

    Each frame is clamped to -10..35 dB.

    Args:
        reference: clean signal x, (samples,).
        estimate: y, (samples,).
        sample_rate: in Hz.
        where: must be None.

    Returns:
        dB; a frame without error has 35, any other in which x is digital silence -10. NaN where
        the whole reference is silent or the signals have no whole frame.

    Raises:
        ValueError: `where` is not None; and as `dap.metrics.level.checked`.
    """
    clean, restored = _framed("ssnr", reference, estimate, sample_rate, where)
    if not clean.any():
        return float("nan")
    signal, error = (np.square(frames).sum(axis=1) for frames in (clean, clean - restored))
    low, high = SSNR_DB
    frames = np.where(error == 0, high, low)
    both = (signal > 0) & (error > 0)
    frames[both] = np.clip(10 * (np.log10(signal[both]) - np.log10(error[both])), low, high)
    return float(frames.mean())


def _framed(
    name: str,
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None,
) -> list[np.ndarray]:
    """Two signals -> two arrays of windowed frames, (frames, samples), maybe without frames."""
    if where is not None:
        raise ValueError(f"{name} scores whole signals: where must be None")
    reference, estimate, _ = checked(reference, estimate, None)
    length = round(FRAME_SECONDS * sample_rate)
    hop = length // 4
    count = max(0, (reference.size - length) // hop)
    if count == 0:
        return [np.empty((0, length))] * 2
    return [
        sliding_window_view(signal, length)[: count * hop : hop] * _window(length)
        for signal in (reference, estimate)
    ]


def _window(length: int) -> np.ndarray:
    return 0.5 * (1 - np.cos(2 * np.pi * np.arange(1, length + 1) / (length + 1)))


def _lowest(distances: np.ndarray) -> float:
    """Mean of the lowest 95 %, their number rounded half up; NaN where there are none."""
    count = (19 * distances.size + 10) // 20
    return float(np.sort(distances)[:count].mean()) if count else float("nan")


def _predictors(frames: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Prediction error filters by the Levinson-Durbin recursion, over all frames at once.

    The recursion magnifies rounding errors: of a windowed constant, whose error is 2e-11 of its
    energy, the filter keeps three digits. So sums are pairwise, and frames are scaled by powers of
    2, which round nothing.

    Args:
        frames: (frames, samples), none of which is silent.

    Returns:
        filters (frames, order + 1), whose first tap is 1, and autocorrelations of the same shape,
        of frames scaled to a peak of 0.5 to 1.
    """
    samples = frames.shape[1]
    # the energy of a faint frame would underflow
    _, exponents = np.frexp(np.abs(frames).max(axis=1, keepdims=True, initial=0))
    frames = np.ldexp(frames, -exponents)
    lags = [(frames[:, : samples - lag] * frames[:, lag:]).sum(axis=1) for lag in range(order + 1)]
    correlations = np.stack(lags, axis=1)
    filters = np.zeros_like(correlations)
    filters[:, 0] = 1
    error = correlations[:, 0]
    for i in range(1, order + 1):
        inner = np.einsum("fj,fj->f", filters[:, :i], correlations[:, i:0:-1])
        reflection = np.clip(-inner / error, -1, 1)
        filters[:, 1 : i + 1] += reflection[:, None] * filters[:, i - 1 :: -1][:, :i]
        error = np.maximum(error * (1 - np.square(reflection)), EPS * correlations[:, 0])
    return filters, correlations


def _bands(length: int, sample_rate: int) -> np.ndarray:
    """Gaussian critical-band filters over the FFT's bins, (bands, bins); equal areas."""
    bins = 2 ** int(np.ceil(np.log2(2 * length))) // 2
    centres = np.floor(CENTRES / (sample_rate / 2) * bins)[:, None]
    widths = (BANDWIDTHS / (sample_rate / 2) * bins)[:, None]
    filters = np.exp(-11 * np.square((np.arange(bins) - centres) / widths))
    filters *= BANDWIDTHS[0] / BANDWIDTHS[:, None]
    filters[filters <= np.exp(-30 / (2 * 2.303))] = 0  # Loizou's "-30 dB point"
    return filters


def _slopes(frames: np.ndarray, bands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of the band energies in dB from band to band, and Klatt's weights: (frames, 24)."""
    bins = bands.shape[1]
    power = np.square(np.abs(np.fft.rfft(frames, 2 * bins)[:, :bins]))
    energy = 10 * np.log10(np.maximum(power @ bands.T, 1e-10))
    slopes = np.diff(energy, axis=1)
    count = slopes.shape[1]
    peaks = np.empty_like(slopes)
    rising = slopes > 0
    # where the slope falls, the peak is the band at which the fall began, on the left
    for i in range(count):
        before = peaks[:, i - 1] if i else energy[:, 0]
        starts = rising[:, i - 1] if i else True
        peaks[:, i] = np.where(starts, energy[:, i], before)
    # where it rises, the band before the one at which the rise ends, on the right
    ends = np.empty_like(slopes)
    for i in reversed(range(count)):
        last = True if i == count - 1 else ~rising[:, i + 1]
        ends[:, i] = np.where(last, energy[:, i], ends[:, min(i + 1, count - 1)])
    peaks = np.where(rising, ends, peaks)
    largest = energy.max(axis=1, keepdims=True)
    energy = energy[:, :count]
    weights = K_MAX / (K_MAX + largest - energy) * K_LOCAL / (K_LOCAL + peaks - energy)
    return slopes, weights
