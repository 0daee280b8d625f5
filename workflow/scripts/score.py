"""Score one method's fits of one chunk against the clean clips."""

from pathlib import Path

import numpy as np
import pandas as pd

from dap.plugins import plugins
from dap.runtime.joblog import job
from dap.scoring.evaluate import COLUMNS, unfitted
from dap.scoring.pool import Case, score_all
from dap.store import (
    checked,
    read_arrays,
    read_checked_signal,
    read_rows,
    seal,
    verified,
    write_text,
)
from dap.tasks import TASKS

with job(snakemake.log[0]) as log:
    params, wildcards = snakemake.params, snakemake.wildcards
    outputs = TASKS[params.task].outputs
    clips = {}
    for path in map(Path, snakemake.input.clips):
        corpus = path.parent.parent.name
        clips |= {f"{corpus}/{row['clip']}": (path.parent, row) for row in read_rows(path)}
    observations = Path(snakemake.input.observations)
    fits = Path(snakemake.input.fits)
    estimates, iterations, missing = {}, {}, {}
    for row in read_rows(fits):
        if row["missing"]:
            missing[row["clip"], row["seed"]] = row["missing"]
            continue
        signals = estimates.setdefault((row["clip"], row["seed"]), {}).setdefault(
            row["selection"], {}
        )
        signals[row["output"]] = read_checked_signal(fits.parent, row["file"], row["sha256"])
        iterations[row["clip"], row["seed"]] = int(row["iteration"])
    snapshots = read_arrays(verified(Path(snakemake.input.snapshots), fits))
    cell = {name: wildcards[name] for name in ("experiment", "method")} | {"corpus": wildcards.cell}
    fitted = wildcards.method in plugins("priors")
    reported = [name for name in params.selections if name == "last" or fitted]
    cases, rows = [], []
    for observed in read_rows(observations):
        clip, names = observed["clip"], observed["sources"].split(" ")
        references = np.stack(
            [
                read_checked_signal(
                    clips[name][0], clips[name][1]["file"], clips[name][1]["sha256"]
                )
                for name in names
            ]
        )
        mask = seen = None
        if params.trajectory.get("observed"):
            file, digest = observed["file"], observed["sha256"]
            seen = read_checked_signal(observations.parent, file, digest)[np.newaxis]
        if TASKS[params.task].masked:
            known = checked(observations.parent, observed["known"], observed["known_sha256"])
            mask = read_arrays(known)["mask"]
        sources = [name.partition("/")[0] for name in names] if len(names) > 1 else [""]
        for (wanted, seed), reason in missing.items():
            if wanted != clip:
                continue
            found = unfitted(
                reason,
                task=params.task,
                metrics=params.metrics,
                wanted=reported,
                sources=sources,
            )
            rows += [cell | {"clip": clip, "seed": seed} | row for row in found]
        cases += [
            Case(
                clip,
                seed,
                references,
                {name: np.stack([by[o] for o in outputs]) for name, by in selections.items()},
                snapshots[f"{clip}.s{seed}.iterations"],
                snapshots[f"{clip}.s{seed}.snapshots"],
                sources,
                iterations[clip, seed],
                mask,
                seen,
            )
            for (wanted, seed), selections in estimates.items()
            if wanted == clip
        ]
    scored = score_all(
        cases,
        processes=snakemake.threads,
        task=params.task,
        metrics=params.metrics,
        wanted=params.selections,
        sample_rate=params.sample_rate,
        trajectory=params.trajectory,
    )
    for case, found in zip(cases, scored, strict=True):
        rows += [cell | {"clip": case.clip, "seed": case.seed} | row for row in found]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    # %.9g keeps what float32 audio can tell, and reads back to the same number
    text = frame.to_csv(index=False, float_format="%.9g", lineterminator="\n", na_rep="nan")
    write_text(Path(snakemake.output[0]), text)
    seal(Path(snakemake.output[0]))
    log.info("%d values, %d of them cannot be scored", len(frame), frame["value"].isna().sum())
