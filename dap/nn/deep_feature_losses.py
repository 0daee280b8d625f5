"""The network of "Speech Denoising with Deep Feature Losses" (Germain, Chen and Koltun 2018).

Waveform to waveform: convolutions of length 3 with dilations 1, 2, 4, ... 4,096 and 1 again, then
one of length 1. Each but the last is followed by adaptive normalisation and LeakyReLU 0.2. The loss
that gives the work its name is of training alone, and not here (fidelity: dfl).
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

from dap.errors import DapError

LAYERS, CHANNELS, TAPS = 13, 64, 3  # of the published weights
EPSILON = 1e-3  # added to variances
SLOPE = 0.2  # of the LeakyReLU
LAST, OUTPUT = "se_conv_last", "se_fc_last"


def shapes(layers: int = LAYERS, channels: int = CHANNELS) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a checkpoint, by its name there.

    Args:
        layers: of dilations 1, 2, 4, ...; one of dilation 1 and that of length 1 follow.
        channels: of each.
    """
    expected: dict[str, tuple[int, ...]] = {}
    for layer in range(layers + 1):
        name = LAST if layer == layers else f"se_conv_{layer}"
        expected |= {
            f"{name}/weights": (1, TAPS, channels if layer else 1, channels),
            f"{name}/w0": (),
            f"{name}/w1": (),
            f"{name}/BatchNorm/beta": (channels,),
        }
    return expected | {f"{OUTPUT}/weights": (1, 1, channels, 1), f"{OUTPUT}/biases": (1,)}


class EnhancementNetwork:
    """The network with its trained weights, on a CPU, in float32.

    Args:
        tensors: by the names of the published checkpoint; kernels are (1, taps, in, out), and are
            not turned round. How many layers and channels there are is found from them.

    Raises:
        DapError: one is missing, has another shape, or is none of the network's.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray]):
        layers = sum(name.startswith("se_conv_") and name.endswith("/w0") for name in tensors) - 1
        channels = tensors.get(f"{OUTPUT}/weights", np.empty((1, 1, 0, 1))).size
        expected = shapes(max(0, layers), channels)
        found = {name: tensor.shape for name, tensor in tensors.items()}
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                raise DapError(
                    f"the tensor {name} is {_shown(found.get(name))}, and in a network of {layers} "
                    f"dilated layers and {channels} channels {_shown(expected.get(name))}"
                )
        names = [f"se_conv_{layer}" for layer in range(layers)]
        self.layers = [_Layer(tensors, name, 2**i) for i, name in enumerate(names)]
        self.layers.append(_Layer(tensors, LAST, 1))
        self.output = torch.from_numpy(tensors[f"{OUTPUT}/weights"].reshape(1, -1))
        self.bias = float(tensors[f"{OUTPUT}/biases"][0])

    @property
    def reach(self) -> int:
        """How far before and after a sample its output looks, beside the normalisation."""
        return sum(layer.dilation for layer in self.layers)

    @torch.no_grad()
    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """(samples,) float32 -> (samples,) float32.

        Mean and variance of the normalisation are those of this signal as a whole, as in the
        published inference: the checkpoint has no averages of the training.
        """
        hidden = torch.from_numpy(np.ascontiguousarray(signal, np.float32))[None]  # (1, T)
        for layer in self.layers:
            hidden = layer(hidden)  # (C, T)
        return (self.output @ hidden)[0].add_(self.bias).numpy()


class _Layer:
    """A dilated convolution, adaptive normalisation, LeakyReLU: (C_in, T) -> (C_out, T)."""

    def __init__(self, tensors: Mapping[str, np.ndarray], name: str, dilation: int):
        kernel = tensors[f"{name}/weights"][0]
        taps = np.ascontiguousarray(kernel.transpose(0, 2, 1))  # (3, out, in)
        self.taps = torch.from_numpy(taps)
        self.kept, self.normalised = (float(tensors[f"{name}/{w}"]) for w in ("w0", "w1"))
        self.beta = torch.from_numpy(tensors[f"{name}/BatchNorm/beta"])[:, None]
        self.dilation = dilation

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        samples, step = x.shape[-1], self.dilation
        # The published code folds the signal into rows of `step` samples, and fills up the last one
        # with zeros: its outputs there count in mean and variance, too.
        folded = samples + -samples % step
        x = functional.pad(x, (step, step + folded - samples))
        y = self.taps[1] @ x[:, step : step + folded]
        y.addmm_(self.taps[0], x[:, :folded])
        y.addmm_(self.taps[2], x[:, 2 * step :])
        # w0 y + w1 ((y - mean) / sqrt(variance + epsilon) + beta)
        variance, mean = torch.var_mean(y, dim=1, correction=0, keepdim=True)
        gain = self.normalised * (variance + EPSILON).rsqrt()
        y.mul_(self.kept + gain).add_(self.normalised * self.beta - gain * mean)
        return functional.leaky_relu_(y, SLOPE)[:, :samples]


def _shown(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else f"of shape {shape}"
