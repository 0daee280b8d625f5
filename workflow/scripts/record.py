"""The record of one method on one chunk."""

from pathlib import Path

from dap.runtime.joblog import job
from dap.runtime.record import write_record

with job(snakemake.log[0]):
    inputs, params = snakemake.input, snakemake.params
    write_record(
        Path(snakemake.output[0]),
        params.made,
        clips=[Path(path) for path in inputs.clips],
        observations=Path(inputs.observations),
        fits=Path(inputs.fits),
        scores=Path(inputs.scores),
        others=[Path(path) for path in params.others],
    )
