"""Unpack the recordings of one known corpus, or find them in the mirror's folder, and list them."""

import json
from pathlib import Path

from dap.data.fetch.unpack import index_folder, unpack
from dap.data.known import folder
from dap.runtime.joblog import job
from dap.store import write_bytes, write_rows

with job(snakemake.log[0]) as log:
    index, origin = Path(snakemake.output.index), Path(snakemake.output.origin)
    if snakemake.input.receipt:
        receipt = json.loads(Path(snakemake.input.receipt[0]).read_text(encoding="utf-8"))
        archives = receipt["archives"]
        where = folder(snakemake.wildcards.archive)
        rows = unpack([Path(row["file"]) for row in archives], receipt["source"], Path(where))
    else:
        archives, where = [], snakemake.input.folder[0]
        rows = index_folder(Path(where), snakemake.params.sources[0])
    total = sum(row["bytes"] for row in rows)
    contents = {"folder": where, "archives": archives, "recordings": len(rows), "bytes": total}
    write_bytes(origin, f"{json.dumps(contents, indent=2)}\n".encode())
    write_rows(index, rows)
    log.info("%s: %d recordings, %d bytes", where, len(rows), total)
