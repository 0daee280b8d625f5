"""The words of verdicts on the papers' claims, from numbers (docs/statistics.md)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dap.scoring.statistics import MIN_CLIPS, direction, p_text, signed, too_small

REPRODUCED = "order reproduced"
REVERSED = "order reversed"
UNRESOLVED = "not resolved by this run"
MIXED = "mixed: mean and median disagree"
TOO_FEW = "too few clips to tell"


def order(test: Mapping[str, Any], better: str) -> str:
    """Whether the methods come in the claim's order, in one of the words above.

    - TOO_FEW: fewer than MIN_CLIPS clips, or so few that no corrected p could be significant.
    - REPRODUCED, REVERSED: the interval of the mean excludes 0, the signed ranks are significant
      after Holm's correction, and both have the direction that the claim has, or the other.
    - MIXED: the interval excludes 0, or the ranks are significant, or both, and the mean has
      another direction than the ranks. A few clips make the mean, or many small ones the ranks.
    - UNRESOLVED: all else. No more than one of the two resolves a direction, and the other does not
      contradict it; or the mean is infinite, and has no interval.

    The direction of the ranks is called the median's: it is that of the median of the means of all
    pairs of differences (Hodges and Lehmann), which is the location that the test is of.

    Args:
        test: n, difference, low, high, rank_biserial and p_holm (NaN where none is attainable).
        better: "higher" or "lower".
    """
    if test["n"] < MIN_CLIPS or np.isnan(test["p_holm"]):
        return TOO_FEW
    way = direction(
        test["difference"], test["low"], test["high"], test["rank_biserial"], test["p_holm"]
    )
    if way in ("higher", "lower"):
        return REPRODUCED if way == better else REVERSED
    return MIXED if way == "mixed" else UNRESOLVED


def clips_text(test: Mapping[str, Any]) -> str:
    """How many clips a test has, and how many more it would have, had they been scored."""
    n, unscorable = test["n"], test["unscorable"]
    more = f" ({unscorable} more could not be scored)" if unscorable else ""
    return f"{n} clip{'' if n == 1 else 's'}{more}"


def difference_text(test: Mapping[str, Any], word: str, tests: int) -> str:
    """A mean difference in words: its interval, clips and p.

    Args:
        test: n, unscorable, difference, low, high, median, p_holm and unit.
        word: from `order`; beside a mixed one, the median is stated, too.
        tests: how many Holm's correction is over.
    """
    clips = clips_text(test)
    if test["n"] == 0:
        return clips
    text = with_unit(signed(test["difference"]), test["unit"])
    if not np.isnan(test["low"]):
        text += f" [{signed(test['low'])}, {signed(test['high'])}]"
    if word == MIXED:
        text += f", median {with_unit(signed(test['median']), test['unit'])},"
    return f"{text} over {clips}{p_clause(test, tests)}"


def p_clause(test: Mapping[str, Any], tests: int) -> str:
    """What follows a number of clips: the p, or why there is none."""
    if test["n"] < MIN_CLIPS:
        return ""
    if np.isnan(test["p_holm"]):
        return f"; {too_small(tests)}"
    return f", {p_text(test['p_holm'])} after Holm"


def with_unit(number: str, unit: str) -> str:
    """A number with its unit, if it has one."""
    return f"{number} {unit}".rstrip()
