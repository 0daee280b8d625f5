"""An iteration of a fit on a GPU as one launch.

An iteration is some thousand small kernels, and Python takes longer to launch them than a large GPU
to run them. So it is recorded once, as a CUDA graph, and replayed.
"""

import gc
import warnings
from collections.abc import Callable, Hashable
from typing import ClassVar

import torch
from torch import Tensor

Iterate = Callable[[float], tuple[Tensor, Tensor]]

# eager iterations before the first is recorded: libraries set themselves up in them
WARM_UP = 3


class Recorded:
    """An iteration that is replayed; to be called on a stream that is not the default one.

    Args:
        iterate: one iteration, given the share of iterations done: the loss and the estimates. All
            that it reads and writes stays where it is, and no step of it waits for the GPU.
        phase: what of the progress the iteration depends on; where it changes, it is recorded anew.

    Attributes:
        graph: what is replayed; None before, and where an iteration cannot be recorded.
        broken: graphs that could not be recorded. After one, nothing is recorded in this process:
            PyTorch's allocator does not come back from it whole, and refers to the graph.
    """

    broken: ClassVar[list[torch.cuda.CUDAGraph]] = []

    def __init__(self, iterate: Iterate, phase: Callable[[float], Hashable]):
        self.iterate, self.phase = iterate, phase
        self.left = WARM_UP
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
        graph = torch.cuda.CUDAGraph()
        # a graph that garbage collection frees while another is recorded would break that one
        gc.collect()
        gc.disable()
        try:
            with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
                self.result = self.iterate(progress)
        except RuntimeError as error:
            # weights and optimiser are as before: what is recorded is not run
            self.result = None
            self.broken.append(graph)
            warnings.warn(f"not recorded, so slower: {error.__context__ or error}", stacklevel=2)
            return
        finally:
            gc.enable()
        self.graph = graph
