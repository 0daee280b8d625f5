"""A fit as dap-best does, but for what an idea changes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks.frontier.sets import SPECTROGRAM
from benchmarks.frontier.ways import Way
from dap.fitting import method
from dap.fitting.restored import Restored
from dap.observation import Observation

NAME = "dap-best"


def fit(
    name: str,
    task: str,
    observation: Observation,
    options: Mapping[str, Any],
    spectrogram: Mapping[str, Any],
    seed: int,
    rate: float = 1.0,
) -> Restored:
    """A fit of a network as dap-best does, but for these options, at so many times its rate."""
    own = Way(NAME).options(task)
    assert own is not None
    options = {"learning_rate": rate * own.learning_rate, **options}
    return method.restore(
        name,
        task,
        observation,
        fit=replace(own, **options),
        spectrogram={**SPECTROGRAM, **spectrogram},
        device="cpu",
        seed=seed,
    )
