"""The layers of a network as calls of the library, with buffers that are made once for a fit.

An iteration allocates nothing and concatenates nothing: a layer reads a list of features, and the
fixed input z gets no gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate

import torch
from torch import Tensor, nn

from dap.fitting.cpu.library import Library, Map


class Value:
    """A tensor that a layer reads: a parameter, or what is computed from parameters.

    Args:
        source: returns it, (out_channels, in_channels, k, l) or (channels,) or (channels, length).

    Attributes:
        memory: where the layer reads it.
    """

    def __init__(self, source: Callable[[], Tensor]):
        self.source = source
        tensor = source()
        is_parameter = isinstance(tensor, nn.Parameter)
        self.memory = tensor.detach() if is_parameter else tensor.detach().clone()

    def refresh(self, tensor: Tensor) -> None:
        """Copy the tensor of this pass, if it has memory of its own."""
        if tensor.data_ptr() != self.memory.data_ptr():
            self.memory.copy_(tensor)


@dataclass
class Feature:
    """A feature map and the loss's gradient with respect to it.

    Attributes:
        size: channels, rows, columns.
        parts: into how many parts the channels are divided, each filled up to an even number of
            them; None for channels that are not divided.
        halo: columns of zeros beside it: the largest dilation of what reads it.
        wanted: whether the gradient is needed.
        filled: whether this pass has written the gradient, so that other readers add to it.
        value, gradient: where the two are, once `allocate` was called.
    """

    size: tuple[int, int, int]
    wanted: bool = True
    parts: int | None = None
    halo: int = 1
    filled: bool = False
    value: Map = field(init=False)
    gradient: Map | None = None
    memory: list[Tensor] = field(default_factory=list)

    def slots(self, unit: int = 1) -> list[int]:
        """The channel that each slot holds, -1 for none; `unit` slots or a multiple of it."""
        count = self.size[0] // (self.parts or 1)
        fill = [-1] * (round_up(count, 2) - count if self.parts else 0)
        parts = (range(n * count, (n + 1) * count) for n in range(self.parts or 1))
        slots = [slot for part in parts for slot in (*part, *fill)]
        return slots + [-1] * (round_up(len(slots), unit) - len(slots))

    def allocate(self, lib: Library) -> None:
        """Make the buffers, of zeros."""
        self.value = self._buffer(lib)
        if self.wanted:
            self.gradient = self._buffer(lib)

    def _buffer(self, lib: Library) -> Map:
        rows, columns = self.size[1:]
        channels = len(self.slots())
        # the zeros after a line are also those before the next one
        beside = round_up(self.halo, 16)  # lines begin where 64 bytes do
        line = round_up(columns, 2 * lib.constants.lanes) + beside
        row = line * round_up(channels, 2) // lib.constants.group
        front = round_up(self.halo, lib.constants.margin)  # of the first line, and of the last
        memory = torch.zeros(front + row * rows + front - beside, dtype=torch.int32)
        self.memory.append(memory)
        return Map(memory.data_ptr() + 4 * front, row, line, channels)


def round_up(count: int, unit: int) -> int:
    """The least multiple of `unit` that is not below `count`."""
    return -(-count // unit) * unit


class Weights:
    """Some of a convolution's weights, in the order in which the library reads them.

    Args:
        weight: (out_channels, in_channels, k, l), contiguous.
        rows: output channels, -1 for one of zeros; even in number.
        columns: input channels, likewise; whole groups.
        transposed: for the gradient of the inputs: rows and columns are exchanged, taps reversed.
        winograd: for `conv_winograd`.
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
        winograd: bool = False,
    ):
        taps = weight[0, 0].numel()
        steps = (weight.stride(0), taps)
        packed = lib.constants.winograd_taps if winograd else taps
        lanes = len(rows) * packed * len(columns) // lib.constants.group
        self.memory = torch.zeros(lanes, dtype=torch.int32)
        self.address = self.memory.data_ptr()
        self.rows, self.columns = (torch.tensor(i, dtype=torch.int32) for i in (rows, columns))
        self.weight = weight
        self.pack = partial(
            lib.pack_weights,
            weight.data_ptr(),
            *(steps[::-1] if transposed else steps),
            taps,
            transposed,
            winograd,
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
        weight: (out_channels, in_channels, k, l), k and l odd.
        bias: (out_channels,), or None; before a normalisation it is not read.
        after: "norm_relu", "relu" or "".
        parts: of the output.
        planar: whether `forward` returns the output, (channels, rows, columns) float32.
    """

    def __init__(
        self,
        weight: Value,
        bias: Value | None,
        inputs: list[Feature],
        after: str,
        *,
        dilation: int = 1,
        parts: int | None = None,
        planar: bool = False,
    ):
        self.weight, self.bias, self.inputs, self.after = weight, bias, inputs, after
        self.kernel = tuple(weight.memory.shape[2:])
        self.taps = weight.memory[0, 0].numel()
        self.dilation = dilation
        self.rows, self.columns = inputs[0].size[1:]
        size = (weight.memory.shape[0], self.rows, self.columns)
        self.out = Feature(size, parts=parts)
        self.raw = self.out
        if after == "norm_relu":
            self.raw = Feature(size, wanted=False, parts=parts)
        self.planar = planar
        self.reach = self.kernel[1] // 2 * dilation
        for feature in (*inputs, self.out):  # the gradient is read with the same dilation
            feature.halo = max(feature.halo, self.reach)

    @classmethod
    def of(
        cls, conv: nn.Conv2d, inputs: list[Feature], after: str, *, planar: bool = False
    ) -> "Conv":
        """The layer of a module."""
        weight = Value(lambda: conv.weight)
        bias = None if conv.bias is None else Value(lambda: conv.get_parameter("bias"))
        return cls(weight, bias, inputs, after, dilation=conv.dilation[0], planar=planar)

    def features(self) -> list[Feature]:
        """What the layer writes."""
        return [self.out] if self.raw is self.out else [self.raw, self.out]

    def values(self) -> list[Value]:
        """What the layer reads, in the order of `gradients`."""
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    def winograd(self, lib: Library) -> bool:
        """Whether `conv_winograd` is used: 3x3 taps, and fewer products a column of them.

        `conv` needs none for the rows above the first and below the last, which large dilations
        read much of.
        """
        if not lib.constants.winograd or self.kernel != (3, 3):
            return False
        direct = 3 * self.rows - 2 * min(self.dilation, self.rows)
        return 4 * lib.pair_count(self.rows, self.dilation) < 0.9 * direct

    def lanes(self, lib: Library) -> int:
        """Lanes of scratch that the library's functions take at least."""
        inputs, out = [len(feature.slots()) for feature in self.inputs], len(self.out.slots())
        lanes = lib.scratch_lanes(out, max(inputs), self.columns, self.reach)
        if self.winograd(lib):
            lanes = max(lanes, lib.winograd_lanes(max(sum(inputs), out), self.dilation))
        return lanes

    def products(self, lib: Library) -> int:
        """Weights, padded, of the largest input."""
        channels = max(len(feature.slots(2)) for feature in self.inputs)
        taps = lib.constants.winograd_taps if self.winograd(lib) else self.taps
        return taps * len(self.out.slots(2)) * channels

    def sums(self) -> int:
        """Pairs of sums over rows that the layer leaves."""
        return self.rows * len(self.out.slots(2))

    def prepare(self, lib: Library, threads: int, scratch: dict[str, Tensor]) -> None:
        """Bind all arguments of the library's functions."""
        out, weight, group = self.out, self.weight.memory, lib.constants.group
        self.add, self.scratch = lib.constants.add, scratch  # whose addresses the functions hold
        size, sums = out.size[1:], scratch["sums"].data_ptr()
        buffer = (scratch["lanes"].data_ptr(), scratch["lanes"].shape[1])
        shape: tuple[int, ...] = (*size, *self.kernel, self.dilation, threads)
        with_scratch = (*buffer, *shape)
        conv, conv_weights = lib.conv, lib.conv_weights
        if winograd := self.winograd(lib):
            shape = with_scratch = (*buffer, *size, self.dilation, threads)
            conv, conv_weights = lib.conv_winograd, lib.conv_weights_winograd
        count = len(out.slots(2))
        self.shift, self.moments = torch.zeros(count), torch.empty(count, 2)

        offsets = list(accumulate((f.size[0] for f in self.inputs), initial=0))
        columns = [_shifted(f.slots(group), at) for f, at in self._inputs_at(offsets)]
        flat = [slot for slots in columns for slot in slots]
        self.weights = Weights(lib, weight, out.slots(2), flat, threads, winograd=winograd)
        maps = (Map * len(self.inputs))(*(feature.value for feature in self.inputs))
        run = partial(conv, maps, len(self.inputs), self.raw.value, self.weights.address)
        self.finish = self.undo = None
        of_shift = torch.zeros(count)
        if self.after == "norm_relu":  # subtracting the mean would remove a bias
            moments = self.moments.data_ptr()
            self.run = partial(run, None, sums, *shape, 0)
            self.finish = partial(
                lib.norm_relu, self.raw.value, out.value, sums, moments, *size, threads
            )
            self.undo = partial(
                lib.norm_relu_backward, out.gradient, self.raw.value, moments, sums, *size, threads
            )
        else:
            flags, positive = (lib.constants.relu, out.value) if self.after == "relu" else (0, None)
            self.run = partial(run, self.shift.data_ptr(), None, *shape, flags)
            if flags or self.bias:
                self.undo = partial(
                    lib.relu_backward,
                    *(out.gradient, positive, of_shift.data_ptr(), sums, *size, threads),
                )

        # slots that hold no channel are cut out of the weights' gradient afterwards
        inputs = list(accumulate((len(f.slots()) for f in self.inputs), initial=0))
        of_weight = torch.zeros(len(out.slots()), inputs[-1], *self.kernel)
        products = scratch["products"].data_ptr()
        self.of_weights, self.of_inputs = [], []
        for (feature, at), offset in zip(self._inputs_at(offsets), inputs, strict=False):
            target = (of_weight.data_ptr(), inputs[-1], offset, products)
            self.of_weights.append(
                partial(conv_weights, out.gradient, feature.value, *target, *with_scratch)
            )
            if feature.wanted:
                rows, back = _shifted(feature.slots(2), at), out.slots(group)
                weights = Weights(
                    lib, weight, rows, back, threads, transposed=True, winograd=winograd
                )
                run = partial(conv, out.gradient, 1, feature.gradient, weights.address)
                self.of_inputs.append((feature, weights, partial(run, None, None, *shape)))
        self._gradients = of_weight, of_shift
        slots = out.slots(), [slot for f, at in self._inputs_at(offsets) for slot in f.slots()]
        self.filled_slots = [
            torch.tensor([i for i, slot in enumerate(each) if slot >= 0]) for each in slots
        ]
        self.whole = of_weight.shape == weight.shape

    def _inputs_at(self, offsets: list[int]) -> list[tuple[Feature, int]]:
        return list(zip(self.inputs, offsets, strict=False))

    def forward(self) -> Tensor | None:
        """Compute the output; it is returned if it is planar, else None."""
        self.weights.pack()
        if self.bias is not None:
            self.shift[self.filled_slots[0]] = self.bias.memory
        planar = torch.empty(self.out.size) if self.planar else None
        self.run(None if planar is None else planar.data_ptr())
        if self.finish:
            self.finish()
        return planar

    def backward(self) -> None:
        """Gradients of weights, bias and inputs."""
        if self.undo:
            self.undo()
        for run in self.of_weights:
            run()
        for feature, weights, run in self.of_inputs:
            weights.pack()
            run(self.add if feature.filled else 0, None)
            feature.filled = True

    def gradients(self) -> list[Tensor]:
        """Of the values; the next backward pass does not change them."""
        weight, shift = self._gradients
        weight = (
            weight.clone() if self.whole else weight[self.filled_slots[0]][:, self.filled_slots[1]]
        )
        return [weight, shift[self.filled_slots[0]]][: len(self.values())]


def _shifted(slots: list[int], offset: int) -> list[int]:
    return [slot + offset if slot >= 0 else slot for slot in slots]


class Resize:
    """Pooling of 2 x 2 pixels, or bilinear interpolation to twice the size.

    Args:
        kind: "max_pool", "mean_pool" or "upsample".
    """

    def __init__(self, feature: Feature, kind: str):
        channels, rows, columns = feature.size
        self.source, self.kind = feature, kind
        larger = kind == "upsample"
        size = (2 * rows, 2 * columns) if larger else (rows // 2, columns // 2)
        self.small = (rows, columns) if larger else size
        self.out = Feature((channels, *size))

    def features(self) -> list[Feature]:
        """What the layer writes."""
        return [self.out]

    def values(self) -> list[Value]:
        """Nothing."""
        return []

    def gradients(self) -> list[Tensor]:
        """Of nothing."""
        return []

    def prepare(self, lib: Library, threads: int, scratch: dict[str, Tensor]) -> None:
        """Bind all arguments of the library's functions."""
        source, out = self.source, self.out
        self.add = lib.constants.add
        self.forward = partial(
            getattr(lib, self.kind), source.value, out.value, *self.small, threads
        )
        maps = [out.gradient, source.gradient]
        if self.kind == "max_pool":
            maps.insert(1, source.value)
        self.undo = partial(getattr(lib, f"{self.kind}_backward"), *maps, *self.small, threads)

    def backward(self) -> None:
        """The gradient of the source.

        Raises:
            ValueError: another layer reads the source, too, and this kind cannot add.
        """
        if self.kind == "mean_pool":
            self.undo(self.add if self.source.filled else 0)
        elif self.source.filled:
            raise ValueError(f"the source of {self.kind} has another reader")
        else:
            self.undo()
        self.source.filled = True
