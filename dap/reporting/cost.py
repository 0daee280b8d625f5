"""How long the fits of a study took, from their manifests."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median

from dap.store import read_rows


def seconds_per_iteration(manifests: Iterable[Path]) -> tuple[dict[tuple[str, str], float], str]:
    """Median seconds of an iteration by (cell, method), and where the fits ran.

    Methods without iterations are left out.

    Args:
        manifests: of fits, `.../<cell>/<method>/<chunk>/manifest.csv`.

    Returns:
        the seconds, and a label such as "cpu, 2 threads"; with several places, all of them.
    """
    each: dict[tuple[str, str], list[float]] = {}
    places = set()
    for path in manifests:
        cell, method = path.parts[-4:-2]
        # a fit's cost stands in the row of each of its files: one is enough
        for row in {(row["clip"], row["seed"]): row for row in read_rows(path)}.values():
            iterations = int(row["iterations"])
            if iterations:
                seconds = float(row["seconds"]) / iterations
                each.setdefault((cell, method), []).append(seconds)
                threads = f", {row['threads']} thread{'s' * (row['threads'] != '1')}"
                places.add(row["device"] + (threads if row["device"] == "cpu" else ""))
    return {key: median(values) for key, values in each.items()}, " and ".join(sorted(places))
