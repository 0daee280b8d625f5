"""Running a method on an observation: a prior's fit, or a baseline."""

import json
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, fields
from functools import partial
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from dap.errors import DapError
from dap.observation import Observation
from dap.options import learning_rate
from dap.plugins import plugin, plugins
from dap.tasks import TASKS

if TYPE_CHECKING:  # torch is imported where a prior is fitted, and nowhere else
    from dap.runtime.checkpoints import Checkpoint

# share of the first loss below which the last one lies, where a fit has learned anything
LEARNED = 0.95
# of a method without a fit, or of a fit that is missing
NO_COST = {"parameters": 0, "gflop": 0.0, "iterations": 0, "seconds": 0.0}
NO_COST |= {"device": "cpu", "precision": "", "engine": ""}


@dataclass(frozen=True)
class Restored:
    """What a method made of one observation with one initialisation.

    Attributes:
        selections: by name, (outputs, samples) float32.
        iterations: (snapshots,) int; empty for a method without a trajectory.
        snapshots: (snapshots, outputs, samples) float32.
        losses: (iterations,) float32.
        cost: parameters, gflop (one iteration), iterations, seconds, device, precision, engine.
    """

    selections: dict[str, np.ndarray]
    iterations: np.ndarray
    snapshots: np.ndarray
    losses: np.ndarray
    cost: dict[str, float | int | str]

    @property
    def learned(self) -> bool:
        """Whether the loss has fallen; else the network gives nothing, or all is noise."""
        return not len(self.losses) or self.losses[-1] <= LEARNED * self.losses[0]

    def arrays(self) -> dict[str, np.ndarray]:
        """As named arrays, to be kept in one file."""
        named = {f"selection.{name}": array for name, array in self.selections.items()}
        rest = {name: getattr(self, name) for name in ("iterations", "snapshots", "losses")}
        return named | rest | {"cost": np.array(json.dumps(self.cost))}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Restored":
        """The inverse of `arrays`."""
        selections = {
            name.partition(".")[2]: array
            for name, array in arrays.items()
            if name.startswith("selection.")
        }
        rest = {name: arrays[name] for name in ("iterations", "snapshots", "losses")}
        return cls(selections, **rest, cost=json.loads(str(arrays["cost"])))


def is_prior(method: str) -> bool:
    """Whether a method is fitted, and so depends on an initialisation."""
    return method in plugins("priors")


def restore(method: str, *arguments: object, device: str, **options: object) -> Restored:
    """Run one method on one observation: `restoring`, from beginning to end."""
    from dap.fitting.interleave import in_turn

    where = place(device) if is_prior(method) else "cpu"
    begin = partial(restoring, method, *arguments, device=where, **options)
    ((_, found),) = in_turn([begin], device=where)
    if isinstance(found, DapError):
        raise found
    return found


def restoring(
    method: str,
    task: str,
    observation: Observation,
    *,
    fit: dict,
    spectrogram: dict,
    device: str,
    seed: int,
    report: Callable[[int, float], None] | None = None,
    checkpoint: "Checkpoint | None" = None,
) -> Generator[None, float, Restored]:
    """Run one method on one observation, an iteration at a time (`dap.fitting.loop.steps`).

    Args:
        method: name of a prior or of a baseline.
        fit: the study's fit options; baselines take none of them.
        device: "auto", "cpu" or "cuda".
        seed: of the initialisation.
        checkpoint: of this fit; baselines have none.

    Yields:
        as a fit does; a baseline never.

    Raises:
        DapError: the fit diverged, or the device is not there.
        PluginError: the method's code failed.
        InterruptedFitError: SIGTERM came, and the fit's state was kept.
    """
    outputs = TASKS[task].outputs
    if not is_prior(method):
        with plugin("baselines", method).running() as module:
            start = perf_counter()
            estimate = module.restore(observation, outputs)
            seconds = round(perf_counter() - start, 3)
            if estimate.shape != (len(outputs), len(observation.signal)):
                raise ValueError(
                    f"restore gave an array of shape {estimate.shape}: must be (outputs, samples), "
                    f"({len(outputs)}, {len(observation.signal)})"
                )
        nothing = np.empty((0, *estimate.shape), np.float32)
        cost = NO_COST | {"seconds": seconds}
        return Restored(
            {"last": estimate}, np.empty(0, int), nothing, np.empty(0, np.float32), cost
        )
    from dap.fitting import engine, loop
    from dap.fitting.objectives.spectral import objective
    from dap.stft import STFT

    where = place(device)
    prior = plugin("priors", method)
    with prior.running() as module:
        build = partial(module.build, width=fit["width"], network=fit["network"])
        given = {field.name: fit[field.name] for field in fields(loop.FitOptions)}
        given["learning_rate"] = learning_rate(fit)
        options = loop.FitOptions(**given | {"precision": engine.choose(fit["precision"], where)})
        own = {name: fit[name] for name in TASKS[task].options}
        if prior.metadata.get("domain") == "waveform":
            target = module.objective(method, task, observation, where, own)
        else:
            target = objective(task, observation, STFT(**spectrogram, device=where), where, own)
        parameters, gflop = loop.size(build, target)
        trajectory = yield from loop.steps(
            build, target, options, seed=seed, device=where, report=report, checkpoint=checkpoint
        )
    return Restored(
        {"last": trajectory.last, "average": trajectory.average},
        trajectory.iterations,
        trajectory.snapshots,
        trajectory.losses,
        {
            "parameters": parameters,
            "gflop": round(gflop, 3),
            "iterations": options.iterations,
            "seconds": round(trajectory.seconds, 3),
            "device": where,
            "precision": options.precision,
            "engine": trajectory.engine,
        },
    )


def fingerprint(**parts: object) -> str:
    """Hash of all that a result depends on; results of another fingerprint are never taken up."""
    return sha256(json.dumps(parts, sort_keys=True, default=asdict).encode()).hexdigest()


def place(device: str) -> str:
    """Where "auto" fits: on a GPU, if there is one.

    Raises:
        DapError: "cuda" is asked for, and there is none.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise DapError("device is cuda, and PyTorch finds no GPU here; set device to auto or cpu")
    return device
