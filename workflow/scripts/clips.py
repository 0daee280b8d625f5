"""Make the clean clips of one chunk."""

from pathlib import Path

from dap.clips import make
from dap.corpora.catalogue import Draw
from dap.joblog import job
from dap.store import write_rows, write_signal

with job(snakemake.log[0]) as log:
    manifest = Path(snakemake.output.manifest)
    rows = []
    for facts in snakemake.params.draws:
        draw = Draw(**facts)
        clip = make(
            snakemake.wildcards.corpus,
            snakemake.params.entry,
            draw,
            seed=snakemake.params.seed,
            sample_rate=snakemake.params.sample_rate,
        )
        file = f"{draw.clip}.wav"
        digest = write_signal(manifest.parent / file, clip.signal, snakemake.params.sample_rate)
        rows.append(
            {
                "clip": draw.clip,
                "file": file,
                "source": draw.file,
                "start": clip.start / snakemake.params.sample_rate,
                "seconds": len(clip.signal) / snakemake.params.sample_rate,
                "padded": clip.padded / snakemake.params.sample_rate,
                "gain": clip.gain,
                "sha256": digest,
            }
        )
    write_rows(manifest, rows)
    log.info("%d clips, %d of them padded", len(rows), sum(row["padded"] > 0 for row in rows))
