"""Optimisers in place of Adam, for `benchmarks.ideas`."""

from typing import Any

import torch
from torch import nn
from torch.optim import LBFGS, Adam  # itself, also while another is in its place

from dap.errors import DapError


def of_package(name: str, *arguments: Any, **options: Any) -> torch.optim.Optimizer:
    """An optimiser of the package `pytorch-optimizer`."""
    try:
        from pytorch_optimizer import load_optimizer
    except ImportError:
        raise DapError("needs `pip install pytorch-optimizer`") from None
    return load_optimizer(name)(*arguments, **options)


class Together:
    """Optimisers of parts of the parameters, at one rate."""

    def __init__(self, lr: float, *optimisers: torch.optim.Optimizer):
        self.optimisers = optimisers
        self.param_groups = [{"lr": lr}]

    def zero_grad(self) -> None:
        """No parameter has a gradient any more."""
        for optimiser in self.optimisers:
            optimiser.zero_grad()

    def step(self) -> None:
        """One step of each."""
        for optimiser in self.optimisers:
            optimiser.param_groups[0]["lr"] = self.param_groups[0]["lr"]
            optimiser.step()


class Muon(Together):
    """Weights by Muon, each kernel as a matrix of a row a filter; biases by Adam.

    Steps of Muon are as long as Adam's, so that one rate is for both.
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float):
        self.weights = [p for p in parameters if p.dim() > 1]
        self.matrices = [nn.Parameter(p.detach().flatten(1)) for p in self.weights]  # views
        super().__init__(
            lr,
            torch.optim.Muon(self.matrices, lr=lr, weight_decay=0, adjust_lr_fn="match_rms_adamw"),
            Adam([p for p in parameters if p.dim() == 1], lr=lr),
        )

    def zero_grad(self) -> None:
        """No parameter has a gradient any more."""
        super().zero_grad()
        for weight in self.weights:
            weight.grad = None

    def step(self) -> None:
        """One step of each."""
        for weight, matrix in zip(self.weights, self.matrices, strict=True):
            matrix.grad = None if weight.grad is None else weight.grad.flatten(1)
        super().step()


class AdamThenLBFGS:
    """Adam, then L-BFGS with steps of one length, in place of a search that would ask again."""

    def __init__(self, parameters: list[nn.Parameter], lr: float, after: int, length: float):
        self.adam = Adam(parameters, lr=lr)
        self.lbfgs = LBFGS(parameters, lr=length, max_iter=1, history_size=20, tolerance_grad=0)
        self.param_groups = self.adam.param_groups
        self.zero_grad = self.adam.zero_grad
        self.steps, self.after = 0, after

    def step(self) -> None:
        """One step; the gradient is there, and nobody looks at the loss."""
        self.steps += 1
        if self.steps <= self.after:
            self.adam.step()
        else:
            self.lbfgs.step(lambda: torch.zeros(()))
