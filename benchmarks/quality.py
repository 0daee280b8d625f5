"""`python -m benchmarks.quality`: what speed costs in quality, over real clips.

Gaussian noise of standard deviation 0.1 on clips at a peak of 1, the dense design, last iterates:

- `reference`: float32, Adam at a constant 1e-3;
- `another seed`: the same from other initialisations, a measure of what a difference means;
- `ours`: the reference's fit in the precision that "auto" takes here;
- `fast`: the preset of that name, with its own budget of iterations.

With --eager the reference runs in eager PyTorch. Without, it runs on our engine in float32, which
agrees with eager PyTorch to rounding (tests/fitting/cpu/test_layers.py) and takes a third of its
time on a CPU. The seconds of the reference are those of eager PyTorch either way.
"""

import argparse
import math
import multiprocessing
import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.__main__ import heading
from benchmarks.reference_fit import ReferenceFit, network
from benchmarks.speed import PAPER, choose, reference, steady
from dap.fitting import loop as fit
from dap.fitting.objectives.spectral import MULTIPLE, Denoise
from dap.options import FitOptions
from dap.stft import STFT

METHOD, STD = "dilated-exp-dense", 0.1
WAYS = ("observed", "reference", "another seed", "ours", "fast")


class Noisy(Denoise):
    """A noisy clip as the objective, and the clean one to score against."""

    def __init__(self, clean: np.ndarray, index: int, device: str):
        noise = np.random.default_rng(index).normal(0, STD, clean.shape).astype(np.float32)
        self.clean, self.noisy, self.samples = clean, clean + noise, len(clean)
        self.transform = STFT(1022, 64, "hann", device)
        self.target = self.transform.analyse(torch.from_numpy(self.noisy).to(device))

    def snr(self, estimate: np.ndarray) -> float:
        """In dB."""
        error = np.square(self.clean - estimate, dtype=np.float64).sum()
        return 10 * math.log10(np.square(self.clean, dtype=np.float64).sum() / error)


def fitted(goal: Noisy, width: float, options: FitOptions, seed: int) -> float:
    """SNR in dB of the last iterate of one of our fits."""
    device = goal.target.device.type
    trajectory = fit.fit(network(METHOD, width), goal, options, seed=seed, device=device)
    return goal.snr(trajectory.last[0])


def eager(goal: Noisy, width: float, iterations: int, seed: int) -> float:
    """The same of the reference, in eager PyTorch."""
    frames = goal.target.shape[-1]
    padded = torch.nn.functional.pad(goal.target, (0, -frames % MULTIPLE))
    plain = ReferenceFit(METHOD, width, padded, PAPER.learning_rate, seed)
    for _ in range(iterations):
        estimate = plain.step()
    last = goal.read_out(estimate[..., :frames])[0].cpu().numpy()
    return goal.snr(last)


def loudest(clip: np.ndarray, samples: int) -> np.ndarray:
    """The part of a clip that has the most energy, at a peak of 1."""
    energy = np.convolve(np.square(clip, dtype=np.float64), np.ones(samples), "valid")
    start = int(energy.argmax())
    part = clip[start : start + samples]
    return part / np.abs(part).max()


def presets(args: argparse.Namespace) -> tuple[FitOptions, FitOptions]:
    """The reference's options, and the fast preset's in the precision of "auto"."""
    auto = choose("auto", args.device)
    fast = FitOptions.from_preset("fast", width=args.width, precision=auto, snapshots=1)
    return replace(PAPER, iterations=args.iterations), fast


def ways(args: argparse.Namespace, index: int, name: str, clip: np.ndarray) -> dict[str, float]:
    """SNR of one clip, fitted in all ways."""
    plain, fast = presets(args)
    goal = Noisy(loudest(clip, args.samples), index, args.device)
    snrs = {"observed": goal.snr(goal.noisy)}
    for way, seed in (("reference", index), ("another seed", 1000 + index)):
        if way == "another seed" and args.spread is not None and index >= args.spread:
            continue
        if args.eager:
            snrs[way] = eager(goal, args.width, args.iterations, seed)
        else:
            snrs[way] = fitted(goal, args.width, plain, seed)
    mixed = replace(plain, precision=fast.precision)
    snrs["ours"] = fitted(goal, args.width, mixed, index)
    snrs["fast"] = fitted(goal, args.width, fast, index)
    print(f"{name}: " + ", ".join(f"{way} {snr:.2f}" for way, snr in snrs.items()), flush=True)
    return snrs


def main() -> None:
    """Fit all clips all ways and print a table."""
    parse = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    here = Path(__file__).parent
    parse.add_argument("--clips", type=Path, default=here / "clips.npz", help="by export_clips")
    parse.add_argument("--count", type=int, default=8, help="clips, of all corpora in turn")
    parse.add_argument("--spread", type=int, help="clips fitted from another seed, too; all")
    parse.add_argument("--samples", type=int, default=8192)
    parse.add_argument("--width", type=float, default=0.5)
    parse.add_argument("--iterations", type=int, default=400, help="of the reference")
    parse.add_argument("--jobs", type=int, default=1, help="clips fitted at once")
    parse.add_argument("--threads", type=int, default=1, help="of each fit")
    parse.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parse.add_argument("--eager", action="store_true", help="the reference in eager PyTorch")
    parse.add_argument("--out", type=Path)
    args = parse.parse_args()
    fast = presets(args)[1]
    auto = fast.precision
    data = np.load(args.clips)
    clips = list(zip(data["names"], data["clips"], strict=True))[: args.count]
    work = [(args, index, name, clip) for index, (name, clip) in enumerate(clips)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.jobs, context, torch.set_num_threads, (args.threads,)) as pool:
        results = list(pool.map(ways, *zip(*work, strict=True)))
    snrs = {way: [result[way] for result in results if way in result] for way in WAYS}
    goal = Noisy(loudest(clips[0][1], args.samples), 0, args.device)
    # timed apart from the fits, in turn and on all cores: nothing else runs then
    torch.set_num_threads(os.cpu_count())
    times = [
        (
            reference(METHOD, args.width, goal, 5),
            steady(METHOD, args.width, goal, auto, 20),
        )
        for _ in range(3)
    ]
    plain_each, each = (statistics.median(column) for column in zip(*times, strict=True))
    whole = plain_each * args.iterations
    seconds = {"observed": 0.0, "ours": each * args.iterations, "fast": each * fast.iterations}
    how = "eager" if args.eager else "our engine"
    lines = [
        f"{heading(args.device, os.cpu_count())}; {args.samples} samples, width {args.width:g}, "
        f"{len(clips)} clips; reference {args.iterations} iterations ({how}, float32), "
        f"`fast` {fast.iterations}, ours in {auto}.",
        "",
        "| fit | n | mean SNR, dB | minus the reference's | its std | s a clip | of reference |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    base = np.array(snrs["reference"])
    for way, results in snrs.items():
        snr = np.array(results)
        if not len(snr):
            continue
        gains = snr - base[: len(snr)]
        gain, spread = gains.mean(), gains.std(ddof=1) if len(snr) > 1 else math.nan
        took = seconds.get(way, whole)
        share = f"{took:.1f} | {100 * took / whole:.0f} %"
        lines.append(
            f"| {way} | {len(snr)} | {snr.mean():.2f} | {gain:+.2f} | {spread:.2f} | {share} |"
        )
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
