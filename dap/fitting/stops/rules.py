"""The rule of a fit, by its name."""

from typing import Any

from torch.nn import functional

from dap.fitting.objectives import Objective
from dap.fitting.stops import Stop
from dap.fitting.stops.discrepancy import Discrepancy
from dap.fitting.stops.variance import MovingVariance
from dap.noise import white_noise_power
from dap.observation import Observation
from dap.stft import STFT
from dap.tasks import TASKS


def stopping(
    name: str, task: str, observation: Observation, objective: Objective, transform: STFT | None
) -> Stop:
    """What follows a fit by a rule.

    Args:
        name: "variance", or "discrepancy", which is "variance" where no white noise is meant to be
            left: in all tasks but denoising.
        transform: of the objective's spectrograms; None for one of waveforms.
    """
    if name == "variance" or not TASKS[task].white_noise:
        return Stop(MovingVariance())
    weighted: Any = objective  # one of spectrograms alone
    if getattr(weighted, "weights", None) is not None:
        return Stop(Discrepancy(lambda each: weighted.loss([], each, 0.0), weighted.clean_loss))
    # what a mean square of samples is in that of a spectrogram's real and imaginary parts
    energy = 1.0 if transform is None else transform.window.square().sum().item() / 2
    target = objective.target
    return Stop(
        Discrepancy(
            lambda estimates: functional.mse_loss(estimates[0], target),
            white_noise_power(observation.signal) * energy,
        )
    )
