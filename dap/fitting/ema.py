"""Which point of a fit's trajectory is reported.

A selection is made in one of two places. "fit": without the clean clip, while the network is
fitted. "score": with it, which makes the selection a diagnostic. A reference-free stopping rule
will be a third entry here, made in the fit from the losses and the outputs it has seen so far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # scoring needs no torch, whose import would take most of a job's time
    from torch import Tensor

SELECTIONS = {
    "last": {"title": "last iterate", "made": "fit"},
    "average": {"title": "moving average of the outputs", "made": "fit"},
    "oracle": {"title": "oracle (uses the clean clip)", "made": "score"},
}


# what `selection` is in the scores of a trajectory's snapshots, by what these are compared with
TRAJECTORIES = {"clean": "snapshot", "observed": "snapshot-to-observed"}


class MovingAverage:
    """Exponential moving average of the outputs, free of the bias towards its start.

    a_i = decay * a_(i-1) + (1 - decay) * x_i, divided by 1 - decay^i (as Adam does).
    """

    def __init__(self, decay: float):
        self.decay = decay
        self.weight = 1.0
        self.total: Tensor | None = None

    def update(self, estimates: Tensor) -> None:
        """Take in one iteration's estimates, of any shape."""
        self.weight *= self.decay
        if self.total is None:
            self.total = (1 - self.decay) * estimates
        else:
            self.total = self.total.to(estimates.device)
            self.total.lerp_(estimates, 1 - self.decay)

    def value(self) -> Tensor:
        """The average so far."""
        return self.total / (1 - self.weight)

    def state_dict(self) -> dict:
        """What a checkpoint holds of it."""
        return {"weight": self.weight, "total": self.total}

    def load_state_dict(self, state: dict) -> None:
        """Go on from a checkpoint; the first update brings the total to the estimates' device."""
        self.weight, self.total = state["weight"], state["total"]


def oracle(quality: np.ndarray) -> int:
    """Index of the snapshot of the best quality (decision 3); the first of equals.

    Args:
        quality: (snapshots,), SNR in dB or, in separation, the mean SDR; NaN where unscorable.
    """
    return 0 if np.isnan(quality).all() else int(np.nanargmax(quality))
