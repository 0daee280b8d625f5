"""Quality over iterations, a line a design."""

from pathlib import Path

from dap.plugins import plugin
from dap.reporting.cost import seconds_per_iteration
from dap.reporting.figures import curves as figures
from dap.runtime.joblog import job
from dap.scoring.evaluate import read

with job(snakemake.log[0]):
    setup = snakemake.params.setup
    seconds, device = None, ""
    if snakemake.input.fits:
        seconds, device = seconds_per_iteration(map(Path, snakemake.input.fits))
    metadata = plugin("metrics", setup["metric"]).metadata
    unit = metadata["unit"]
    figure = figures.curves(
        read(snakemake.input.scores),
        metric=setup["metric"],
        label=" ".join(filter(None, [metadata["label"], unit and f"({unit})"])),
        methods=setup["methods"],
        colours=figures.palette(setup["methods"]),
        title=setup["title"],
        names=setup["names"],
        against=setup["against"],
        seconds=seconds,
        device=device,
    )
    figures.save(figure, Path(snakemake.output[0].removesuffix(".pdf")))
