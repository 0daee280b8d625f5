"""Running a method on an observation: a prior's fit, or a baseline."""

import json
from collections.abc import Callable, Generator
from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256

from dap.errors import DapError
from dap.fitting import baseline
from dap.fitting.checkpoint import Checkpoint
from dap.fitting.restored import Restored
from dap.observation import Observation
from dap.options import FitOptions
from dap.plugins import plugin, plugins
from dap.tasks import TASKS


def is_prior(method: str) -> bool:
    """Whether a method is fitted, and so depends on an initialisation."""
    return method in plugins("priors")


def restore(
    method: str,
    task: str,
    observation: Observation,
    *,
    fit: FitOptions,
    spectrogram: dict,
    device: str,
    seed: int,
    report: Callable[[int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Restored:
    """Run one method on one observation: `restoring`, from beginning to end.

    Raises:
        DapError, InterruptedFitError: as `restoring`.
    """
    from dap.fitting.interleave import run_interleaved

    device = resolve_device(device) if is_prior(method) else "cpu"
    begin = partial(
        restoring,
        method,
        task,
        observation,
        fit=fit,
        spectrogram=spectrogram,
        device=device,
        seed=seed,
        report=report,
        checkpoint=checkpoint,
    )
    ((_, result),) = run_interleaved([begin], device=device)
    if isinstance(result, DapError):
        raise result
    return result


def restoring(
    method: str,
    task: str,
    observation: Observation,
    *,
    fit: FitOptions,
    spectrogram: dict,
    device: str,
    seed: int,
    report: Callable[[int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Generator[None, float, Restored]:
    """Run one method on one observation, an iteration at a time (`dap.fitting.loop.steps`).

    Args:
        method: name of a prior or of a baseline.
        fit, spectrogram, device, seed, report, checkpoint: as `fitting`; baselines take none.

    Yields:
        as a fit does; a baseline never.

    Raises:
        DapError, InterruptedFitError: as `fitting`, or as a baseline.
    """
    if not is_prior(method):
        return baseline.restore(method, task, observation)
    return (
        yield from fitting(
            method,
            task,
            observation,
            fit=fit,
            spectrogram=spectrogram,
            device=device,
            seed=seed,
            report=report,
            checkpoint=checkpoint,
        )
    )


def fitting(
    method: str,
    task: str,
    observation: Observation,
    *,
    fit: FitOptions,
    spectrogram: dict,
    device: str,
    seed: int,
    report: Callable[[int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Generator[None, float, Restored]:
    """Fit a prior to one observation, an iteration at a time (`dap.fitting.loop.steps`).

    Args:
        method: name of a prior.
        fit: how it is fitted.
        spectrogram: the arguments of the `dap.stft.STFT` that it works on, but for the options'
            `hop_length`.
        device: "auto", "cpu" or "cuda".
        seed: of the initialisation.
        report: called with the iteration and the loss from time to time.
        checkpoint: of this fit.

    Raises:
        DapError: the fit diverged, or the device is not there.
        PluginError: the prior's code failed.
        InterruptedFitError: SIGTERM came, and the fit's state was saved.
    """
    from dap.fitting import engine, loop
    from dap.fitting.objectives.tasks import objective
    from dap.fitting.stops.rules import stopping
    from dap.stft import STFT

    device = resolve_device(device)
    prior = plugin("priors", method)
    with prior.running() as module:
        build = partial(module.build, width=fit.width, network=fit.network)
        options = replace(fit, precision=engine.choose(fit.precision, device))
        task_options = {name: getattr(fit, name) for name in TASKS[task].options}
        if fit.hop_length:
            spectrogram = {**spectrogram, "hop_length": fit.hop_length}
        transform = None
        if prior.metadata.get("domain") == "waveform":
            target = module.objective(method, task, observation, device, task_options)
        else:
            transform = STFT(**spectrogram, device=device)
            target = objective(task, observation, transform, device, task_options)
        stop = None
        if fit.stop != "none":
            stop = stopping(fit.stop, task, observation, target, transform)
        parameters, gflop = loop.size(build, target)
        trajectory = yield from loop.steps(
            build,
            target,
            options,
            seed=seed,
            device=device,
            report=report,
            checkpoint=checkpoint,
            stop=stop,
        )
    selections = {"last": trajectory.last, "average": trajectory.average}
    if trajectory.stop is not None:
        selections["stop"] = trajectory.stop
    return Restored(
        selections,
        trajectory.iterations,
        trajectory.snapshots,
        trajectory.losses,
        {
            "parameters": parameters,
            "gflop": round(gflop, 3),
            "iterations": len(trajectory.losses),
            "stopped": trajectory.stopped,
            "seconds": round(trajectory.seconds, 3),
            "device": device,
            "precision": options.precision,
            "engine": trajectory.engine,
            "restarts": len(trajectory.failed),
            "failed_iterations": sum(trajectory.failed),
            "loss_terms": json.dumps(trajectory.terms) if trajectory.terms else "",
            "warnings": "; ".join(trajectory.warnings),
        },
    )


def fingerprint(**parts: object) -> str:
    """Hash of all that a result depends on; results of another fingerprint are never taken up."""
    return sha256(json.dumps(parts, sort_keys=True, default=asdict).encode()).hexdigest()


def resolve_device(device: str) -> str:
    """What "auto" means here: a GPU, if there is one; else the device itself.

    Raises:
        DapError: "cuda" is asked for, and there is none.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise DapError("device is cuda, and PyTorch finds no GPU here; set device to auto or cpu")
    return device
