"""How soon fits reach a quality, in iterations and seconds: two priors on the same clips."""

from collections.abc import Mapping

import numpy as np

from dap.errors import DapError, extra
from dap.scoring.statistics import paired
from dap.tasks import TRAJECTORIES

with extra("report"):
    import pandas as pd

CLIP = ["corpus", "source", "clip"]  # the columns that identify a clip


def reached(iterations: np.ndarray, quality: np.ndarray, target: float) -> float:
    """The iteration at which a trajectory first reaches a quality.

    Between two snapshots, it is interpolated linearly over the logarithm of the iteration.

    Args:
        iterations: (snapshots,), ascending, from 1.
        quality: (snapshots,), higher is better.

    Returns:
        NaN where the quality is never reached, or a snapshot was not scored.
    """
    above = np.flatnonzero(quality >= target)
    if not len(above) or np.isnan(quality).any():
        return np.nan
    k = above[0]
    if k == 0:
        return float(iterations[0])
    share = (target - quality[k - 1]) / (quality[k] - quality[k - 1])
    low, high = np.log(iterations[k - 1 : k + 1])
    return float(np.exp(low + share * (high - low)))


def compare(entry: Mapping, scores: pd.DataFrame, cost: pd.DataFrame | None) -> list[str]:
    """What the scores say on a claim of convergence: a sentence for each corpus (and source).

    For each clip, the iterations are counted that `method` and `over` need to reach a target. With
    `target: own` each has a target of its own, `share` times the best quality of its trajectory (in
    dB as it is: 0.99 of 10 dB is 9.9 dB). With `target: common` both have the lower of the two.
    Seeds of a clip are averaged first. The ratio is the geometric mean over clips, with its 95 %
    interval.

    Args:
        entry: experiment, metric, method, over, target and share.
        scores: long form, with the trajectories.
        cost: from `tables.cost_table`, for the seconds; without it, none are stated.

    Raises:
        DapError: a method has no trajectory of the metric.
    """
    rows = scores[
        (scores["experiment"] == entry["experiment"])
        & (scores["metric"] == entry["metric"])
        & (scores["selection"] == TRAJECTORIES["clean"])
        & scores["method"].isin([entry["method"], entry["over"]])
    ].fillna({"source": ""})
    # where there are several signals, the one that the network itself restores
    rows = rows[rows["scope"].isin(["full", "raw"])]
    for method in (entry["method"], entry["over"]):
        if method not in set(rows["method"]):
            raise DapError(
                f"a claim on convergence needs the trajectories of {entry['metric']} of {method} "
                f"in {entry['experiment']}: there are none"
            )
    means = rows.groupby([*CLIP, "method", "iteration"])["value"].mean()
    sentences = []
    for (corpus, source), corpus_means in means.groupby(["corpus", "source"]):
        iterations: dict[str, list[float]] = {entry["method"]: [], entry["over"]: []}
        for _, clip in corpus_means.groupby("clip"):
            curves = {
                method: clip.xs(method, level="method").droplevel(CLIP)
                for method in iterations
                if method in clip.index.get_level_values("method")
            }
            if len(curves) < 2:  # a fit is missing
                continue
            goals = {method: _goal(curve, entry["share"]) for method, curve in curves.items()}
            if entry["target"] == "common":
                goals = dict.fromkeys(goals, min(goals.values()))
            for method, curve in curves.items():
                iterations[method].append(
                    reached(curve.index.to_numpy(), curve.to_numpy(), goals[method])
                )
        sentences.append(_sentence(entry, corpus, source, iterations, cost))
    return sentences


def _goal(curve: pd.Series, share: float) -> float:
    best = curve.max()
    return best - (1 - share) * abs(best)


def _sentence(
    entry: Mapping,
    corpus: str,
    source: str,
    iterations: Mapping[str, list[float]],
    cost: pd.DataFrame | None,
) -> str:
    logs = {method: np.log(values) for method, values in iterations.items()}
    differences = logs[entry["method"]] - logs[entry["over"]]
    whose = "their own" if entry["target"] == "own" else "the lower one's"
    where = f"{entry['experiment']}, {corpus}" + (f", {source}" if source else "")
    known = ~np.isnan(differences)
    if not known.any():
        return f"{where}: no clip has both trajectories"
    parts, seconds = [], {}
    for method, values in logs.items():
        mean = np.exp(values[known].mean())
        seconds_each = _seconds(cost, entry["experiment"], corpus, method)
        seconds[method] = mean * seconds_each
        duration = f" ({seconds[method]:.3g} s)" if np.isfinite(seconds_each) else ""
        parts.append(f"{method} {mean:,.0f} iterations{duration}")
    test = paired(differences)
    ratio = f"a ratio of {np.exp(test.mean):.2f}"
    if np.isfinite(test.low):
        ratio += f" [{np.exp(test.low):.2f}, {np.exp(test.high):.2f}]"
    first, second = seconds[entry["method"]], seconds[entry["over"]]
    if np.isfinite(first / second):
        ratio += f", {first / second:.2f} in seconds"
    clips = f"{test.n} clip{'' if test.n == 1 else 's'}"
    return (
        f"{where}: to {entry['share']:.0%} of {whose} best {entry['metric']}, {parts[0]}, "
        f"{parts[1]}; {ratio} over {clips}"
    )


def _seconds(cost: pd.DataFrame | None, experiment: str, corpus: str, method: str) -> float:
    """Median seconds of an iteration; NaN where unknown, or of fits on several devices."""
    if cost is None:
        return np.nan
    rows = cost[(cost["experiment"] == experiment) & (cost["method"] == method)]
    rows = rows[[corpus in corpora.split(", ") for corpora in rows["corpora"]]]
    return float(rows["seconds_per_iteration"].iloc[0]) if len(rows) == 1 else np.nan
