"""Running a baseline: a method that is fitted to nothing, and so needs neither seed nor device."""

from time import perf_counter

import numpy as np

from dap.fitting.restored import NO_COST, Restored
from dap.observation import Observation
from dap.plugins import plugin
from dap.tasks import TASKS


def restore(method: str, task: str, observation: Observation) -> Restored:
    """Run a baseline on one observation.

    Returns:
        the selection "last" alone, without a trajectory.

    Raises:
        DapError: the baseline cannot restore this observation.
    """
    module = plugin("baselines", method).load()
    start = perf_counter()
    estimate = module.restore(observation, TASKS[task].outputs)
    seconds = round(perf_counter() - start, 3)
    return Restored(
        {"last": estimate},
        iterations=np.empty(0, int),
        snapshots=np.empty((0, *estimate.shape), np.float32),
        losses=np.empty(0, np.float32),
        cost=NO_COST | {"seconds": seconds},
    )
