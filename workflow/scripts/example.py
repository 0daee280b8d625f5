"""Waveform and spectrograms of one restored clip."""

from pathlib import Path

from dap.reporting.figures import curves as figures
from dap.reporting.listening import load
from dap.runtime.joblog import job

with job(snakemake.log[0]):
    setup = snakemake.params.setup
    fits = dict(zip(setup["methods"], map(Path, snakemake.input.fits), strict=True))
    example = load(
        [Path(path) for path in snakemake.input.clips],
        Path(snakemake.input.observations),
        fits,
        task=setup["task"],
        sample_rate=setup["sample_rate"],
    )
    figure = figures.examples(
        example.columns,
        setup["sample_rate"],
        title=f"{setup['title']}: {example.clip}" + ", only its gaps filled" * bool(example.gaps),
        gaps=example.gaps,
        sources=example.sources or None,
    )
    figures.save(figure, Path(snakemake.output[0].removesuffix(".pdf")))
