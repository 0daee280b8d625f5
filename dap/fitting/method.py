"""Running a method on an observation: a prior's fit, or a baseline."""

import json
from collections.abc import Callable, Generator
from dataclasses import asdict, fields
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from dap.data.corruptions import Observation
from dap.errors import DapError
from dap.fitting import baseline
from dap.fitting.restored import Restored
from dap.options import learning_rate
from dap.plugins import plugin, plugins
from dap.tasks import TASKS

if TYPE_CHECKING:  # torch is imported where a prior is fitted, and nowhere else
    from dap.runtime.checkpoints import Checkpoint


def is_prior(method: str) -> bool:
    """Whether a method is fitted, and so depends on an initialisation."""
    return method in plugins("priors", "PRIORS")


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
        InterruptedFitError: SIGTERM came, and the fit's state was kept.
    """
    if not is_prior(method):
        return baseline.restore(method, task, observation)
    from dap.fitting import engine, loop
    from dap.fitting.objectives.spectral import objective
    from dap.stft import STFT

    where = place(device)
    module = plugin("priors", "PRIORS", method).load()
    build = partial(module.build, width=fit["width"], network=fit["network"])
    given = {field.name: fit[field.name] for field in fields(loop.FitOptions)}
    given["learning_rate"] = learning_rate(fit)
    options = loop.FitOptions(**given | {"precision": engine.choose(fit["precision"], where)})
    own = {name: fit[name] for name in TASKS[task].options}
    if plugin("priors", "PRIORS", method).facts.get("domain") == "waveform":
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
