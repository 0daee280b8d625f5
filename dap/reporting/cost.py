"""The cost of a study's fits and trainings, in seconds and otherwise, as they say it themselves."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from dap.errors import extra
from dap.model_file import description
from dap.store import read_rows, verified
from dap.study.paths import names

with extra("report"):
    import pandas as pd

NUMBERS = [
    "parameters", "gflop", "iterations", "seconds", "threads", "restarts", "failed_iterations",
]  # fmt: skip
# what objectives say of the last iterate
JUDGED = ["loss_terms", "warnings"]
# what fits ran on
HARDWARE = ["device", "cpu", "precision", "engine"]
MADE_BY = ("commit", "versions", "cpu", "device", "engine", "precision", "threads")


def each_fit(manifests: Iterable[Path]) -> Iterator[dict[str, str]]:
    """The manifests' rows, one for each fit, with its experiment, corpus and method.

    The rows of all files of a fit state its cost, so one of them is enough. Baselines have 0
    iterations.
    """
    for path in manifests:
        product = names("fits", path)
        columns = {
            "experiment": product.experiment,
            "corpus": product.corpus,
            "method": product.method,
        }
        rows = {(row["clip"], row["seed"]): row for row in read_rows(path)}
        for row in rows.values():
            yield columns | row


def each_training(models: Iterable[Path]) -> Iterator[dict[str, str]]:
    """What each model took, as texts in the columns of a fit: its iterations are steps.

    Its FLOPs are not counted.
    """
    for path in models:
        described = description(verified(path))
        made = described["made"]
        values = {name: made[name] for name in ("parameters", "seconds", *MADE_BY)}
        values |= {
            "experiment": made["experiment"],
            "corpus": made["pair"],
            "method": described["configuration"]["method"],
            "clip": "",
            "seed": made["initialisation"],
            "iterations": made["options"]["steps"],
            "failed_iterations": 0,
            "restarts": 0,
        }
        yield {name: str(value) for name, value in values.items()}


def costs(manifests: Iterable[Path], models: Iterable[Path] = ()) -> pd.DataFrame:
    """The cost of each fit or training: a row with experiment, corpus, method, clip, seed, cost.

    Baselines, which have no iterations, are left out. A training has no clip.
    """
    columns = ["experiment", "corpus", "method", "clip", "seed", *HARDWARE, *NUMBERS, *JUDGED]
    rows = [*each_fit(manifests), *each_training(models)]
    rows = [row for row in rows if int(row["iterations"])]
    frame = pd.DataFrame(rows, columns=columns)  # empty in a study of baselines alone
    frame[NUMBERS] = frame[NUMBERS].apply(pd.to_numeric)
    return frame


def seconds_per_iteration(manifests: Iterable[Path]) -> tuple[dict[tuple[str, str], float], str]:
    """Median seconds of an iteration by (corpus, method), and where the fits ran.

    Methods without iterations are left out.

    Args:
        manifests: of the fits of one experiment.

    Returns:
        the seconds, and a label such as "cpu, 2 threads"; with several devices, or kinds of CPU,
        all of them.
    """
    seconds: dict[tuple[str, str], list[float]] = {}
    devices, cpus = set(), set()
    for row in each_fit(manifests):
        iterations = int(row["iterations"]) + int(row["failed_iterations"])
        if iterations:
            key = (row["corpus"], row["method"])
            seconds.setdefault(key, []).append(float(row["seconds"]) / iterations)
            threads = f", {row['threads']} thread{'s' * (row['threads'] != '1')}"
            on_cpu = row["device"] == "cpu"
            devices.add(row["device"] + (threads if on_cpu else ""))
            if on_cpu:
                cpus.add(row.get("cpu", ""))
    label = " and ".join(sorted(devices)) + (f" ({', '.join(sorted(cpus))})" * (len(cpus) > 1))
    return {key: median(values) for key, values in seconds.items()}, label


def made_by(manifests: Iterable[Path], models: Iterable[Path] = ()) -> dict[str, Any]:
    """The code and machines that made fits, baselines and models, and the seconds it took in all.

    Every manifest and model states these: a table may rest on fits of several commits or machines.

    Returns:
        commit, versions, cpu, device, engine, precision and threads, each a sorted list of all
        values, and seconds.
    """
    rows = [*each_fit(manifests), *each_training(models)]
    values = {name: sorted({row[name] for row in rows} - {""}) for name in MADE_BY}
    return values | {
        "versions": [json.loads(text) for text in values["versions"]],
        "threads": sorted(map(int, values["threads"])),
        "seconds": round(sum(float(row["seconds"]) for row in rows), 1),
    }
