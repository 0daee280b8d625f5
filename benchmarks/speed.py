"""Seconds an iteration and memory of our fits, beside the plain reference's."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
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
# An iteration of the reference that takes longer is timed on fewer frames: eager PyTorch's dilated
# convolutions take up to minutes on a CPU with AVX2 alone, and grow faster than the frames.
MOST_SECONDS = 5.0
FEWEST_FRAMES = 32
LONGEST_PRODUCT = 2.0  # seconds
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
    plain = _plain(method, width, goal)
    plain.step()
    _wait(goal)
    begun = time.perf_counter()
    for _ in range(iterations):
        plain.step()
    _wait(goal)
    return (time.perf_counter() - begun) / iterations


def _plain(method: str, width: float, goal: Denoise) -> ReferenceFit:
    target = torch.nn.functional.pad(goal.target, (0, -goal.target.shape[-1] % MULTIPLE))
    return ReferenceFit(method, width, target, PAPER.learning_rate, SEED)


def bearable(seconds_of: Callable[[int], float], frames: int) -> tuple[int, float]:
    """The most frames, up to `frames`, of which an iteration takes no more than `MOST_SECONDS`.

    Starts from few frames and doubles them for as long as the next may be bearable: twice the
    frames take up to 2.5 times as long where nothing goes wrong.

    Args:
        seconds_of: times an iteration of so many frames.

    Returns:
        the frames, and the seconds of an iteration.
    """
    size = min(FEWEST_FRAMES, frames)
    seconds = seconds_of(size)
    while size < frames and 2.5 * seconds <= MOST_SECONDS:
        larger = min(2 * size, frames)
        if (longer := seconds_of(larger)) > MOST_SECONDS:
            break
        size, seconds = larger, longer
    return size, seconds


def probe(method: str, width: float, frames: int) -> float:
    """Seconds of an iteration of the reference on a CPU: the second, which finds all in place.

    Where the first takes several times what is bearable, that is enough.
    """
    plain = _plain(method, width, Noise(frames, "cpu"))
    seconds = 0.0
    for _ in range(2):
        begun = time.perf_counter()
        plain.step()
        seconds = time.perf_counter() - begun
        if seconds > 3 * MOST_SECONDS:
            break
    return seconds


def _wait(goal: Denoise) -> None:
    if goal.target.is_cuda:
        torch.cuda.synchronize()


@dataclass(frozen=True)
class Row:
    """Medians over repeats, the two in turn.

    Attributes:
        gflop: of one iteration, forward and backward, as counted for the plain network.
        frames: of the spectrogram that the reference was timed on (`bearable`).
        reference, seconds: an iteration, the reference's and ours; the reference's of fewer frames
            is counted as in proportion to the frames.
        chunk: an iteration of ours, with other fits beside it; that alone on a CPU.
        reference_mib, mib: peak memory over that of an idle process.
    """

    method: str
    precision: str
    gflop: float
    frames: int
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
    report: Callable[[str], object] = lambda doing: None,
) -> Row:
    """Both fits of one design in turn, and `beside` of ours beside each other.

    Args:
        report: is told what comes next, `steps(repeats)` times.
    """
    goal = Noise(frames, device)
    report(f"{method}: how fast the reference is")
    shorter, theirs_count = frames, 20
    if device == "cpu":
        shorter, seconds = bearable(partial(probe, method, width), frames)
        theirs_count = _as_many(3, seconds)
    theirs = goal if shorter == frames else Noise(shorter, device)
    _, gflop = fit.size(network(method, width), goal)
    # compiles, and touches its memory for the first time
    once = ours(method, width, goal, precision, 2)
    count = 10 if device == "cuda" else _as_many(10, once)
    times = []
    for number in range(repeats):
        report(f"{method}: {number + 1} of {repeats}")
        one = (
            reference(method, width, theirs, theirs_count) * frames / shorter,
            steady(method, width, goal, precision, count),
        )
        many = steady(method, width, goal, precision, count, beside) if beside > 1 else one[1]
        times.append((*one, many))
    report(f"{method}: memory")
    memory = [
        _memory(method, size, width, kind, device)
        for size, kind in ((shorter, "reference"), (frames, precision))
    ]
    medians = (statistics.median(column) for column in zip(*times, strict=True))
    return Row(method, precision, gflop, shorter, *medians, *memory)


def _as_many(most: int, seconds: float) -> int:
    """How many iterations are timed: fewer where they take longer than eight seconds."""
    return min(most, max(1, int(8 / seconds)))


def steps(repeats: int) -> int:
    """How often `compare` reports."""
    return repeats + 2


def peak(precision: str, device: str, size: int = 2048) -> float:
    """GFLOP/s of a square matrix product: the best of ten.

    On a GPU, float32 is rounded to TF32, as PyTorch does it in convolutions. A CPU that does not
    multiply bfloat16 takes minutes for a product of this size: there it is a smaller one.
    """
    kind = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    sizes = [8192] if device == "cuda" else [size // 16, size // 8, size // 4, size // 2, size]
    before, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, True
    best = 0.0
    for tried in sizes:
        a, b = (torch.randn(tried, tried, device=device).to(kind) for _ in range(2))
        rates = []
        for _ in range(10):
            begun = time.perf_counter()
            a @ b
            if device == "cuda":
                torch.cuda.synchronize()
            seconds = time.perf_counter() - begun
            rates.append(2 * tried**3 / seconds / 1e9)
            if seconds > LONGEST_PRODUCT:
                break
        best = max(rates)
        if seconds > LONGEST_PRODUCT / 8:  # the next is eight times as much, or more
            break
    torch.backends.cuda.matmul.allow_tf32 = before
    return best


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
