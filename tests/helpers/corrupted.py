"""Corrupted signals."""

import numpy as np

from dap.data.corruptions import Context
from dap.observation import Observation
from dap.plugins import plugin

RATE = 16000
SPECTROGRAM = {"n_fft": 1022, "hop_length": 64, "window": "hann"}


def corrupted(
    kind: str,
    *sources: np.ndarray,
    seed: int = 0,
    rate: int = RATE,
    spectrogram: dict = SPECTROGRAM,
    noise: np.ndarray | None = None,
    **options,
) -> Observation:
    """What a corruption makes of clips; options that are not named are the defaults."""
    corruption = plugin("corruptions", kind)
    defaults = {
        name: option.get("default") for name, option in corruption.metadata["options"].items()
    }
    context = Context(
        np.random.default_rng(seed), rate, spectrogram, lambda samples: (noise[:samples], {})
    )
    return corruption.load().corrupt(list(sources), {"kind": kind} | defaults | options, context)
