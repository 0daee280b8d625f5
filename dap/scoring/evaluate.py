"""Scoring the estimates of one clip: nothing else compares estimates with the clean clip."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from dap.errors import extra, named
from dap.plugins import Plugin, plugins
from dap.scoring.permutation import best_permutation
from dap.store import seal, verified, write_text
from dap.tasks import TASKS, TRAJECTORIES

if TYPE_CHECKING:  # the processes that score need no pandas
    with extra("workflow"):
        import pandas as pd

COLUMNS = [
    "experiment", "corpus", "method", "clip", "seed", "source", "scope", "selection", "iteration",
    "metric", "value", "unit", "missing",
]  # fmt: skip


class ScoreRow(TypedDict):
    """A score of one clip, method and initialisation: the columns that say what was scored."""

    source: str
    scope: str
    selection: str
    iteration: int
    metric: str
    value: float
    unit: str
    missing: str


def score(
    references: np.ndarray,
    selections: dict[str, np.ndarray],
    iterations: np.ndarray,
    snapshots: np.ndarray,
    *,
    task: str,
    metrics: list[str],
    wanted: list[str],
    sources: list[str],
    sample_rate: int,
    last_iteration: int,
    mask: np.ndarray | None = None,
    trajectory: Mapping[str, Sequence[str]] | None = None,
    observed: np.ndarray | None = None,
    stopped: int | None = None,
) -> list[ScoreRow]:
    """All scores of one clip, method and initialisation, as rows of the long form.

    Args:
        references: (sources, samples) clean signals.
        selections: the signals that the method reported, by name: (outputs, samples).
        iterations: (snapshots,) of the trajectory; may be empty.
        snapshots: (snapshots, outputs, samples).
        metrics: names; those that are joint (SDR, SIR, SAR) are computed over all sources at once.
        wanted: selections to score; "oracle" is the snapshot of the best quality of the task, the
            mean over sources (`dap.tasks.TASKS`).
        sources: names of the sources in separation, else [""].
        last_iteration: iteration of the selections that are not a snapshot.
        stopped: iteration of the selection "stop", where it is another.
        mask: (samples,) bool, the gaps, in inpainting.
        trajectory: metrics of each snapshot besides the task's quality, by what the snapshots are
            compared with: "clean" or "observed" (`dap.tasks.TRAJECTORIES`).
        observed: (1, samples) the observation, where `trajectory` needs it.

    Returns:
        the rows, whose `missing` is "".

    Raises:
        PluginError: a metric failed; the message names it, its file and the selection.
    """
    kinds = plugins("metrics")
    goal = TASKS[task]
    quality = goal.quality
    # scopes of the whole signal; the first is that of the network's output
    whole = [name for name, scope in goal.scopes.items() if not scope.inside_gaps]
    tracked: dict[str, Sequence[str]] = {"clean": [], "observed": [], **(trajectory or {})}
    tracked["clean"] = [quality, *(name for name in tracked["clean"] if name != quality)]

    def rows(
        estimates: np.ndarray,
        selection: str,
        iteration: int,
        names: Sequence[str],
        scopes: Sequence[str] | None = None,
        references: np.ndarray = references,
    ) -> list[ScoreRow]:
        with named(f"{selection} (iteration {iteration})"):
            values = list(
                _values(references, estimates, names, task, sources, sample_rate, mask, scopes)
            )
        return [
            {
                "source": source,
                "scope": scope,
                "selection": selection,
                "iteration": int(iteration),
                "metric": name,
                "value": value,
                "unit": kinds[name].metadata["unit"],
                "missing": "",
            }
            for source, scope, name, value in values
        ]

    scores: list[ScoreRow] = []
    for selection, estimates in selections.items():
        if selection in wanted:
            iteration = last_iteration
            if selection == "stop" and stopped is not None:
                iteration = stopped
            scores += rows(estimates, selection, iteration, metrics)
    qualities = []
    for iteration, estimates in zip(iterations, snapshots, strict=True):
        points = rows(estimates, TRAJECTORIES["clean"], iteration, tracked["clean"], whole)
        scores += points
        if tracked["observed"]:
            if observed is None:
                raise ValueError("metrics against the observation need it: observed is None")
            name = TRAJECTORIES["observed"]
            scores += rows(
                estimates, name, iteration, tracked["observed"], whole[:1], references=observed
            )
        # the oracle judges the network's output
        raw = [row for row in points if (row["scope"], row["metric"]) == (whole[0], quality)]
        qualities.append(np.mean([row["value"] for row in raw]))
    if qualities and "oracle" in wanted:
        best = oracle(np.array(qualities))
        scores += rows(snapshots[best], "oracle", iterations[best], metrics)
    return scores


def oracle(quality: np.ndarray) -> int:
    """Index of the snapshot of the best quality; on a tie, the first.

    Args:
        quality: (snapshots,), in dB; NaN where unscorable.
    """
    return 0 if np.isnan(quality).all() else int(np.nanargmax(quality))


def unfitted(
    reason: str, *, task: str, metrics: list[str], wanted: list[str], sources: list[str]
) -> list[ScoreRow]:
    """The rows of a clip that has no fit: all its values are NaN.

    Args:
        reason: why it has no fit, for the column `missing`.
        wanted: the selections that the method reports.
        sources: as for `score`.
    """
    kinds = plugins("metrics")
    scopes = TASKS[task].scopes
    return [
        {
            "source": source,
            "scope": scope,
            "selection": selection,
            "iteration": 0,
            "metric": name,
            "value": np.nan,
            "unit": kinds[name].metadata["unit"],
            "missing": reason,
        }
        for selection in wanted
        for source in sources
        for scope, part in scopes.items()
        for name in metrics
        if not (part.inside_gaps and kinds[name].metadata.get("whole"))
    ]


def _values(
    references: np.ndarray,
    estimates: np.ndarray,
    names: Sequence[str],
    task: str,
    sources: Sequence[str],
    sample_rate: int,
    mask: np.ndarray | None,
    scopes: Sequence[str] | None,
) -> Iterator[tuple[str, str, str, float]]:
    """(source, scope, metric, value) of one set of estimates."""
    kinds = plugins("metrics")
    goal = TASKS[task]
    if goal.sources > 1:
        # the same for all metrics
        estimates = estimates[best_permutation(references, estimates)]
        scores = {
            name: _of_sources(kinds[name], references, estimates, sample_rate) for name in names
        }
        for j, source in enumerate(sources):
            for name in names:
                yield source, goal.headline, name, float(scores[name][j])
        return
    for scope in scopes or goal.scopes:
        part = goal.scopes[scope]
        estimate = estimates[goal.outputs.index(part.output)]
        where = mask if part.inside_gaps else None
        for metric in (kinds[name] for name in names):
            if where is not None and metric.metadata.get("whole"):
                continue  # a metric of whole signals has no value inside the gaps
            value = _measured(metric, references[0], estimate, sample_rate, where)
            yield "", scope, metric.name, value


def _of_sources(
    metric: Plugin, references: np.ndarray, estimates: np.ndarray, sample_rate: int
) -> Sequence[float] | np.ndarray:
    """A metric's value of each source, the estimates being in the order of the references."""
    if metric.metadata.get("joint"):
        with metric.running() as module:
            return getattr(module, metric.name)(references, estimates, sample_rate)
    return [
        _measured(metric, *signals, sample_rate)
        for signals in zip(references, estimates, strict=True)
    ]


def _measured(metric: Plugin, *arguments: object) -> float:
    with metric.running() as module:
        return float(getattr(module, metric.name)(*arguments))


def read(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Score files as one frame in the long form, names as strings even where they are empty.

    Raises:
        DapError: a file is torn, or not the one that was written.
    """
    with extra("workflow"):
        import pandas as pd

    numbers = ("seed", "iteration", "value")
    dtypes: dict[Hashable, type[str]] = {name: str for name in COLUMNS if name not in numbers}
    frames = [
        pd.read_csv(
            verified(Path(path)), dtype=dtypes, keep_default_na=False, na_values={"value": ["nan"]}
        )
        for path in paths
    ]
    return pd.concat(frames, ignore_index=True)


def write(scores: pd.DataFrame, path: Path) -> None:
    """Write scores in the long form, sealed.

    Raises:
        UnwritableError: the file cannot be written.
    """
    # 9 digits are enough for scores of float32 audio, and are written the same when read back
    text = scores.to_csv(index=False, float_format="%.9g", lineterminator="\n", na_rep="nan")
    write_text(path, text)
    seal(path)
