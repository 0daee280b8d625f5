"""Corrupt the clips of one chunk."""

import json
from pathlib import Path

from dap.data.observations import make, pair
from dap.runtime.joblog import job
from dap.store import read_checked_signal, sha256, write_arrays, write_rows, write_signal

with job(snakemake.log[0]) as log:
    params = snakemake.params
    manifest = Path(snakemake.output.manifest)
    rows = []
    for clip, sources in pair(map(Path, snakemake.input.clips), params.observations).items():
        signals = [
            read_checked_signal(folder, row["file"], row["sha256"])
            for folder, row in sources.values()
        ]
        observation = make(
            clip,
            signals,
            params.corruption,
            seed=params.seed,
            names=(snakemake.wildcards.experiment, snakemake.wildcards.cell),
            sample_rate=params.sample_rate,
            spectrogram=params.spectrogram,
            noise=params.noise,
        )
        file, known = f"{clip}.wav", f"{clip}.npz" if observation.known else ""
        digest = write_signal(manifest.parent / file, observation.signal, params.sample_rate)
        if known:
            write_arrays(manifest.parent / known, observation.known)
        rows.append(
            {
                "clip": clip,
                "file": file,
                "sha256": digest,
                "known": known,
                "known_sha256": sha256(manifest.parent / known) if known else "",
                "sources": " ".join(sources),
                "metadata": json.dumps(observation.metadata),
            }
        )
        log.info("%s: %s", clip, json.dumps(observation.metadata))
    write_rows(manifest, rows)
