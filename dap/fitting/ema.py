"""The moving average of a fit's outputs."""

from typing import Any

from torch import Tensor


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
        """The average so far.

        Raises:
            ValueError: there was no update yet.
        """
        if self.total is None:
            raise ValueError("the average of no estimates")
        return self.total / (1 - self.weight)

    def state_dict(self) -> dict[str, Any]:
        """The state that a checkpoint saves."""
        return {"weight": self.weight, "total": self.total}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state; the next update moves it to the estimates' device."""
        self.weight, self.total = state["weight"], state["total"]
