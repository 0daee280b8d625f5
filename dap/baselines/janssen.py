"""Autoregressive inpainting (Janssen, Veldhuis and Vries 1986), gap by gap.

Two estimates alternate: the autoregressive coefficients, from the sound around a gap with the gap
filled, and the gap's samples, as those that leave the least prediction error. The order is the
paper's 3 m + 2 for gaps of m samples, up to 1,024: gaps here are far longer than the few samples
that it was written for.
"""

from collections.abc import Sequence

import numpy as np

from dap.observation import Observation, dropouts

BASELINES = {"janssen": {"title": "autoregressive inpainting (Janssen)", "tasks": ["inpaint"]}}

ORDER = 1024
ITERATIONS = 5
CONTEXT_SECONDS = 0.256  # on each side
SHORTEST = 64  # samples of context; with less on one side, the gap is predicted from the other
WHITE = 1e-9  # white noise added to the autocorrelation, re the signal's power: -90 dB


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """The same signal for each output, (outputs, samples) float32.

    Of whole frames that were lost, only what no frame saw is filled: a prior that fits the frames
    beside them knows as much.
    """
    signal, mask = dropouts(observation)
    context = round(CONTEXT_SECONDS * observation.sample_rate)
    filled = inpaint(signal, mask, context=context).astype(np.float32)
    return np.repeat(filled[np.newaxis], len(outputs), axis=0)


def inpaint(
    signal: np.ndarray, mask: np.ndarray, *, context: int, order: int = ORDER
) -> np.ndarray:
    """Fill every run of lost samples, from left to right.

    Args:
        signal: (samples,) float64; what it holds where samples are lost has no influence.
        mask: (samples,) bool.
        context: how many samples on each side of a gap are looked at, up to the next gap.
        order: of the autoregressive model, where gap and context are long enough.

    Returns:
        (samples,); samples that are not lost are untouched, the others clipped to [-1, 1]. Without
        any sound around a gap it is filled with zeros.
    """
    filled = np.where(mask, 0.0, signal)
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    nexts = np.r_[starts, len(signal)][1:]
    for start, end, following in zip(starts, ends, nexts, strict=True):
        first, last = max(0, start - context), min(following, end + context)
        part = filled[first:last]  # a view: gaps that are filled are context of the next one
        gap = slice(start - first, end - first)
        left, right = gap.start, len(part) - gap.stop
        if min(left, right) >= SHORTEST:
            largest = min(order, 3 * (end - start) + 2, left, right)
            for _ in range(ITERATIONS):
                part[gap] = _between(part, gap, _coefficients(part, largest))
        elif left >= right:
            part[gap] = _predicted(part[: gap.start], end - start, order)
        else:
            part[gap] = _predicted(part[: gap.stop - 1 : -1], end - start, order)[::-1]
        part[gap] = np.clip(part[gap], -1, 1)
    return filled


def _coefficients(signal: np.ndarray, order: int) -> np.ndarray:
    """The prediction error filter (1, a_1, ..., a_order) by the autocorrelation method.

    The signal is tapered by a Hann window, without which the edges limit how well long gaps fill.
    """
    from scipy.linalg import solve_toeplitz

    tapered = signal * np.hanning(len(signal) + 2)[1:-1]
    power = np.square(np.abs(np.fft.rfft(tapered, 2 * len(signal))))
    lags = np.fft.irfft(power)[: order + 1]
    if lags[0] <= 0:  # silence
        return np.r_[1.0, np.zeros(order)]
    lags /= lags[0]
    lags[0] += WHITE
    return np.r_[1.0, -solve_toeplitz(lags[:-1], lags[1:])]


def _between(part: np.ndarray, gap: slice, error_filter: np.ndarray) -> np.ndarray:
    """The gap's samples of least squared prediction error.

    With b_l = sum_i a_i a_{i+l} they solve sum_j b_{|i-j|} x_j = -sum_k b_{|i-k|} x_k, j over the
    gap and k over the samples known.
    """
    from scipy.linalg import solve_toeplitz

    order = len(error_filter) - 1
    lags = np.correlate(error_filter, error_filter, "full")[order:]
    known = part[gap.start - order : gap.stop + order].copy()
    known[order:-order] = 0
    right_side = -np.convolve(known, np.r_[lags[:0:-1], lags], "valid")
    column = np.zeros(gap.stop - gap.start)
    count = min(len(column), order + 1)
    column[:count] = lags[:count]
    return solve_toeplitz(column, right_side)


def _predicted(known: np.ndarray, samples: int, order: int) -> np.ndarray:
    """What follows the known samples, by prediction alone."""
    from scipy.signal import lfilter, lfiltic

    order = min(order, len(known) // 2)
    if order == 0:
        return np.zeros(samples)
    error_filter = _coefficients(known, order)
    state = lfiltic([1.0], error_filter, known[::-1][:order])
    return lfilter([1.0], error_filter, np.zeros(samples), zi=state)[0]
