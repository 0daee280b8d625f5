"""Paired comparisons over clips: mean, t interval, Wilcoxon test, Holm's correction.

NaN is a clip that a metric could not score: it forms no pair. An infinite value (a perfect estimate
has an SNR of +inf) counts: the mean is infinite and has no interval, while ranks, and with them p,
stay defined.
"""

from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dap.errors import DapError, extra
from dap.tasks import TRAJECTORIES

with extra("report"):
    import pandas as pd
    from statsmodels.stats.multitest import multipletests

MIN_CLIPS = 5  # below this an interval or a p says nothing
CONFIDENCE = 0.95
SIGNIFICANT = 0.05
POOLED = "all corpora"

# what identifies a mean over clips
KEYS = ["experiment", "corpus", "source", "scope", "method", "selection", "metric"]

Values = TypeVar("Values", float, np.ndarray)


class Paired(NamedTuple):
    """Paired differences over `n` clips; what is undefined is NaN.

    `mean` has the interval `low` to `high`; `p` is that of the signed ranks, whose direction is the
    sign of `rank_biserial`, (W+ - W-) / (W+ + W-), from -1 to 1: W+ is the sum of the ranks of the
    positive differences, W- that of the negative ones. It is 0 where all differences are 0.
    """

    n: int
    mean: float
    low: float
    high: float
    p: float
    median: float
    rank_biserial: float


class Interval(NamedTuple, Generic[Values]):
    """A mean and its interval; floats, or arrays (points,)."""

    mean: Values
    low: Values
    high: Values


def clip_values(scores: pd.DataFrame) -> pd.DataFrame:
    """One value a clip: the mean over its initialisations, so that n counts clips.

    A clip that the metric could not score for one of its initialisations is NaN. Snapshots of the
    trajectory are left out. The result does not depend on the order of the rows.

    Args:
        scores: the long form, with the columns of `KEYS`, `clip`, `seed`, `value` and `unit`, and
            `missing`, if there is such a column.

    Returns:
        columns `KEYS`, `clip`, `value`, `seeds_std` (over initialisations, ddof 1, NaN where there
        is one), `unit` and `missing` (bool: an initialisation has no fit), sorted.

    Raises:
        DapError: a value occurs twice.
    """
    keys = [*KEYS, "clip"]
    rows = scores[~scores["selection"].isin(TRAJECTORIES.values())].fillna(
        {"source": "", "unit": ""}
    )
    twice = rows[rows.duplicated([*keys, "seed"])]
    if len(twice):
        name = ", ".join(str(twice.iloc[0][key]) for key in [*keys, "seed"])
        raise DapError(f"scores hold {len(twice)} values twice, first {name}: read each file once")
    missing = rows["missing"].fillna("") != "" if "missing" in rows else False
    groups = rows.assign(missing=missing).sort_values([*keys, "seed"]).groupby(keys)
    values = groups["value"]
    with np.errstate(invalid="ignore"):  # the std of infinite values is NaN, as it should be
        frame = pd.DataFrame(
            {
                "value": values.mean().where(values.count() == groups.size()),
                "seeds_std": values.std(),
                "unit": groups["unit"].first(),
                "missing": groups["missing"].any(),
            }
        )
    return frame.reset_index()


def subtract(values: pd.Series, others: pd.Series) -> pd.Series:
    """Differences on the clips (the index) that both have; two equal infinities differ by 0."""
    values, others = values.align(others, join="inner")
    with np.errstate(invalid="ignore"):
        return (values - others).mask(values == others, 0.0)


def by_corpus(values: pd.Series) -> dict[tuple[str, str], pd.Series]:
    """Values by corpus and source, and all together where there are several.

    Args:
        values: indexed by corpus, source and clip.

    Returns:
        by (corpus, source), the values of its clips; under (POOLED, "") those of all clips, sources
        averaged within the clip, NaN where one of them is.
    """
    groups = {
        (str(corpus), str(source)): group
        for (corpus, source), group in values.groupby(["corpus", "source"])
    }
    if len(groups) > 1:
        clips = values.groupby(["corpus", "clip"])
        groups[POOLED, ""] = clips.mean().where(clips.count() == clips.size())
    return groups


def paired(differences: ArrayLike) -> Paired:
    """Mean of paired differences, its 95 % t interval, their median, and the Wilcoxon test.

    Args:
        differences: shape (clips,), in the metric's unit; NaN where a clip could not be scored,
            which forms no pair.

    Returns:
        the mean and the median are NaN without pairs; below MIN_CLIPS pairs the interval, p and
        rank_biserial are NaN. p is two-sided, exact for small n, and 1 where all differences are 0.
    """
    pairs = np.asarray(differences, dtype=float)
    pairs = pairs[~np.isnan(pairs)]
    mean, low, high = _interval(pairs)
    p = rank_biserial = np.nan
    if len(pairs) >= MIN_CLIPS:
        # with zeros among them, scipy takes an approximation
        p = float(stats.wilcoxon(pairs[pairs != 0]).pvalue) if pairs.any() else 1.0
        rank_biserial = _rank_biserial(pairs)
    with np.errstate(invalid="ignore"):  # +inf and -inf have no middle
        median = float(np.median(pairs)) if len(pairs) else np.nan
    return Paired(len(pairs), mean, low, high, p, median, rank_biserial)


def _rank_biserial(differences: np.ndarray) -> float:
    """(W+ - W-) / (W+ + W-), without the differences that are 0, as in the test."""
    signs = np.sign(differences[differences != 0])
    ranks = stats.rankdata(np.abs(differences[differences != 0]))
    return float((signs * ranks).sum() / ranks.sum()) if len(ranks) else 0.0


def direction(mean: float, low: float, high: float, rank_biserial: float, p: float) -> str:
    """Which way differences go, by the interval of their mean and the test of their ranks together.

    Args:
        mean: of the differences, with its interval from `low` to `high`, NaN where it has none.
        rank_biserial: its sign is the direction of the ranks.
        p: corrected.

    Returns:
        "higher" or "lower", where the interval excludes 0, p is below SIGNIFICANT and both go this
        way; "mixed", where at least one of the two is so, and mean and ranks go different ways;
        else "unresolved".
    """
    excludes_zero = low > 0 or high < 0
    significant = p < SIGNIFICANT
    agreement = np.sign(mean) * np.sign(rank_biserial)
    if excludes_zero and significant and agreement > 0:
        return "higher" if mean > 0 else "lower"
    if (excludes_zero or significant) and agreement < 0:
        return "mixed"
    return "unresolved"


def mean_interval(values: ArrayLike) -> Interval[np.ndarray]:
    """Mean over clips and its 95 % t interval, point by point.

    The interval is mean +- t(0.975, n - 1) s / sqrt(n), of n values with standard deviation s. It
    contains the mean of normal differences in 95 % of all samples, whatever n; docs/statistics.md
    says how often it does so for others, beside intervals by the bootstrap.

    Args:
        values: shape (clips, points); each point leaves out its NaN.

    Returns:
        mean, low, high: arrays of shape (points,). Low and high are NaN at a point with fewer than
        MIN_CLIPS clips, or where the mean is infinite.
    """
    columns = np.asarray(values, dtype=float).T
    points = [_interval(column[~np.isnan(column)]) for column in columns]
    mean, low, high = np.array(points).reshape(-1, 3).T
    return Interval(mean, low, high)


def _interval(values: np.ndarray) -> Interval[float]:
    if not len(values):
        return Interval(np.nan, np.nan, np.nan)
    with np.errstate(invalid="ignore"):  # +inf and -inf together have no mean
        mean = float(values.mean())
    if len(values) < MIN_CLIPS or not np.isfinite(mean):
        return Interval(mean, np.nan, np.nan)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values)
    return Interval(mean, float(mean - half), float(mean + half))


def holm(p_values: ArrayLike) -> np.ndarray:
    """Holm's step-down correction over the tests that were made; NaN (no test) stays NaN."""
    corrected = np.array(p_values, dtype=float)
    made = ~np.isnan(corrected)
    if made.any():
        corrected[made] = multipletests(corrected[made], method="holm")[1]
    return corrected


def attainable(pairs: ArrayLike, p_values: ArrayLike) -> np.ndarray:
    """Which tests of a family can have a corrected p below SIGNIFICANT at all.

    The smallest p of the exact two-sided Wilcoxon test of n pairs is 2 / 2^n: all differences have
    one sign. A p that Holm corrects never falls when another p of the family rises. So correcting
    the smallest p of every test gives the smallest corrected ones: m 2 / 2^n for m tests of n pairs
    each, and less for a test of few pairs beside some of many.

    Args:
        pairs: (tests,), n of each.
        p_values: (tests,), NaN where no test was made.

    Returns:
        (tests,), bool; False where no test was made.
    """
    smallest = 2.0 ** (1 - np.asarray(pairs, dtype=float))
    return (
        holm(np.where(np.isnan(np.asarray(p_values, dtype=float)), np.nan, smallest)) < SIGNIFICANT
    )


def too_small(tests: int) -> str:
    """What stands in place of a p that is not attainable, after correction over so many tests."""
    return (
        f"n too small for a p below {SIGNIFICANT} after correction over {tests} "
        f"test{'' if tests == 1 else 's'}"
    )


def signed(value: float, digits: int = 2) -> str:
    """A difference with its sign, "+1.20"."""
    return f"{value:+.{digits}f}"


def p_text(p: float) -> str:
    """A p value, "p = 0.031" or "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
