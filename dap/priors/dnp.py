"""Filters made of the waveform prior's fit (Michelashvili and Wolf 2019), as paper B names them."""

from dap.fitting.objectives.fluctuation import DenoiseByFluctuation
from dap.nn.wave_unet import wave_u_net
from dap.observation import Observation

PRIORS = {
    "dnp-wiener": {
        "title": "deep network prior, Wiener filter",
        "domain": "waveform",
        "tasks": ["denoise"],
        "least_iterations": 49,
        "published": {"iclr2020": "dnp-wiener"},
    },
    "dnp-lsa": {
        "title": "deep network prior, LSA filter",
        "domain": "waveform",
        "tasks": ["denoise"],
        "least_iterations": 49,
        "published": {"iclr2020": "dnp-lsa"},
    },
}

build = wave_u_net


def objective(
    method: str, task: str, observation: Observation, device: str, options: dict
) -> DenoiseByFluctuation:
    """The waveform's objective, read out by the method's filter."""
    return DenoiseByFluctuation(observation, device, method.removeprefix("dnp-"), **options)
