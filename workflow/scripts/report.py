"""The report: every table and figure, examples to listen to, and the papers' claims."""

from pathlib import Path

from dap.reporting.content import page
from dap.runtime.joblog import by_name, job
from dap.store import write_text
from dap.study.paths import Paths

with job(snakemake.log[0]):
    report = Path(snakemake.output[0])
    text = page(by_name(snakemake.input), snakemake.params.setup, Paths(str(report.parent)))
    write_text(report, text)
