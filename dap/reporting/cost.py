"""How long the fits of a study took, and what else they cost, from their manifests."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

from dap.errors import extra
from dap.store import read_rows
from dap.study.paths import names

with extra("report"):
    import pandas as pd

NUMBERS = ["parameters", "gflop", "iterations", "seconds", "threads"]
# what numbers were made on, and by
HARDWARE = ["device", "precision", "engine"]
MADE_BY = ("commit", "versions", "cpu", "device", "engine", "precision", "threads")


def each_fit(manifests: Iterable[Path]) -> Iterator[dict[str, str]]:
    """The manifests' rows, one for each fit, with its experiment, corpus and method.

    A fit's cost stands in the row of each of its files: one is enough. Baselines have one of no
    iterations.
    """
    for path in manifests:
        of = names("fits", path)
        columns = {"experiment": of.experiment, "corpus": of.corpus, "method": of.method}
        rows = {(row["clip"], row["seed"]): row for row in read_rows(path)}
        for row in rows.values():
            yield columns | row


def costs(manifests: Iterable[Path]) -> pd.DataFrame:
    """What each fit cost, a row a fit: experiment, corpus, method, clip, seed, and its cost.

    Baselines, which have no iterations, are left out.
    """
    columns = ["experiment", "corpus", "method", "clip", "seed", *HARDWARE, *NUMBERS]
    rows = [row for row in each_fit(manifests) if int(row["iterations"])]
    frame = pd.DataFrame(rows, columns=columns)  # empty in a study of baselines alone
    frame[NUMBERS] = frame[NUMBERS].apply(pd.to_numeric)
    return frame


def seconds_per_iteration(manifests: Iterable[Path]) -> tuple[dict[tuple[str, str], float], str]:
    """Median seconds of an iteration by (corpus, method), and where the fits ran.

    Methods without iterations are left out.

    Args:
        manifests: of the fits of one experiment.

    Returns:
        the seconds, and a label such as "cpu, 2 threads"; with several devices, all of them.
    """
    seconds: dict[tuple[str, str], list[float]] = {}
    devices = set()
    for row in each_fit(manifests):
        iterations = int(row["iterations"])
        if iterations:
            each = seconds.setdefault((row["corpus"], row["method"]), [])
            each.append(float(row["seconds"]) / iterations)
            threads = f", {row['threads']} thread{'s' * (row['threads'] != '1')}"
            devices.add(row["device"] + (threads if row["device"] == "cpu" else ""))
    return {key: median(values) for key, values in seconds.items()}, " and ".join(sorted(devices))


def made_by(manifests: Iterable[Path]) -> dict:
    """What made the fits and baselines behind a study's tables, and how long it took in all.

    Each fit says what made it: a table may stand on fits of several commits or machines.

    Returns:
        commit, versions, cpu, device, engine, precision and threads, each a sorted list of all that
        there are, and seconds.
    """
    rows = list(each_fit(manifests))
    values = {name: sorted({row[name] for row in rows} - {""}) for name in MADE_BY}
    return values | {
        "versions": [json.loads(text) for text in values["versions"]],
        "threads": sorted(map(int, values["threads"])),
        "seconds": round(sum(float(row["seconds"]) for row in rows), 1),
    }
