"""The report: every table and figure, examples to listen to, and the papers' claims."""

from pathlib import Path

from dap.data.origin import checked
from dap.data.skipped import notes
from dap.reporting.content import page
from dap.runtime.joblog import by_name, job
from dap.store import write_text

with job(snakemake.log[0]):
    report, inputs = Path(snakemake.output[0]), by_name(snakemake.input)
    archives = {path.stem: checked(path) for path in inputs["origins"]}
    setup = snakemake.params.setup
    text = page(inputs, setup, archives, notes(setup["skipped"]))
    write_text(report, text)
