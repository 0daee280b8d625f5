"""Bins of the observation that a fit does not see, and how well it foretells them."""

from typing import Any

import torch
from torch import Tensor

from dap.fitting.objectives import Objective

SHARE = 0.05  # of the bins
BINS = 4  # of a block: the main lobe of a Hann window


def blocks(bins: int, frames: int, length: int) -> Tensor:
    """Which bins are held out, (F, T) bool: blocks of `BINS` x `length`, placed at random.

    Neighbours in a spectrogram tell of each other, by the window that they share: a single bin
    could be foretold from those beside it, with the noise.
    """
    held = torch.zeros(bins, frames, dtype=torch.bool)
    length = min(length, frames)
    count = max(1, round(SHARE * bins * frames / (BINS * length)))
    rows = torch.randint(max(1, bins - BINS + 1), (count,))
    columns = torch.randint(max(1, frames - length + 1), (count,))
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        held[row : row + BINS, column : column + length] = True
    return held


class Without:
    """An objective whose loss does not depend on the bins that are held out.

    Args:
        held: (F, T) bool.
    """

    def __init__(self, objective: Objective, held: Tensor):
        self.objective, self.held = objective, held

    def __getattr__(self, name: str) -> Any:
        """What the objective has."""
        return getattr(self.objective, name)

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """The objective's, as if the estimates were right in those bins."""
        seen = torch.where(self.held, self.objective.target, estimates)
        return self.objective.loss(outs, seen, progress)


class HeldOut:
    """The mean squared error in the bins that are held out."""

    def __init__(self, target: Tensor, held: Tensor):
        self.indexes = held.flatten().nonzero()[:, 0]
        self.target = self._of(target)
        self.latest: Tensor | None = None

    def _of(self, spectrogram: Tensor) -> Tensor:
        return spectrogram.flatten(-2).index_select(-1, self.indexes)

    def update(self, iteration: int, estimates: Tensor) -> None:
        """Take in an iteration."""
        self.latest = estimates

    def value(self) -> float:
        """The error of the last iterate."""
        if self.latest is None:
            return float("inf")
        return float((self._of(self.latest[0]) - self.target).square().mean())

    def over(self) -> bool:
        """Never: a lower error may come."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the bins follow from the seed."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing is restored."""
