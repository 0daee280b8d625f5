"""Objectives of priors whose network gives the waveform itself: the squared error of samples.

The networks have one channel, and their outputs are (1, samples).
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from dap.errors import DapError
from dap.fitting.objectives.spectral import Denoise, one_bit_level
from dap.observation import Observation


class WaveDenoise(Denoise):
    """Mean squared error of the waveform (Michelashvili and Wolf 2019).

    Raises:
        DapError: `input` is not "noise", or `weighting` not "none".
    """

    networks = (1,)
    spectral = (False,)

    def __init__(
        self,
        observation: Observation,
        device: str,
        *,
        input: str = "noise",
        weighting: str = "none",
    ):
        if input != "noise":
            raise DapError(f"input is {input!r}: priors of waveforms are fed noise alone")
        if weighting != "none":
            raise DapError(
                f"weighting is {weighting!r}: priors of waveforms have no bins to weight"
            )
        self.samples = len(observation.signal)
        self.target = torch.from_numpy(observation.signal).to(device)[None]  # (1, samples)

    def draw(self, network: int) -> Tensor:
        """z, uniform on [-1, 1]: (1, 1, samples)."""
        return 2 * torch.rand(1, 1, self.samples) - 1

    def read_out(self, estimates: Tensor) -> Tensor:
        """(1, 1, samples) -> (1, samples)."""
        return estimates[0].clamp(-1, 1)


class WaveInpaint(WaveDenoise):
    """Mean squared error of the samples that were not lost.

    Where whole frames were lost, the frames beside them leave `gain` times a sample, so the
    estimate is multiplied by that before the comparison: it sees what the other priors see.

    `raw` is the network's signal; in `filled` it replaces what was lost.

    Raises:
        DapError: everything was lost.
    """

    def __init__(self, observation: Observation, device: str, *, input: str = "noise"):
        super().__init__(observation, device, input=input)
        mask = torch.from_numpy(observation.known["mask"])
        gain = observation.known.get("gain")
        self.gain = (~mask).float() if gain is None else torch.from_numpy(gain)
        self.gain = self.gain.to(device)  # (samples,)
        self.seen = self.gain.ne(0).sum()
        if not self.seen:
            raise DapError(f"the gaps leave nothing of {self.samples} samples: nothing to fit")

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """The mean runs over the samples of which anything is left."""
        return (self.gain * estimates[0] - self.target * self.gain.ne(0)).square().sum() / self.seen

    def read_out(self, estimates: Tensor) -> Tensor:
        """(1, 1, samples) -> (2, samples): raw, filled."""
        raw = estimates[0, 0]
        filled = torch.where(self.gain.ne(0), self.target[0], 0) + (1 - self.gain) * raw
        return torch.stack((raw, filled)).clamp(-1, 1)


class WaveDequantize(WaveDenoise):
    """Mean squared error to the quantized samples, or, by `consistency`, to their cells.

    `raw` is the network's signal; `projected` is the nearest signal in the cells.
    """

    def __init__(
        self, observation: Observation, device: str, *, input: str = "noise", consistency: float
    ):
        super().__init__(observation, device, input=input)
        self.lower = torch.from_numpy(observation.known["lower"]).to(device)
        self.upper = torch.from_numpy(observation.known["upper"]).to(device)
        self.level = one_bit_level(observation, device) if consistency else None
        self.consistency = consistency

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """The plain loss and the distance to the cells, weighted, as in the spectral priors'."""
        inside = torch.clamp(estimates[0], self.lower, self.upper)
        plain = functional.mse_loss(estimates[0], self.target)
        cells = functional.mse_loss(estimates[0], inside)
        if self.level:
            cells = cells + self.level(estimates[0])
        return (1 - self.consistency) * plain + self.consistency * cells

    def read_out(self, estimates: Tensor) -> Tensor:
        """(1, 1, samples) -> (2, samples): raw, projected."""
        raw = estimates[0, 0]
        return torch.stack((raw, torch.clamp(raw, self.lower, self.upper))).clamp(-1, 1)


def objective(
    method: str, task: str, observation: Observation, device: str, options: dict
) -> WaveDenoise:
    """The objective of a task, for one observation; `method` makes no difference."""
    classes: dict[str, Callable[..., WaveDenoise]] = {
        "denoise": WaveDenoise,
        "inpaint": WaveInpaint,
        "dequantize": WaveDequantize,
    }
    return classes[task](observation, device, **options)
