"""Corrupt the clips of one chunk."""

from pathlib import Path

from dap.data.observations import pair, write_chunk
from dap.runtime.joblog import job
from dap.study.paths import names

with job(snakemake.log[0]) as log:
    params, wildcards = snakemake.params, snakemake.wildcards
    manifests = {names("clips", path).corpus: Path(path) for path in snakemake.input.clips}
    write_chunk(
        Path(snakemake.output.manifest),
        pair(manifests, params.observations),
        params.corruption,
        seed=params.seed,
        names=(wildcards.experiment, wildcards.corpus),
        sample_rate=params.sample_rate,
        spectrogram=params.spectrogram,
        noise=params.noise,
        log=log,
        unreadable=snakemake.config["run"]["unreadable"],
    )
