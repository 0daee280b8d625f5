"""One restored clip to look at and listen to: clean, observed, and what each method made of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dap.errors import DapError
from dap.store import checked, read_arrays, read_checked_signal, read_rows
from dap.tasks import TASKS


@dataclass(frozen=True)
class Example:
    """The first clip of a chunk.

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
    clips: list[Path], observations: Path, fits: dict[str, Path], *, task: str, sample_rate: int
) -> Example:
    """Read an example from a chunk's manifests.

    Args:
        clips: the clips' manifests, one a corpus.
        observations: the observations' manifest.
        fits: manifest by method. The last iterate of the first initialisation is taken; of
            inpainting the observation with only its gaps filled, as in the curves. A method whose
            fit is missing has no column.
    """
    row, columns = _first(clips, observations)
    clip, names = row["clip"], row["sources"].split(" ")
    clean = columns["clean"]
    goal = TASKS[task]
    for method, path in fits.items():
        found = {
            facts["output"]: read_checked_signal(path.parent, facts["file"], facts["sha256"])
            for facts in read_rows(path)
            if (facts["clip"], facts["seed"], facts["selection"]) == (clip, "0", "last")
        }
        if not found:  # it is missing, as the tables say
            continue
        if goal.sources > 1:
            from dap.metrics.separation import bss_eval

            estimates = np.stack([found[output] for output in goal.outputs])
            columns[method] = estimates[bss_eval(clean, estimates).permutation]
        else:
            columns[method] = found[goal.shown][np.newaxis]
    gaps = []
    if goal.masked:
        path = checked(observations.parent, row["known"], row["known_sha256"])
        mask = read_arrays(path)["mask"].astype(np.int8)
        edges = np.flatnonzero(np.diff(np.r_[0, mask, 0])) / sample_rate
        gaps = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    sources = [name.partition("/")[0] for name in names] if len(names) > 1 else []
    return Example(clip, sources, columns, gaps)


def iterates(
    clips: list[Path],
    observations: Path,
    snapshots: dict[str, Path],
    steps: list[int],
) -> Example:
    """Read the iterates of a chunk's first clip after given numbers of steps.

    Args:
        snapshots: the trajectories by method. The first initialisation is taken, and of each
            iterate the network's own signal.

    Returns:
        the columns "clean" and "observed", (1, samples), and each method's, (steps, samples); a
        method whose fit is missing has none.

    Raises:
        DapError: a step was not kept.
    """
    row, columns = _first(clips, observations)
    for method, path in snapshots.items():
        arrays = read_arrays(path)
        name = f"{row['clip']}.s0"
        if f"{name}.iterations" not in arrays:  # its fit is missing, as the tables say
            continue
        kept = arrays[f"{name}.iterations"].tolist()
        missing = [step for step in steps if step not in kept]
        if missing:
            raise DapError(f"{path}: has no snapshot of step {missing[0]}; it has {kept}")
        chosen = [kept.index(step) for step in steps]
        columns[method] = arrays[f"{name}.snapshots"][chosen, 0]
    return Example(row["clip"], [], columns, [])


def _first(clips: list[Path], observations: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """The row of a chunk's first observation, and its clean and corrupted signals."""
    row = read_rows(observations)[0]
    known = {path.parent.parent.name: path for path in clips}
    clean = []
    for name in row["sources"].split(" "):
        corpus, _, source = name.partition("/")
        path = known[corpus]
        facts = next(facts for facts in read_rows(path) if facts["clip"] == source)
        clean.append(read_checked_signal(path.parent, facts["file"], facts["sha256"]))
    observed = read_checked_signal(observations.parent, row["file"], row["sha256"])
    return row, {"clean": np.stack(clean), "observed": observed[np.newaxis]}
