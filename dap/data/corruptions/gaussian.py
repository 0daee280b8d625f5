"""White noise."""

import numpy as np

from dap.data.corruptions import Context
from dap.decibels import snr_db
from dap.observation import Observation

CORRUPTIONS = {
    "gaussian": {
        "task": "denoise",
        "options": {
            "std": {
                "description": "Standard deviation of the noise; full scale is 1.",
                "type": "number",
                "exclusiveMinimum": 0,
                "default": 0.1,
            }
        },
    }
}


def corrupt(sources: list[np.ndarray], options: dict, context: Context) -> Observation:
    """Add white noise of zero mean and standard deviation `std`, which a method may know."""
    (clean,) = sources
    noise = context.rng.normal(0.0, options["std"], clean.shape).astype(np.float32)
    known = {"noise_std": np.array(options["std"], np.float32)}
    return Observation(clean + noise, known, {"snr_db": snr_db(clean, noise)})
