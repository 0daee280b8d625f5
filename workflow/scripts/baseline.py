"""Run a baseline on the observations of one chunk."""

from pathlib import Path

from dap.runtime.baseline import restore_chunk
from dap.runtime.joblog import job

with job(snakemake.log[0]) as log:
    restore_chunk(
        Path(snakemake.input.observations),
        Path(snakemake.output.manifest),
        log,
        method=snakemake.wildcards.method,
        task=snakemake.params.task,
        sample_rate=snakemake.params.sample_rate,
        threads=snakemake.params.threads,
        missing=snakemake.config["run"]["missing"],
    )
