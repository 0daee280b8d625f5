"""Score what one method made of one chunk against the clean clips."""

from pathlib import Path

from dap.runtime.joblog import job
from dap.runtime.score import score_chunk
from dap.scoring.evaluate import write

with job(snakemake.log[0]) as log:
    inputs, params = snakemake.input, snakemake.params
    scores = score_chunk(
        [Path(path) for path in inputs.clips],
        Path(inputs.observations),
        Path(inputs.fits),
        Path(inputs.snapshots[0]) if inputs.snapshots else None,
        task=params.task,
        metrics=params.metrics,
        selections=params.selections,
        trajectory=params.trajectory,
        sample_rate=params.sample_rate,
        processes=snakemake.threads,
    )
    write(scores, Path(snakemake.output[0]))
    log.info("%d values, %d of them cannot be scored", len(scores), scores["value"].isna().sum())
