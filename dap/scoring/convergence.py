"""How soon fits reach a quality: iterations and seconds, of two priors on the same clips."""

from collections.abc import Mapping

import numpy as np

from dap.errors import DapError, extra
from dap.scoring.statistics import paired
from dap.seeds import derive
from dap.tasks import TRAJECTORIES

with extra("report"):
    import pandas as pd

KEYS = ["corpus", "source", "clip"]


def reached(iterations: np.ndarray, quality: np.ndarray, target: float) -> float:
    """The iteration at which a trajectory first reaches a quality.

    Between two snapshots it is interpolated, linearly over the logarithm of the iteration.

    Args:
        iterations: (snapshots,), ascending, from 1.
        quality: (snapshots,), higher is better.

    Returns:
        NaN where it is never reached, or not known.
    """
    there = np.flatnonzero(quality >= target)
    if not len(there) or np.isnan(quality).any():
        return np.nan
    k = there[0]
    if k == 0:
        return float(iterations[0])
    share = (target - quality[k - 1]) / (quality[k] - quality[k - 1])
    low, high = np.log(iterations[k - 1 : k + 1])
    return float(np.exp(low + share * (high - low)))


def compare(
    entry: Mapping, scores: pd.DataFrame, seed: int, cost: pd.DataFrame | None
) -> list[str]:
    """What a claim on convergence found, a sentence a corpus (and source).

    For each clip, the iterations that `method` and `over` need until they reach the target: with
    `target: own` the given `share` of their own best quality of the trajectory (in dB as it is, so
    that 0.99 of 10 dB is 9.9 dB), with `target: common` the same share of the lower one of the two
    bests. Seeds of a clip are averaged first. The ratio is the geometric mean over clips, with its
    95 % bootstrap interval.

    Args:
        entry: experiment, metric, method, over, target and share.
        scores: long form, with the trajectories.
        seed: the study's.
        cost: from `tables.cost_table`, for seconds; None leaves them out.

    Raises:
        DapError: a method has no trajectory of the metric.
    """
    rows = scores[
        (scores["experiment"] == entry["experiment"])
        & (scores["metric"] == entry["metric"])
        & (scores["selection"] == TRAJECTORIES["clean"])
        & scores["method"].isin([entry["method"], entry["over"]])
    ].fillna({"source": ""})
    # of the network's own signal, where there are several
    rows = rows[rows["scope"].isin(["full", "raw"])]
    for method in (entry["method"], entry["over"]):
        if method not in set(rows["method"]):
            raise DapError(
                f"a claim on convergence needs the trajectories of {entry['metric']} of {method} "
                f"in {entry['experiment']}: there are none"
            )
    means = rows.groupby([*KEYS, "method", "iteration"])["value"].mean()
    sentences = []
    for (corpus, source), cell in means.groupby(["corpus", "source"]):
        counts = {entry["method"]: [], entry["over"]: []}
        for _, clip in cell.groupby("clip"):
            curves = {
                method: clip.xs(method, level="method").droplevel(KEYS)
                for method in counts
                if method in clip.index.get_level_values("method")
            }
            if len(curves) < 2:  # a fit is missing
                continue
            goals = {method: _goal(curve, entry["share"]) for method, curve in curves.items()}
            if entry["target"] == "common":
                goals = dict.fromkeys(goals, min(goals.values()))
            for method, curve in curves.items():
                found = reached(curve.index.to_numpy(), curve.to_numpy(), goals[method])
                counts[method].append(found)
        sentences.append(_sentence(entry, corpus, source, counts, seed, cost))
    return sentences


def _goal(curve: pd.Series, share: float) -> float:
    best = curve.max()
    return best - (1 - share) * abs(best)


def _sentence(
    entry: Mapping,
    corpus: str,
    source: str,
    counts: Mapping[str, list[float]],
    seed: int,
    cost: pd.DataFrame | None,
) -> str:
    logs = {method: np.log(values) for method, values in counts.items()}
    differences = logs[entry["method"]] - logs[entry["over"]]
    of = "their own" if entry["target"] == "own" else "the lower one's"
    where = f"{entry['experiment']}, {corpus}" + (f", {source}" if source else "")
    known = ~np.isnan(differences)
    if not known.any():
        return f"{where}: no clip has both trajectories"
    parts, seconds = [], {}
    for method, values in logs.items():
        mean = np.exp(values[known].mean())
        each = _seconds(cost, entry["experiment"], corpus, method)
        seconds[method] = mean * each
        took = f" ({seconds[method]:.3g} s)" if np.isfinite(each) else ""
        parts.append(f"{method} {mean:,.0f} iterations{took}")
    names = ["convergence", *map(str, entry.values()), corpus, source]
    test = paired(differences, seed=derive(seed, *names))
    ratio = f"a ratio of {np.exp(test.mean):.2f}"
    if np.isfinite(test.low):
        ratio += f" [{np.exp(test.low):.2f}, {np.exp(test.high):.2f}]"
    first, second = seconds[entry["method"]], seconds[entry["over"]]
    if np.isfinite(first / second):
        ratio += f", {first / second:.2f} in seconds"
    clips = f"{test.n} clip{'' if test.n == 1 else 's'}"
    return (
        f"{where}: to {entry['share']:.0%} of {of} best {entry['metric']}, {parts[0]}, "
        f"{parts[1]}; {ratio} over {clips}"
    )


def _seconds(cost: pd.DataFrame | None, experiment: str, corpus: str, method: str) -> float:
    """Median seconds of an iteration, NaN where it is not known or not of one device."""
    if cost is None:
        return np.nan
    rows = cost[(cost["experiment"] == experiment) & (cost["method"] == method)]
    rows = rows[[corpus in corpora.split(", ") for corpora in rows["corpora"]]]
    return float(rows["seconds_per_iteration"].iloc[0]) if len(rows) == 1 else np.nan
