"""Observations from clean clips: the forward operators, one module each.

A module names its corruptions in the literal `CORRUPTIONS`: the task of each, and its options as
fragments of a JSON schema, by which a study is checked and completed without importing anything.
An option without a `default` has to be given; one called `noise` names the corpus that
`Context.draw_noise` draws from. `allOf` may hold conditions on several options.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Context:
    """What a corruption may use beside the clips and its options.

    Attributes:
        rng: the observation's own random numbers; no others may be drawn.
        sample_rate: in Hz.
        spectrogram: the study's transform: the arguments of `dap.stft.STFT`.
        draw_noise: gives so many samples of the corpus that the option `noise` names, float32
            (samples,), at the level of its recordings, and where they are from, for the metadata.
    """

    rng: np.random.Generator
    sample_rate: int
    spectrogram: dict
    draw_noise: Callable[[int], tuple[np.ndarray, dict]]
