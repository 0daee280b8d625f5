"""The fit as a researcher would write it, which is what ours are measured against.

Eager PyTorch, float32, one clip, PyTorch's own defaults. It stays plain: nothing here is made fast.
"""

from functools import partial

import torch
from torch import nn

from dap.nn.dilated_unet import design

# the designs of paper A, by their names in dap/priors
DESIGNS = {
    "conv": {"dilation": 1, "dense": False},
    "dilated": {"dilation": 4, "dense": False},
    "dilated-exp": {"dilation": None, "dense": False},
    "dilated-exp-dense": {"dilation": None, "dense": True},
}


def network(method: str, width: float) -> partial:
    """Makes a network of one of paper A's designs, given `out_channels`."""
    return partial(design, **DESIGNS[method], width=width)


class ReferenceFit:
    """Gaussian denoising of one spectrogram, an iteration at a time.

    Args:
        target: (2, F, T), the observation's spectrogram; F and T are multiples of 4.
    """

    def __init__(self, method: str, width: float, target: torch.Tensor, rate: float, seed: int):
        torch.manual_seed(seed)
        self.target = target[None]
        self.net = network(method, width)(out_channels=2).to(target.device)
        self.z = torch.randn(1, 2, *target.shape[1:]).to(target.device)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=rate)

    def step(self) -> torch.Tensor:
        """One iteration; the estimate that it started from, (1, 2, F, T)."""
        estimate = self.net(self.z)
        loss = nn.functional.mse_loss(estimate, self.target)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return estimate.detach()
