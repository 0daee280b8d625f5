"""Scoring what a method made of one chunk, by the manifests of all that went into it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from dap.errors import extra
from dap.scoring.evaluate import COLUMNS, unfitted
from dap.scoring.pool import Case, score_all
from dap.store import (
    fit_name,
    read_arrays,
    read_entries,
    snapshot_arrays,
    verified,
)
from dap.study.paths import clean_clips, names
from dap.tasks import TASKS

with extra("workflow"):
    import pandas as pd

# clip and initialisation
Key = tuple[str, str]


class Estimates:
    """What a method made of a chunk.

    Args:
        fits: the manifest.
        snapshots: the trajectories, None of a baseline.
        outputs: the signals of an estimate, in order.

    Attributes:
        selections: of each clip and initialisation, by name, (outputs, samples).
        iterations: of each, the iteration of those, but for "stop".
        stopped: of each that has it, the iteration of "stop".
        missing: why there is no estimate.

    Raises:
        DapError: a file is torn, or not the one that was written.
    """

    def __init__(self, fits: Path, snapshots: Path | None, outputs: Sequence[str]):
        self.fitted = snapshots is not None
        self.iterations: dict[Key, int] = {}
        self.stopped: dict[Key, int] = {}
        self.missing: dict[Key, str] = {}
        signals: dict[Key, dict[str, dict[str, np.ndarray]]] = {}
        for entry in read_entries(fits):
            row = entry.row
            key = (row["clip"], row["seed"])
            if row["missing"]:
                self.missing[key] = row["missing"]
                continue
            outputs_of = signals.setdefault(key, {}).setdefault(row["selection"], {})
            outputs_of[row["output"]] = entry.signal()
            of = self.stopped if row["selection"] == "stop" else self.iterations
            of[key] = int(row["iteration"])
        self.selections = {
            key: {
                selection: np.stack([by_output[output] for output in outputs])
                for selection, by_output in selections.items()
            }
            for key, selections in signals.items()
        }
        self._arrays = read_arrays(verified(snapshots, fits)) if snapshots else {}

    def trajectory(self, key: Key) -> tuple[np.ndarray, np.ndarray]:
        """Iterations (snapshots,) and signals (snapshots, outputs, samples); none of a baseline."""
        if not self.fitted:
            return np.empty(0, int), np.empty((0, 0, 0), np.float32)
        iterations, snapshots = (self._arrays[name] for name in snapshot_arrays(fit_name(*key)))
        return iterations, snapshots


def score_chunk(
    clips: Iterable[Path],
    observations: Path,
    fits: Path,
    snapshots: Path | None,
    *,
    task: str,
    metrics: list[str],
    selections: list[str],
    trajectory: Mapping[str, Sequence[str]],
    sample_rate: int,
    processes: int,
) -> pd.DataFrame:
    """The scores of one method on one chunk, in the long form (`COLUMNS`).

    Args:
        clips: the manifests of the clean clips, one for each corpus that they come from.
        observations: the manifest of what was made from these.
        fits: the manifest of what the method made of those.
        snapshots: of a prior, the trajectories.
        metrics, trajectory: as for `dap.scoring.evaluate.score`.
        selections: those that are reported; a baseline has "last" alone.
        processes: as for `dap.scoring.pool.score_all`.

    Raises:
        DapError: a file is torn, or a metric failed.
    """
    clean = clean_clips(clips)
    estimates = Estimates(fits, snapshots, TASKS[task].outputs)
    reported = [name for name in selections if name == "last" or estimates.fitted]
    cases, rows = [], []
    for observed in read_entries(observations):
        clip, parts = observed.row["clip"], observed.row["sources"].split(" ")
        references = np.stack([clean[part].signal() for part in parts])
        signal = observed.signal()[np.newaxis] if trajectory.get("observed") else None
        mask = observed.known()["mask"] if TASKS[task].masked else None
        sources = [part.partition("/")[0] for part in parts] if len(parts) > 1 else [""]
        for key, reason in estimates.missing.items():
            if key[0] != clip:
                continue
            lost = unfitted(
                reason,
                task=task,
                metrics=metrics,
                wanted=reported,
                sources=sources,
            )
            rows += [{"clip": clip, "seed": key[1]} | row for row in lost]
        cases += [
            Case(
                *key,
                references,
                stacked,
                *estimates.trajectory(key),
                sources,
                estimates.iterations[key],
                mask,
                signal,
                estimates.stopped.get(key),
            )
            for key, stacked in estimates.selections.items()
            if key[0] == clip
        ]
    scored = score_all(
        cases,
        processes=processes,
        task=task,
        metrics=metrics,
        wanted=selections,
        sample_rate=sample_rate,
        trajectory=trajectory,
    )
    for case, values in zip(cases, scored, strict=True):
        rows += [{"clip": case.clip, "seed": case.seed} | row for row in values]
    of = names("fits", fits)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.assign(experiment=of.experiment, corpus=of.corpus, method=of.method)
