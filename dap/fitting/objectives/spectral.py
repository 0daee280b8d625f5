"""Objectives of one signal, for priors whose networks give spectrograms: one class for each task.

That of several sources is `dap.fitting.objectives.separation`. A prior of another domain brings its
objectives with it (`dap.fitting.objectives.waveform`).
"""

from collections.abc import Callable, Hashable

import torch
from torch import Tensor
from torch.nn import functional

from dap.errors import DapError
from dap.observation import Observation, one_bit
from dap.stft import STFT

# the U-Nets halve height and width twice
MULTIPLE = 4


class Denoise:
    """Mean squared error over both channels of the spectrogram (fidelity: loss-and-input)."""

    networks: tuple[int, ...] = (2,)
    spectral: tuple[bool, ...] = (True,)
    recordable = True

    def __init__(self, observation: Observation, transform: STFT, device: str):
        signal = torch.from_numpy(observation.signal).to(device)
        self.samples = len(observation.signal)
        self.transform = transform
        self.target = transform.analyse(signal)  # (2, F, T)

    def draw(self, network: int) -> Tensor:
        """z, standard normal, as `noise` gives it."""
        return noise(self.target)

    def phase(self, progress: float) -> Hashable:
        """None: the loss is the same function from beginning to end."""

    def estimates(self, outs: list[Tensor]) -> Tensor:
        """[(2, F, T)] -> (1, 2, F, T)."""
        return outs[0].unsqueeze(0)

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """Equation 1 of A, with the squared error."""
        return functional.mse_loss(estimates[0], self.target)

    def read_out(self, estimates: Tensor) -> Tensor:
        """(1, 2, F, T) -> (1, samples)."""
        return self.transform.synthesise(estimates, self.samples).clamp(-1, 1)


class Inpaint(Denoise):
    """Mean squared error over the observed frames alone (section 3.2 of A).

    `raw` is the network's signal; `filled` is the observation with only the gaps filled.

    Raises:
        DapError: no frame was observed.
    """

    def __init__(self, observation: Observation, transform: STFT, device: str):
        super().__init__(observation, transform, device)
        known = {name: torch.from_numpy(array) for name, array in observation.known.items()}
        self.observed = known["observed_frames"].to(device)  # (T,)
        self.frames = self.observed.nonzero()[:, 0]
        if not len(self.frames):
            raise DapError(
                f"the gaps leave no frame whole of {self.samples} samples: nothing to fit"
            )
        self.mask = known["mask"].to(device)  # (samples,)
        self.signal = torch.from_numpy(observation.signal).to(device)
        self.whole_frames = "spectrogram" in known
        if self.whole_frames:
            self.target = known["spectrogram"].to(device)

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """The mean runs over the observed frames, so its scale does not depend on the gaps."""
        return functional.mse_loss(
            estimates[0].index_select(-1, self.frames), self.target.index_select(-1, self.frames)
        )

    def read_out(self, estimates: Tensor) -> Tensor:
        """(1, 2, F, T) -> (2, samples): raw, filled."""
        raw = self.transform.synthesise(estimates[0], self.samples)
        if self.whole_frames:
            spectrogram = torch.where(self.observed, self.target, estimates[0])
            filled = self.transform.synthesise(spectrogram, self.samples)
        else:
            filled = torch.where(self.mask, raw, self.signal)
        return torch.stack((raw, filled)).clamp(-1, 1)


class Dequantize(Denoise):
    """Mean squared error over the quantized signal's spectrogram, as in B, or over its cells.

    The plain loss draws every sample to the middle of its cell, though nothing but the cell is
    known. `consistency`, from 0 to 1, is the share of the loss that is instead the mean squared
    distance of the samples to their cells, which is 0 once the estimate would be quantized to the
    observation. It is multiplied by half of the window's energy, which is what a squared error in
    the signal adds to the mean squared error in the spectrogram: the two are of one scale. Cells
    that all touch one value do not tell a level, and silence lies in them: then the squared
    difference of the mean distance to that value is added (`dap.observation.OneBit`).

    `raw` is the network's signal; `projected` is the nearest signal in the cells.
    """

    def __init__(
        self, observation: Observation, transform: STFT, device: str, *, consistency: float
    ):
        super().__init__(observation, transform, device)
        self.lower = torch.from_numpy(observation.known["lower"]).to(device)  # (samples,)
        self.upper = torch.from_numpy(observation.known["upper"]).to(device)
        self.level = one_bit_level(observation, device) if consistency else None
        self.consistency = consistency
        self.recordable = not consistency  # the inverse STFT reads the sum of its windows
        self.energy = transform.window.square().sum().item() / 2

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """The plain loss and the distance to the cells, weighted."""
        if not self.consistency:
            return super().loss(outs, estimates, progress)
        signal = self.transform.synthesise(estimates[0], self.samples)
        outside = signal - torch.clamp(signal, self.lower, self.upper)
        distance = outside.square().mean()
        if self.level:
            distance = distance + self.level(signal)
        cells = self.consistency * self.energy * distance
        if self.consistency == 1:
            return cells
        return cells + (1 - self.consistency) * super().loss(outs, estimates, progress)

    def read_out(self, estimates: Tensor) -> Tensor:
        """(1, 2, F, T) -> (2, samples): raw, projected."""
        raw = self.transform.synthesise(estimates[0], self.samples)
        return torch.stack((raw, torch.clamp(raw, self.lower, self.upper))).clamp(-1, 1)


def one_bit_level(observation: Observation, device: str) -> Callable[[Tensor], Tensor] | None:
    """The squared error of a signal's level, where an observation's cells do not tell it."""
    bits = one_bit(observation.known["lower"], observation.known["upper"])
    if bits is None:
        return None
    side = torch.from_numpy(bits.side).float().to(device)
    return lambda signal: ((side * (signal - bits.value)).mean() - bits.distance).square()


def noise(target: Tensor) -> Tensor:
    """Standard normal noise (1, 2, F, T), the target's F and T rounded up to a multiple of 4."""
    return torch.randn(1, 2, *(-(-size // MULTIPLE) * MULTIPLE for size in target.shape[-2:]))
