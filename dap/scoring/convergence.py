"""How soon fits reach a quality, in iterations and seconds: two priors on the same clips."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from dap.errors import DapError, extra
from dap.scoring.statistics import Paired, by_corpus, paired
from dap.tasks import TRAJECTORIES

with extra("report"):
    import pandas as pd

CLIP = ["corpus", "source", "clip"]  # the columns that identify a clip
PAIR = ("method", "over")


class Ratio(NamedTuple):
    """How many iterations `method` needs, over those that `over` needs, on one corpus or over all.

    Attributes:
        corpus: its name, or POOLED.
        source: in separation; else "".
        iterations: geometric means over clips, of `method` and of `over`.
        seconds: likewise; NaN where an iteration's are not known, and over all corpora.
        unscorable: clips without a ratio.
        test: of the natural logarithms of the clips' ratios.
    """

    corpus: str
    source: str
    iterations: tuple[float, float]
    seconds: tuple[float, float]
    unscorable: int
    test: Paired

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the interval of the geometric mean ratio."""
        return float(np.exp(self.test.low)), float(np.exp(self.test.high))


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


def compare(entry: Mapping, scores: pd.DataFrame, cost: pd.DataFrame | None) -> list[Ratio]:
    """The ratio of iterations of a claim of convergence, on each corpus (and source).

    For each clip, the iterations are counted that `method` and `over` need to reach a target. With
    `target: own` each has a target of its own, `share` times the best quality of its trajectory (in
    dB as it is: 0.99 of 10 dB is 9.9 dB). With `target: common` both have the lower of the two.
    Seeds of a clip are averaged first. The ratio of the two is averaged over clips as a geometric
    mean. Where there are several corpora or sources, it is also taken over all clips together.

    Args:
        entry: experiment, metric, method, over, target and share.
        scores: long form, with the trajectories.
        cost: from `tables.cost_table`, for the seconds; None for none.

    Raises:
        DapError: a method has no trajectory of the metric.
    """
    logarithms = _iterations(entry, scores).transform(np.log)
    differences = logarithms["method"] - logarithms["over"]
    means = [by_corpus(logarithms[role].where(differences.notna())) for role in PAIR]
    ratios = []
    for (corpus, source), group in by_corpus(differences).items():
        first, second = (float(np.exp(mean[corpus, source].mean())) for mean in means)
        each = [_seconds(cost, entry["experiment"], corpus, entry[role]) for role in PAIR]
        ratios.append(
            Ratio(
                corpus,
                source,
                (first, second),
                (first * each[0], second * each[1]),
                int(group.isna().sum()),
                paired(group),
            )
        )
    return ratios


def in_words(entry: Mapping, ratio: Ratio) -> str:
    """The numbers of a ratio, as "to 99% of their own best snr, ..."."""
    if not ratio.test.n:
        return "no clip has both trajectories"
    whose = "their own" if entry["target"] == "own" else "the lower one's"
    sides = []
    for role, iterations, seconds in zip(PAIR, ratio.iterations, ratio.seconds, strict=True):
        duration = f" ({seconds:.3g} s)" if np.isfinite(seconds) else ""
        sides.append(f"{entry[role]} {iterations:,.0f} iterations{duration}")
    text = f"to {entry['share']:.0%} of {whose} best {entry['metric']}, {', '.join(sides)}; "
    text += f"a ratio of {np.exp(ratio.test.mean):.2f}"
    if np.isfinite(ratio.test.low):
        low, high = ratio.interval
        text += f" [{low:.2f}, {high:.2f}]"
    in_seconds = ratio.seconds[0] / ratio.seconds[1]
    return text + (f", {in_seconds:.2f} in seconds" if np.isfinite(in_seconds) else "")


def _iterations(entry: Mapping, scores: pd.DataFrame) -> pd.DataFrame:
    """The iterations of `method` and of `over`, by clip; NaN where one has none."""
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
    # as in all other numbers, a clip counts where each of its initialisations has a fit
    seeds = rows.groupby([*CLIP, "method"])["seed"].transform("nunique")
    complete = rows[seeds == rows["seed"].nunique()]
    means = complete.groupby([*CLIP, "method", "iteration"])["value"].mean()
    iterations = {clip: [np.nan, np.nan] for clip in sorted(rows.groupby(CLIP).groups)}
    for clip, clip_means in means.groupby(CLIP):
        curves = {
            role: clip_means.xs(entry[role], level="method").droplevel(CLIP)
            for role in PAIR
            if entry[role] in clip_means.index.get_level_values("method")
        }
        goals = {role: _goal(curve, entry["share"]) for role, curve in curves.items()}
        if entry["target"] == "common":
            goals = dict.fromkeys(goals, min(goals.values()))
        reaching = {
            role: reached(curve.index.to_numpy(), curve.to_numpy(), goals[role])
            for role, curve in curves.items()
        }
        iterations[clip] = [reaching.get(role, np.nan) for role in PAIR]  # a fit may be missing
    index = pd.MultiIndex.from_tuples(iterations, names=CLIP)
    return pd.DataFrame(list(iterations.values()), index=index, columns=list(PAIR))


def _goal(curve: pd.Series, share: float) -> float:
    best = curve.max()
    return best - (1 - share) * abs(best)


def _seconds(cost: pd.DataFrame | None, experiment: str, corpus: str, method: str) -> float:
    """Median seconds of an iteration; NaN where unknown, or of fits on several devices."""
    if cost is None:
        return np.nan
    rows = cost[(cost["experiment"] == experiment) & (cost["method"] == method)]
    rows = rows[[corpus in corpora.split(", ") for corpora in rows["corpora"]]]
    return float(rows["seconds_per_iteration"].iloc[0]) if len(rows) == 1 else np.nan
