"""Have the archives of one known corpus, verified: from the mirror, or by downloading them."""

import json
from pathlib import Path

from dap.data.fetch.download import fetch, from_mirror
from dap.runtime.joblog import job
from dap.store import write_bytes

with job(snakemake.log[0]) as log:
    sources, receipt = snakemake.params.sources, Path(snakemake.output.receipt)
    if snakemake.input.mirror:
        source, archives = from_mirror(sources[0], snakemake.input.mirror, receipt.parent, log)
    else:
        source, archives = fetch(sources, receipt.parent, log)
    contents = {"source": source, "archives": archives}
    write_bytes(receipt, f"{json.dumps(contents, indent=2)}\n".encode())
