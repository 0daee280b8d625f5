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
        PluginError: its code failed.
    """
    outputs, samples = TASKS[task].outputs, len(observation.signal)
    with plugin("baselines", method).running() as module:
        start = perf_counter()
        estimate = module.restore(observation, outputs)
        seconds = round(perf_counter() - start, 3)
        if estimate.shape != (len(outputs), samples):
            raise ValueError(
                f"restore gave an array of shape {estimate.shape}: must be (outputs, samples), "
                f"({len(outputs)}, {samples})"
            )
    return Restored(
        {"last": estimate},
        iterations=np.empty(0, int),
        snapshots=np.empty((0, *estimate.shape), np.float32),
        losses=np.empty(0, np.float32),
        cost=NO_COST | {"seconds": seconds},
    )
