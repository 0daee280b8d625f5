"""`python -m benchmarks.checkpoint`: what checkpoints cost a fit.

The same fit with and without them, in turn, of the full-size dense design and an observation of
1 s. They are written far more often than in a study, so that their cost can be seen; the share is
that of one checkpoint in the time between two of a study (`run.checkpoint_seconds`).
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.speed import PAPER, SEED, Noise
from dap.fitting import engine
from dap.fitting import loop as fit
from dap.plugins import plugin
from dap.runtime.checkpoints import Checkpoint
from dap.study.schema import schema


class Timed(Checkpoint):
    """A checkpoint due after every so many iterations, which notes its seconds."""

    def __init__(self, path: Path, every: int):
        super().__init__(path, "0" * 64, 1.0, print)
        self.every, self.count, self.times = every, 0, []

    def due(self) -> bool:
        """After every so many calls."""
        self.count += 1
        return super().due() or self.count % self.every == 0

    def save(self, *arguments, **values) -> None:
        """Write, and note how long that took."""
        begun = time.perf_counter()
        super().save(*arguments, **values)
        self.times.append(time.perf_counter() - begun)


def main() -> None:
    """Print seconds, bytes and shares."""
    interval = schema()["properties"]["run"]["properties"]["checkpoint_seconds"]["default"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=257)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--iterations", type=int, default=12)
    parser.add_argument("--every", type=int, default=4, help="iterations between checkpoints")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--folder", type=Path, help="where to write them (default: temporary)")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    goal = Noise(asked.frames, device)
    # as many snapshots as a study keeps: they are in the checkpoint, too
    options = replace(PAPER, iterations=asked.iterations, snapshots=32)
    options = replace(options, precision=engine.choose("auto", device))
    module = plugin("priors", "dilated-exp-dense").load()

    def build(out_channels: int) -> torch.nn.Module:
        return module.build(width=asked.width, network="code", out_channels=out_channels)

    def seconds(checkpoint: Checkpoint | None) -> float:
        trajectory = fit.fit(build, goal, options, seed=SEED, device=device, checkpoint=checkpoint)
        return trajectory.seconds / asked.iterations

    plain, checkpointed, each, size = [], [], [], 0
    seconds(None)
    for _ in range(asked.repeats):
        with tempfile.TemporaryDirectory(dir=asked.folder) as name:
            checkpoint = Timed(Path(name) / "state", asked.every)
            plain.append(seconds(None))
            checkpointed.append(seconds(checkpoint))
            each += checkpoint.times
            size = checkpoint.path.stat().st_size
    cost = statistics.median(each)
    print(f"an iteration: {statistics.median(plain):.4f} s")
    print(
        f"with a checkpoint every {asked.every}: {statistics.median(checkpointed):.4f} s, "
        f"ratio {statistics.median(checkpointed) / statistics.median(plain):.4f}"
    )
    print(f"a checkpoint: {cost:.4f} s (slowest {max(each):.4f}), {size / 2**20:.1f} MiB")
    print(f"share of a fit, one every {interval:g} s: {100 * cost / interval:.3f} %")


if __name__ == "__main__":
    main()
