"""One table: CSV, Markdown and LaTeX from an experiment's scores."""

from pathlib import Path

from dap.data.origin import caveat
from dap.data.skipped import notes
from dap.reporting.typeset import make_table
from dap.runtime.joblog import job

with job(snakemake.log[0]):
    params, inputs = snakemake.params, snakemake.input
    # no inputs: tables can be made again from scores alone, where no corpus is
    origins = {title: Path(path) for title, path in params.setup["origins"].items()}
    caveats = [caveat(title, path) for title, path in origins.items() if path.is_file()]
    make_table(
        inputs.scores,
        inputs.published[0] if inputs.published else None,
        Path(snakemake.output.csv.removesuffix(".csv")),
        entry=params.entry,
        setup=params.setup,
        metrics=params.metrics,
        caveats=[text for text in caveats if text] + notes(params.setup["skipped"]),
    )
