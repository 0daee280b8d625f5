"""The resolved study, and the code, versions, machine and time behind its tables."""

import json
from datetime import UTC, datetime
from pathlib import Path

import yaml

from dap.runtime.joblog import job
from dap.runtime.provenance import commit, machine, versions
from dap.store import read_rows, write_text

with job(snakemake.log[0]):
    # each fit says what made it: a table may stand on fits of several commits or machines
    seconds = 0.0
    names = ("commit", "cpu", "device", "engine", "precision", "threads", "versions")
    made = {name: set() for name in names}
    for path in map(Path, snakemake.input.fits):
        for row in {(row["clip"], row["seed"]): row for row in read_rows(path)}.values():
            seconds += float(row["seconds"])
            for name, values in made.items():
                values.add(row[name])
    write_text(
        Path(snakemake.output.study),
        yaml.safe_dump(snakemake.params.study, sort_keys=False, allow_unicode=True),
    )
    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "fits": {
            "commit": sorted(made["commit"]),
            "versions": [json.loads(text) for text in sorted(made["versions"])],
            "cpu": sorted(made["cpu"]),
            "device": sorted(made["device"]),
            "engine": sorted(made["engine"] - {""}),  # a baseline has none
            "precision": sorted(made["precision"] - {""}),
            "threads": sorted(map(int, made["threads"])),
            "seconds": round(seconds, 1),
        },
        "tables": {
            "commit": commit(Path(snakemake.params.root)),
            "versions": versions(),
            "machine": machine(),
        },
    }
    write_text(Path(snakemake.output.provenance), json.dumps(facts, indent=2) + "\n")
