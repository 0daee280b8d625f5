"""A recording of any length in parts, which are cross-faded: an hour of it fits into the memory."""

from collections.abc import Callable, Sequence

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


class Joiner:
    """Estimates of overlapping parts of a long signal, cross-faded into one, in order.

    No more of the signal is held than later parts reach: what is done is given out.

    Args:
        parts: starts and ends in samples, both rising; they overlap by `fade` and twice the reach,
            or more, and cover the signal, which ends with the last.
        fade: samples of a ramp.
        reach: samples beside a cut of which nothing is taken.
    """

    def __init__(self, parts: Sequence[tuple[int, int]], fade: int, reach: int = 0):
        self.parts, self.fade, self.reach = parts, fade, reach
        self.count = 0  # of parts that were added
        self.total, self.weights = np.zeros((2, 0))

    def add(self, estimate: np.ndarray) -> np.ndarray:
        """Join the next part.

        Args:
            estimate: (samples,) of the part.

        Returns:
            (samples,) float64, what follows what was given out before, up to the next part's start;
            after the last part, up to the end.
        """
        start, end = self.parts[self.count]
        last = self.count + 1 == len(self.parts)
        following = end if last else self.parts[self.count + 1][0]
        # A ramp where another part is faded from or to, and none at the signal's ends: a part that
        # begins soon after would be there at once
        ramp = np.clip((np.arange(end - start) + 1 - self.reach) / (self.fade + 1), 0, 1)
        weight = np.ones(end - start)
        if start > 0:
            weight = np.minimum(weight, ramp)
        if end < self.parts[-1][1]:
            weight = np.minimum(weight, ramp[::-1])
        self.total = np.pad(self.total, (0, end - start - len(self.total)))
        self.weights = np.pad(self.weights, (0, end - start - len(self.weights)))
        self.total += weight * estimate
        self.weights += weight
        done = following - start
        joined = self.total[:done] / self.weights[:done]
        self.total, self.weights = self.total[done:], self.weights[done:]
        self.count += 1
        return joined
