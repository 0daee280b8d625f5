"""What the fits cost: parameters, FLOPs and seconds of each design."""

from pathlib import Path

from dap.reporting.cost import costs
from dap.reporting.tables import cost_table
from dap.reporting.typeset import cost_markdown
from dap.runtime.joblog import job
from dap.store import write_text

with job(snakemake.log[0]):
    made = costs(map(Path, snakemake.input.fits), map(Path, snakemake.input.models))
    cost = cost_table(made, snakemake.params.methods)
    text = cost.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_text(Path(snakemake.output.csv), text)
    write_text(Path(snakemake.output.markdown), cost_markdown(cost))
