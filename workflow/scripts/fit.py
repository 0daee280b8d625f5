"""Run one method on the observations of one chunk.

Each clip's result is kept as soon as it is there, beside the chunk's products, and taken up again
if the job is repeated after a kill or a failure of another clip; a fit that is under way keeps its
state now and then, and goes on from it. The chunk's own files come last. A GPU has several fits
at a time, a CPU one.
"""

import json
from contextlib import nullcontext
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from dap.data import observations
from dap.errors import DapError, InterruptedFitError, PluginError, UnwritableError
from dap.fitting.gpu.devices import claim
from dap.fitting.interleave import at_most, in_turn
from dap.fitting.method import NO_COST, Restored, fingerprint, is_prior, place, restoring
from dap.runtime.attempts import Attempts
from dap.runtime.checkpoints import Checkpoint, Termination
from dap.runtime.joblog import job
from dap.runtime.progress import Progress
from dap.runtime.provenance import PACKAGE, commit, machine, versions
from dap.seeds import derive
from dap.store import (
    discard_partial,
    read_kept,
    read_rows,
    remove,
    seal,
    write_arrays,
    write_rows,
    write_signal,
)
from dap.tasks import TASKS


class Planned(NamedTuple):
    """A fit of this job."""

    name: str
    row: dict[str, str]
    index: int
    seed: int
    mark: str
    checkpoint: Checkpoint
    progress: int
    deaths: int


with job(snakemake.log[0]) as log:
    params, wildcards = snakemake.params, snakemake.wildcards
    manifest = Path(snakemake.output.manifest)
    outputs = TASKS[params.task].outputs
    device, precision = "cpu", ""
    if is_prior(wildcards.method):
        import torch

        from dap.fitting.engine import choose

        torch.set_num_threads(params.threads)
        if params.device != "cpu":
            claim(log.info)
        device = place(params.device)
        precision = choose(params.setup["fit"]["precision"], device)
    made = {
        "threads": params.threads,
        "cpu": machine()["cpu"],
        "commit": commit(PACKAGE.parent),
        "versions": json.dumps(versions()),
    }

    discard_partial(manifest.parent)
    source = Path(snakemake.input.observations)
    clips = read_rows(source)
    run, attempt = snakemake.config["run"], snakemake.resources.attempt
    every = run["checkpoint_seconds"] if is_prior(wildcards.method) else 0
    attempts = Attempts(manifest.parent / ".attempts.json")
    termination = Termination()
    kept, fits = [attempts.path], []
    for row in clips:
        for index in range(params.seeds if is_prior(wildcards.method) else 1):
            name = f"{row['clip']}.s{index}"
            seed = derive(
                params.seed, "fit", wildcards.experiment, wildcards.cell, row["clip"],
                wildcards.method, index,
            )  # fmt: skip
            mark = fingerprint(
                setup=params.setup,
                code=params.code,
                observation=[row["sha256"], row["known_sha256"]],
                seed=seed,
                threads=params.threads,
                device=[device, precision],
                versions=versions(),
            )
            checkpoint = Checkpoint(
                manifest.parent / f".{name}.checkpoint", mark, every, log.info, termination
            )
            fits.append(
                Planned(
                    name, row, index, seed, mark, checkpoint, checkpoint.age(),
                    attempts.deaths(name, mark, checkpoint.age()),
                )
            )  # fmt: skip
            kept += [manifest.parent / f".{name}.npz", *checkpoint.files()]

    results, missing, waiting = {}, {}, []
    for fit in fits:
        arrays = read_kept(manifest.parent / f".{fit.name}.npz")
        if arrays and str(arrays.pop("fingerprint")) == fit.mark:
            log.info("%s: was finished before", fit.name)
            results[fit.name] = Restored.from_arrays(arrays)
            continue
        reason = attempts.reason(fit.name, fit.mark) if attempt > 1 else ""
        if run["missing"] == "report" and fit.deaths > run["retries"]:
            reason = f"{fit.deaths} jobs were killed by it, each before it got any further"
        if reason:
            missing[fit.name] = reason
        else:
            waiting.append(fit)

    # what killed a job goes last, and alone: else those beside it would be held to have killed it
    waiting.sort(key=attrgetter("deaths"))
    calm = sum(fit.deaths == 0 for fit in waiting)
    most = at_most(run["fits_at_once"], device)
    under_way, interruptions = set(), []

    def turn(number, fit, observation):
        """A fit, noted as begun when its turn comes."""
        termination.check()
        if fit.name not in under_way:  # else it is begun anew: there was no room for it
            attempts.begin(fit.name, fit.mark, fit.progress)
            under_way.add(fit.name)
        label = f"{wildcards.method} {fit.name} ({number} of {len(fits)})"
        return (
            yield from restoring(
                wildcards.method,
                params.task,
                observation,
                **params.setup,
                device=device,
                seed=fit.seed,
                report=Progress(label, params.setup["fit"].get("iterations", 0), log),
                checkpoint=fit.checkpoint,
            )
        )

    turns = [
        partial(turn, number, fit, observations.load(source.parent, fit.row, params.sample_rate))
        for number, fit in enumerate(waiting, 1 + len(fits) - len(waiting))
    ]
    parts = ((slice(calm), most), (slice(calm, None), 1))
    try:
        with termination if every else nullcontext():
            for part, beside in parts:
                for index, found in in_turn(turns[part], beside, device=device):
                    fit = waiting[part][index]
                    if isinstance(found, InterruptedFitError):
                        interruptions.append(str(found))
                    elif isinstance(found, DapError):
                        missing[fit.name] = str(found)
                        if isinstance(found, PluginError):
                            log.error(found.trace)
                        attempts.failed(fit.name, fit.mark, str(found))
                        under_way.discard(fit.name)
                    else:
                        results[fit.name] = found
                        if not found.learned:
                            log.warning("%s: learned nothing: its loss did not fall", fit.name)
                        done = manifest.parent / f".{fit.name}.npz"
                        write_arrays(done, found.arrays() | {"fingerprint": fit.mark})
                        attempts.end(fit.name)
                        under_way.discard(fit.name)
        if interruptions:
            raise InterruptedFitError("; ".join(dict.fromkeys(interruptions)))
    except (InterruptedFitError, UnwritableError):
        for name in under_way:
            attempts.end(name)
        raise

    failures = [
        f"clip {fit.row['clip']}, {wildcards.method}: {missing[fit.name]}"
        for fit in fits
        if fit.name in missing
    ]
    for failure in failures:
        log.error(failure)
    if failures and run["missing"] == "fail":
        raise DapError(
            f"{len(failures)} fits of this chunk failed, and the others are kept: "
            + "; ".join(failures)
        )

    rows, snapshots, losses = [], {}, []
    for fit in fits:
        name = fit.name
        facts = {"clip": fit.row["clip"], "seed": fit.index}
        if name in missing:
            nothing = dict.fromkeys(("selection", "output", "file", "sha256"), "")
            cost = {"iteration": 0, "loss": "", **NO_COST, "device": device, **made}
            rows.append(facts | nothing | cost | {"missing": missing[name]})
            continue
        result = results[name]
        for selection, signals in result.selections.items():
            for output, signal in zip(outputs, signals, strict=True):
                file = f"{name}.{output}.{selection}.wav"
                digest = write_signal(manifest.parent / file, signal, params.sample_rate)
                rows.append(
                    {
                        **facts,
                        "selection": selection,
                        "output": output,
                        "file": file,
                        "sha256": digest,
                        "iteration": result.cost["iterations"],
                        "loss": result.losses[-1] if len(result.losses) else "",
                        **result.cost,
                        **made,
                        "missing": "",
                    }
                )
        snapshots[f"{name}.iterations"] = result.iterations
        snapshots[f"{name}.snapshots"] = result.snapshots
        losses += [
            facts | {"iteration": i, "loss": f"{loss:.7g}"}
            for i, loss in enumerate(result.losses, start=1)
        ]
    trajectories = Path(snakemake.output.snapshots)
    write_arrays(trajectories, snapshots)
    write_rows(
        Path(snakemake.output.losses),
        losses or [{"clip": "", "seed": "", "iteration": "", "loss": ""}],
    )
    write_rows(manifest, rows)
    seal(manifest, trajectories)
    remove(kept)
