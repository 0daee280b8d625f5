"""The report: tables, figures, sounds and the papers' claims; and its summary as Markdown."""

from pathlib import Path

from dap.data.origin import checked
from dap.data.skipped import notes
from dap.reporting.content import report_and_summary
from dap.runtime.joblog import by_name, job
from dap.store import write_text

with job(snakemake.log[0]):
    inputs = by_name(snakemake.input)
    archives = {path.stem: checked(path) for path in inputs["origins"]}
    setup = snakemake.params.setup
    page, summary = report_and_summary(inputs, setup, archives, notes(setup["skipped"]))
    write_text(Path(snakemake.output.page), page)
    write_text(Path(snakemake.output.summary), summary)
