"""Make the clean clips of one chunk."""

from pathlib import Path

from dap.data.catalogue import Draw, draws
from dap.data.clips import make
from dap.runtime.joblog import job
from dap.store import write_rows, write_signal

with job(snakemake.log[0]) as log:
    manifest = Path(snakemake.output.manifest)
    corpus, params = snakemake.wildcards.corpus, snakemake.params
    if params.draws is None:
        first, last = params.span
        chosen = draws(corpus, params.entry, params.seed, last)[first:]
    else:
        chosen = [Draw(**draw) for draw in params.draws]
    rows = []
    for draw in chosen:
        clip = make(corpus, params.entry, draw, seed=params.seed, sample_rate=params.sample_rate)
        file = f"{draw.clip}.wav"
        digest = write_signal(manifest.parent / file, clip.signal, params.sample_rate)
        rows.append(
            {
                "clip": draw.clip,
                "file": file,
                "source": draw.file,
                "start": clip.start / params.sample_rate,
                "seconds": len(clip.signal) / params.sample_rate,
                "padded": clip.padded / params.sample_rate,
                "gain": clip.gain,
                "sha256": digest,
            }
        )
    write_rows(manifest, rows)
    log.info("%d clips, %d of them padded", len(rows), sum(row["padded"] > 0 for row in rows))
