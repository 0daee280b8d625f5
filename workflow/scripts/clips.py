"""Make the clean clips of one chunk."""

from pathlib import Path

from dap.data.catalogue import Draw, draws
from dap.data.clips import write_chunk
from dap.runtime.joblog import job

with job(snakemake.log[0]) as log:
    corpus, params = snakemake.wildcards.corpus, snakemake.params
    if params.draws is None:
        first, last = params.span
        chosen = draws(corpus, params.entry, params.seed, last)[first:]
    else:
        chosen = [Draw(**draw) for draw in params.draws]
    rows = write_chunk(
        Path(snakemake.output.manifest),
        corpus,
        params.entry,
        chosen,
        seed=params.seed,
        sample_rate=params.sample_rate,
    )
    log.info("%d clips, %d of them padded", len(rows), sum(row["padded"] > 0 for row in rows))
