"""Fit a prior to the observations of one chunk."""

from pathlib import Path

from dap.runtime.chunk import Job, fit_chunk
from dap.runtime.joblog import job
from dap.study.code_hash import recorded

with job(snakemake.log[0]) as log:
    params, wildcards = snakemake.params, snakemake.wildcards
    asked = Job(
        observations=Path(snakemake.input.observations),
        manifest=Path(snakemake.output.manifest),
        losses=Path(snakemake.output.losses),
        snapshots=Path(snakemake.output.snapshots),
        experiment=wildcards.experiment,
        corpus=wildcards.corpus,
        method=wildcards.method,
        task=params.task,
        setup=params.setup,
        seed=params.seed,
        seeds=params.seeds,
        threads=params.threads,
        sample_rate=params.sample_rate,
        code=recorded(params),
        run=snakemake.config["run"],
        attempt=snakemake.resources.attempt,
    )
    fit_chunk(asked, params.device, log)
