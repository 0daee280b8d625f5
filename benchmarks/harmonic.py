"""`python -m benchmarks.harmonic`: harmonic convolution, ours beside deformable convolution's.

A step is forward, backward and Adam of paper B's U-Net, whose loss is the squared error; the
variants of a table take turns in one process, and each one's peak memory is that of another. On a
CPU deformable convolution takes minutes a step at full size, so that it has a table of its own, of
fewer frames.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from torch import nn

from benchmarks.__main__ import heading
from benchmarks.memory import used
from dap.fitting import engine
from dap.fitting.gpu.cuda_graph import WARMUP, GraphedIteration
from dap.fitting.interleave import side_stream
from dap.nn.harmonic_conv import HarmonicConv2d
from dap.nn.harmonic_unet import HarmonicUNet, harmonic, regular

SEED = 2021
MIXED = {"anchors": 7, "mixing": "matrix"}
# name -> the network, and whether it runs on the engine that fits take
STEPS: dict[str, tuple[Callable[..., HarmonicUNet], bool]] = {
    "harmonic, deformable convolution": (
        partial(harmonic, **MIXED, implementation="deform"),
        False,
    ),
    "harmonic, PyTorch": (partial(harmonic, **MIXED), False),
    "harmonic": (partial(harmonic, **MIXED), True),
    "harmonic, whole kernel": (partial(harmonic, **MIXED, factorised=False), True),
    "regular 7x7, PyTorch": (partial(regular, dilation=1), False),
    "regular 7x7": (partial(regular, dilation=1), True),
}
SLOW = "harmonic, deformable convolution"
# of B's U-Net: channels before and after, and by how much bins and frames are halved
LAYERS = [
    (2, 2, 1), (2, 35, 1), (35, 35, 2), (35, 70, 2), (70, 70, 4),
    (140, 140, 2), (140, 35, 2), (70, 70, 1), (70, 35, 1),
]  # fmt: skip


def step(name: str, bins: int, frames: int, width: float, device: str) -> Callable[[], None]:
    """One optimisation step of a variant, to be called again and again."""
    build, ours = STEPS[name]
    torch.manual_seed(SEED)
    net = build(width=width).to(device)
    z, target = (torch.randn(1, 2, bins, frames).to(device) for _ in range(2))
    run: Callable[[], torch.Tensor] = partial(net, z)
    if ours:
        run, _ = engine.run(net, z, engine.choose("auto", device))
    on_gpu = device == "cuda"
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True, capturable=on_gpu)

    def iterate(progress: float) -> tuple[torch.Tensor, torch.Tensor]:
        estimate = run()
        loss = nn.functional.mse_loss(estimate, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.detach(), estimate.detach()

    if not (ours and on_gpu):
        return partial(iterate, 0.0)
    # as fits do it
    recorded = GraphedIteration(iterate, lambda progress: None)
    stream = side_stream()

    def once() -> None:
        with stream:
            recorded(0.0)

    for _ in range(WARMUP):
        once()
    return once


def layer(
    implementation: str, before: int, after: int, bins: int, frames: int, device: str
) -> Callable[[], None]:
    """Forward and backward of one layer, or of a regular one ("regular")."""
    torch.manual_seed(SEED)
    if implementation == "regular":
        made: nn.Module = nn.Conv2d(before, after, 7, padding=3)
    else:
        made = HarmonicConv2d(before, after, implementation=implementation)
    made = made.to(device)
    x = torch.randn(1, before, bins, frames, device=device, requires_grad=True)
    upstream = torch.randn(1, after, bins, frames, device=device)

    def once() -> None:
        made(x).backward(upstream)

    return once


def seconds(once: Callable[[], None], device: str) -> float:
    """Wall time of one call."""
    begun = time.perf_counter()
    once()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def in_turn(calls: dict[str, Callable[[], None]], repeats: int, device: str) -> dict[str, float]:
    """Median seconds of each, after a call that is not counted (but of what takes minutes)."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for repeat in range(repeats + 1):
        for name, once in calls.items():
            if repeat or name != SLOW or device == "cuda":
                taken = seconds(once, device)
            if repeat:
                times[name].append(taken)
    return {name: statistics.median(durations) for name, durations in times.items()}


def memory(name: str, frames: int, args: argparse.Namespace) -> float:
    """MiB that a step takes at most, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.harmonic", "--memory", name]
    command += ["--frames", str(frames)]
    for key in ("bins", "width", "threads", "device"):
        command += [f"--{key}", str(getattr(args, key))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def peak(name: str, args: argparse.Namespace) -> float:
    """MiB of a step, over what a tiny one leaves."""
    step(name, 8, 8, 0.1, args.device)()
    before = used(args.device)
    step(name, args.bins, args.frames, args.width, args.device)()
    return used(args.device) - before


def steps(names: list[str], frames: int, repeats: int, args: argparse.Namespace) -> None:
    """Print the table of some variants, beside the first of them."""
    size = (args.bins, frames, args.width, args.device)
    times = in_turn({name: step(name, *size) for name in names}, repeats, args.device)
    mib = {name: memory(name, frames, args) for name in names}
    first = names[0]
    print(
        f"| step of B's U-Net, {args.bins} x {frames} | seconds | times as fast as {first} | "
        "peak memory, MiB | of the first's |\n| --- | ---: | ---: | ---: | ---: |"
    )
    for name in names:
        print(
            f"| {name} | {times[name]:.3g} | {times[first] / times[name]:.3g} | {mib[name]:.0f} | "
            f"{mib[name] / mib[first]:.2g} |"
        )
    print(flush=True)


def main() -> None:
    """Print the tables: the network's step, and if asked for, single layers in PyTorch."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--bins", type=int, default=512)
    parse.add_argument("--frames", type=int, default=256)
    parse.add_argument("--deform-frames", type=int, default=16, help="0 leaves its table out")
    parse.add_argument("--width", type=float, default=1.0, help="factor on the filters")
    parse.add_argument("--repeats", type=int, default=3, help="of which the medians are taken")
    parse.add_argument("--threads", type=int, default=os.cpu_count(), help="on a CPU")
    parse.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parse.add_argument("--layers", action="store_true", help="time single layers, too")
    parse.add_argument("--memory", choices=list(STEPS), help=argparse.SUPPRESS)
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    if args.memory:
        print(peak(args.memory, args))
        return
    print(
        f"{heading(args.device, args.threads)}; width {args.width:g}, medians of "
        f"{args.repeats} (deformable convolution: once), ours in "
        f"{engine.choose('auto', args.device)}.\n"
    )
    fast = [name for name in STEPS if name != SLOW]
    steps(["regular 7x7, PyTorch", *fast[:-2], fast[-1]], args.frames, args.repeats, args)
    if not find_spec("torchvision"):
        print("There is no torchvision here, and so no deformable convolution.")
        return
    if args.deform_frames:
        steps([SLOW, *fast], args.deform_frames, 1, args)
    if args.layers:
        layers(args)


def layers(args: argparse.Namespace) -> None:
    """Print a table of B's layers, forward and backward."""
    kinds = ("deform", "sampled", "regular")
    frames = args.deform_frames
    print(
        "| layer, PyTorch, float32 | deformable, ms | sampled, ms | ratio | regular 7x7, ms |\n"
        "| --- | ---: | ---: | ---: | ---: |"
    )
    for before, after, halved in LAYERS:
        shape = (args.bins // halved, max(1, frames // halved))
        calls = {kind: layer(kind, before, after, *shape, args.device) for kind in kinds}
        taken = in_turn(calls, 1, args.device)
        deform, sampled, plain = (1e3 * taken[kind] for kind in kinds)
        print(
            f"| {before} to {after}, {shape[0]} x {shape[1]} | {deform:.0f} | {sampled:.0f} | "
            f"{deform / sampled:.1f} | {plain:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
