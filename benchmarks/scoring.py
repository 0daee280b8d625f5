"""`python -m benchmarks.scoring`: clips a second for a chunk's metrics, one process and many.

A chunk of synthetic speech in noise, with the selections and snapshots that a fit leaves: `last`,
`average`, `oracle` and the trajectory's SNR. The two ways take turns, and must agree bit by bit.
"""

import argparse
import os
import statistics
import time
from datetime import UTC, datetime

import numpy as np

from dap.data.synthetic.speech import generate
from dap.fitting.loop import grid
from dap.metrics.remembered import forget
from dap.runtime.provenance import machine
from dap.scoring.pool import Case, score_all

RATE = 16000
METRICS = ["pesq_nb", "pesq_wb", "snr", "psnr", "csig", "cbak", "covl", "ssnr", "stoi", "si_sdr"]
WANTED = ["last", "average", "oracle"]
ITERATIONS = 2000


def chunk(count: int, samples: int, snapshots: int) -> list[Case]:
    """Clips at a peak of 1, and noise on them that falls over a trajectory."""
    points = grid(ITERATIONS, snapshots)
    cases = []
    for number in range(count):
        rng = np.random.default_rng(number)
        clean = generate(rng, samples, RATE)
        clean = (clean / np.abs(clean).max()).astype(np.float32)
        noise = rng.standard_normal(samples).astype(np.float32)
        # best at three quarters, as where noise comes back
        levels = 0.02 + 0.1 * np.abs(np.linspace(0, 1, len(points)) - 0.75)
        trajectory = np.stack([clean + level * noise for level in levels])[:, np.newaxis]
        chosen = {"last": trajectory[-1], "average": trajectory[-3:].mean(axis=0)}
        clean = clean[np.newaxis]
        cases.append(
            Case(f"{number:03d}", "0", clean, chosen, points, trajectory, [""], ITERATIONS)
        )
    return cases


def timed(cases: list[Case], processes: int) -> tuple[float, list]:
    """Seconds, and the scores; nothing is known from an earlier call."""
    forget()
    begun = time.perf_counter()
    rows = score_all(
        cases,
        processes=processes,
        task="denoise",
        metrics=METRICS,
        wanted=WANTED,
        sample_rate=RATE,
    )
    return time.perf_counter() - begun, rows


def main() -> None:
    """Print one line."""
    parse = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parse.add_argument("--clips", type=int, default=50)
    parse.add_argument("--samples", type=int, default=32768)
    parse.add_argument("--snapshots", type=int, default=32)
    parse.add_argument("--processes", type=int, default=os.cpu_count())
    parse.add_argument("--repeats", type=int, default=3, help="of which the medians are taken")
    args = parse.parse_args()
    seconds = {1: [], args.processes: []}
    cases = chunk(args.clips, args.samples, args.snapshots)
    for _ in range(args.repeats):
        rows = {}
        for processes, times in seconds.items():
            taken, rows[processes] = timed(cases, processes)
            times.append(taken)
        if rows[1] != rows[args.processes]:
            raise SystemExit("the two ways do not agree")
    one, many = (statistics.median(times) for times in seconds.values())
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    print(
        f"{machine()['cpu']}, {os.cpu_count()} cores, {date}: {args.clips} clips of "
        f"{args.samples / RATE:.3g} s, {len(METRICS)} metrics of {len(WANTED)} selections and "
        f"{args.snapshots} snapshots, medians of {args.repeats}: {args.clips / one:.2f} clips a "
        f"second in one process, {args.clips / many:.2f} in {args.processes}, ratio "
        f"{one / many:.2f}"
    )


if __name__ == "__main__":
    main()
