"""What is found out about a recording in one pass, before it is restored window by window."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dap.restoration.gaps import gap_runs, lost_samples
from dap.restoration.quantizers import QuantizerSearch

EXCERPT_SECONDS = 4.0
NO_END = 2**62  # samples, while their number is not known


@dataclass(frozen=True)
class Survey:
    """A recording as a whole.

    Attributes:
        samples: of each channel.
        sample_rate: in Hz.
        gaps: where they start and end, in samples.
        offsets: (channels,) float64, the means, without what is in gaps.
        peaks: (channels,) float64, the largest distances to the means, without what is in gaps.
        silent: (channels,) bool, whether all samples are equal, but for those in gaps.
        quantizers: of each channel, where a quantizer is undone: "mid-rise" or "mid-tread", and ""
            of a silent one.
        excerpt: (samples,) of the channel and the 4 s that are loudest.
    """

    samples: int
    sample_rate: int
    gaps: tuple[tuple[int, int], ...]
    offsets: np.ndarray
    peaks: np.ndarray
    silent: np.ndarray
    quantizers: tuple[str, ...]
    excerpt: np.ndarray

    @property
    def channels(self) -> int:
        """How many there are."""
        return len(self.silent)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples / self.sample_rate


def survey(
    blocks: Iterable[np.ndarray],
    sample_rate: int,
    gaps: Sequence[tuple[float, float]] = (),
    bins: int | None = None,
) -> Survey:
    """Look at all blocks of a recording, (samples, channels) each.

    Args:
        gaps: (start, end) in seconds.
        bins: of the quantizer that is undone.

    Raises:
        DapError: a gap is not inside of the recording; samples are not a quantizer's levels.
    """
    runs = gap_runs(gaps, NO_END, sample_rate)
    count = known = 0
    total = least = most = np.zeros(0)
    searches: list[QuantizerSearch] = []
    excerpts = _Excerpts(round(EXCERPT_SECONDS * sample_rate))
    for block in blocks:
        if not len(total):
            total = np.zeros(block.shape[1])
            least, most = total + np.inf, total - np.inf
            searches = [QuantizerSearch(bins) for _ in total] if bins else []
        sound = block[~lost_samples(runs, count, count + len(block))] if runs else block
        count, known = count + len(block), known + len(sound)
        if len(sound):
            total += sound.sum(axis=0, dtype=np.float64)
            least, most = np.minimum(least, sound.min(axis=0)), np.maximum(most, sound.max(axis=0))
        for search, channel in zip(searches, block.T, strict=bool(searches)):
            search.add(channel)
        excerpts.add(block)
    offsets = total / max(known, 1)
    silent = ~(most > least)
    quantizers = [
        "" if still else search.found()
        for search, still in zip(searches, silent, strict=bool(searches))
    ]
    return Survey(
        count,
        sample_rate,
        tuple(gap_runs(gaps, count, sample_rate)),
        offsets,
        np.maximum(most - offsets, offsets - least),
        silent,
        tuple(quantizers),
        excerpts.loudest(),
    )


class _Excerpts:
    """The loudest of the stretches of some length that a recording is cut into."""

    def __init__(self, length: int):
        self.length = length
        self.held: list[np.ndarray] = []
        self.energy, self.best = -1.0, np.zeros(0)

    def add(self, block: np.ndarray) -> None:
        self.held.append(block)
        if sum(map(len, self.held)) >= self.length:
            self._compare()

    def _compare(self) -> None:
        stretch = np.concatenate(self.held)[: self.length]
        self.held = []
        energies = stretch.var(axis=0, dtype=np.float64)
        if energies.max() > self.energy:
            self.energy, self.best = energies.max(), stretch[:, energies.argmax()].copy()

    def loudest(self) -> np.ndarray:
        if self.energy < 0 and any(map(len, self.held)):
            self._compare()
        return self.best
