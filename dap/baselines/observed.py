"""Do nothing: the reference that every improvement is measured from."""

from collections.abc import Sequence

import numpy as np

from dap.observation import Observation

BASELINES = {
    "observed": {
        "title": "observed (nothing done)",
        "tasks": ["denoise", "inpaint", "separate", "dequantize"],
    }
}


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """The observation itself, once for each output: (outputs, samples)."""
    return np.repeat(observation.signal[np.newaxis], len(outputs), axis=0)
