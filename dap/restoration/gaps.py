"""Gaps of a recording: from seconds to samples."""

from collections.abc import Sequence

import numpy as np

from dap.errors import DapError

PAST_END = 2  # samples


def gap_mask(gaps: Sequence[tuple[float, float]], samples: int, sample_rate: int) -> np.ndarray:
    """Which samples lie in a gap, (samples,) bool.

    A gap that ends up to two samples past the end is meant to end there: times are rounded.

    Raises:
        DapError: a gap is shorter than half a sample, or not inside of the recording.
    """
    return lost_samples(gap_runs(gaps, samples, sample_rate), 0, samples)


def gap_runs(
    gaps: Sequence[tuple[float, float]], samples: int, sample_rate: int
) -> list[tuple[int, int]]:
    """Where gaps start and end in samples, as `gap_mask` has them, with the same errors."""
    runs = []
    for start, end in gaps:
        if 0 < (end - start) * sample_rate < 0.5:
            raise DapError(
                f"the gap {start}-{end} s is shorter than half a sample, which is "
                f"{0.5 / sample_rate:.2g} s"
            )
        first, last = round(start * sample_rate), round(end * sample_rate)
        if start < end:
            last = max(last, first + 1)
        if samples < last <= samples + PAST_END:
            last = samples
        if not 0 <= first < last <= samples:
            raise DapError(
                f"the gap {start}-{end} s is not inside of the recording, which lasts "
                f"{samples / sample_rate:.3f} s"
            )
        runs.append((first, last))
    return runs


def lost_samples(runs: Sequence[tuple[int, int]], start: int, end: int) -> np.ndarray:
    """Which samples from `start` to `end` lie in a gap, (end - start,) bool."""
    lost = np.zeros(end - start, bool)
    for first, last in runs:
        lost[max(0, first - start) : max(0, last - start)] = True
    return lost
