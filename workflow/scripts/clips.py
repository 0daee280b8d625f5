"""Make the clean clips of one chunk."""

from pathlib import Path

from dap.data.catalogue import Draw
from dap.data.clips import write_chunk
from dap.runtime.joblog import job

with job(snakemake.log[0]) as log:
    params = snakemake.params
    rows = write_chunk(
        Path(snakemake.output.manifest),
        snakemake.wildcards.corpus,
        params.entry,
        params.span,
        seed=params.seed,
        sample_rate=params.sample_rate,
        expected=None if params.draws is None else [Draw(**draw) for draw in params.draws],
        unreadable=snakemake.config["run"]["unreadable"],
    )
    log.info("%d clips, %d of them padded", len(rows), sum(row["padded"] > 0 for row in rows))
