"""Clips to look at and listen to: clean, observed, and as each method restored them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dap.errors import DapError
from dap.scoring.permutation import best_permutation
from dap.store import Entry, fit_name, read_arrays, read_entries, snapshot_arrays
from dap.study.paths import clean_clips
from dap.tasks import TASKS, Task


@dataclass(frozen=True)
class Example:
    """A clip of a chunk.

    Attributes:
        clip: its id.
        sources: names of the sources, empty outside of separation.
        columns: "clean", "observed", then each method: (sources, samples), in separation with the
            estimates in the order of the sources.
        gaps: (start, end) in seconds.
    """

    clip: str
    sources: list[str]
    columns: dict[str, np.ndarray]
    gaps: list[tuple[float, float]]


def load(
    clips: list[Path],
    observations: Path,
    fits: dict[str, Path],
    *,
    task: str,
    sample_rate: int,
    most: int = 1,
) -> list[Example]:
    """Read the first examples of a chunk from its manifests.

    Args:
        clips: the clips' manifests, one a corpus.
        observations: the observations' manifest.
        fits: manifest by method. The last iterate of the first initialisation is read; in
            inpainting, the observation with only its gaps filled, as in the curves. A method
            without a fit has no column.
        most: so many clips at most.
    """
    known = clean_clips(clips)
    fitted = {method: read_entries(path) for method, path in fits.items()}
    return [
        _example(observed, known, fitted, TASKS[task], sample_rate)
        for observed in read_entries(observations)[:most]
    ]


def _example(
    observed: Entry,
    known: Mapping[str, Entry],
    fitted: Mapping[str, Sequence[Entry]],
    goal: Task,
    sample_rate: int,
) -> Example:
    clip, parts = observed.row["clip"], observed.row["sources"].split(" ")
    columns = _columns(observed, known)
    clean = columns["clean"]
    for method, entries in fitted.items():
        signals = {
            entry.row["output"]: entry.signal()
            for entry in entries
            if [entry.row[key] for key in ("clip", "seed", "selection")] == [clip, "0", "last"]
        }
        if not signals:  # the fit is missing, as the tables state
            continue
        if goal.sources > 1:
            estimates = np.stack([signals[output] for output in goal.outputs])
            columns[method] = estimates[best_permutation(clean, estimates)]
        else:
            columns[method] = signals[goal.shown][np.newaxis]
    gaps = []
    if goal.masked:
        mask = observed.known()["mask"].astype(np.int8)
        edges = np.flatnonzero(np.diff(np.r_[0, mask, 0])) / sample_rate
        gaps = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    sources = [part.partition("/")[0] for part in parts] if len(parts) > 1 else []
    return Example(clip, sources, columns, gaps)


def iterates(
    clips: list[Path],
    observations: Path,
    snapshots: dict[str, Path],
    steps: list[int],
) -> Example:
    """Read the iterates of a chunk's first clip after certain numbers of steps.

    Args:
        clips: the clips' manifests, one a corpus.
        observations: the observations' manifest.
        snapshots: the trajectories by method. The first initialisation is read, and of each
            iterate the network's output.
        steps: numbers of iterations.

    Returns:
        the columns "clean" and "observed", (1, samples), and each method's, (steps, samples); a
        method without a fit has none.

    Raises:
        DapError: a step has no snapshot.
    """
    observed = read_entries(observations)[0]
    columns = _columns(observed, clean_clips(clips))
    clip = observed.row["clip"]
    iterations, signals = snapshot_arrays(fit_name(clip, 0))
    for method, path in snapshots.items():
        arrays = read_arrays(path)
        if iterations not in arrays:  # the fit is missing, as the tables state
            continue
        saved = arrays[iterations].tolist()
        missing = [step for step in steps if step not in saved]
        if missing:
            raise DapError(f"{path}: has no snapshot of step {missing[0]}; it has {saved}")
        chosen = [saved.index(step) for step in steps]
        columns[method] = arrays[signals][chosen, 0]
    return Example(clip, [], columns, [])


def _columns(observed: Entry, known: Mapping[str, Entry]) -> dict[str, np.ndarray]:
    """The clean and the corrupted signals of an observation."""
    clean = np.stack([known[part].signal() for part in observed.row["sources"].split(" ")])
    return {"clean": clean, "observed": observed.signal()[np.newaxis]}
