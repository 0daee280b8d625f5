"""The resolved study, and the code, versions, machine and time behind its tables."""

import json
from datetime import UTC, datetime
from pathlib import Path

import yaml

from dap.reporting.cost import made_by
from dap.runtime.joblog import job
from dap.runtime.provenance import commit, machine, versions
from dap.store import write_text

with job(snakemake.log[0]):
    study = yaml.safe_dump(snakemake.params.study, sort_keys=False, allow_unicode=True)
    write_text(Path(snakemake.output.study), study)
    tables = {
        "commit": commit(Path(snakemake.params.root)),
        "versions": versions(),
        "machine": machine(),
    }
    provenance = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "fits": made_by(map(Path, snakemake.input.fits), map(Path, snakemake.input.models)),
        "tables": tables,
    }
    write_text(Path(snakemake.output.provenance), json.dumps(provenance, indent=2) + "\n")
