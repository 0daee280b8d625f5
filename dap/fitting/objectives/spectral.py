"""Objectives of priors whose networks give spectrograms: one class for each task.

A prior of another domain brings its objectives with it (`dap.fitting.objectives.waveform`).
"""

from collections.abc import Callable, Hashable

import torch
from torch import Tensor
from torch.nn import functional

from dap.errors import DapError
from dap.fitting.objectives import Objective
from dap.observation import Observation
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

    def draw(self) -> Tensor:
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
    the signal adds to the mean squared error in the spectrogram: the two are of one scale.

    `raw` is the network's signal; `projected` is the nearest signal in the cells.
    """

    def __init__(
        self, observation: Observation, transform: STFT, device: str, *, consistency: float
    ):
        super().__init__(observation, transform, device)
        self.lower = torch.from_numpy(observation.known["lower"]).to(device)  # (samples,)
        self.upper = torch.from_numpy(observation.known["upper"]).to(device)
        self.consistency = consistency
        self.recordable = not consistency  # the inverse STFT reads the sum of its windows
        self.energy = transform.window.square().sum().item() / 2

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """The plain loss and the distance to the cells, weighted."""
        if not self.consistency:
            return super().loss(outs, estimates, progress)
        signal = self.transform.synthesise(estimates[0], self.samples)
        outside = signal - torch.clamp(signal, self.lower, self.upper)
        cells = self.consistency * self.energy * outside.square().mean()
        if self.consistency == 1:
            return cells
        return cells + (1 - self.consistency) * super().loss(outs, estimates, progress)

    def read_out(self, estimates: Tensor) -> Tensor:
        """(1, 2, F, T) -> (2, samples): raw, projected."""
        raw = self.transform.synthesise(estimates[0], self.samples)
        return torch.stack((raw, torch.clamp(raw, self.lower, self.upper))).clamp(-1, 1)


class Separate:
    """Two sources and a mask from one mixture, as Tian et al. 2019 describe it.

    The estimates are m * s1 and (1 - m) * s2 (fidelity: networks-of-separation). The loss
    (fidelity: losses-of-separation) is the sum of

    - the distance of their sum to the mixture: L1, or the squared error. Most bins of a spectrogram
      are near 0, and so is the median that L1 seeks first, which short fits of narrow networks
      never leave (fidelity: reconstruction-of-separation);
    - `smoothness` times the mean change between frames of each source's magnitude |s_i|;
    - `exclusion` times the overlap of the gradients of the estimates' magnitudes at three scales;
    - over the last tenth of the iterations, `binarity` / (1e-6 + mean |m - 0.5|), which keeps m
      from being flat.

    Raises:
        DapError: the mixture has fewer than 8 frames or bins: too few for three scales.
    """

    networks = (2, 2, 1)
    spectral = (True, True, False)
    recordable = True
    scales = 3
    last_part = 0.9

    def __init__(
        self,
        observation: Observation,
        transform: STFT,
        device: str,
        *,
        reconstruction: str,
        smoothness: float,
        exclusion: float,
        binarity: float,
    ):
        self.samples = len(observation.signal)
        self.transform = transform
        self.target = transform.analyse(torch.from_numpy(observation.signal).to(device))
        least = 2**self.scales
        if min(self.target.shape[1:]) < least:
            bins, frames = self.target.shape[1:]
            raise DapError(
                f"the mixture of {self.samples} samples has {bins} bins and {frames} frames; "
                f"separation needs {least} of each"
            )
        self.distance = {"l1": functional.l1_loss, "l2": functional.mse_loss}[reconstruction]
        self.smoothness = smoothness
        self.exclusion = exclusion
        self.binarity = binarity

    def draw(self) -> Tensor:
        """z, standard normal, as `noise` gives it."""
        return noise(self.target)

    def phase(self, progress: float) -> bool:
        """Whether binarity counts."""
        return progress > self.last_part

    def estimates(self, outs: list[Tensor]) -> Tensor:
        """[(2, F, T), (2, F, T), (1, F, T)] -> (2, 2, F, T)."""
        mask = outs[2].sigmoid()
        return torch.stack((mask * outs[0], (1 - mask) * outs[1]))

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """Reconstruction, smoothness, exclusion and, at the end, binarity."""
        total = self.distance(estimates.sum(dim=0), self.target)
        sources = magnitude(torch.stack(outs[:2]))  # (2, F, T), before the mask
        change = sources.diff(dim=-1).abs().mean(dim=(1, 2))
        total = total + self.smoothness * change.sum()
        total = total + self.exclusion * exclusion(magnitude(estimates), self.scales)
        if self.phase(progress):
            flatness = (outs[2].sigmoid() - 0.5).abs().mean()
            total = total + self.binarity / (1e-6 + flatness)
        return total

    def read_out(self, estimates: Tensor) -> Tensor:
        """(2, 2, F, T) -> (2, samples)."""
        return self.transform.synthesise(estimates, self.samples).clamp(-1, 1)


def noise(target: Tensor) -> Tensor:
    """Standard normal noise (1, 2, F, T), the target's F and T rounded up to a multiple of 4."""
    return torch.randn(1, 2, *(-(-size // MULTIPLE) * MULTIPLE for size in target.shape[-2:]))


def magnitude(spectrograms: Tensor) -> Tensor:
    """(sources, 2, F, T) -> (sources, F, T), with a finite gradient where a bin is exactly 0."""
    return (spectrograms.square().sum(dim=1) + 1e-12).sqrt()


def exclusion(magnitudes: Tensor, scales: int) -> Tensor:
    """How much the gradients of two magnitude spectrograms coincide, over `scales` octaves.

    At each scale and along each axis: (mean of (tanh(d1 / 2) tanh(d2 / 2))^2)^(1/4), where d1 and
    d2 are the two magnitudes' differences. The sum of these is divided by 18 times the number of
    scales: with more than that, nothing at all is the cheapest pair of sources.

    Args:
        magnitudes: (2, F, T).
    """
    total = magnitudes.new_zeros(())
    for _ in range(scales):
        for axis in (1, 2):
            first, second = torch.tanh(magnitudes.diff(dim=axis) / 2)
            total = total + ((first * second).square().mean() + 1e-12) ** 0.25
        magnitudes = functional.avg_pool2d(magnitudes, 2)
    return total / (18 * scales)


def objective(
    task: str, observation: Observation, transform: STFT, device: str, options: dict
) -> Objective:
    """The objective of a task, for one observation."""
    classes: dict[str, Callable[..., Objective]] = {
        "denoise": Denoise,
        "inpaint": Inpaint,
        "separate": Separate,
        "dequantize": Dequantize,
    }
    return classes[task](observation, transform, device, **options)
