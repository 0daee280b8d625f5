"""How a long recording is divided into windows, which overlap, and are joined clear of its gaps."""

from collections.abc import Sequence

import numpy as np

# so far a joint may be moved, re the distance of two
MOVED = 0.25


def windows(
    samples: int, length: int, overlap: int, gaps: Sequence[tuple[int, int]] = ()
) -> list[tuple[int, int]]:
    """Starts and ends of windows that cover all samples, in samples.

    They are equally long but for rounding, and for where a gap lies: no overlap touches one, if the
    recording has so long a stretch without any near by. Then a window has as much sound on both
    sides of a gap as the overlap is long, or more. Else the overlap lies where the distance to gaps
    is largest. Each window begins after the one before it, and ends after it.

    Args:
        length: of a window, at most, where no gap has it longer; more than twice the overlap.
        overlap: of a window and the next one.
        gaps: starts and ends, in any order; they may overlap.
    """
    if samples <= length:
        return [(0, samples)]
    count = -(-(samples - overlap) // (length - overlap))
    longest = -(-(samples + (count - 1) * overlap) // count)
    starts = np.linspace(0, samples - longest, count).round().astype(int)[1:]
    free = _between(gaps, samples)
    reach = int(MOVED * (longest - overlap))
    moved: list[int] = []
    for start in starts.tolist():
        least = moved[-1] + 1 if moved else 1
        most = samples - overlap - 1
        at = _clear(start, max(least, start - reach), min(most, start + reach), overlap, free)
        if least <= at <= most:  # else the recording ends in a gap, which the last window has whole
            moved.append(at)
    return list(zip([0, *moved], [*(at + overlap for at in moved), samples], strict=True))


def _between(gaps: Sequence[tuple[int, int]], samples: int) -> np.ndarray:
    """The stretches without gaps, (stretches, 2)."""
    ends = [0]
    starts = []
    for start, end in sorted(gaps):
        if start > ends[-1]:
            starts.append(start)
            ends.append(end)
        else:
            ends[-1] = max(ends[-1], end)
    starts.append(samples)
    return np.array([ends, starts]).T


def _clear(start: int, least: int, most: int, overlap: int, free: np.ndarray) -> int:
    """Where an overlap that was to start at `start` starts, from `least` to `most`."""
    near = free[(free[:, 1] > least) & (free[:, 0] < most + overlap)]
    roomy = near[near[:, 1] - near[:, 0] >= overlap]
    within = np.clip(start, roomy[:, 0], roomy[:, 1] - overlap)
    within = within[(within >= least) & (within <= most)]
    if len(within):
        return int(within[np.argmin(np.abs(within - start))])
    if not len(near):  # all is one gap: the next window begins behind it
        behind = free[free[:, 0] >= most + overlap]
        return int(behind[0, 0]) if len(behind) else most
    first, last = near[np.argmax(near[:, 1] - near[:, 0])]
    return int(np.clip((first + last - overlap) // 2, least, most))
