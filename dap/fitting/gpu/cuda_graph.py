"""An iteration of a fit on a GPU as one launch.

An iteration is some thousand small kernels, and Python takes longer to launch them than a large GPU
to run them. So it is recorded once, as a CUDA graph, and then replayed.
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


class GraphedIteration:
    """An iteration that is replayed; to be called on a stream that is not the default one.

    Args:
        iterate: runs one iteration. It is called with the share of iterations done, and returns the
            loss and the estimates. All that it reads and writes stays at the same addresses, and
            no step of it waits for the GPU.
        phase: what the iteration depends on besides its tensors, as a function of the share of
            iterations done. When it changes, the iteration is recorded again.

    Attributes:
        graph: the recording; None before there is one, and where an iteration cannot be recorded.
        broken: recordings that failed. After one, nothing more is recorded in this process: PyTorch
            (2.11) may still refer to it, and may not have recovered from the failure.
    """

    broken: ClassVar[list[torch.cuda.CUDAGraph]] = []

    def __init__(self, iterate: Iterate, phase: Callable[[float], Hashable]):
        self.iterate, self.phase = iterate, phase
        self.eager_left = WARMUP
        self.recorded_phase: Hashable = phase(0.0)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.result: tuple[Tensor, Tensor] | None = None

    def __call__(self, progress: float) -> tuple[Tensor, Tensor]:
        """The loss and the estimates, which the next call overwrites."""
        phase = self.phase(progress)
        if phase != self.recorded_phase:
            # an eager iteration also frees the memory of the recording
            self.recorded_phase, self.eager_left = phase, max(self.eager_left, 1)
            self.graph = self.result = None
        if self.graph is None and not self.eager_left and not self.broken:
            self._record(progress)
        if self.graph is None or self.result is None:
            self.eager_left = max(self.eager_left - 1, 0)
            return self.iterate(progress)
        self.graph.replay()
        return self.result

    def _record(self, progress: float) -> None:
        graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        stream = torch.cuda.current_stream()
        # if garbage collection freed a graph during the recording, the recording would fail
        gc.collect()
        gc.disable()
        try:
            with torch.cuda.graph(graph, pool=pool, stream=stream):
                self.result = self.iterate(progress)
        except RuntimeError as error:
            # weights and optimiser are unchanged: a recording does not run the iteration
            self.result = None
            _release(pool)
            cause = error.__context__ or error
            if isinstance(cause, torch.OutOfMemoryError):
                raise cause from None  # the recording's own error says nothing of the memory
            self.broken.append(graph)
            warnings.warn(f"not recorded, so slower: {cause}", stacklevel=2)
            return
        finally:
            gc.enable()
        self.graph = graph


def _release(pool: tuple[int, int]) -> None:
    """Release the memory of a recording that failed.

    If ending the recording fails, too, PyTorch (2.11) leaves the pool open, and from then on
    returns nothing of its cache to the GPU.
    """
    device = torch.cuda.current_device()
    with suppress(RuntimeError):  # the pool is closed already, and is freed with its graph
        torch._C._cuda_endAllocateToPool(device, pool)
        torch._C._cuda_releasePool(device, pool)
