"""The resolved study, and the code, versions, machine and time behind its tables."""

import json
from datetime import UTC, datetime
from pathlib import Path

import yaml

from dap.joblog import job
from dap.provenance import commit, machine, versions
from dap.store import read_rows

with job(snakemake.log[0]):
    seconds, devices, threads = 0.0, set(), set()
    for path in map(Path, snakemake.input.fits):
        for row in {(row["clip"], row["seed"]): row for row in read_rows(path)}.values():
            seconds += float(row["seconds"])
            devices.add(row["device"])
            threads.add(int(row["threads"]))
    Path(snakemake.output.study).write_text(
        yaml.safe_dump(snakemake.params.study, sort_keys=False, allow_unicode=True),
        encoding="utf-8",
    )
    facts = {
        "commit": commit(Path(snakemake.params.root)),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "versions": versions(),
        "machine": machine(),
        "devices": sorted(devices),
        "threads_per_fit": sorted(threads),
        "seconds_of_fitting": round(seconds, 1),
    }
    Path(snakemake.output.provenance).write_text(
        json.dumps(facts, indent=2) + "\n", encoding="utf-8"
    )
