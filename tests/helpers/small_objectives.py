"""Objectives of a signal of 40 samples: its transform, outputs drawn at random, their loss."""

import torch

from dap.fitting.objectives import Objective
from dap.stft import STFT

SAMPLES = 40
TRANSFORM = STFT(16, 4, "hann")  # 9 bins, 11 frames


def noise(*shape: int, seed: int = 0, grad: bool = False) -> torch.Tensor:
    """Standard normal."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).requires_grad_(grad)


def loss(goal: Objective, outs: list[torch.Tensor], progress: float = 0.5) -> torch.Tensor:
    """The loss of networks' outputs."""
    return goal.loss(outs, goal.estimates(outs), progress)
