"""Paper A's U-Nets on the compiled layers: the same function and gradients as `dap.nn.unet`.

A network becomes a list of layers with buffers of their own, made once for a fit: an iteration
allocates nothing and concatenates nothing, and the fixed input z gets no gradient.
"""

from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from dap.native.library import Library, Map, library
from dap.nn.unet import ConvBlock, UNet

ADD, RELU = 1, 2  # flags of the library's `conv`
SLACK = 128  # lanes before and after a map, which whole vectors may touch
SCRATCH = 150_000  # lanes a thread: about what a core's second-level cache holds
SPLIT = 48  # channels that the library splits at a time


@dataclass
class Feature:
    """A feature map and the loss's gradient with respect to it.

    Attributes:
        size: channels, rows, columns.
        halo: columns of zeros beside it: the largest dilation of what reads it.
        wanted: whether a gradient is.
        filled: whether this pass has written the gradient, so that other readers add to it.
    """

    size: tuple[int, int, int]
    wanted: bool = True
    halo: int = 1
    filled: bool = False
    value: Map | None = None
    gradient: Map | None = None
    memory: list[Tensor] = field(default_factory=list)

    def allocate(self, lib: Library) -> None:
        """Make the buffers, of zeros."""
        self.value = self._buffer(lib)
        if self.wanted:
            self.gradient = self._buffer(lib)

    def _buffer(self, lib: Library) -> Map:
        channels, rows, columns = self.size
        # the zeros after a line are those before the next one, too
        line = _up(columns, 2 * lib.lanes) + _up(self.halo, 16)
        row = line * _up(channels, 2) // lib.group
        front = SLACK + _up(self.halo, 16)
        memory = torch.zeros(front + row * rows + SLACK + self.halo, dtype=torch.int32)
        self.memory.append(memory)
        return Map(memory.data_ptr() + 4 * front, row, line, channels)


def _up(count: int, unit: int) -> int:
    return -(-count // unit) * unit


class Weights:
    """Some of a convolution's weights, in the order in which the library reads them.

    Args:
        weight: (out_channels, in_channels, k, k).
        rows: output channels, -1 for one of zeros; even in number.
        columns: input channels, likewise; whole groups.
        transposed: for the gradient of the inputs: rows and columns are exchanged, taps reversed.
    """

    def __init__(
        self,
        lib: Library,
        weight: Tensor,
        rows: list[int],
        columns: list[int],
        threads: int,
        *,
        transposed: bool = False,
    ):
        taps = weight[0, 0].numel()
        steps = (weight.stride(0), taps)
        self.memory = torch.zeros(len(rows) * taps * len(columns) // lib.group, dtype=torch.int32)
        self.address = self.memory.data_ptr()
        self.rows, self.columns = (torch.tensor(i, dtype=torch.int32) for i in (rows, columns))
        self.weight = weight
        self.pack = partial(
            lib.pack_weights,
            weight.data_ptr(),
            *(steps[::-1] if transposed else steps),
            taps,
            transposed,
            self.rows.data_ptr(),
            len(rows),
            self.columns.data_ptr(),
            len(columns),
            self.address,
            threads,
        )


class Conv:
    """A convolution of the concatenation of some features, and the normalisation or ReLU after it.

    Args:
        after: "norm_relu", "relu" or "".
        planar: the output is wanted as a tensor, (channels, rows, columns) float32.
    """

    def __init__(self, conv: nn.Conv2d, inputs: list[Feature], after: str, planar: bool = False):
        self.conv, self.inputs, self.after = conv, inputs, after
        self.taps = conv.kernel_size[0] * conv.kernel_size[1]
        self.dilation = conv.dilation[0]
        self.rows, self.columns = inputs[0].size[1:]
        size = (conv.out_channels, self.rows, self.columns)
        self.out = Feature(size)
        self.raw = Feature(size, wanted=False) if after == "norm_relu" else self.out
        self.planar = planar
        if self.taps > 1:
            for feature in (*inputs, self.out):  # the gradient is read with the same dilation
                feature.halo = max(feature.halo, self.dilation)

    def features(self) -> list[Feature]:
        """What the layer writes."""
        return [self.out] if self.raw is self.out else [self.raw, self.out]

    def lanes(self, lib: Library) -> int:
        """Lanes of scratch that the gradient of the weights takes at least."""
        whole = _up(self.columns, 2 * lib.lanes)
        wide = whole + 2 * _up(self.dilation, 32)
        channels = max(feature.size[0] for feature in self.inputs)
        return _up(self.out.size[0], 2) * whole + min(_up(channels, 2), SPLIT) * wide

    def products(self) -> int:
        """Weights, padded, of the largest input."""
        channels = max(_up(feature.size[0], 2) for feature in self.inputs)
        return self.taps * _up(self.out.size[0], 2) * channels

    def prepare(self, lib: Library, threads: int, scratch: dict[str, Tensor]) -> None:
        """Settle all arguments of the library's functions."""
        out, inputs = self.out, [feature.size[0] for feature in self.inputs]
        count, total = out.size[0], sum(inputs)
        offsets = [sum(inputs[:i]) for i in range(len(inputs))]
        size, sums = out.size[1:], scratch["sums"].data_ptr()
        shape = (*size, self.taps, self.dilation, threads)
        self.bias = torch.zeros(_up(count, 2))
        self.moments = torch.empty(_up(count, 2), 2)
        self.gradients = torch.zeros_like(self.conv.weight), torch.zeros(_up(count, 2))

        groups = [_padded(*part, lib.group) for part in zip(offsets, inputs, strict=True)]
        columns = [index for group in groups for index in group]
        self.weights = Weights(lib, self.conv.weight, _padded(0, count, 2), columns, threads)
        maps = (Map * len(inputs))(*(feature.value for feature in self.inputs))
        self.run = partial(lib.conv, maps, len(inputs), self.raw.value, self.weights.address)
        if self.after == "norm_relu":  # a bias would be taken off again with the mean
            moments = self.moments.data_ptr()
            self.run = partial(self.run, None, sums, *shape, 0)
            self.finish = partial(
                lib.norm_relu, self.raw.value, out.value, sums, moments, *size, threads
            )
            self.undo = partial(
                lib.norm_relu_backward, out.gradient, self.raw.value, moments, sums, *size, threads
            )
        else:
            flags, positive = (RELU, out.value) if self.after == "relu" else (0, None)
            self.run = partial(self.run, self.bias.data_ptr(), None, *shape, flags)
            self.finish = None
            of_bias = self.gradients[1].data_ptr()
            self.undo = partial(
                lib.relu_backward, out.gradient, positive, of_bias, sums, *size, threads
            )

        products, lanes = scratch["products"].data_ptr(), scratch["lanes"]
        self.of_weights, self.of_inputs = [], []
        for feature, offset in zip(self.inputs, offsets, strict=True):
            place = (self.gradients[0].data_ptr(), total, offset)
            room = (products, lanes.data_ptr(), lanes.shape[1])
            self.of_weights.append(
                partial(lib.conv_weights, out.gradient, feature.value, *place, *room, *shape)
            )
            if feature.wanted:
                rows = [offset + row if row >= 0 else row for row in _padded(0, feature.size[0], 2)]
                columns = _padded(0, count, lib.group)
                weights = Weights(lib, self.conv.weight, rows, columns, threads, transposed=True)
                run = partial(lib.conv, out.gradient, 1, feature.gradient, weights.address)
                self.of_inputs.append((feature, weights, partial(run, None, None, *shape)))

    def forward(self) -> Tensor | None:
        """The output; as a tensor if it is planar."""
        self.weights.pack()
        self.bias[: self.out.size[0]] = self.conv.bias
        planar = torch.empty(self.out.size) if self.planar else None
        self.run(planar.data_ptr() if self.planar else None)
        if self.finish:
            self.finish()
        return planar

    def backward(self) -> None:
        """Gradients of weights, bias and inputs."""
        self.undo()
        for run in self.of_weights:
            run()
        for feature, weights, run in self.of_inputs:
            weights.pack()
            run(ADD if feature.filled else 0, None)
            feature.filled = True


def _padded(start: int, count: int, unit: int) -> list[int]:
    """Indices of channels, and -1 up to a whole number of units."""
    return [*range(start, start + count), *[-1] * (_up(count, unit) - count)]


class Resize:
    """Max-pooling by 2, or bilinear interpolation to twice the size; `down` says which."""

    def __init__(self, feature: Feature, *, down: bool):
        channels, rows, columns = feature.size
        self.source, self.down = feature, down
        size = (rows // 2, columns // 2) if down else (2 * rows, 2 * columns)
        self.out = Feature((channels, *size))

    def features(self) -> list[Feature]:
        """What the layer writes."""
        return [self.out]

    def prepare(self, lib: Library, threads: int) -> None:
        """Settle all arguments of the library's functions."""
        source, out = self.source, self.out
        small = (out if self.down else source).size[1:]
        if self.down:
            self.run = partial(lib.max_pool, source.value, out.value, *small, threads)
            self.undo = partial(
                lib.max_pool_backward, out.gradient, source.value, source.gradient, *small, threads
            )
        else:
            self.run = partial(lib.upsample, source.value, out.value, *small, threads)
            self.undo = partial(
                lib.upsample_backward, out.gradient, source.gradient, *small, threads
            )

    def forward(self) -> None:
        """Write the output."""
        self.run()

    def backward(self) -> None:
        """Write the gradient of the source, which nothing else reads."""
        self.undo()
        self.source.filled = True


class Network:
    """A U-Net on one fixed input.

    Args:
        net: the network, whose parameters are read at every pass.
        z: (1, channels, rows, columns) float32; rows and columns are multiples of 4.
        precision: of features and of the products' factors, "float32" or "bfloat16"; sums,
            statistics, parameters and their gradients are float32.

    Raises:
        ValueError: the library is not there in this precision.
    """

    def __init__(self, net: UNet, z: Tensor, precision: str):
        lib = library(precision)
        if lib is None:
            raise ValueError(f"no compiled layers in {precision} on this machine")
        self.parameters = list(net.parameters())
        self.layers: list[Conv | Resize] = []
        start = Feature(tuple(z.shape[1:]), wanted=False)
        self._wire(net, start)
        self._prepare(lib, [start, *(f for layer in self.layers for f in layer.features())])
        planes = z.contiguous()
        lib.import_planes(planes.data_ptr(), start.value, *start.size[1:], torch.get_num_threads())

    def _wire(self, net: UNet, z: Feature) -> None:
        skip1, x = self._block(net.down1, [z])
        skip2, x = self._block(net.down2, [self._add(Resize(x, down=True))])
        _, x = self._block(net.bottom, [self._add(Resize(x, down=True))])
        x = self._add(Conv(net.reduce2, [self._add(Resize(x, down=False))], ""))
        _, x = self._block(net.up2, [x, *skip2])
        x = self._add(Conv(net.reduce1, [self._add(Resize(x, down=False))], ""))
        _, x = self._block(net.up1, [x, *skip1])
        self._add(Conv(net.final, [x], "", planar=True))

    def _block(self, block: ConvBlock, inputs: list[Feature]) -> tuple[list[Feature], Feature]:
        """The features before the transition, and the one after it."""
        for layers in (block.conv1, block.conv2):
            normalise = any(isinstance(layer, nn.InstanceNorm2d) for layer in layers)
            out = self._add(Conv(layers[0], inputs, "norm_relu" if normalise else "relu"))
            inputs = [*inputs, out] if block.dense else [out]
        return inputs, self._add(Conv(block.transition, inputs, ""))

    def _add(self, layer: Conv | Resize) -> Feature:
        self.layers.append(layer)
        return layer.out

    def _prepare(self, lib: Library, features: list[Feature]) -> None:
        threads = torch.get_num_threads()
        for feature in features:
            feature.allocate(lib)
        self.features, self.lib, self.threads = features, lib, threads
        convs = [layer for layer in self.layers if isinstance(layer, Conv)]
        most = max(conv.rows * _up(conv.out.size[0], 2) for conv in convs)
        scratch = {
            "sums": torch.zeros(most, 2, dtype=torch.float64),
            "products": torch.empty(threads, max(conv.products() for conv in convs)),
            "lanes": torch.zeros(
                threads, max(SCRATCH, *(conv.lanes(lib) for conv in convs)), dtype=torch.int32
            ),
        }
        for layer in self.layers:
            if isinstance(layer, Conv):
                layer.prepare(lib, threads, scratch)
            else:
                layer.prepare(lib, threads)
        self.scratch = scratch
        of = {}
        for conv in convs:
            weights, bias = conv.gradients
            of[conv.conv.weight] = weights
            of[conv.conv.bias] = bias[: conv.out.size[0]]
        self.gradients = [of[parameter] for parameter in self.parameters]

    def __call__(self) -> Tensor:
        """The output, (1, channels, rows, columns) float32, which has the parameters' gradients."""
        return _Pass.apply(self, *self.parameters)

    def forward(self) -> Tensor:
        """The output alone."""
        for layer in self.layers:
            out = layer.forward()
        return out.unsqueeze(0)

    def backward(self, gradient: Tensor) -> list[Tensor]:
        """Gradients of the parameters, from the output's, (1, channels, rows, columns)."""
        out = self.layers[-1].out
        planes = gradient.contiguous()
        self.lib.import_planes(planes.data_ptr(), out.gradient, *out.size[1:], self.threads)
        for feature in self.features:
            feature.filled = False
        for layer in reversed(self.layers):
            layer.backward()
        return self.gradients


class _Pass(torch.autograd.Function):
    @staticmethod
    def forward(ctx, network: Network, *parameters: Tensor) -> Tensor:
        ctx.network = network
        return network.forward()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, *ctx.network.backward(gradient)
