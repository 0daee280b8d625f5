"""Two sources at once."""

import numpy as np

from dap.data.corruptions import Context
from dap.observation import Observation

CORRUPTIONS = {"mixture": {"task": "separate", "options": {}}}


def corrupt(sources: list[np.ndarray], options: dict, context: Context) -> Observation:
    """The sum of the sources (fidelity: sources-of-a-mixture)."""
    total = np.asarray(np.sum(sources, axis=0, dtype=np.float32))
    return Observation(total, metadata={"peak": float(np.abs(total).max())})
