"""What a method is given: the corrupted signal, and what else it may know."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


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
