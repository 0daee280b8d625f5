"""One figure, drawn by the module of its kind."""

from importlib import import_module
from pathlib import Path

from dap.runtime.joblog import by_name, job

with job(snakemake.log[0]) as log:
    stem = Path(snakemake.output.pdf.removesuffix(".pdf"))
    draw = import_module(snakemake.params.module).draw
    draw(by_name(snakemake.input), snakemake.params.setup, stem, log)
