"""Seconds an iteration and memory of our fits, beside the plain reference's."""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import partial

import torch

from benchmarks.reference_fit import ReferenceFit, network
from dap.fitting import engine
from dap.fitting import loop as fit
from dap.fitting.interleave import run_interleaved
from dap.fitting.objectives.spectral import MULTIPLE, Denoise
from dap.options import FitOptions
from dap.stft import STFT

SEED, HOP = 2021, 64
# paper A's fit at a constant rate, as the reference does it
PAPER = FitOptions(lr_step_size=0, snapshots=1, precision="float32")


class Noise(Denoise):
    """A spectrogram of white noise as the observation: speed does not depend on what is fitted."""

    def __init__(self, frames: int, device: str):
        self.samples = (frames - 1) * HOP
        self.transform = STFT(1022, HOP, "hann", device)
        generator = torch.Generator().manual_seed(SEED)
        signal = torch.randn(self.samples, generator=generator) * 0.1
        self.target = self.transform.analyse(signal.to(device))


def ours(
    method: str, width: float, goal: Denoise, precision: str, iterations: int, beside: int = 1
) -> float:
    """Seconds an iteration of `dap.fitting.loop.steps`, read-outs included.

    Args:
        beside: so many fits beside each other; an iteration of one of them has its share.
    """
    options = replace(PAPER, iterations=iterations, precision=precision)
    device = goal.target.device.type
    fits = [
        partial(fit.steps, network(method, width), goal, options, seed=SEED + k, device=device)
        for k in range(beside)
    ]
    seconds = [trajectory.seconds for _, trajectory in run_interleaved(fits, beside, device=device)]
    return sum(seconds) / beside / iterations


def steady(
    method: str, width: float, goal: Denoise, precision: str, iterations: int, beside: int = 1
) -> float:
    """The same, of a fit that has got going: on a GPU, the first iterations take far longer."""
    if not goal.target.is_cuda:
        return ours(method, width, goal, precision, iterations, beside)
    # the first have all of a chunk's fits under way
    few, many = (60, 160) if beside > 1 else (60, 260)
    short, whole = (
        count * ours(method, width, goal, precision, count, beside) for count in (few, many)
    )
    return (whole - short) / (many - few)


def reference(method: str, width: float, goal: Denoise, iterations: int) -> float:
    """Seconds an iteration of the reference."""
    target = torch.nn.functional.pad(goal.target, (0, -goal.target.shape[-1] % MULTIPLE))
    plain = ReferenceFit(method, width, target, PAPER.learning_rate, SEED)
    plain.step()
    _wait(goal)
    begun = time.perf_counter()
    for _ in range(iterations):
        plain.step()
    _wait(goal)
    return (time.perf_counter() - begun) / iterations


def _wait(goal: Denoise) -> None:
    if goal.target.is_cuda:
        torch.cuda.synchronize()


@dataclass(frozen=True)
class Row:
    """Medians over repeats, the two in turn.

    Attributes:
        gflop: of one iteration, forward and backward, as counted for the plain network.
        reference, seconds: an iteration, the reference's and ours.
        chunk: an iteration of ours, with other fits beside it; that alone on a CPU.
        reference_mib, mib: peak memory over that of an idle process.
    """

    method: str
    precision: str
    gflop: float
    reference: float
    seconds: float
    chunk: float
    reference_mib: float
    mib: float


def compare(
    method: str,
    *,
    frames: int,
    width: float,
    precision: str,
    device: str,
    repeats: int,
    beside: int = 1,
) -> Row:
    """Both fits of one design in turn, and `beside` of ours beside each other."""
    goal = Noise(frames, device)
    _, gflop = fit.size(network(method, width), goal)
    ours(method, width, goal, precision, 2)  # compiles, and touches its memory for the first time
    times = []
    for _ in range(repeats):
        one = (
            reference(method, width, goal, 20 if device == "cuda" else 3),
            steady(method, width, goal, precision, 10),
        )
        many = steady(method, width, goal, precision, 10, beside) if beside > 1 else one[1]
        times.append((*one, many))
    memory = [_memory(method, frames, width, kind, device) for kind in ("reference", precision)]
    medians = (statistics.median(column) for column in zip(*times, strict=True))
    return Row(method, precision, gflop, *medians, *memory)


def peak(precision: str, device: str, size: int = 2048) -> float:
    """GFLOP/s of a square matrix product: the best of ten.

    On a GPU, float32 is rounded to TF32, as PyTorch does it in convolutions.
    """
    kind = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    if device == "cuda":
        size = 8192
    a, b = (torch.randn(size, size, device=device).to(kind) for _ in range(2))
    before, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, True
    times = []
    for _ in range(10):
        begun = time.perf_counter()
        a @ b
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    torch.backends.cuda.matmul.allow_tf32 = before
    return 2 * size**3 / min(times) / 1e9


def bandwidth(device: str) -> float:
    """GB/s of copying 256 MiB, reads and writes counted: the best of ten."""
    source = torch.zeros(2**26, device=device)
    to = torch.empty_like(source)
    times = []
    for _ in range(10):
        begun = time.perf_counter()
        to.copy_(source)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return 2 * source.nbytes / min(times) / 1e9


def _memory(method: str, frames: int, width: float, kind: str, device: str) -> float:
    """MiB that a fit takes at most, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", method, str(frames), str(width)]
    command += [kind, device, str(torch.get_num_threads())]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def choose(precision: str, device: str) -> str:
    """As a study's `precision`."""
    return engine.choose(precision, device)
