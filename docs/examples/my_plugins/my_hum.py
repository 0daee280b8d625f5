import numpy as np

from dap.data.corruptions import Context
from dap.decibels import snr_db
from dap.observation import Observation

CORRUPTIONS = {
    "hum": {
        "task": "denoise",
        "options": {
            "level": {
                "description": "Amplitude of the hum.",
                "type": "number",
                "exclusiveMinimum": 0,
                "default": 0.1,
            },
            "mains": {"description": "Its frequency in Hz.", "enum": [50, 60], "default": 50},
        },
    }
}


def corrupt(sources: list[np.ndarray], options: dict, context: Context) -> Observation:
    """Add the hum of the mains, with a random phase."""
    (clean,) = sources
    cycles = options["mains"] * np.arange(len(clean)) / context.sample_rate
    hum = options["level"] * np.sin(2 * np.pi * (cycles + context.rng.uniform()))
    signal = (clean + hum).astype(np.float32)
    return Observation(signal, metadata={"snr_db": snr_db(clean, hum)})
