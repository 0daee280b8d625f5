"""The discrepancy principle (Morozov 1966): what a fit leaves is as strong as the noise.

An untrained network has fitted some noise, too, by the time it has fitted the signal, so that its
best iterate leaves somewhat less than the noise. How much less differs by clip: below the noise's
power, the valley of the outputs' variance decides.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from dap.fitting.stops.variance import MovingVariance

# re the noise's power: no iterate that leaves more is good, and none after the first with less
HIGHEST, LOWEST = 1.0, 0.8


class Discrepancy:
    """The valley of the moving variance, between two powers of the residual.

    Args:
        residual: estimates -> the mean square of what they leave of the observation, a scalar.
        noise: what it is of the clean signal.
    """

    def __init__(self, residual: Callable[[Tensor], Tensor], noise: float):
        self.residual, self.noise = residual, noise
        self.variance = MovingVariance()
        self.left = float("inf")
        self.reached = False
        self.latest: Tensor | None = None

    def update(self, iteration: int, estimates: Tensor) -> None:
        """Take in an iteration."""
        self.variance.update(iteration, estimates)
        self.latest = estimates

    def value(self) -> float:
        """The variance; infinity until the residual has fallen to the noise's power."""
        if self.latest is not None:
            self.left = float(self.residual(self.latest))
        self.reached = self.reached or self.left < HIGHEST * self.noise
        return self.variance.value() if self.reached else float("inf")

    def over(self) -> bool:
        """Whether the residual is below all that the noise could leave."""
        return self.left < LOWEST * self.noise

    def state_dict(self) -> dict[str, Any]:
        """The state that a checkpoint saves."""
        return {"variance": self.variance.state_dict(), "left": self.left, "reached": self.reached}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state."""
        self.variance.load_state_dict(state["variance"])
        self.left, self.reached = state["left"], state["reached"]
