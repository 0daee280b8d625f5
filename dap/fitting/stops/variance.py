"""The variance of a fit's outputs over its latest iterations (Wang et al. 2021).

"Early Stopping for Deep Image Prior": outputs settle while a network fits the signal, and move
again once it fits the noise, so that the variance has its valley near the best iterate. Here it is
relative to the outputs' power: a network that gives next to nothing at first hardly moves either.
"""

from typing import Any

import torch
from torch import Tensor

ALPHA = 0.1  # weight of the latest output, as in the paper's experiments
FIRST = 40  # before it, the outputs are those of the initialisation
LEAST = 1e-30  # of a power, against a division by zero


class MovingVariance:
    """Exponential moving variance (the paper's Algorithm 2).

    v_i = (1 - alpha) (v_(i-1) + alpha |x_i - m_(i-1)|^2), m_i = m_(i-1) + alpha (x_i - m_(i-1)).
    """

    def __init__(self, alpha: float = ALPHA):
        self.alpha = alpha
        self.iteration = 0
        self.mean: Tensor | None = None
        self.variance: Tensor | None = None

    def update(self, iteration: int, estimates: Tensor) -> None:
        """Take in an iteration."""
        self.iteration = iteration
        if self.mean is None or self.variance is None:
            self.mean = estimates.clone()
            self.variance = estimates.new_zeros((), dtype=torch.float64)
            return
        change = estimates - self.mean
        self.variance += self.alpha * change.square().mean()
        self.variance *= 1 - self.alpha
        self.mean.add_(change, alpha=self.alpha)

    def value(self) -> float:
        """The variance, re the power of the outputs' moving mean."""
        if self.iteration < FIRST or self.mean is None or self.variance is None:
            return float("inf")
        return float(self.variance / self.mean.square().mean().clamp(min=LEAST))

    def over(self) -> bool:
        """Never: a lower valley may come."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """The state that a checkpoint saves."""
        return {"iteration": self.iteration, "mean": self.mean, "variance": self.variance}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state."""
        self.iteration, self.mean = state["iteration"], state["mean"]
        self.variance = state["variance"]
