"""Take the target out of the mixtures of one chunk, by trained models."""

from pathlib import Path

from dap.runtime.joblog import job
from dap.runtime.separate import separate_chunk

with job(snakemake.log[0]) as log:
    params = snakemake.params
    separate_chunk(
        Path(snakemake.input.observations),
        [Path(path) for path in snakemake.input.models],
        Path(snakemake.output.manifest),
        log,
        method=snakemake.wildcards.method,
        task=params.task,
        setup=params.setup,
        sample_rate=params.sample_rate,
        threads=params.threads,
        device=params.device,
    )
