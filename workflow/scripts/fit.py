"""Run one method on the observations of one chunk.

Each clip's result is kept as soon as it is there, beside the chunk's products, and taken up again
if the job is repeated after a kill or a failure of another clip; the chunk's own files come last.
"""

import json
from pathlib import Path

from dap import observations
from dap.errors import DapError
from dap.joblog import job
from dap.methods import Restored, fingerprint, is_prior, place, restore
from dap.progress import Progress
from dap.provenance import PACKAGE, commit, machine, versions
from dap.registry import declared
from dap.seeds import derive
from dap.store import (
    discard_partial,
    read_arrays,
    read_rows,
    remove,
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
    rows, failures, snapshots, losses, kept = [], [], {}, [], []
    clips = read_rows(source)
    for number, row in enumerate(clips, start=1):
        observation = observations.load(source.parent, row, params.sample_rate)
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
            done = manifest.parent / f".{name}.npz"
            kept.append(done)
            arrays = read_arrays(done) if done.is_file() else {}
            if arrays and str(arrays.pop("fingerprint")) == mark:
                log.info("%s: was finished before", name)
                result = Restored.from_arrays(arrays)
            else:
                label = f"{wildcards.method} {name} ({number} of {len(clips)})"
                try:
                    result = restore(
                        wildcards.method,
                        params.task,
                        observation,
                        **params.setup,
                        device=device,
                        seed=seed,
                        report=Progress(label, params.setup["fit"].get("iterations", 0), log),
                    )
                except DapError as error:
                    failures.append(f"clip {row['clip']}, {wildcards.method}: {error}")
                    log.error(failures[-1])
                    continue
                write_arrays(done, result.arrays() | {"fingerprint": mark})
            for selection, signals in result.selections.items():
                for output, signal in zip(outputs, signals, strict=True):
                    file = f"{name}.{output}.{selection}.wav"
                    digest = write_signal(manifest.parent / file, signal, params.sample_rate)
                    rows.append(
                        {
                            "clip": row["clip"],
                            "seed": index,
                            "selection": selection,
                            "output": output,
                            "file": file,
                            "sha256": digest,
                            "iteration": result.cost["iterations"],
                            "loss": result.losses[-1] if len(result.losses) else "",
                            **result.cost,
                            **made,
                        }
                    )
            snapshots[f"{name}.iterations"] = result.iterations
            snapshots[f"{name}.snapshots"] = result.snapshots
            losses += [
                {"clip": row["clip"], "seed": index, "iteration": i, "loss": f"{loss:.7g}"}
                for i, loss in enumerate(result.losses, start=1)
            ]
    if failures:
        raise DapError(
            f"{len(failures)} fits of this chunk failed, and the others are kept: "
            + "; ".join(failures)
        )
    write_arrays(Path(snakemake.output.snapshots), snapshots)
    write_rows(
        Path(snakemake.output.losses),
        losses or [{"clip": "", "seed": "", "iteration": "", "loss": ""}],
    )
    write_rows(manifest, rows)
    remove(kept)
