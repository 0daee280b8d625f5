"""Harmonic convolution (section 3 of B), in two implementations of the same mathematics.

With n the anchor and k the harmonic, a channel of the output is (Equations 3 to 5;
fidelity: harmonic-convolution)

    Z_n[o, w, t] = sum over i, k and s of K[o, i, k, s] X[i, k w / n, t + s - 3]
    Y = mixing of Z_1 ... Z_N

Bins count from 0 (DC). Between bins, X is interpolated linearly; outside it is 0.

`sampled`, ours, uses that all of this is linear: the channels of every harmonic are multiplied at
all bins, the products are sampled at k w / n by one sparse product, and mixed. `deform` is the
paper's way, one deformable convolution for each anchor.
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from dap.errors import extra
from dap.fitting.cpu.layers import Conv, Feature, Value
from dap.fitting.cpu.network import Layer
from dap.fitting.cpu.sampling import Sample

MIXINGS = ("matrix", "scalars", "sum", "groups", "none")


def positions(bins: int, harmonics: int, anchors: int) -> list[tuple[int, int, int, int, float]]:
    """What each anchor reads at each bin.

    Returns:
        (anchor, bin, harmonic, bin that is read, weight), anchors and harmonics counted from 0, for
        every weight that is not 0; two entries where k w / n lies between two bins.
    """
    entries = []
    for n in range(anchors):
        for w in range(bins):
            for k in range(harmonics):
                whole, rest = divmod((k + 1) * w, n + 1)
                if whole >= bins:
                    break
                entries.append((n, w, k, whole, 1 - rest / (n + 1)))
                if rest and whole + 1 < bins:
                    entries.append((n, w, k, whole + 1, rest / (n + 1)))
    return entries


@cache  # a recorded iteration reads them at fixed addresses
def sampling(
    bins: int, harmonics: int, anchors: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The matrix (bins x anchors, bins x harmonics) that samples all harmonics, and its transpose.

    Both are in the CSR form; rows and columns count anchors or harmonics first, then bins.
    """
    entries = positions(bins, harmonics, anchors)
    rows = torch.tensor([w * anchors + n for n, w, _, _, _ in entries])
    columns = torch.tensor([q * harmonics + k for _, _, k, q, _ in entries])
    weights = torch.tensor([weight for *_, weight in entries], dtype=dtype)
    size = (bins * anchors, bins * harmonics)
    # a plain copy, which blocks until it is done: fits on other streams use the matrices, too
    return (
        _csr(rows, columns, weights, size).to(device),
        _csr(columns, rows, weights, size[::-1]).to(device),
    )


def _csr(rows: Tensor, columns: Tensor, weights: Tensor, size: tuple[int, int]) -> Tensor:
    order = torch.argsort(rows * size[1] + columns)
    starts = functional.pad(torch.bincount(rows, minlength=size[0]).cumsum(0), (1, 0))
    with warnings.catch_warnings():  # PyTorch calls this form a beta, once a process
        warnings.filterwarnings("ignore", message="Sparse (CSR|invariant)", category=UserWarning)
        return torch.sparse_csr_tensor(
            starts, columns[order], weights[order], size, check_invariants=True
        )


class _Sample(torch.autograd.Function):
    """The sparse product, in float32 where the features are narrower, since it sums products."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed
        with torch.autocast(features.device.type, enabled=False):  # autocast would narrow both
            return (matrix @ features.to(matrix.dtype)).to(features.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        with torch.autocast(gradient.device.type, enabled=False):
            wide = gradient.to(ctx.transposed.dtype)
            return (ctx.transposed @ wide).to(gradient.dtype), None, None


class HarmonicConv2d(nn.Module):
    """Harmonic convolution of a spectrogram (Equations 3 to 5 of B).

    Args:
        kernel_size: harmonics, and frames (odd: frames are padded by half of it on either side).
        anchors: the anchors are 1 ... anchors; with one, it is Equation 3.
        mixing: how the anchors' results become one. "matrix" or True: a 1x1 convolution of their
            channels (Equation 5). "scalars" or False: one weight an anchor (Equation 4). "sum": the
            same, then a 1x1 convolution of the channels of that sum, of which there are so many
            that the layer has as many parameters as with "matrix". "groups": each output channel
            has one anchor (consecutive channels, as evenly as can be), then a 1x1 convolution.
            "none": their sum.
        factorised: K[o, i, k, s] = Kf[o, i, k] Kt[o, s]; else it is whole.
        bias: of the output.
        implementation: "sampled" or "deform".

    Attributes:
        channels: of each anchor's result; `out_channels`, but for the mixing "sum".
        frequency: (channels, in_channels, harmonics), or with a whole kernel
            (channels, in_channels, harmonics, frames).
        time: (channels, frames), or None with a whole kernel.
        mix: of the mixing; None where it has no weights.
        weights: (anchors,) of the sum, for the mixing "sum"; else None.
        bias: (out_channels,), or None.

    Raises:
        ValueError: an argument is out of its range.
    """

    frequency: nn.Parameter
    time: nn.Parameter | None
    mix: nn.Parameter | None
    weights: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int] = (7, 7),
        anchors: int = 7,
        mixing: str | bool = True,
        *,
        factorised: bool = True,
        bias: bool = True,
        implementation: str = "sampled",
    ):
        super().__init__()
        if isinstance(mixing, bool):
            mixing = "matrix" if mixing else "scalars"
        harmonics, frames = kernel_size
        if min(in_channels, out_channels, harmonics, anchors) < 1:
            raise ValueError("channels, harmonics and anchors must be at least 1")
        if frames % 2 == 0:
            raise ValueError(f"kernel_size has {frames} frames: must be odd")
        if mixing not in MIXINGS:
            raise ValueError(f"mixing is {mixing!r}: must be one of {', '.join(MIXINGS)}")
        if implementation not in ("sampled", "deform"):
            raise ValueError(f"implementation is {implementation!r}: must be sampled or deform")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.anchors, self.mixing = (harmonics, frames), anchors, mixing
        self.implementation = implementation
        channels = out_channels
        if mixing == "sum":
            taps = in_channels * harmonics
            each = taps + frames if factorised else taps * frames  # parameters of a channel
            mixed = out_channels * each + anchors * out_channels**2  # those of "matrix"
            channels = max(1, round((mixed - anchors) / (each + out_channels)))
        self.channels = channels
        whole = (channels, in_channels, harmonics)
        shapes = {
            "matrix": (out_channels, anchors * channels),
            "sum": (out_channels, channels),
            "groups": (out_channels, channels),
            "scalars": (anchors,),
        }

        def register(name: str, shape: tuple[int, ...] | None) -> None:
            self.register_parameter(name, nn.Parameter(torch.empty(shape)) if shape else None)

        register("frequency", whole if factorised else (*whole, frames))
        register("time", (channels, frames) if factorised else None)
        register("mix", shapes.get(mixing))
        register("weights", (anchors,) if mixing == "sum" else None)
        register("bias", (out_channels,) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the kernel from N(0, 0.02) (fidelity: initial-weights-of-b).

        Of a factorised kernel each factor has the square root of that deviation, so that their
        product has it. A weight for each anchor begins at 1 / anchors.
        """
        deviation = 0.02
        if self.time is None:
            nn.init.normal_(self.frequency, std=deviation)
        else:
            for factor in (self.frequency, self.time):
                nn.init.normal_(factor, std=deviation**0.5)
        scalars = self.mix if self.mixing == "scalars" else self.weights
        if scalars is not None:
            nn.init.constant_(scalars, 1 / self.anchors)
        if self.mix is not None and self.mix is not scalars:
            nn.init.normal_(self.mix, std=deviation)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def extra_repr(self) -> str:
        """What the module was made with."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"anchors={self.anchors}, mixing={self.mixing!r}, factorised={self.time is not None}, "
            f"implementation={self.implementation!r}"
        )

    def kernel(self) -> Tensor:
        """K, (channels, in_channels, harmonics, frames)."""
        if self.time is None:
            return self.frequency
        return self.frequency[..., None] * self.time[:, None, None]

    def matrix(self) -> Tensor:
        """The mixing of whatever kind as a matrix, (out_channels, anchors x channels)."""
        channels, like = self.channels, self.frequency
        scalars: Tensor
        if self.mix is None:
            scalars = like.new_ones(self.anchors)
        elif self.mixing == "scalars":
            scalars = self.mix
        elif self.weights is not None:
            return (self.weights[:, None] * self.mix[:, None]).reshape(self.out_channels, -1)
        elif self.mixing == "groups":
            anchor = torch.arange(channels, device=like.device) * self.anchors // channels
            member = functional.one_hot(anchor, self.anchors).to(like.dtype)
            return (self.mix[:, None] * member.T).reshape(channels, -1)
        else:
            return self.mix
        one = torch.eye(channels, dtype=like.dtype, device=like.device)
        return (scalars[:, None] * one[:, None]).reshape(channels, -1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, F, T) -> (B, out_channels, F, T)."""
        run = self._deform if self.implementation == "deform" else self._sampled
        y = run(x)
        return y if self.bias is None else y + self.bias[:, None, None].to(y.dtype)

    def _sampled(self, x: Tensor) -> Tensor:
        batch, _, bins, frames = x.shape
        harmonics, length = self.kernel_size
        rows = x.permute(2, 1, 0, 3)  # (F, C, B, T): rows of the matrix are outermost
        if self.time is None:
            # a whole kernel differs in time from harmonic to harmonic: convolve before sampling
            kernel = self.frequency.transpose(1, 2).flatten(0, 1)  # (O, K, C, S) -> (O K, C, S)
            rows = rows.permute(0, 2, 1, 3).flatten(0, 1)  # (F B, C, T)
            u = functional.conv1d(rows, kernel, padding=length // 2)
            u = u.view(bins, batch, self.channels, harmonics, frames)
            u = u.permute(0, 3, 2, 1, 4)  # (F, K, O, B, T)
        else:
            kernel = self.frequency.permute(2, 0, 1).flatten(0, 1)  # (K O, C)
            u = torch.matmul(kernel, rows.flatten(2))  # (F, K O, B T)
        u = u.reshape(bins * harmonics, -1)
        z = self._gathered(u, bins, batch, frames)
        z = z.reshape(bins, self.anchors * self.channels, batch * frames)
        y = torch.matmul(self.matrix(), z)
        return y.view(bins, self.out_channels, batch, frames).permute(2, 1, 0, 3)

    def _gathered(self, u: Tensor, bins: int, batch: int, frames: int) -> Tensor:
        """(F K, O B T) -> (F N, O, B, T): sampled and, if factorised, filtered in time."""
        size = (bins * self.anchors, self.channels, batch, frames)
        if u.is_meta:  # no sparse matrices there, and filters by channel are counted as if whole
            return u[:1].expand(size[0], -1).reshape(size)
        wide = u.dtype if u.dtype == torch.float64 else torch.float32
        matrices = sampling(bins, self.kernel_size[0], self.anchors, wide, u.device)
        z = _Sample.apply(u, *matrices).view(size)
        if self.time is None:
            return z
        padding = (0, self.kernel_size[1] // 2)
        return functional.conv2d(z, self.time[:, None, None], padding=padding, groups=self.channels)

    def _deform(self, x: Tensor) -> Tensor:
        with extra("dev"):
            from torchvision.ops import deform_conv2d

        batch, _, bins, frames = x.shape
        harmonics, length = self.kernel_size
        tap = torch.arange(harmonics, device=x.device)[:, None]
        at = torch.arange(bins, dtype=torch.float64, device=x.device)
        below = functional.pad(x, (0, 0, 0, harmonics - 1))  # an output row for each bin
        kernel = self.kernel()
        anchors = []
        for n in range(1, self.anchors + 1):
            # without an offset, tap k would read bin w + k
            offset = (tap + 1) * at / float(n) - (at + tap)  # (K, F)
            shift = x.new_zeros(harmonics, length, 2, bins, frames)
            shift[:, :, 0] = offset[:, None, :, None].to(x.dtype)
            shift = shift.view(1, -1, bins, frames).repeat(batch, 1, 1, 1)
            anchors.append(deform_conv2d(below, shift, kernel, padding=(0, length // 2)))
        z = torch.cat(anchors, dim=1)  # (B, N O, F, T)
        return functional.conv2d(z, self.matrix()[..., None, None])


def wire(layer: HarmonicConv2d, inputs: list[Feature], add: Callable[[Layer], Feature]) -> Feature:
    """The products of the harmonics, sampled and filtered, then mixed and normalised."""
    harmonics, length = layer.kernel_size

    def kernel() -> Tensor:
        if layer.time is not None:
            return layer.frequency.permute(2, 0, 1).reshape(-1, layer.in_channels, 1, 1)
        return layer.frequency.permute(2, 0, 1, 3).reshape(-1, layer.in_channels, 1, length)

    def mixing() -> Tensor:
        return layer.matrix()[..., None, None]

    u = add(Conv(Value(kernel), None, inputs, "", parts=harmonics))
    filters = None if layer.time is None else Value(lambda: layer.get_parameter("time"))
    entries = positions(u.size[1], harmonics, layer.anchors)
    z = add(Sample(u, entries, layer.anchors, filters))
    bias = None if layer.bias is None else Value(lambda: layer.get_parameter("bias"))
    return add(Conv(Value(mixing), bias, [z], "norm_relu"))
