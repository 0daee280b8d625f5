"""The resolved study, and the code, versions, machine and time behind its tables."""

import json
from pathlib import Path

import yaml

from dap.reporting.provenance import provenance
from dap.runtime.joblog import job
from dap.store import write_text

with job(snakemake.log[0]):
    study = yaml.safe_dump(snakemake.params.study, sort_keys=False, allow_unicode=True)
    write_text(Path(snakemake.output.study), study)
    made = provenance(map(Path, snakemake.input.fits), Path(snakemake.params.root))
    write_text(Path(snakemake.output.provenance), json.dumps(made, indent=2) + "\n")
