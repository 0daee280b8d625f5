"""Noise of a corpus, at a drawn signal-to-noise ratio."""

import numpy as np

from dap.data.corruptions import Context
from dap.decibels import snr_db
from dap.errors import DapError
from dap.observation import Observation

CORRUPTIONS = {
    "environmental": {
        "task": "denoise",
        "options": {
            "noise": {"description": "The corpus of noise.", "type": "string"},
            "snr_db": {
                "description": "Lowest and highest signal-to-noise ratio in dB.",
                "type": "array",
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
                "ascending": True,
                "default": [5.0, 9.0],
            },
        },
    }
}


def corrupt(sources: list[np.ndarray], options: dict, context: Context) -> Observation:
    """Add noise, scaled to a signal-to-noise ratio that is uniform in `snr_db`.

    Raises:
        DapError: the drawn noise or the clip is silent.
    """
    (clean,) = sources
    target_db = context.rng.uniform(*options["snr_db"])
    noise, origin = context.draw_noise(len(clean))
    for name, signal in (("drawn noise", noise), ("clip", clean)):
        if not signal.any():
            raise DapError(f"the {name} is silent, so no signal-to-noise ratio can be reached")
    gain = 10 ** ((snr_db(clean, noise) - target_db) / 20)
    scaled = (noise * gain).astype(np.float32)
    return Observation(clean + scaled, metadata={"snr_db": snr_db(clean, scaled)} | origin)
