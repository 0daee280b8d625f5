"""What the fits cost: parameters, FLOPs and seconds of each design."""

from pathlib import Path

import pandas as pd

from dap.reporting.tables import cost_table
from dap.reporting.typeset import cost_markdown
from dap.runtime.joblog import job
from dap.store import read_rows, write_text

with job(snakemake.log[0]):
    numbers = ["parameters", "gflop", "iterations", "seconds", "threads"]
    place = ["device", "precision", "engine"]
    columns = ["experiment", "corpus", "method", "clip", "seed", *place, *numbers]
    rows = []
    for path in map(Path, snakemake.input.fits):
        experiment, cell, method = path.parts[-5:-2]
        place = {"experiment": experiment, "corpus": cell, "method": method}
        # a fit's cost stands in the row of each of its files: one is enough
        fits = {(row["clip"], row["seed"]): row for row in read_rows(path)}
        rows += [place | row for row in fits.values() if int(row["iterations"])]
    manifests = pd.DataFrame(rows, columns=columns)  # empty in a study of baselines alone
    manifests[numbers] = manifests[numbers].apply(pd.to_numeric)
    cost = cost_table(manifests, snakemake.params.methods)
    text = cost.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_text(Path(snakemake.output.csv), text)
    write_text(Path(snakemake.output.markdown), cost_markdown(cost))
