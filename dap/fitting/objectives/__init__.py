"""The loss that ties the networks' outputs to an observation, and how an estimate is read out.

One class for each task and domain; `Objective` is what the loop asks of all of them.
"""

from collections.abc import Hashable, Sequence
from typing import Protocol

from torch import Tensor


class Objective(Protocol):
    """What is fitted to one observation.

    Outputs of the networks are (channels, F, T), already cut to the observation's bins and frames;
    those of a network of waveforms are (1, samples).

    An objective may have these methods, too, which the loop asks for by name:

    - `state_dict`, `load_state_dict`: what it accumulates, for a fit's checkpoint;
    - `follow(iteration, estimates)`: called after each iteration;
    - `redrawn(progress)`: the indexes of the networks whose z is drawn again before an iteration;
    - `failed()`: whether the fit has failed, so that it is begun again from another
      initialisation (`fit.restarts`);
    - `last_terms()`: the terms of the last loss, by name, with their weights;
    - `warnings()`: what is wrong with the last iterate, in words.

    Attributes:
        target: what the networks' outputs are compared with, (channels, F, T) or (1, samples).
    """

    target: Tensor

    @property
    def networks(self) -> Sequence[int]:
        """The number of output channels of each network that is fitted."""

    @property
    def spectral(self) -> Sequence[bool]:
        """Of each network, whether its output is a spectrogram, which `output_scale` scales."""

    @property
    def recordable(self) -> bool:
        """Whether a GPU computes the loss without the CPU reading a number.

        Its iterations can then be replayed (`dap.fitting.gpu.cuda_graph`).
        """

    def draw(self, network: int) -> Tensor:
        """The noise z of the network of this index, (1, channels, ...), on the CPU."""

    def phase(self, progress: float) -> Hashable:
        """What the loss depends on besides the outputs; an iteration is recorded once for each."""

    def estimates(self, outs: list[Tensor]) -> Tensor:
        """The networks' outputs -> the estimates, (sources, 2, F, T) or (1, 1, samples)."""

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """A scalar; `progress` is the share of the iterations done, 0 to 1."""

    def read_out(self, estimates: Tensor) -> Tensor:
        """Estimates -> signals, (outputs, samples), clipped to [-1, 1]; `dap.tasks` names them."""
