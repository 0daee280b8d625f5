"""One way on one clip: the scores, what it took, and the file that all of them are kept in."""

import csv
import hashlib
import io
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.frontier.sets import CELLS, SAMPLE_RATE, SPECTROGRAM, Cell, observe
from benchmarks.frontier.ways import WAYS
from dap.fitting import method
from dap.fitting.restored import Restored
from dap.observation import Observation
from dap.options import FitOptions
from dap.plugins import plugin
from dap.runtime.provenance import machine
from dap.scoring.evaluate import ScoreRow, score
from dap.seeds import derive
from dap.study.code_hash import Code

SCORES = Path(__file__).resolve().parents[2] / "docs" / "results" / "frontier" / "scores.csv"
COLUMNS = [
    "key", "set", "cell", "clip", "way", "seed", "selection", "iteration", "source", "scope",
    "metric", "value", "seconds", "cpu_seconds", "audio_seconds", "cpu", "date",
]  # fmt: skip
# shorter ones are measured again, when all that they import is there
SHORT_SECONDS = 5.0


def key(cell: str, which: str, clip: int, way: str, seed: int, code: Code) -> str:
    """Digest of all that a measurement depends on: what was asked for, and the code.

    Recordings count by their set and number, since they are the same wherever this is run.
    """
    chosen, corruption, task = WAYS[way], CELLS[cell].corruption, CELLS[cell].task
    runner = "baseline" if chosen.options(task) is None else "method"
    digests = code.digests(
        f"dap.fitting.{runner}",
        chosen.offer.module,
        *(offer.module for offer in chosen.fed(task)),
        plugin("corruptions", corruption["kind"]).module,
    )
    asked = [cell, corruption, CELLS[cell].samples, which, clip, seed, chosen.content(task)]
    text = json.dumps([asked, digests], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def measure(folder: Path, cell: str, which: str, clip: int, way: str, seed: int) -> list[dict]:
    """Restore one clip, on one thread, and score the result.

    Returns:
        rows of `COLUMNS` but for the key: the metrics of each selection, and the first metric at
        each point of the trajectory (selection "snapshot").

    Raises:
        DapError: recordings are missing, or the method failed.
    """
    torch.set_num_threads(1)
    where = CELLS[cell]
    chosen, options = WAYS[way].method, WAYS[way].options(where.task)
    references, observation = observe(folder, cell, which, clip)

    def restore() -> tuple[Restored, float, float]:
        begun, used = time.perf_counter(), time.process_time()
        restored = method.restore(
            chosen,
            where.task,
            observation,
            fit=options or FitOptions(),
            spectrogram=SPECTROGRAM,
            device="cpu",
            seed=derive(seed, "frontier", cell, which, clip),
        )
        return restored, time.perf_counter() - begun, time.process_time() - used

    restored, seconds, cpu_seconds = restore()
    if options is None and seconds < SHORT_SECONDS:
        restored, seconds, cpu_seconds = restore()
    selections = ["last", "average", "stop", "oracle"]
    rows = scored(where, references, observation, restored, selections, where.metrics)
    common = {
        "set": which, "cell": cell, "clip": clip, "way": way, "seed": seed,
        "seconds": f"{seconds:.3f}", "cpu_seconds": f"{cpu_seconds:.3f}",
        "audio_seconds": f"{references.shape[1] / SAMPLE_RATE:.3f}",
        "cpu": machine()["cpu"], "date": date.today().isoformat(),
    }  # fmt: skip
    return [
        {name: row[name] for name in ("selection", "iteration", "source", "scope", "metric")}
        | {"value": f"{row['value']:.6g}"}
        | common
        for row in rows
    ]


def scored(
    cell: Cell,
    references: np.ndarray,
    observation: Observation,
    restored: Restored,
    selections: list[str],
    metrics: list[str],
) -> list[ScoreRow]:
    """What was made of a cell's clip, scored: these selections, and the trajectory by one metric.

    Args:
        references: (sources, samples).
        metrics: the first is that of the trajectory.
    """
    return score(
        references,
        restored.selections,
        restored.iterations,
        restored.snapshots,
        task=cell.task,
        metrics=metrics,
        wanted=selections,
        sources=list(cell.corpora) if len(cell.corpora) > 1 else [""],
        sample_rate=SAMPLE_RATE,
        last_iteration=int(restored.cost["iterations"]),
        stopped=int(restored.cost["stopped"]),
        mask=observation.known.get("mask"),
        trajectory={"clean": metrics[:1]},
    )


def measured(path: Path = SCORES) -> set[str]:
    """The keys of what a file has."""
    if not path.is_file():
        return set()
    with path.open(newline="", encoding="utf-8") as table:
        return {row["key"] for row in csv.DictReader(table)}


def append(path: Path, digest: str, rows: list[dict[str, Any]]) -> None:
    """Add the rows of one measurement to a file, in one write."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        writer.writeheader()
    writer.writerows({"key": digest} | row for row in rows)
    with path.open("a", newline="", encoding="utf-8") as table:
        table.write(text.getvalue())
