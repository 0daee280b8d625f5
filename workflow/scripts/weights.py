"""Have the trained weights of one method, verified: from the mirror, or by downloading them."""

import json
from pathlib import Path

from dap.data.weights import provide
from dap.runtime.joblog import job
from dap.store import write_text

with job(snakemake.log[0]) as log:
    files = provide(snakemake.wildcards.method, list(snakemake.input.mirror), log)
    receipt = Path(snakemake.output.receipt)
    write_text(receipt, f"{json.dumps({'files': files}, indent=2)}\n")
