"""The level of a recording: taken off a segment before its fit, and compared with the result's.

A fit is led by what is loudest. So a segment is scaled by its own level, without its mean, and what
lies far above all else, such as a click, is cut off for the fit and added to what it gives.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dap.errors import DapError
from dap.plugins import plugin

# Samples are far above all else that exceed this quantile of the sizes so many times: of 2 s, 320
# samples may. Of 382 segments of 151 recordings of all kinds, 6 have any beyond 6 times
QUANTILE, LIMIT = 0.99, 6.0
QUIETER_DB = 20.0  # a result so far below what went in is said
SILENT_DB = 60.0  # and so far below, it is silence (as in `dap.audio`)
BESIDE_SECONDS = 0.064  # on each side of a gap, the sound that its filling is compared with
SHORTEST_SECONDS = 0.005  # a shorter filling has no level of its own

log = logging.getLogger("dap")


@dataclass(frozen=True)
class Level:
    """How a segment is brought to [-1, 1] for a method.

    Attributes:
        offset: the mean, of what was not cut off.
        scale: the size that becomes 1, the largest that is left; 0 where all samples are equal.
        beyond: (samples,) float64, what was cut off.
    """

    offset: float
    scale: float
    beyond: np.ndarray

    @classmethod
    def of(cls, signal: np.ndarray, lost: np.ndarray, bounds: np.ndarray | None = None) -> "Level":
        """The level of a segment for a fit.

        Args:
            signal: (samples,).
            lost: (samples,) bool: which samples have no influence; not all.
            bounds: (2, samples), the cells of a quantizer, which are to be within the scale, too.
        """
        known = signal[~lost].astype(np.float64)
        if np.ptp(known) == 0:
            return cls(float(known[0]), 0.0, np.zeros(len(signal)))
        # the cells' edges, or the samples themselves
        reached = known[np.newaxis] if bounds is None else bounds[:, ~lost].astype(np.float64)
        middle = np.median(known)
        size = np.abs(reached - middle).max(axis=0)
        # digital silence tells nothing of the level of what is beside it
        near = size <= LIMIT * np.quantile(size[size > 0], QUANTILE)
        offset = float(known[near].mean())
        scale = float(np.abs(reached[:, near] - offset).max())
        centred = np.where(lost, 0.0, signal.astype(np.float64) - offset)
        return cls(offset, scale, centred - np.clip(centred, -scale, scale))

    @classmethod
    def peak(
        cls,
        signal: np.ndarray,
        lost: np.ndarray,
        bounds: np.ndarray | None = None,
        *,
        peak: float = 1.0,
    ) -> "Level":
        """The level of a whole recording for a classical method: nothing is cut off.

        To a quantizer's cells zero means something, so there it stays where it is.

        Args:
            signal, lost, bounds: as for `of`.
            peak: the largest size that the method is given.
        """
        known = signal[~lost].astype(np.float64)
        offset = float(known.mean()) if bounds is None else 0.0
        reached = known if bounds is None else bounds
        largest = float(np.abs(reached - offset).max())
        return cls(offset, largest / peak, np.zeros(len(signal)))

    def scaled(self, signal: np.ndarray) -> np.ndarray:
        """A signal of the segment as the method is given it: float32, within [-1, 1]."""
        centred = (signal.astype(np.float64) - self.offset) / self.scale
        return np.clip(centred, -1, 1).astype(np.float32)

    def put_back(self, estimate: np.ndarray) -> np.ndarray:
        """A method's estimate at the segment's level, float64."""
        return self.offset + self.scale * estimate.astype(np.float64) + self.beyond


def peak_of(method: str) -> float:
    """The peak that a baseline's recordings are brought to: a trained one knows of levels."""
    return plugin("baselines", method).metadata.get("peak", 1.0)


def root_mean_square(signal: np.ndarray) -> float:
    """About the mean, which is no sound."""
    return float(signal.astype(np.float64).std())


def decibels_below(before: float, after: float) -> float:
    """How far one root mean square is below another; infinitely far where it is 0."""
    if after == 0:
        return 0.0 if before == 0 else float("inf")
    return float(20 * np.log10(before / after)) if before else float("-inf")


def compare(before: np.ndarray, after: np.ndarray, what: str, method: str) -> None:
    """Say by a warning that a result is far quieter than what went in.

    Args:
        before, after: (samples,) of one channel.
        what: the channel, for messages.

    Raises:
        DapError: nothing is left.
    """
    judge(decibels_below(root_mean_square(before), root_mean_square(after)), what, method)


def judge(below: float, what: str, method: str) -> None:
    """`compare` of a result that is so many decibels below what went in."""
    if below >= SILENT_DB:
        raise DapError(f"{method} leaves silence of {what} ({_said(below)}): take another method")
    if below >= QUIETER_DB:
        log.warning(
            "%s leaves little of %s (%s): listen to it, or take another method",
            method,
            what,
            _said(below),
        )


def compare_fillings(
    before: np.ndarray,
    after: np.ndarray,
    lost: np.ndarray,
    sample_rate: int,
    what: str,
    method: str,
) -> None:
    """Say by a warning that fillings of gaps are far quieter than the sound on both sides of them.

    Gaps that are as they were, beside silence, or shorter than 5 ms are left out.

    Args:
        before, after: (samples,) of one channel.
        lost: (samples,) bool, true in gaps.
        what: the channel, for messages.

    Raises:
        DapError: no gap beside sound is filled with any.
    """
    offset = float(before[~lost].astype(np.float64).mean())
    filled, quiet = fillings(before, after, lost, sample_rate, offset)
    judge_fillings(filled, quiet, what, method)


def fillings(
    before: np.ndarray,
    after: np.ndarray,
    lost: np.ndarray,
    sample_rate: int,
    offset: float,
    origin: int = 0,
) -> tuple[list[bool], list[str]]:
    """How loud fillings are beside the sound around them, as for `compare_fillings`.

    Args:
        offset: the recording's mean.
        origin: the sample of the recording that `before` begins at.

    Returns:
        of each that counts, whether there is any sound in it; and, in words, those that are quiet.
    """
    edges = np.flatnonzero(np.diff(np.r_[False, lost, False].astype(np.int8)))
    beside = round(BESIDE_SECONDS * sample_rate)
    quiet, filled = [], []
    for start, end in edges.reshape(-1, 2):
        filling = after[start:end].astype(np.float64)
        is_short = end - start < SHORTEST_SECONDS * sample_rate
        if is_short or np.array_equal(before[start:end], filling):
            continue
        sides = [slice(max(0, start - beside), start), slice(end, end + beside)]
        sounds = [after[side][~lost[side]] - offset for side in sides]
        least = min(np.sqrt(np.square(sound).mean()) for sound in sounds if sound.size)
        if least == 0:
            continue
        below = decibels_below(least, np.sqrt(np.square(filling - offset).mean()))
        # silence need not be at the recording's mean
        moves = decibels_below(least, root_mean_square(filling)) < SILENT_DB
        filled.append(below < QUIETER_DB or moves)
        if below >= QUIETER_DB:
            first, last = (start + origin) / sample_rate, (end + origin) / sample_rate
            quiet.append(f"{first:.3f}-{last:.3f} s ({_said(below)})")
    return filled, quiet


def judge_fillings(filled: Sequence[bool], quiet: Sequence[str], what: str, method: str) -> None:
    """`compare_fillings` of what `fillings` gives, of one part of a recording or of several."""
    if filled and not any(filled):
        raise DapError(
            f"{method} fills the gaps of {what} with silence, though there is sound on both sides: "
            "take another method"
        )
    if quiet:
        log.warning(
            "%s fills gaps of %s with far less than the sound beside them: %s",
            method,
            what,
            ", ".join(quiet),
        )


def _said(below: float) -> str:
    return "nothing at all" if below == float("inf") else f"{below:.0f} dB less"
