"""Denoising by how a fit's output fluctuates (Michelashvili and Wolf 2019, "deep network priors").

A network takes up sound before noise, and goes on changing where it tries to fit noise. So the
relative change of each bin of the output's STFT is summed over the iterations; the steadiest bins
are sound, those that changed most are noise. That gives a filter for the observation: the network's
signal is not the estimate. Numbers are those of the authors' public code; the text has only some.
"""

import numpy as np
import torch
from torch import Tensor

from dap.fitting.objectives.waveform import WaveDenoise
from dap.observation import Observation
from dap.stft import STFT

N_FFT, HOP_LENGTH = 512, 128
FIRST = 48  # the iteration whose output is the first to be compared with the next
QUANTILES = (0.1, 0.9)  # of the bins, to which the sums are clipped
FLOOR = 10 ** (-30 / 10)  # of the a priori SNR, as a ratio of powers, and of the Wiener gain
LEAST_NOISE = 1e-5  # re a bin's magnitude
LOW_BINS, HIGH_BINS = 3, 1  # are muted


class Fluctuation:
    """The sum over iterations of |change of magnitude| / magnitude in each bin.

    After each iteration the sums are clipped to their 10th and 90th percentile.
    """

    def __init__(self, device: str):
        self.transform = STFT(N_FFT, HOP_LENGTH, "hann", device)
        self.quantiles = torch.tensor(QUANTILES, device=device)
        self.before: Tensor | None = None  # (bins, frames) magnitudes
        self.total: Tensor | None = None

    def follow(self, iteration: int, signal: Tensor) -> None:
        """Take in the output of one iteration, counted from 1: (samples,)."""
        if iteration < FIRST:
            return
        now = self.transform.analyse(signal).norm(dim=0)
        if self.before is not None:
            change = (now - self.before).abs() / (now + torch.finfo(torch.float64).eps)
            total = change if self.total is None else self.total + change
            low, high = torch.quantile(total.flatten(), self.quantiles)
            self.total = total.clamp(low, high)
        self.before = now

    def stability(self) -> np.ndarray | None:
        """1 for the steadiest bins to 0 for those that changed most, (bins, frames) float64.

        None where nothing was summed up yet; 1 throughout where all bins changed alike.
        """
        if self.total is None:
            return None
        total = self.total.cpu().numpy().astype(np.float64)
        low, high = total.min(), total.max()
        return (high - total) / (high - low) if high > low else np.ones_like(total)


def wiener_gain(stability: np.ndarray) -> np.ndarray:
    """The stability itself, not below -30 dB re power: 1 minus the noise's share of a magnitude."""
    return np.maximum(stability, FLOOR)


def lsa_gain(stability: np.ndarray) -> np.ndarray:
    """Gain of the log-spectral amplitude estimator (Ephraim and Malah 1985, Equation 20).

    G = xi / (1 + xi) exp(E1(v) / 2) with v = gamma xi / (1 + xi). The noise's magnitude is
    1 - stability of the bin's, so gamma = 1 / (1 - stability)^2 and xi = gamma - 1, not below
    -30 dB. G is 1 at most.
    """
    from scipy.special import exp1

    posterior = 1 / np.square(np.maximum(1 - stability, LEAST_NOISE))
    prior = np.maximum(posterior - 1, FLOOR)
    share = prior / (1 + prior)
    return np.minimum(share * np.exp(exp1(posterior * share) / 2), 1)


GAINS = {"wiener": wiener_gain, "lsa": lsa_gain}


class DenoiseByFluctuation(WaveDenoise):
    """The waveform prior's fit, read out as the observation, filtered.

    Which iterates are averaged does not matter to it: the selections "last" and "average" agree.
    """

    def __init__(self, observation: Observation, device: str, gain: str, **options: str):
        super().__init__(observation, device, **options)
        self.fluctuation = Fluctuation(device)
        self.gain = GAINS[gain]
        self.observed = self.fluctuation.transform.analyse(self.target[0])  # (2, bins, frames)
        self.observed[:, :LOW_BINS] = 0
        self.observed[:, -HIGH_BINS:] = 0

    def follow(self, iteration: int, estimates: Tensor) -> None:
        """Called by the fit after each iteration: (1, 1, samples)."""
        self.fluctuation.follow(iteration, estimates[0, 0])

    def read_out(self, estimates: Tensor) -> Tensor:
        """The observation, filtered by what was seen so far: (1, samples)."""
        stability = self.fluctuation.stability()
        if stability is None:
            return self.target.clamp(-1, 1)
        gain = torch.from_numpy(self.gain(stability)).to(self.observed)
        restored = self.fluctuation.transform.synthesise(self.observed * gain, self.samples)
        return restored[None].clamp(-1, 1)

    def state_dict(self) -> dict[str, Tensor | None]:
        """The state that a checkpoint saves."""
        return {"before": self.fluctuation.before, "total": self.fluctuation.total}

    def load_state_dict(self, state: dict[str, Tensor | None]) -> None:
        """Restore a saved state."""
        for name, value in state.items():
            setattr(self.fluctuation, name, None if value is None else value.to(self.target))
