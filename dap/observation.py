"""What a method is given: the corrupted signal, and what else it may know."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# of a sample: below it, the sample is lost; above it, float32 is precise enough to undo the gain
LEAST_GAIN = 1e-3


@dataclass(frozen=True)
class Observation:
    """The corrupted signal, and what else a method may know.

    Attributes:
        signal: float32 (samples,).
        known: named arrays. Gaussian noise leaves `noise_std`, of shape (). Gaps leave `mask`
            (samples,) bool, true where samples were lost, `observed_frames` (frames,) bool, and,
            where whole frames were lost, the `spectrogram` (2, bins, frames) of the rest and `gain`
            (samples,), the factor that the loss left of each sample. Quantization leaves `bins` and
            `quantizer`, of shape (), and each sample's cell: `lower`, `upper`, float32 (samples,).
        metadata: what was drawn (achieved SNR, number of gaps), for the manifest; not for methods.
        sample_rate: in Hz.
    """

    signal: np.ndarray
    known: dict[str, np.ndarray] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    sample_rate: int = 16000


def dropouts(observation: Observation) -> tuple[np.ndarray, np.ndarray]:
    """A signal with gaps as one of which samples alone were lost.

    Where whole frames of the STFT were lost, the frames beside them still hold the gap's edges,
    each sample `gain` times its true value. That is undone.

    Returns:
        (samples,) float64, and which of them are lost, (samples,) bool.
    """
    signal, mask = observation.signal.astype(np.float64), observation.known["mask"]
    if "gain" in observation.known:
        gain = observation.known["gain"]
        mask = gain < LEAST_GAIN
        signal = signal / np.where(mask, 1, gain)
    return signal, mask


def untouched_frames(mask: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Which frames of the centred STFT touch no lost sample.

    Args:
        mask: (samples,) bool.

    Returns:
        (frames,) bool.
    """
    runs = np.flatnonzero(mask)
    centres = np.arange(len(mask) // hop_length + 1) * hop_length
    # a window covers [centre - n_fft/2, centre + n_fft/2)
    first = np.searchsorted(runs, centres - n_fft // 2, side="left")
    last = np.searchsorted(runs, centres + n_fft // 2, side="left")
    return first == last


@dataclass(frozen=True)
class OneBit:
    """What is known of a signal of which each sample is on one side of a value, and no more.

    In its cells is also the value throughout, which is silence: signals of all levels are. So the
    level has to come from the cells' middles: that of the distances to the value, in the mean
    (Plan and Vershynin 2013, "One-bit compressed sensing by linear programming").

    Attributes:
        value: that all cells touch.
        side: (samples,) 1 above the value, -1 below.
        distance: mean of the distances.
    """

    value: float
    side: np.ndarray
    distance: float


def one_bit(lower: np.ndarray, upper: np.ndarray) -> OneBit | None:
    """What cells tell that touch one value, from both sides; None of any others.

    Args:
        lower, upper: (samples,), the edges of the cells.
    """
    shared = upper.min() - lower.max()
    value = (float(upper.min()) + float(lower.max())) / 2
    if abs(shared) >= (upper - lower).min() / 2:
        return None
    middle = (lower.astype(np.float64) + upper) / 2 - value
    return OneBit(value, np.where(middle > 0, 1.0, -1.0), float(np.abs(middle).mean()))
