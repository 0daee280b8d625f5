"""An iteration of a fit on a GPU as one launch.

An iteration is some thousand small kernels, and Python takes longer to launch them than a large GPU
to run them. So it is recorded once, as a CUDA graph, and replayed.
"""

import warnings
from collections.abc import Callable, Hashable

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
    """

    def __init__(self, iterate: Iterate, phase: Callable[[float], Hashable]):
        self.iterate, self.phase = iterate, phase
        self.warm = 0
        self.able = True
        self.graph: torch.cuda.CUDAGraph | None = None
        self.of: Hashable = None
        self.result: tuple[Tensor, Tensor] | None = None

    def __call__(self, progress: float) -> tuple[Tensor, Tensor]:
        """The loss and the estimates, which the next call overwrites."""
        if self.warm < WARM_UP or not self.able:
            self.warm += 1
            return self.iterate(progress)
        phase = self.phase(progress)
        if self.graph is None or phase != self.of:
            self._record(progress, phase)
            if self.graph is None:
                return self.iterate(progress)
        self.graph.replay()
        return self.result

    def _record(self, progress: float, phase: Hashable) -> None:
        self.graph = self.result = None  # gives its memory back
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
                self.result = self.iterate(progress)
        except RuntimeError as error:
            # nothing of it was run, so that the fit goes on as if nothing had happened
            self.able, self.result = False, None
            warnings.warn(f"not recorded, so slower: {error}", stacklevel=2)
            return
        self.graph, self.of = graph, phase
