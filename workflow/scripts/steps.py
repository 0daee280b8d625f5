"""Spectrograms of the iterates of one clip after given numbers of steps."""

from pathlib import Path

from dap.reporting.figures import curves as figures
from dap.reporting.figures.steps import steps
from dap.reporting.listening import iterates
from dap.runtime.joblog import job

with job(snakemake.log[0]):
    setup = snakemake.params.setup
    snapshots = dict(zip(setup["methods"], map(Path, snakemake.input.snapshots), strict=True))
    example = iterates(
        [Path(path) for path in snakemake.input.clips],
        Path(snakemake.input.observations),
        snapshots,
        setup["steps"],
    )
    figure = steps(
        example.columns["clean"][0],
        example.columns["observed"][0],
        {method: found for method, found in example.columns.items() if method in snapshots},
        setup["steps"],
        setup["sample_rate"],
        title=f"{setup['title']}: {example.clip}",
    )
    figures.save(figure, Path(snakemake.output[0].removesuffix(".pdf")))
