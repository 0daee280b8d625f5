"""What `dap.restore` gives back."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Restoration:
    """A restored recording, and how it came about.

    Attributes:
        audio: the restored recording, in the shape and the floating-point type of the one given.
        sample_rate: in Hz, that of the one given.
        method: the one that restored it.
        selection: which iterate of the fits `audio` is made of, as for `restore`; None for a
            classical method.
        iterations: (channels, segments) int, the iteration of that, counted from 1; 0 where nothing
            was fitted.
        losses: (channels, segments, iterations) float32, the loss of each fit at each iteration;
            one channel for a recording of shape (samples,). NaN where nothing was fitted: in a
            segment or channel that is silent, or in a segment without a gap; and after the end of a
            fit that stopped early. No iterations for a classical method.
        snapshots: the whole recording, as `audio` is, at iterations of the fits, by iteration in
            rising order: each segment's output at that iteration (never the average), or at the end
            of its fit, cross-faded.
            A fit keeps 32 of them by default, which take 32 times the recording's memory
            (`FitOptions.snapshots`). Empty for a classical method.
        segments: where each segment starts and ends, in samples.
        seconds: wall time of the whole restoration.
        unrestored: (channel, segment) of those that are left as they were, since their fits learned
            nothing, counted from 0 as in `losses`.
        how: the method in words, such as "dfl up to 8000 Hz, wiener-tracked above".
    """

    audio: np.ndarray = field(repr=False)
    sample_rate: int
    method: str
    selection: str | None
    iterations: np.ndarray = field(repr=False)
    losses: np.ndarray = field(repr=False)
    snapshots: dict[int, np.ndarray] = field(repr=False)
    segments: tuple[tuple[int, int], ...]
    seconds: float
    unrestored: tuple[tuple[int, int], ...] = ()
    how: str = ""
