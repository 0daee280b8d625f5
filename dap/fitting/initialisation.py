"""The untrained networks of a fit, and the noise z that they are fed, drawn from a seed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Literal

import torch
from torch import Tensor, nn

from dap.fitting.objectives import Objective

_GENERATOR = Lock()


def start(
    build: Callable[..., nn.Module],
    objective: Objective,
    seed: int,
    device: str,
    initialisation: str = "pytorch",
) -> tuple[list[nn.Module], list[Tensor]]:
    """The untrained networks of an objective and the fixed noise z that each is fed.

    Both are drawn on the CPU from `seed`, so that they are the same on every device. z is the
    objective's (`draw`).
    """
    with _drawing_from(seed):
        networks = [build(out_channels=channels) for channels in objective.networks]
        if initialisation == "he":
            for network in networks:
                network.apply(_initialise)
        inputs = [objective.draw(index) for index in range(len(networks))]
    return [net.to(device) for net in networks], [z.to(device) for z in inputs]


def draw(objective: Objective, network: int, seed: int) -> Tensor:
    """z of one network, of a seed of its own."""
    with _drawing_from(seed):
        return objective.draw(network)


@contextmanager
def _drawing_from(seed: int) -> Iterator[None]:
    """PyTorch's own generator seeded, then as it was; one fit at a time, of those in threads."""
    with _GENERATOR, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, (nn.Conv1d, nn.Conv2d)):
        # a convolution of size 1 has no ReLU after it
        kind: Literal["linear", "relu"] = "linear" if set(layer.kernel_size) == {1} else "relu"
        nn.init.kaiming_normal_(layer.weight, nonlinearity=kind)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
