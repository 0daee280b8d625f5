"""`python -m benchmarks.candidates`: ways to run paper A's networks, one after the other.

What `dap.fitting.engine` does on a device should be the fastest of these there. On a GPU, an
iteration is recorded and replayed, as in a fit.
"""

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.__main__ import heading
from benchmarks.reference_fit import DESIGNS
from benchmarks.speed import PAPER, SEED
from dap.fitting.cpu.library import library
from dap.fitting.gpu.cuda_graph import WARMUP, GraphedIteration
from dap.fitting.interleave import side_stream
from dap.nn.dilated_unet import Block, DilatedUNet, Layout, layout


@dataclass(frozen=True)
class Way:
    """How a network is run.

    Attributes:
        precision: of its convolutions; float32 is rounded to TF32 on GPUs that can.
        channels_last: the layout of features and weights in memory.
        search: cuDNN times its algorithms and takes the fastest.
        sub_grids: a dilated convolution as an ordinary one on d x d interleaved grids.
        inductor: compiled by `torch.compile`.
        layers: on the compiled layers of `dap.fitting.cpu`, which are for CPUs.
        multiple: filters are rounded up to a multiple of this, which is another network: what
            padding with zeros could gain at most.
    """

    precision: str = "bfloat16"
    channels_last: bool = False
    search: bool = False
    sub_grids: bool = False
    inductor: bool = False
    layers: bool = False
    multiple: int = 1


WAYS = {
    "float32": Way("float32"),
    "float32, inductor": Way("float32", inductor=True),
    "float32, compiled layers": Way("float32", layers=True),
    "float32, algorithms searched": Way("float32", search=True),
    "float32, channels last": Way("float32", channels_last=True),
    "bfloat16": Way(),
    "bfloat16, compiled layers": Way(layers=True),
    "bfloat16, algorithms searched": Way(search=True),
    "bfloat16, channels last": Way(channels_last=True),
    "bfloat16, channels last, searched": Way(channels_last=True, search=True),
    "bfloat16, sub-grids": Way(sub_grids=True),
    "bfloat16, sub-grids, channels last": Way(sub_grids=True, channels_last=True),
    "bfloat16, filters by 8": Way(multiple=8),
    "bfloat16, filters by 8, channels last": Way(multiple=8, channels_last=True),
    "bfloat16, inductor": Way(inductor=True),
    "bfloat16, inductor, channels last": Way(inductor=True, channels_last=True),
    "bfloat16, inductor, filters by 8, channels last": Way(
        inductor=True, multiple=8, channels_last=True
    ),
}


class SubGrids(nn.Module):
    """A dilated 3x3 convolution as an ordinary one on each of the d x d interleaved grids."""

    def __init__(self, dilated: nn.Conv2d):
        super().__init__()
        self.dilated = dilated

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, F, T) -> (B, O, F, T)."""
        d = self.dilated.dilation[0]
        batch, _, height, width = x.shape
        x = functional.pad(x, (0, -width % d, 0, -height % d))
        rows, columns = x.shape[2] // d, x.shape[3] // d
        grids = x.view(batch, -1, rows, d, columns, d).permute(0, 3, 5, 1, 2, 4)
        grids = grids.reshape(batch * d * d, -1, rows, columns)
        y = functional.conv2d(grids, self.dilated.weight, self.dilated.bias, padding=1)
        y = y.view(batch, d, d, -1, rows, columns).permute(0, 3, 4, 1, 5, 2)
        return y.reshape(batch, -1, rows * d, columns * d)[..., :height, :width]


def build(method: str, width: float, way: Way) -> DilatedUNet:
    """A network of one of paper A's designs, with the same weights for the same sizes."""
    torch.manual_seed(SEED)
    plan = layout("code", width, DESIGNS[method]["dilation"])
    blocks = [
        Block(tuple(-(-n // way.multiple) * way.multiple for n in block.filters), block.dilation)
        for block in plan.blocks()
    ]
    plan = Layout((blocks[0], blocks[1]), blocks[2], (blocks[3], blocks[4]))
    net = DilatedUNet(plan, dense=DESIGNS[method]["dense"])
    if way.sub_grids:
        for module in list(net.modules()):
            for name, layer in module.named_children():
                if isinstance(layer, nn.Conv2d) and layer.dilation[0] > 1:
                    setattr(module, name, SubGrids(layer))
    return net


class Candidate:
    """A fit of one spectrogram, an iteration at a time.

    Args:
        target: (2, F, T), on the device; F and T are multiples of 4.
    """

    def __init__(self, method: str, width: float, way: Way, target: Tensor):
        self.way, self.target = way, target[None]
        on_gpu = target.is_cuda
        self.net = build(method, width, way).to(target.device)
        self.z = torch.randn(1, 2, *target.shape[1:]).to(target.device)
        if way.channels_last:
            self.net.to(memory_format=torch.channels_last)
            self.z = self.z.to(memory_format=torch.channels_last)
        if way.layers:
            self.run = self.net.compiled(self.z, way.precision)
        else:
            self.run = partial(torch.compile(self.net) if way.inductor else self.net, self.z)
        rate = torch.tensor(PAPER.learning_rate, device=target.device)
        self.optimiser = torch.optim.Adam(
            self.net.parameters(),
            lr=rate if on_gpu else PAPER.learning_rate,
            fused=True,
            capturable=on_gpu,
        )
        self.recorded = GraphedIteration(self._iterate, lambda progress: None) if on_gpu else None
        self.stream = side_stream() if on_gpu else nullcontext()

    def step(self) -> Tensor:
        """One iteration; its loss."""
        torch.backends.cudnn.benchmark = self.way.search
        with self.stream:
            return (self.recorded or self._iterate)(0.0)[0]

    def _iterate(self, progress: float) -> tuple[Tensor, Tensor]:
        narrow = self.way.precision == "bfloat16" and not self.way.layers
        with torch.autocast(self.target.device.type, dtype=torch.bfloat16, enabled=narrow):
            estimate = self.run()
        loss = functional.mse_loss(estimate.float(), self.target)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.detach(), estimate.detach()


@dataclass(frozen=True)
class Times:
    """Seconds of a way.

    Attributes:
        first: of the iterations before those that count, with all compilation.
        each: an iteration, one number a repeat.
        mib: what PyTorch holds of a GPU meanwhile; 0 on a CPU.
    """

    first: float
    each: list[float]
    mib: float


def measure(candidate: Candidate, repeats: int, iterations: int) -> Times:
    """Time a way."""
    on_gpu = candidate.target.is_cuda
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    begun = time.perf_counter()
    for _ in range(WARMUP + 1 if on_gpu else 1):
        candidate.step()
    first = time.perf_counter() - begun
    candidate.step()
    times = []
    for _ in range(repeats):
        if on_gpu:
            torch.cuda.synchronize()
        begun = time.perf_counter()
        for _ in range(iterations):
            candidate.step()
        if on_gpu:
            torch.cuda.synchronize()
        times.append((time.perf_counter() - begun) / iterations)
    mib = torch.cuda.max_memory_reserved() / 2**20 if on_gpu else 0.0
    return Times(first, times, mib)


def row(make: Callable[[], Candidate], repeats: int, iterations: int) -> str:
    """The cells of a way, or the first line of the error it ended in."""
    try:
        candidate = make()
        times = measure(candidate, repeats, iterations)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:80]} | | | | "
    plain = " (not recorded)" if candidate.recorded and not candidate.recorded.graph else ""
    low, median, high = (f(times.each) * 1000 for f in (min, statistics.median, max))
    return f"{median:.2f}{plain} | {low:.2f} | {high:.2f} | {times.first:.1f} | {times.mib:.0f}"


def table(
    method: str,
    target: Tensor,
    *,
    width: float,
    repeats: int,
    iterations: int,
    write_line: Callable[[str], None],
    ways: dict[str, Way] = WAYS,
) -> None:
    """Write a row for each way."""
    header = ("ms an iteration, median", "least", "most", "first iterations, s", "MiB")
    write_line(f"| way | {' | '.join(header)} |\n| --- |{' ---: |' * len(header)}")
    for name, way in ways.items():
        make = partial(Candidate, method, width, way, target)
        write_line(f"| {name} | {row(make, repeats, iterations)} |")
        gc.collect()
        if target.is_cuda:
            torch.cuda.empty_cache()


def usable(device: str, *, inductor: bool) -> dict[str, Way]:
    """The ways that a device has.

    On CPUs, bfloat16 in channels last or compiled by `torch.compile` has ended processes with
    segmentation faults (PyTorch 2.11).
    """

    def runs(way: Way) -> bool:
        if way.layers:
            return device == "cpu" and library(way.precision) is not None
        crashes = way.precision == "bfloat16" and (way.channels_last or way.inductor)
        return device != "cpu" or not crashes

    return {name: way for name, way in WAYS.items() if (inductor or not way.inductor) and runs(way)}


def main() -> None:
    """Time them all, of one design after the other."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--method", action="append", choices=list(DESIGNS))
    parse.add_argument("--way", action="append", choices=list(WAYS), help="default: all")
    parse.add_argument("--frames", type=int, default=256, help="of the 512-bin spectrogram")
    parse.add_argument("--width", type=float, default=1.0, help="factor on the filters")
    parse.add_argument("--repeats", type=int, default=3, help="of which the medians are taken")
    parse.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parse.add_argument("--skip-inductor", action="store_true", help="it takes minutes to compile")
    parse.add_argument("--out", type=Path, help="write the tables here, too")
    args = parse.parse_args()
    lines = []

    def write_line(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    generator = torch.Generator().manual_seed(SEED)
    target = torch.randn(2, 512, args.frames, generator=generator).to(args.device)
    ways = usable(args.device, inductor=not args.skip_inductor)
    ways = {name: way for name, way in ways.items() if name in (args.way or WAYS)}
    write_line(
        f"{heading(args.device, torch.get_num_threads())}; 512 x {args.frames}; n = {args.repeats}"
    )
    for method in args.method or ["dilated-exp-dense"]:
        write_line(f"\n`{method}`, width {args.width:g}\n")
        table(
            method,
            target,
            width=args.width,
            repeats=args.repeats,
            iterations=100 if args.device == "cuda" else 3,
            write_line=write_line,
            ways=ways,
        )
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
