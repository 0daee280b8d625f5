"""Run one method on the observations of one chunk.

Each clip's result is kept as soon as it is there, beside the chunk's products, and taken up again
if the job is repeated after a kill or a failure of another clip; a fit that is under way keeps its
state now and then, and goes on from it. The chunk's own files come last.
"""

import json
from operator import itemgetter
from pathlib import Path

from dap import observations
from dap.attempts import Attempts
from dap.checkpoints import Checkpoint
from dap.errors import DapError, InterruptedFitError, UnwritableError
from dap.gpus import claim
from dap.joblog import job
from dap.methods import NO_COST, Restored, fingerprint, is_prior, place, restore
from dap.progress import Progress
from dap.provenance import PACKAGE, commit, machine, versions
from dap.registry import declared
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

with job(snakemake.log[0]) as log:
    params, wildcards = snakemake.params, snakemake.wildcards
    manifest = Path(snakemake.output.manifest)
    outputs = declared("objectives", "OBJECTIVES")[params.task]["outputs"]
    device, precision = "cpu", ""
    if is_prior(wildcards.method):
        import torch

        from dap.engine import choose

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
            checkpoint = Checkpoint(manifest.parent / f".{name}.checkpoint", mark, every, log.info)
            progress = checkpoint.age()
            deaths = attempts.deaths(name, mark, progress)
            fits.append((deaths, name, row, index, seed, mark, checkpoint, progress))

    results, missing, failures = {}, {}, []
    # what killed a job goes last
    order = sorted(fits, key=itemgetter(0))
    for number, (deaths, name, row, _, seed, mark, checkpoint, progress) in enumerate(order, 1):
        done = manifest.parent / f".{name}.npz"
        kept += [done, *checkpoint.files()]
        arrays = read_kept(done)
        if arrays and str(arrays.pop("fingerprint")) == mark:
            log.info("%s: was finished before", name)
            results[name] = Restored.from_arrays(arrays)
            continue
        reason = attempts.reason(name, mark) if attempt > 1 else ""
        if run["missing"] == "report" and deaths > run["retries"]:
            reason = f"{deaths} jobs were killed by it, each before it got any further"
        if not reason:
            observation = observations.load(source.parent, row, params.sample_rate)
            label = f"{wildcards.method} {name} ({number} of {len(fits)})"
            attempts.begin(name, mark, progress)
            try:
                with checkpoint:
                    results[name] = restore(
                        wildcards.method,
                        params.task,
                        observation,
                        **params.setup,
                        device=device,
                        seed=seed,
                        report=Progress(label, params.setup["fit"].get("iterations", 0), log),
                        checkpoint=checkpoint,
                    )
                    write_arrays(done, results[name].arrays() | {"fingerprint": mark})
                attempts.end(name)
                continue
            except (InterruptedFitError, UnwritableError):
                attempts.end(name)
                raise
            except DapError as error:
                reason = str(error)
                attempts.failed(name, mark, reason)
        missing[name] = reason
        failures.append(f"clip {row['clip']}, {wildcards.method}: {reason}")
        log.error(failures[-1])
    if failures and run["missing"] == "fail":
        raise DapError(
            f"{len(failures)} fits of this chunk failed, and the others are kept: "
            + "; ".join(failures)
        )

    rows, snapshots, losses = [], {}, []
    for _, name, row, index, *_ in fits:
        facts = {"clip": row["clip"], "seed": index}
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
