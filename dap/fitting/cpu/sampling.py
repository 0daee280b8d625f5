"""What a harmonic convolution does between its products: rows sampled and filtered."""

import ctypes
from functools import partial

import torch
from torch import Tensor

from dap.fitting.cpu.layers import Feature, Value, round_up
from dap.fitting.cpu.library import Entry, Library, Table


class Sample:
    """Rows of some parts of a feature, summed by a sparse matrix and filtered along columns.

    This is what a harmonic convolution does between its products (`dap.nn.harmonic_conv`).

    Args:
        feature: its parts are the harmonics.
        entries: (part of the output, row, part that is read, row that is read, weight), of
            increasing rows and parts of the output.
        parts: of the output: the anchors.
        filters: (channels of a part, length), or None.
    """

    def __init__(
        self,
        feature: Feature,
        entries: list[tuple[int, int, int, int, float]],
        parts: int,
        filters: Value | None,
    ):
        self.source, self.filters = feature, filters
        harmonics = feature.parts or 1
        self.channels = feature.size[0] // harmonics
        self.out = Feature((parts * self.channels, *feature.size[1:]), parts=parts)
        rows = feature.size[1]
        ahead = [(w * parts + n, q, k, v) for n, w, k, q, v in entries]
        self.table = _table(ahead, rows * parts)
        back = [(q * harmonics + k, w, n, v) for n, w, k, q, v in entries]
        self.transposed = _table(back, rows * harmonics)

    def features(self) -> list[Feature]:
        """What the layer writes."""
        return [self.out]

    def values(self) -> list[Value]:
        """The filters."""
        return [] if self.filters is None else [self.filters]

    def sums(self) -> int:
        """Pairs of sums over rows that the layer leaves."""
        length = 0 if self.filters is None else self.filters.memory.shape[1]
        return self.out.size[1] * -(-round_up(self.channels, 2) * length // 2)

    def prepare(self, lib: Library, threads: int, scratch: dict[str, Tensor]) -> None:
        """Bind all arguments of the library's functions.

        Raises:
            ValueError: the filter is too long for the library.
        """
        source, out = self.source, self.out
        shape = (self.channels, *out.size[1:], threads)
        filters, of_filters, length = None, None, 0
        if self.filters is not None:
            self.of_filters = torch.zeros_like(self.filters.memory)
            filters, length = self.filters.memory.data_ptr(), self.filters.memory.shape[1]
            if length > lib.constants.taps:
                raise ValueError(f"a filter of {length} taps: at most {lib.constants.taps} fit")
            of_filters = self.of_filters.data_ptr()
        self.forward = partial(
            lib.sample, source.value, out.value, self.table, filters, length, *shape
        )
        self.scratch = scratch["sums"]  # whose address the function holds
        sums = self.scratch.data_ptr()
        self.undo = partial(
            lib.sample_backward,
            *(out.gradient, source.value, source.gradient, self.transposed),
            *(filters, of_filters, sums, length, *shape),
        )

    def backward(self) -> None:
        """Gradients of the filters and of the source, which nothing else reads."""
        self.undo()
        self.source.filled = True

    def gradients(self) -> list[Tensor]:
        """Of the filters; the next backward pass does not change them."""
        return [] if self.filters is None else [self.of_filters.clone()]


def _table(lines: list[tuple[int, int, int, float]], count: int) -> Table:
    """A sparse matrix of (line, row, part, weight) with `count` lines, and its memory."""
    lines = sorted(lines)
    starts = torch.zeros(count + 1, dtype=torch.int64)
    if lines:
        per_line = torch.bincount(torch.tensor([line[0] for line in lines]), minlength=count)
        starts[1:] = per_line.cumsum(0)
    entries = (Entry * len(lines))(*(Entry(*line[1:]) for line in lines))
    table = Table(starts.data_ptr(), ctypes.addressof(entries))
    table.memory = (starts, entries)
    return table
