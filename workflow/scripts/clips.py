"""Make the clean clips of one chunk."""

from pathlib import Path

from dap.data.catalogue import Draw, draws, spares
from dap.data.clips import write_chunk
from dap.data.skipped import read_skipped
from dap.runtime.joblog import job

with job(snakemake.log[0]) as log:
    corpus, params = snakemake.wildcards.corpus, snakemake.params
    first, last = params.span
    if params.draws is None:
        chosen = draws(corpus, params.entry, params.seed, last)[first:]
    else:
        chosen = [Draw(**draw) for draw in params.draws]

    def replacing(index: int) -> list[Draw]:
        """Those that may take the place of one of the chunk's clips."""
        # From the configuration, and the folder's present content: as parameters or inputs, they
        # would make all clips again, and all that is made of them, wherever a file is added or more
        # clips are asked for.
        drawn_from = snakemake.config["drawn_from"][corpus]
        entry = params.entry | {"files": drawn_from["files"]}
        return spares(corpus, entry, params.seed, drawn_from["count"])[first + index]

    manifest = Path(snakemake.output.manifest)
    rows = write_chunk(
        manifest,
        corpus,
        params.entry,
        chosen,
        seed=params.seed,
        sample_rate=params.sample_rate,
        spares=replacing if snakemake.config["run"]["unreadable"] == "skip" else None,
    )
    for file, reason in read_skipped([manifest]).items():
        log.warning("skipped %s: %s", file, reason)
    log.info("%d clips, %d of them padded", len(rows), sum(row["padded"] > 0 for row in rows))
