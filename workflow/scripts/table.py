"""One table: CSV, Markdown and LaTeX from an experiment's scores."""

from pathlib import Path

from dap.reporting.typeset import make_table
from dap.runtime.joblog import job

with job(snakemake.log[0]):
    params, inputs = snakemake.params, snakemake.input
    make_table(
        inputs.scores,
        inputs.published[0] if inputs.published else None,
        Path(snakemake.output.csv.removesuffix(".csv")),
        entry=params.entry,
        setup=params.setup,
        metrics=params.metrics,
    )
