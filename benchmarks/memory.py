"""Peak memory of a fit, in a process of its own.

Arguments: METHOD FRAMES WIDTH KIND DEVICE THREADS; KIND is "reference" or the precision of ours.
"""

import sys
from pathlib import Path

import torch

from benchmarks.speed import Noise, ours, reference
from dap.fitting.gpu.cuda_graph import WARMUP


def main() -> None:
    """Print MiB over what the process had before."""
    method, frames, width, kind, device, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    goal = Noise(int(frames), device)
    ours("conv", 0.05, Noise(16, device), "float32", 1)  # what libraries take on first use
    before = used(device)
    if kind == "reference":
        reference(method, float(width), goal, 2)
    else:
        # enough to be recorded, on a GPU
        ours(method, float(width), goal, kind, WARMUP + 2)
    print(used(device) - before)


def used(device: str) -> float:
    """MiB that the process, or on a GPU PyTorch, has had at most."""
    if device == "cuda":
        return torch.cuda.max_memory_reserved() / 2**20
    # not getrusage's, which starts from the parent's
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**10


if __name__ == "__main__":
    main()
