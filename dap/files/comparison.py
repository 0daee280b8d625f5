"""A result compared with its recording while both come in pieces."""

import numpy as np

from dap.files.survey import Survey
from dap.restoration.gaps import lost_samples
from dap.restoration.levels import BESIDE_SECONDS, fillings


class Power:
    """The deviation of a signal that comes in pieces."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def add(self, signal: np.ndarray) -> None:
        """Take the next samples, (samples,)."""
        count, mean = len(signal), float(signal.mean(dtype=np.float64)) if len(signal) else 0.0
        if not count:
            return
        total, apart = self.count + count, mean - self.mean
        self.squares += float(np.square(signal - np.float64(mean)).sum())
        self.squares += apart**2 * self.count * count / total
        self.mean += apart * count / total
        self.count = total

    def deviation(self) -> float:
        """The root mean square about the mean."""
        return float(np.sqrt(self.squares / max(self.count, 1)))


class FillingWatch:
    """How loud the fillings of gaps are, each looked at once the sound behind it is there.

    Attributes:
        filled, quiet: as `dap.restoration.levels.fillings` gives them, of all so far.
    """

    def __init__(self, found: Survey, channel: int):
        self.found, self.offset = found, float(found.offsets[channel])
        self.beside = round(BESIDE_SECONDS * found.sample_rate)
        self.origin, self.looked = 0, 0
        self.before, self.after = np.zeros((2, 0))
        self.filled: list[bool] = []
        self.quiet: list[str] = []

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        """Take the next samples of the recording and of the result, (samples,) each."""
        self.before = np.concatenate([self.before, before])
        self.after = np.concatenate([self.after, after])
        end = self.origin + len(self.after)
        until = end if end == self.found.samples else end - self.beside
        # no gap is cut: up to the start of one that has not ended by then
        open_gaps = [start for start, stop in self.found.gaps if start < until < stop]
        until = min([until, *open_gaps])
        if until <= self.looked:
            return
        lost = lost_samples(self.found.gaps, self.origin, end)
        lost[: max(0, self.looked - self.origin)] = False
        lost[until - self.origin :] = False
        filled, quiet = fillings(
            self.before, self.after, lost, self.found.sample_rate, self.offset, self.origin
        )
        self.filled += filled
        self.quiet += quiet
        self.looked = until
        keep = max(0, until - self.beside - self.origin)
        self.before, self.after = self.before[keep:], self.after[keep:]
        self.origin += keep
