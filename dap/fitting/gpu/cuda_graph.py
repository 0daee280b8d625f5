"""An iteration of a fit on a GPU as one launch.

An iteration is some thousand small kernels, and Python takes longer to launch them than a large GPU
to run them. So it is recorded once, as a CUDA graph, and replayed.
"""

import gc
import warnings
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import ClassVar

import torch
from torch import Tensor

Iterate = Callable[[float], tuple[Tensor, Tensor]]

# eager iterations before the first is recorded: libraries set themselves up in them
WARMUP = 3


class Recorded:
    """An iteration that is replayed; to be called on a stream that is not the default one.

    Args:
        iterate: one iteration, given the share of iterations done: the loss and the estimates. All
            that it reads and writes stays where it is, and no step of it waits for the GPU.
        phase: what of the progress the iteration depends on; where it changes, it is recorded anew.

    Attributes:
        graph: what is replayed; None before, and where an iteration cannot be recorded.
        broken: graphs that could not be recorded. After one, nothing is recorded in this process:
            PyTorch (2.11) may refer to it, and is not known to come back from it whole.
    """

    broken: ClassVar[list[torch.cuda.CUDAGraph]] = []

    def __init__(self, iterate: Iterate, phase: Callable[[float], Hashable]):
        self.iterate, self.phase = iterate, phase
        self.left = WARMUP
        self.of: Hashable = phase(0.0)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.result: tuple[Tensor, Tensor] | None = None

    def __call__(self, progress: float) -> tuple[Tensor, Tensor]:
        """The loss and the estimates, which the next call overwrites."""
        phase = self.phase(progress)
        if phase != self.of:
            # an eager iteration also lets go of the memory of what was recorded
            self.of, self.left = phase, max(self.left, 1)
            self.graph = self.result = None
        if self.graph is None and not self.left and not self.broken:
            self._record(progress)
        if self.graph is None:
            self.left = max(self.left - 1, 0)
            return self.iterate(progress)
        self.graph.replay()
        return self.result

    def _record(self, progress: float) -> None:
        graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        stream = torch.cuda.current_stream()
        # a graph that garbage collection frees while another is recorded would break that one
        gc.collect()
        gc.disable()
        try:
            with torch.cuda.graph(graph, pool=pool, stream=stream):
                self.result = self.iterate(progress)
        except RuntimeError as error:
            # weights and optimiser are as before: what is recorded is not run
            self.result = None
            _give_back(pool)
            cause = error.__context__ or error
            if isinstance(cause, torch.OutOfMemoryError):
                raise cause from None  # which says nothing of the iteration
            self.broken.append(graph)
            warnings.warn(f"not recorded, so slower: {cause}", stacklevel=2)
            return
        finally:
            gc.enable()
        self.graph = graph


def _give_back(pool: tuple[int, int]) -> None:
    """The memory of a recording that failed.

    Where the end of the recording fails, too, PyTorch (2.11) leaves the pool open, and from then on
    gives nothing that it caches back to the GPU.
    """
    device = torch.cuda.current_device()
    with suppress(RuntimeError):  # it was closed, and is given back with its graph
        torch._C._cuda_endAllocateToPool(device, pool)
        torch._C._cuda_releasePool(device, pool)
