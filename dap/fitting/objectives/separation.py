"""Separating two sources of one mixture: what the networks give, the losses, and the judgement.

Narayanaswamy et al. 2021 (A) adopt the losses of Tian et al. 2019 ("Deep audio prior") and do not
say what their networks give. So there are two variants (fidelity: networks-of-separation).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from dap.errors import DapError
from dap.fitting.objectives.spectral import as_input, given_estimates, noise
from dap.observation import Observation
from dap.stft import STFT

# a source whose magnitudes vary by less than this share of the mixture's root mean square is dead
DEAD = 0.02
# a sigmoid of a smaller slope has next to no gradient; the largest is 1/4
SATURATED = 1e-3
# a mask of which a larger share is saturated is worth a warning
MOSTLY = 0.5


class Separate:
    """Two sources and a mask from one mixture, as A may have meant it: `narayanaswamy2021`.

    Networks give the two sources' spectrograms s1 and s2, of two channels, and the logits l of a
    mask, one for each bin. The logits are normalised, since without a bound they saturate the
    sigmoid, which then has no gradient (fidelity: mask-of-separation):

        m = sigmoid((l - mean l) / (std l + 1))

    The estimates are m s1 and (1 - m) s2. The mixture is scaled to a root mean square of 1, so that
    weights mean the same for every transform and level. The loss is the sum of these terms
    (fidelity: losses-of-separation):

    - reconstruction: the distance of the estimates' sum to the mixture
      (fidelity: reconstruction-of-separation). `complex`: mean absolute error over real and
      imaginary parts; `magnitude`: that of the magnitudes; `l2`: mean squared error over both;
    - smoothness: the mean change between frames of each source's magnitude |s_i|;
    - exclusion: the overlap of the gradients of the estimates' magnitudes at three scales;
    - binarity: over the last tenth of the iterations, 1 / (1e-6 + mean |m - 0.5|) for each of the
      two masks, which keeps them from being flat.

    Args:
        reconstruction: "complex", "magnitude" or "l2".
        smoothness, exclusion, binarity: the terms' weights.

    Attributes:
        target: the scaled mixture, (2, F, T).
        scale: what it was divided by.
        terms: of the latest iterate, each with its weight, by name: scalars on the device.
        levels: of the latest iterate, the standard deviation of each source's magnitudes over bins
            and frames, before the mask: (2,). It is 0 of a network that gives nothing, and of one
            whose rectifiers are dead, which gives the same in every bin.
        saturation: the share of the latest mask where the sigmoid's slope is below `SATURATED`.

    Raises:
        DapError: the mixture has fewer than 8 frames or bins: too few for three scales.
    """

    networks: tuple[int, ...] = (2, 2, 1)
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
        input: str = "noise",
        reconstruction: str,
        smoothness: float,
        exclusion: float,
        binarity: float,
    ):
        self.samples = len(observation.signal)
        self.transform = transform
        mixture = transform.analyse(torch.from_numpy(observation.signal).to(device))
        least = 2**self.scales
        if min(mixture.shape[1:]) < least:
            bins, frames = mixture.shape[1:]
            raise DapError(
                f"the mixture of {self.samples} samples has {bins} bins and {frames} frames; "
                f"separation needs {least} of each"
            )
        self.scale = mixture.square().mean().sqrt().item() or 1.0
        self.target = mixture / self.scale
        self.magnitude = magnitude(self.target[None])[0]  # (F, T)
        self.reconstruction = reconstruction
        self.weights = {"smoothness": smoothness, "exclusion": exclusion, "binarity": binarity}
        self.given = given_estimates(input, "separate", observation, transform)  # (2, 2, F, T)
        self.terms: dict[str, Tensor] = {}
        self.levels, self.saturation = torch.zeros(2), torch.zeros(())

    def draw(self, network: int) -> Tensor:
        """z of each network, standard normal, as `noise` gives it, or what it is given.

        A source's network is given that source's estimate, that of the mask both magnitudes.
        """
        if self.given is None:
            return noise(self.target)
        return as_input(magnitude(self.given) if network == 2 else self.given[network])

    def phase(self, progress: float) -> bool:
        """Whether binarity counts."""
        return progress > self.last_part

    def estimates(self, outs: list[Tensor]) -> Tensor:
        """[(2, F, T), (2, F, T), (1, F, T)] -> (2, 2, F, T), of the scaled mixture."""
        mask = self.mask(outs[2])
        return torch.stack((mask * outs[0], (1 - mask) * outs[1]))

    def mask(self, logits: Tensor) -> Tensor:
        """The first source's mask, in (0, 1), from logits of any shape."""
        return normalised(logits).sigmoid()

    def loss(self, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        """Reconstruction, smoothness, exclusion and, at the end, binarity."""
        sources = self.magnitudes(outs)
        change = sources.diff(dim=-1).abs().mean(dim=(1, 2))
        mask = self.mask(outs[2])
        terms = {
            "reconstruction": self._distance(estimates.sum(dim=0)),
            "smoothness": change.sum(),
            "exclusion": exclusion(magnitude(estimates), self.scales),
        }
        if self.phase(progress):
            terms["binarity"] = 2 / (1e-6 + (mask - 0.5).abs().mean())
        terms = {name: self.weights.get(name, 1.0) * term for name, term in terms.items()}
        self.terms = {name: term.detach() for name, term in terms.items()}
        self.levels = sources.detach().std(dim=(1, 2))
        self.saturation = (mask * (1 - mask) < SATURATED).float().mean().detach()
        return torch.stack(list(terms.values())).sum()

    def magnitudes(self, outs: list[Tensor]) -> Tensor:
        """(2, F, T) of the two sources, before the mask."""
        return magnitude(torch.stack(outs[:2]))

    def _distance(self, total: Tensor) -> Tensor:
        if self.reconstruction == "l2":
            return functional.mse_loss(total, self.target)
        if self.reconstruction == "complex":
            return functional.l1_loss(total, self.target)
        return functional.l1_loss(magnitude(total[None])[0], self.magnitude)

    def read_out(self, estimates: Tensor) -> Tensor:
        """(2, 2, F, T) -> (2, samples)."""
        return self.transform.synthesise(estimates * self.scale, self.samples).clamp(-1, 1)

    def failed(self) -> bool:
        """Whether a source is dead: its network has no gradient that would bring it back.

        The clean clips are not asked.
        """
        return bool(self.levels.min() < DEAD)

    def last_terms(self) -> dict[str, float]:
        """The terms of the latest loss, with their weights."""
        return {name: float(term) for name, term in self.terms.items()}

    def warnings(self) -> list[str]:
        """What is wrong with the latest iterate: a dead source, a saturated mask."""
        level, saturation = float(self.levels.min()), float(self.saturation)
        return [
            *([f"a source is dead: its level is {level:.2g} of the mixture's"] * self.failed()),
            *([f"{saturation:.0%} of the mask is saturated"] * (saturation > MOSTLY)),
        ]


class SeparateMagnitudes(Separate):
    """Separation as Tian et al. 2019 have it: `tian2019`.

    Networks give the sources' magnitudes, here |output|, which take the mixture's phase. The mask
    has one value a frame: its logits are averaged over the bins. The z of the mask's network is
    uniform and small, and drawn again at each iteration once two fifths of them are done, so that
    the mask cannot memorise it; theirs is from iteration 2,000 of 5,000 on.
    """

    networks = (1, 1, 1)
    mask_scale = 1 / 20
    redraws_from = 0.4

    def __init__(self, observation: Observation, transform: STFT, device: str, **options: Any):
        super().__init__(observation, transform, device, **options)
        self.phases = self.target / self.magnitude  # (2, F, T), of length 1

    def draw(self, network: int) -> Tensor:
        """z of a source, standard normal; that of the mask, uniform on [0, 1/20]."""
        z = super().draw(network)
        drawn = network == 2 and self.given is None
        return torch.rand_like(z) * self.mask_scale if drawn else z

    def redrawn(self, progress: float) -> Sequence[int]:
        """The networks whose z is drawn again at an iteration."""
        return (2,) if progress > self.redraws_from else ()

    def estimates(self, outs: list[Tensor]) -> Tensor:
        """[(1, F, T), (1, F, T), (1, F, T)] -> (2, 2, F, T), of the scaled mixture."""
        mask = self.mask(outs[2])
        first, second = self.magnitudes(outs)
        return torch.stack((mask * first * self.phases, (1 - mask) * second * self.phases))

    def mask(self, logits: Tensor) -> Tensor:
        """(1, F, T) -> (1, 1, T)."""
        return super().mask(logits.mean(dim=-2, keepdim=True))

    def magnitudes(self, outs: list[Tensor]) -> Tensor:
        """(2, F, T) of the two sources, before the mask."""
        return torch.cat(outs[:2]).abs()


def normalised(logits: Tensor) -> Tensor:
    """(l - mean l) / (std l + 1), whose standard deviation is below 1; the gradient is finite."""
    centred = logits - logits.mean()
    return centred / ((centred.square().mean() + 1e-12).sqrt() + 1)


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
