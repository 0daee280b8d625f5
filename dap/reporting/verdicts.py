"""The words of verdicts on the papers' claims, from numbers (docs/statistics.md)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dap.scoring.statistics import MIN_CLIPS, Paired, direction, p_text, too_small

REPRODUCED = "order reproduced"
REVERSED = "order reversed"
UNRESOLVED = "not resolved by this run"
MIXED = "mixed: mean and median disagree"
TOO_FEW = "too few clips to tell"
NOT_STATED = "size not stated by the paper"
NOT_EXAMINED = "not examined by this study"
# what is said of a whole claim, best first
OUTCOMES = (
    "reproduced",
    "order reproduced, size not",
    "reproduced in part",
    "not reproduced",
    UNRESOLVED,
    TOO_FEW,
    NOT_EXAMINED,
)


class Published(NamedTuple):
    """The size that a paper gives a claim: a number, a word such as "marginal", or nothing."""

    value: str
    unit: str

    @property
    def number(self) -> float | None:
        """The value, where it is a number."""
        try:
            return float(self.value)
        except ValueError:
            return None

    def __str__(self) -> str:
        """The value with its unit; "" without a value."""
        return with_unit(self.value, self.unit) if self.value else ""


@dataclass(frozen=True)
class Evidence:
    """What a study says on a claim, on one corpus or over all: a size, and its test.

    Attributes:
        test: of the differences; of ratios, of their logarithms.
        better: the direction that the claim has, "higher" or "lower".
        text: the numbers in words, "+2.00 dB [+1.26, +2.74] over 6 clips".
        size: the mean in words, "+2.00 dB".
        median: likewise.
        low: end of the size's interval, with the sign and in the unit of a published size; NaN
            where there is none.
        high: its other end.
        unit: the unit, without which no published size is compared with this one.
        comparable: whether a published size is of the same quantity.
        noun: what the size is, where its unit does not say it: "ratio".
        counted: whether the claim's verdict counts it; else it is shown, and not tested.
        diagnostic: whether its selection uses the clean clip; then it stands beside the verdict.
    """

    test: Paired
    better: str
    text: str
    size: str
    median: str
    low: float
    high: float
    unit: str
    comparable: bool = True
    noun: str = ""
    counted: bool = True
    diagnostic: bool = False


class Verdict(NamedTuple):
    """In words, on order and size apart ("" for none), and the sentence with the numbers."""

    order: str
    size: str
    sentence: str


def judge(evidence: Evidence, published: Published, p_holm: float, tests: int) -> Verdict:
    """The verdict on one piece of evidence.

    Args:
        evidence: the size and its test.
        published: the claim's size.
        p_holm: the corrected p; NaN where none is attainable.
        tests: how many Holm's correction is over.
    """
    if not evidence.counted:
        return Verdict("", "", f"not counted: {evidence.text}")
    order = order_of(evidence.test, p_holm, evidence.better)
    size = size_of(evidence, order, published)
    sentence = f"{order}: {evidence.text}"
    if order == MIXED:
        sentence += f", median {evidence.median}"
    if evidence.test.n >= MIN_CLIPS:
        sentence += (
            f"; {too_small(tests)}" if np.isnan(p_holm) else f", {p_text(p_holm)} after Holm"
        )
    return Verdict(order, size, f"{sentence}; {size}" if size else sentence)


def order_of(test: Paired, p_holm: float, better: str) -> str:
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
    """
    if test.n < MIN_CLIPS or np.isnan(p_holm):
        return TOO_FEW
    way = direction(test.mean, test.low, test.high, test.rank_biserial, p_holm)
    if way in ("higher", "lower"):
        return REPRODUCED if way == better else REVERSED
    return MIXED if way == "mixed" else UNRESOLVED


def size_of(evidence: Evidence, order: str, published: Published) -> str:
    """How the size compares with the published one, in words.

    - "size reproduced": the order is, and the interval contains the published size.
    - "smaller", "larger": the interval lies below or above it, whatever the order.
    - "size not resolved": the interval contains it, but the order is not resolved, so that 0, or
      the other order, may be as true.
    - NOT_STATED: the paper has a word for the size, and no number.
    - "": the paper has no size of this quantity in this unit; or there are too few clips, or no
      interval.
    """
    comparable = evidence.comparable and evidence.unit == published.unit
    if order == TOO_FEW or not (comparable and published.value) or np.isnan(evidence.low):
        return ""
    if published.number is None:
        return NOT_STATED
    number = published.value if evidence.noun else str(published)
    if evidence.low <= published.number <= evidence.high:
        word = "size reproduced" if order == REPRODUCED else "size not resolved"
        return f"{word} ({number} published)"
    word = "larger" if published.number < evidence.low else "smaller"
    return f"{evidence.noun} {word} than the published {number}".strip()


def conclude(evidence: Sequence[Evidence], verdicts: Sequence[Verdict]) -> str:
    """The verdict on a claim: how often which word was the verdict, and the sizes.

    Only what counts is counted. The sizes of a diagnostic follow.

    Args:
        evidence: all that the study has on the claim.
        verdicts: on each piece of it.
    """
    orders = Counter(verdict.order for verdict in verdicts if verdict.order)
    parts = [f"{order} in {count} of {orders.total()}" for order, count in orders.items()]
    sizes: dict[str, list[str]] = {}
    for piece, verdict in zip(evidence, verdicts, strict=True):
        if verdict.size:
            sizes.setdefault(verdict.size, []).append(piece.size)
    judged = sum(map(len, sizes.values()))
    for words, ours in sizes.items():
        if words == NOT_STATED:
            parts.append(f"{NOT_STATED}; ours is {', '.join(ours)}")
        else:
            parts.append(f"{words} in {len(ours)} of {judged} ({', '.join(ours)})")
    diagnostics = [piece.size for piece in evidence if piece.diagnostic and piece.test.n]
    if diagnostics:
        parts.append(f"of the oracle, which is not counted: {', '.join(diagnostics)}")
    return "; ".join(parts)


def outcome(verdicts: Sequence[Verdict]) -> str:
    """What is said of a claim in a word or two, in one of `OUTCOMES`.

    Of orders that differ between corpora, the claim is reproduced in part where any is.
    """
    orders = [verdict.order for verdict in verdicts if verdict.order]
    sizes = [verdict.size for verdict in verdicts if verdict.size and verdict.size != NOT_STATED]
    if not orders:
        return NOT_EXAMINED
    if set(orders) == {REPRODUCED}:
        whole = all(size.startswith("size reproduced") for size in sizes)
        return OUTCOMES[0] if whole else OUTCOMES[1]
    if REPRODUCED in orders:
        return OUTCOMES[2]
    if REVERSED in orders:
        return OUTCOMES[3]
    return TOO_FEW if set(orders) == {TOO_FEW} else UNRESOLVED


def clips_text(n: int, unscorable: int) -> str:
    """How many clips a test has, and how many more it would have, had they been scored."""
    more = f" ({unscorable} more could not be scored)" if unscorable else ""
    return f"{n} clip{'' if n == 1 else 's'}{more}"


def with_unit(number: str, unit: str) -> str:
    """A number with its unit, if it has one."""
    return f"{number} {unit}".rstrip()
