"""A recording of any length in parts, which are cross-faded: an hour of it fits into the memory."""

from collections.abc import Callable

import numpy as np


def in_parts(
    process: Callable[[np.ndarray], np.ndarray],
    signal: np.ndarray,
    *,
    part: int,
    reach: int,
    fade: int,
) -> np.ndarray:
    """What a function makes of a signal, of which a long one is given in parts.

    Parts are equally long, `part` at most. Two overlap by twice the reach, and by `fade`: nothing
    is taken of what the function makes beside a cut.

    Args:
        process: (samples,) -> (samples,); it is equal to that of the whole but for `reach` samples
            beside a cut, if it knows no more of a part than of the whole.
        signal: (samples,).
        part, reach, fade: samples; a part is longer than two overlaps.

    Returns:
        (samples,), of the type that `process` gives.
    """
    samples, overlap = len(signal), 2 * reach + fade
    if samples <= part:
        return process(signal)
    count = -(-(samples - overlap) // (part - overlap))
    length = -(-(samples + (count - 1) * overlap) // count)
    total, weights = np.zeros((2, samples), signal.dtype)
    for start in np.linspace(0, samples - length, count).round().astype(int):
        end = start + length
        # nothing beside a cut, then a ramp
        ramp = np.clip((np.arange(length) + 1 - reach) / (fade + 1), 0, 1)
        weight = np.ones(length)
        if start > 0:
            weight = np.minimum(weight, ramp)
        if end < samples:
            weight = np.minimum(weight, ramp[::-1])
        total[start:end] += weight * process(signal[start:end])
        weights[start:end] += weight
    return total / weights
