"""The rule of a fit, by its name."""

import math

import numpy as np
import torch
from torch.nn import functional

from dap.errors import DapError
from dap.fitting.objectives import Objective
from dap.fitting.stops import Rule, Stop
from dap.fitting.stops.discrepancy import Discrepancy
from dap.fitting.stops.halves import STRENGTH, Halves
from dap.fitting.stops.held_out import HeldOut, Without, blocks
from dap.fitting.stops.variance import MovingVariance, WindowedVariance
from dap.noise import white_noise_power
from dap.observation import Observation
from dap.stft import STFT


def stopping(
    name: str,
    task: str,
    observation: Observation,
    objective: Objective,
    transform: STFT | None,
    seed: int,
) -> tuple[Objective, Stop]:
    """The objective that is fitted under a rule, and what follows the fit.

    "variance", "windowed-variance" and "discrepancy" leave the objective as it is; "held-out" takes
    bins from it, and "halves" adds noise to what is fitted. Where the noise's power cannot be told,
    "discrepancy" is "variance".

    Args:
        transform: of the objective's spectrograms; None for one of waveforms.
        seed: of what is drawn.

    Raises:
        DapError: the rule is not for the task, the prior or the observation.
    """
    if name == "variance":
        return objective, Stop(MovingVariance())
    if name == "windowed-variance":
        return objective, Stop(WindowedVariance())
    power = noise_power(task, observation)
    if name == "discrepancy":
        rule: Rule = MovingVariance()
        if power:
            target = objective.target
            rule = Discrepancy(
                lambda estimates: functional.mse_loss(estimates[0], target),
                power * _energy(transform),
            )
        return objective, Stop(rule)
    if transform is None or task == "separate":
        raise DapError(f"stop is {name!r}: is for priors of spectrograms, and for one source")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "held-out":
            bins, frames = objective.target.shape[-2:]
            held = blocks(bins, frames, -(-transform.n_fft // transform.hop_length))
            if "observed_frames" in observation.known:
                held &= torch.from_numpy(observation.known["observed_frames"])
            held = held.to(objective.target.device)
            return Without(objective, held), Stop(HeldOut(objective.target, held))
        if task != "denoise" or not power:
            raise DapError("stop is 'halves': is for white noise, and there is none here")
        drawn = math.sqrt(power) * torch.randn(len(observation.signal))
    added = transform.analyse(drawn.to(objective.target))
    rule = Halves(objective.target, added)
    objective.target = objective.target + STRENGTH * added
    return objective, Stop(rule)


def noise_power(task: str, observation: Observation) -> float:
    """Mean square of what the corruption added to each sample, or 0 where that cannot be told.

    In denoising, that of white noise (`dap.noise`); of quantization, that of an error spread evenly
    over each sample's cell. Elsewhere what was observed is as it was.
    """
    if task == "denoise":
        return white_noise_power(observation.signal)
    if task == "dequantize":
        size = observation.known["upper"].astype(np.float64) - observation.known["lower"]
        return float(np.square(size).mean() / 12)
    return 0.0


def _energy(transform: STFT | None) -> float:
    """What a mean square of samples is in that of the real and imaginary parts of a spectrogram."""
    return 1.0 if transform is None else transform.window.square().sum().item() / 2
