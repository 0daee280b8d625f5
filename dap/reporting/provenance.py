"""Where a study's numbers come from: the code, versions, machines and time behind its tables."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from dap.reporting.cost import each_fit
from dap.runtime.provenance import commit, machine, versions

MADE_BY = ("commit", "cpu", "device", "engine", "precision", "threads", "versions")


def provenance(manifests: Iterable[Path], root: Path) -> dict:
    """What made the fits, and what makes the tables, now.

    Each fit says what made it: a table may stand on fits of several commits or machines.

    Args:
        manifests: of all fits and baselines.
        root: of the checkout.
    """
    rows = list(each_fit(manifests))
    made = {name: sorted({row[name] for row in rows} - {""}) for name in MADE_BY}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "fits": {
            "commit": made["commit"],
            "versions": [json.loads(text) for text in made["versions"]],
            "cpu": made["cpu"],
            "device": made["device"],
            "engine": made["engine"],
            "precision": made["precision"],
            "threads": sorted(map(int, made["threads"])),
            "seconds": round(sum(float(row["seconds"]) for row in rows), 1),
        },
        "tables": {"commit": commit(root), "versions": versions(), "machine": machine()},
    }
