"""Objectives of one signal, for priors whose networks give spectrograms: one class for each task.

That of several sources is `dap.fitting.objectives.separation`. A prior of another domain brings its
objectives with it (`dap.fitting.objectives.waveform`).
"""

from collections.abc import Callable, Hashable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dap.errors import DapError
from dap.noise import noise_power
from dap.observation import Observation, dropouts, one_bit, untouched_frames
from dap.plugins import plugin
from dap.stft import STFT
from dap.tasks import TASKS

# the U-Nets halve height and width twice
MULTIPLE = 4
# of the mean power, added to the noise that errors are weighted by: bins without noise are not all
# that counts
FLOOR = 0.1


class Denoise:
    """Mean squared error over both channels of the spectrogram (fidelity: loss-and-input).

    Args:
        input: "noise", or the baseline whose estimate is the network's input in place of z, scaled
            to a root mean square of 1. The network has then to correct an estimate, not to make
            one: it takes up the sound in fewer iterations.
        weighting: "none", or "noise", which divides the squared error in each bin by the power of
            the noise found there (`noise_weights`), as maximum likelihood does: strong noise in
            some bins is not fitted for the sake of the mean.

    Raises:
        DapError: there is no such baseline, or it is for other tasks, or cannot restore this.
    """

    networks: tuple[int, ...] = (2,)
    spectral: tuple[bool, ...] = (True,)
    recordable = True
    task = "denoise"
    input: Tensor | None = None  # (2, F, T)
    weights: Tensor | None = None  # (F, T), of a mean of 1
    clean_loss: float  # of the clean signal, where there are weights

    def __init__(
        self,
        observation: Observation,
        transform: STFT,
        device: str,
        *,
        input: str = "noise",
        weighting: str = "none",
    ):
        signal = torch.from_numpy(observation.signal).to(device)
        self.samples = len(observation.signal)
        self.transform = transform
        self.target = transform.analyse(signal)  # (2, F, T)
        given = given_estimates(input, self.task, observation, transform)
        self.input = None if given is None else given[0]
        if weighting == "noise":
            weights, self.clean_loss = noise_weights(self.target, observation, transform)
            self.weights = weights.to(device)

    def draw(self, network: int) -> Tensor:
        """z, standard normal, as `noise` gives it, or the estimate: (1, 2, F, T)."""
        return noise(self.target) if self.input is None else as_input(self.input)

    def phase(self, progress: float) -> Hashable:
        """None: the loss is the same function from beginning to end."""

    def estimates(self, outs: list[Tensor]) -> Tensor:
        """[(2, F, T)] -> (1, 2, F, T)."""
        return outs[0].unsqueeze(0)

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """Equation 1 of A, with the squared error."""
        if self.weights is None:
            return functional.mse_loss(estimates[0], self.target)
        return (self.weights * (estimates[0] - self.target).square()).mean()

    def read_out(self, estimates: Tensor) -> Tensor:
        """(1, 2, F, T) -> (1, samples)."""
        return self.transform.synthesise(estimates, self.samples).clamp(-1, 1)


class Inpaint(Denoise):
    """Mean squared error over the observed frames alone (section 3.2 of A).

    `raw` is the network's signal; `filled` is the observation with only the gaps filled. Whole
    frames that were lost are those of one transform: for a network of another, samples were lost.

    Raises:
        DapError: no frame was observed; as `Denoise`.
    """

    task = "inpaint"

    def __init__(
        self, observation: Observation, transform: STFT, device: str, *, input: str = "noise"
    ):
        super().__init__(observation, transform, device, input=input)
        known = observation.known
        self.whole_frames = known.get("spectrogram", np.empty(0)).shape == self.target.shape
        if self.whole_frames:
            signal, mask, observed = observation.signal, known["mask"], known["observed_frames"]
            self.target = torch.from_numpy(known["spectrogram"]).to(device)
        else:
            signal, mask = dropouts(observation)
            observed = untouched_frames(mask, transform.n_fft, transform.hop_length)
        self.signal = torch.from_numpy(signal.astype(np.float32)).to(device)
        if not self.whole_frames:
            self.target = transform.analyse(self.signal)
        self.mask = torch.from_numpy(mask).to(device)  # (samples,)
        self.observed = torch.from_numpy(observed).to(device)  # (T,)
        self.frames = self.observed.nonzero()[:, 0]
        if not len(self.frames):
            raise DapError(
                f"the gaps leave no frame whole of {self.samples} samples: nothing to fit"
            )

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

    task = "dequantize"

    def __init__(
        self,
        observation: Observation,
        transform: STFT,
        device: str,
        *,
        input: str = "noise",
        consistency: float,
    ):
        super().__init__(observation, transform, device, input=input)
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


def given_estimates(
    input: str, task: str, observation: Observation, transform: STFT
) -> Tensor | None:
    """The spectrograms of what a baseline makes of an observation, on the CPU.

    Args:
        input: the baseline's name, or "noise".

    Returns:
        (outputs, 2, F, T), the task's outputs in order; None for "noise".

    Raises:
        DapError: there is no such baseline, or it is for other tasks, or cannot restore this.
        PluginError: its code failed.
    """
    if input == "noise":
        return None
    offer = plugin("baselines", input)
    if task not in offer.metadata["tasks"]:
        raise DapError(f"input is {input!r}, which does not {TASKS[task].verb}")
    with offer.running() as module:
        estimates = module.restore(observation, TASKS[task].outputs)
        if estimates.shape[1:] != observation.signal.shape:
            raise ValueError(f"restore gave an array of shape {estimates.shape}")
    signals = torch.from_numpy(estimates).to(transform.window)
    return torch.stack([transform.analyse(signal) for signal in signals]).cpu()


def noise_weights(
    target: Tensor, observation: Observation, transform: STFT
) -> tuple[Tensor, float]:
    """Weights of a squared error, each bin's as 1 / (its noise + a tenth of the mean power).

    The noise is that of `dap.noise.noise_power`.

    Args:
        target: the observation's spectrogram, (2, F, T).

    Returns:
        (F, T) of a mean of 1, on the CPU, and the weighted mean squared error of the noise alone.
    """
    energy = transform.window.square().sum().item()
    powers = target.square().sum(dim=0).double().cpu().numpy() / energy
    hop, rate = transform.hop_length, observation.sample_rate
    noise = noise_power(powers, observation.signal, hop, rate)
    floor = max(FLOOR * powers.mean(), np.finfo(np.float32).tiny)
    weights = 1 / (noise + floor)
    weights /= weights.mean()
    # half of it is in each of the two channels
    return torch.from_numpy(weights.astype(np.float32)), energy * float(
        (weights * noise).mean()
    ) / 2


def as_input(spectrogram: Tensor) -> Tensor:
    """(2, F, T) -> (1, 2, F, T) of a root mean square of 1, F and T up to a multiple of 4."""
    given = padded(spectrogram)
    scale = given.square().mean().sqrt().clamp(min=torch.finfo(torch.float32).tiny)
    return (given / scale)[None].to(torch.get_default_device())


def padded(spectrogram: Tensor) -> Tensor:
    """(2, F, T), with zeros up to a multiple of 4 of F and T."""
    bins, frames = spectrogram.shape[-2:]
    return functional.pad(spectrogram, (0, -frames % MULTIPLE, 0, -bins % MULTIPLE))


def noise(target: Tensor) -> Tensor:
    """Standard normal noise (1, 2, F, T), the target's F and T rounded up to a multiple of 4."""
    return torch.randn(1, 2, *(-(-size // MULTIPLE) * MULTIPLE for size in target.shape[-2:]))
