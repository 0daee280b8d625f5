"""How a network runs on a device: on compiled layers, or in PyTorch.

On a CPU, a network that has a method `compiled` runs on the compiled layers (`dap.fitting.cpu`).
Others, and all where there is no compiler, run in PyTorch; in bfloat16 only if they have
`autocast = True`. On a GPU, PyTorch runs them all, in bfloat16 under autocast.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from dap.errors import DapError
from dap.fitting.cpu.library import library


class Run(Protocol):
    """A network on an input that it keeps."""

    def __call__(self) -> Tensor:
        """The output, with the gradients of the network's parameters."""

    def feed(self, z: Tensor) -> None:
        """Replace the input by one of the same shape."""


@dataclass
class PyTorchRun:
    """A network in PyTorch.

    Attributes:
        autocast: whether it runs under autocast to bfloat16.
    """

    net: nn.Module
    z: Tensor
    autocast: bool = False

    def __call__(self) -> Tensor:
        """The output, float32."""
        if not self.autocast:
            return self.net(self.z)
        with torch.autocast(self.z.device.type, dtype=torch.bfloat16):
            return self.net(self.z).float()

    def feed(self, z: Tensor) -> None:
        """Replace the input where it is: a recorded iteration reads that memory."""
        self.z.copy_(z)


def choose(precision: str, device: str) -> Literal["float32", "bfloat16"]:
    """What "auto" means on a device: bfloat16 where the hardware multiplies it, else float32.

    Raises:
        DapError: bfloat16 is asked for, and the device has none.
    """
    if precision == "float32":
        return "float32"
    if device == "cpu":
        able = library("bfloat16") is not None
    else:
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bfloat16" and not able:
        raise DapError(
            "precision is bfloat16, and this device has no products of it (or, for a CPU, there is "
            "no C compiler); set precision to auto or float32"
        )
    return "bfloat16" if able else "float32"


def run(net: nn.Module, z: Tensor, precision: str) -> tuple[Run, str]:
    """A network on its input, ready to run, and the engine's name.

    Args:
        z: (1, channels, F, T) float32, F and T multiples of 4, or (1, channels, samples).
        precision: "float32" or "bfloat16"; parameters, their gradients and the output are float32.

    Returns:
        the network, whose output is of z's shape but for the channels, and "compiled" or "pytorch".
    """
    if z.device.type == "cpu":
        compiled = getattr(net, "compiled", None)
        if compiled and library(precision):
            return compiled(z, precision), "compiled"
        if not getattr(net, "autocast", False):
            return PyTorchRun(net, z), "pytorch"
    if precision == "float32":
        return PyTorchRun(net, z), "pytorch"
    if z.dim() == 4 and z.is_cuda:
        # which PyTorch's types leave out of `Module.to`
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        z = z.to(memory_format=torch.channels_last)
    return PyTorchRun(net, z, autocast=True), "pytorch"
