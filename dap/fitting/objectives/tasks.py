"""The objective of each task, of priors whose networks give spectrograms."""

from collections.abc import Callable, Mapping
from typing import Any

from dap.fitting.objectives import Objective
from dap.fitting.objectives.separation import Separate, SeparateMagnitudes
from dap.fitting.objectives.spectral import Denoise, Dequantize, Inpaint
from dap.observation import Observation
from dap.stft import STFT


def objective(
    task: str, observation: Observation, transform: STFT, device: str, options: Mapping[str, Any]
) -> Objective:
    """The objective of a task, for one observation.

    Args:
        options: the fit options that are the task's own (`dap.tasks.Task.options`).
    """
    classes: dict[str, Callable[..., Objective]] = {
        "denoise": Denoise,
        "inpaint": Inpaint,
        "separate": _separate,
        "dequantize": Dequantize,
    }
    return classes[task](observation, transform, device, **options)


def _separate(*arguments: Any, separation: str, **options: Any) -> Objective:
    variants = {"narayanaswamy2021": Separate, "tian2019": SeparateMagnitudes}
    return variants[separation](*arguments, **options)
