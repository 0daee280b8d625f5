"""Where a fit is ended without the clean clip: an untrained network fits sound before noise.

`Stop` follows a fit by a rule, one module each, and keeps what there is at the iteration that the
rule likes best.
"""

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

# iterations between two readings of a rule's value: each makes a GPU wait
EVERY = 5
# iterations without a better value after which a fit is over: so many, or this share of the
# iterations up to the best, whichever is more
PATIENCE, PATIENCE_SHARE = 100, 0.5


class Rule(Protocol):
    """What tells a good iterate from one that has begun to fit the noise."""

    def update(self, iteration: int, estimates: Tensor) -> None:
        """Take in the estimates of an iteration, counted from 1: (sources, 2, F, T)."""

    def value(self) -> float:
        """How good the last iterate is: lower is better; infinity where that cannot be told yet."""

    def over(self) -> bool:
        """Whether nothing better is to come, whatever the values."""

    def state_dict(self) -> dict[str, Any]:
        """What it accumulates, for a fit's checkpoint."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state."""


class Stop:
    """Follows a fit, and keeps its signals where its rule's value is best.

    Attributes:
        iteration: of what is kept; 0 where nothing is.
        signals: what is kept, (outputs, samples).
        over: whether the fit may end.
    """

    def __init__(self, rule: Rule):
        self.rule = rule
        self.iteration = 0
        self.signals: Tensor | None = None
        self.over = False
        self._best = float("inf")

    def update(self, iteration: int, estimates: Tensor, signals: Callable[[], Tensor]) -> None:
        """Take in an iteration, counted from 1.

        Args:
            signals: what would be kept of it.
        """
        if self.over:
            return
        self.rule.update(iteration, estimates)
        if iteration % EVERY:
            return
        value = self.rule.value()
        if value < self._best:
            self._best, self.iteration = value, iteration
            self.signals = signals()
        waited = iteration - self.iteration
        patience = max(PATIENCE, PATIENCE_SHARE * self.iteration)
        self.over = self.rule.over() or (self.iteration > 0 and waited >= patience)

    def state_dict(self) -> dict[str, Any]:
        """The state that a checkpoint saves."""
        return {
            "rule": self.rule.state_dict(),
            "iteration": self.iteration,
            "signals": self.signals,
            "over": self.over,
            "best": self._best,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state."""
        self.rule.load_state_dict(state["rule"])
        self.iteration, self.signals = state["iteration"], state["signals"]
        self.over, self._best = state["over"], state["best"]
