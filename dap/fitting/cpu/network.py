"""A network on the compiled layers: the same function and gradients as the PyTorch module's."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dap.fitting.cpu.layers import Conv, Feature, Resize
from dap.fitting.cpu.library import library
from dap.fitting.cpu.sampling import Sample

Layer = Conv | Resize | Sample


class Wiring(Protocol):
    """Adds a network's layers, in the order in which they run; the last one is planar."""

    def __call__(self, z: Feature, add: Callable[[Layer], Feature]) -> None:
        """Add layers, beginning with the input `z`; `add` returns a layer's output."""


class Network:
    """A network on an input that it keeps.

    There is one set of buffers: the gradients of an output have to be taken before the next forward
    pass.

    Args:
        wire: adds the layers, whose values are read at every pass.
        z: (1, channels, rows, columns) float32; rows and columns are multiples of 4.
        precision: of features and of the products' factors, "float32" or "bfloat16"; sums,
            statistics, parameters and their gradients are float32.

    Raises:
        ValueError: the library is not there in this precision.
    """

    def __init__(self, wire: Wiring, z: Tensor, precision: str):
        lib = library(precision)
        if lib is None:
            raise ValueError(f"no compiled layers in {precision} on this machine")
        self.lib, self.threads = lib, torch.get_num_threads()
        self.passes = 0  # number of the forward pass whose features the buffers hold
        self.layers: list[Layer] = []
        channels, rows, columns = z.shape[1:]
        start = Feature((channels, rows, columns), wanted=False)
        wire(start, self._add)
        self.features = [start, *(f for layer in self.layers for f in layer.features())]
        for feature in self.features:
            feature.allocate(lib)
        self._prepare()
        self.values = [value for layer in self.layers for value in layer.values()]
        self.feed(z)

    def feed(self, z: Tensor) -> None:
        """Replace the input by one of the same shape, (1, channels, rows, columns) float32."""
        start, planes = self.features[0], z.contiguous()
        self.lib.import_planes(planes.data_ptr(), start.value, *start.size[1:], self.threads)

    def _add(self, layer: Layer) -> Feature:
        self.layers.append(layer)
        return layer.out

    def _prepare(self) -> None:
        convs = [layer for layer in self.layers if isinstance(layer, Conv)]
        most = max(layer.sums() for layer in self.layers if not isinstance(layer, Resize))
        lanes = max(self.lib.constants.scratch, *(conv.lanes(self.lib) for conv in convs))
        self.scratch = {
            "sums": torch.zeros(most, 2, dtype=torch.float64),
            "products": torch.empty(self.threads, max(conv.products(self.lib) for conv in convs)),
            "lanes": torch.zeros(self.threads, lanes, dtype=torch.int32),
        }
        for layer in self.layers:
            layer.prepare(self.lib, self.threads, self.scratch)

    def __call__(self) -> Tensor:
        """The output, (1, channels, rows, columns) float32, which has the parameters' gradients."""
        return _Pass.apply(self, *(value.source() for value in self.values))

    def forward(self, *values: Tensor) -> Tensor:
        """The output alone, from the layers' values.

        Raises:
            ValueError: the last layer is not planar.
        """
        self.passes += 1
        for value, tensor in zip(self.values, values, strict=True):
            value.refresh(tensor)
        *layers, last = self.layers
        for layer in layers:
            layer.forward()
        out = last.forward() if isinstance(last, Conv) else None
        if out is None:
            raise ValueError("the last layer of a network must be a planar convolution")
        return out.unsqueeze(0)

    def backward(self, gradient: Tensor) -> list[Tensor]:
        """Gradients of the values, from the output's, (1, channels, rows, columns)."""
        out = self.layers[-1].out
        planes = gradient.contiguous()
        self.lib.import_planes(planes.data_ptr(), out.gradient, *out.size[1:], self.threads)
        for feature in self.features:
            feature.filled = False
        for layer in reversed(self.layers):
            layer.backward()
        return [each for layer in self.layers for each in layer.gradients()]


class _Pass(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, network: Network, *values: Tensor) -> Tensor:
        out = network.forward(*values)
        ctx.network, ctx.number = network, network.passes
        ctx.save_for_backward(*values)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        ctx.saved_tensors  # noqa: B018  raises if they were changed or freed meanwhile
        if ctx.number != ctx.network.passes:
            raise RuntimeError(
                f"backward of forward pass {ctx.number} after forward pass {ctx.network.passes}: "
                "the compiled layers keep one pass; take the gradients before the next one"
            )
        return None, *ctx.network.backward(gradient)
