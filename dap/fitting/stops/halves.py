"""Two observations out of one, of independent noise: one is fitted, the other judges.

y1 = y + a n' and y2 = y - n' / a, n' being drawn like the noise, which is white and normal, have
independent noise (Pang et al. 2021, "Recorrupted-to-Recorrupted"). So the squared error of a fit of
y1 to y2 is that to the clean signal and a constant, but for its own deviation. What is fitted has
1 + a^2 times the noise's power.
"""

from typing import Any

from torch import Tensor

STRENGTH = 0.3  # a


class Halves:
    """The squared error to the half that is not fitted, without the power of its noise.

    Args:
        observed: y, (channels, F, T) or (1, samples), before n' is added to what is fitted.
        added: n', like it.
    """

    def __init__(self, observed: Tensor, added: Tensor, strength: float = STRENGTH):
        self.observed, self.added, self.strength = observed, added, strength
        self.latest: Tensor | None = None

    def update(self, iteration: int, estimates: Tensor) -> None:
        """Take in an iteration."""
        self.latest = estimates

    def value(self) -> float:
        """|x - y|^2 + 2 / a <x - y, n'>, in the mean."""
        if self.latest is None:
            return float("inf")
        left = self.latest[0] - self.observed
        return float((left * (left + (2 / self.strength) * self.added)).mean())

    def over(self) -> bool:
        """Never: a lower error may come."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Nothing: what is added follows from the seed."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing is restored."""
