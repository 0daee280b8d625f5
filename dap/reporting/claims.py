"""The papers' claims beside the results of a study, both in words; ours are made from numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dap.errors import DapError, extra
from dap.reporting.verdicts import (
    NOT_EXAMINED,
    REPRODUCED,
    REVERSED,
    Evidence,
    Published,
    Verdict,
    clips_text,
    conclude,
    judge,
    outcome,
    with_unit,
)
from dap.scoring.convergence import compare, in_words
from dap.scoring.statistics import (
    attainable,
    by_corpus,
    clip_values,
    holm,
    paired,
    signed,
    subtract,
)
from dap.tasks import SELECTIONS

with extra("report"):
    import pandas as pd

RATIO = "ratio of iterations"  # the unit of a published one
SIZES = ["parameters", "gflop"]


@dataclass
class _Claim:
    """A claim on its way into the report.

    Attributes:
        finding: what the report prints of it.
        published: the size that the paper gives.
        groups: of comparisons and of convergence, the rows of the finding with their evidence.
        counted: verdicts that need no test.
    """

    finding: dict[str, Any]
    published: Published
    groups: list[list[tuple[dict[str, Any], Evidence]]]
    counted: list[Verdict]


def examine(
    claims_csv: Path | str,
    study_claims: Sequence[Mapping],
    scores: pd.DataFrame,
    better: Mapping[str, str],
    cost: pd.DataFrame | None = None,
) -> list[dict[str, Any]]:
    """All claims of the papers that a study names, with the study's results, for a report.

    A comparison is `{experiment, metric, selection, method, over}`, with `scope` where the
    experiment has several: the paired difference method - over. With `than: {method, over}` it is
    the difference of two gains, (method - over) - (than.method - than.over). It is taken for each
    corpus (and source). Where there are several, it is also taken over all clips together, sources
    averaged within the clip. Verdicts (`dap.reporting.verdicts`) rest on intervals and on p,
    Holm-corrected over all tests of all claims that count.

    In `convergence`, the iterations are compared that two priors need to reach a quality
    (`dap.scoring.convergence.compare`): the ratio has the claim's order where it is below 1. In
    `complexity`, the sizes of two priors are; a gain comes without added complexity if neither
    parameters nor GFLOP are more.

    A claim with a comparison that has `than` is judged by such ones alone. Of the selections of a
    comparison, the oracle's is not counted, as it uses the clean clip, and no other where there is
    `last`. What is not counted is shown, with its interval and without p.

    Args:
        claims_csv: columns paper, claim, where, value, unit, "what a study should report".
        study_claims: `{claim, paper}` with `comparisons`, `convergence` or `complexity` (lists).
        scores: long form, of all experiments.
        better: "higher" or "lower" by metric.
        cost: from `tables.cost_table`, for complexity.

    Returns:
        in the CSV's order, a dict for each claim, of plain values (None where undefined): paper,
        claim, where, published, to_report, verdict and outcome (one of `verdicts.OUTCOMES`). Where
        the claim was examined, it also has comparisons (for each test: experiment, corpus, source,
        scope, metric, selection, method, over, n, unscorable, difference, unit, low, high, median,
        rank_biserial, p, p_holm, counted, verdict), convergence (for each test: experiment, corpus,
        source, metric, method, over, target, share, n, unscorable, ratio, low, high, median,
        rank_biserial, p, p_holm, verdict) or complexity (a sentence for each design).

    Raises:
        DapError: a claim is not in the CSV, a comparison has no scores, or complexity no costs.
    """
    table = pd.read_csv(claims_csv, dtype=str, keep_default_na=False)
    wanted = {(entry["paper"], entry["claim"]): entry for entry in study_claims}
    known = set(zip(table["paper"], table["claim"], strict=True))
    for paper, text in wanted:
        if (paper, text) not in known:
            raise DapError(f"{claims_csv} has no claim {text!r} of {paper}: copy its exact text")
    values = clip_values(scores)
    claims = []
    for record in table[table["paper"].isin({paper for paper, _ in wanted})].to_dict("records"):
        published = Published(record["value"], record["unit"])
        finding: dict[str, Any] = {key: record[key] for key in ("paper", "claim", "where")}
        finding["published"] = str(published) or None
        finding["to_report"] = record["what a study should report"]
        finding["verdict"] = NOT_EXAMINED
        entry = wanted.get((record["paper"], record["claim"]), {})
        comparisons = [
            test
            for comparison in entry.get("comparisons", [])
            for test in _differences(
                comparison, values, better, counted=_counts(comparison, entry["comparisons"])
            )
        ]
        if comparisons:
            finding["comparisons"] = [row for row, _ in comparisons]
        convergence = [
            test for pair in entry.get("convergence", []) for test in _ratios(pair, scores, cost)
        ]
        if convergence:
            finding["convergence"] = [row for row, _ in convergence]
        sizes = [_added_complexity(pair, cost) for pair in entry.get("complexity", [])]
        if sizes:
            finding["complexity"] = _designs(cost)
        claims.append(_Claim(finding, published, [comparisons, convergence], sizes))
    _judge(claims)
    return [claim.finding for claim in claims]


def _counts(comparison: Mapping[str, Any], comparisons: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the verdict of a claim counts one of its comparisons, as `examine` says."""
    decisive = [other for other in comparisons if other.get("than")]
    if decisive and not comparison.get("than"):
        return False
    headline = {**comparison, "selection": "last"}
    return comparison["selection"] == "last" or not (
        _diagnostic(comparison["selection"]) or headline in comparisons
    )


def _diagnostic(selection: str) -> bool:
    """Whether an iterate is chosen by the clean clip."""
    return SELECTIONS[selection]["made"] == "score"


def _differences(
    comparison: Mapping[str, Any],
    values: pd.DataFrame,
    better: Mapping[str, str],
    *,
    counted: bool = True,
) -> Iterator[tuple[dict[str, Any], Evidence]]:
    """A test for each corpus and source, and one for all together; its row lacks the verdict."""
    metric = comparison["metric"]
    if better.get(metric) not in ("higher", "lower"):
        raise DapError(f"better says neither 'higher' nor 'lower' for the metric {metric!r}")
    chosen = values["selection"] == comparison["selection"]
    chosen |= values["method"] == "observed"  # it has no other selection than last
    for key in ("experiment", "metric"):
        chosen &= values[key] == comparison[key]
    rows = values[chosen]
    scopes = sorted(set(rows["scope"]))
    scope = comparison.get("scope") or (scopes[0] if len(scopes) == 1 else None)
    if scope not in scopes:
        raise DapError(
            f"the comparison {dict(comparison)} fits no scores, or several scopes: name one of "
            f"those that were scored ({', '.join(scopes) or 'none was'})"
        )
    rows = rows[rows["scope"] == scope]
    differences = _difference(comparison, rows)
    than = comparison.get("than")
    if than:
        differences = subtract(differences, _difference(than, rows))
    unit = rows["unit"].iloc[0]
    for (corpus, source), group in by_corpus(differences).items():
        test = paired(group)
        row: dict[str, Any] = {"experiment": comparison["experiment"]}
        row |= {"corpus": corpus, "source": source}
        row |= {"scope": scope, "metric": metric, "selection": comparison["selection"]}
        row |= {"method": comparison["method"], "over": comparison["over"]}
        row |= {"than": f"{than['method']} over {than['over']}"} if than else {}
        row |= {"n": test.n, "unscorable": int(group.isna().sum()), "difference": test.mean}
        row |= {"unit": unit, "low": test.low, "high": test.high, "median": test.median}
        row |= {"rank_biserial": test.rank_biserial, "p": np.nan, "p_holm": np.nan}
        row |= {"counted": counted}
        size = with_unit(signed(test.mean), unit)
        interval = f" [{signed(test.low)}, {signed(test.high)}]" if np.isfinite(test.low) else ""
        clips = clips_text(test.n, row["unscorable"])
        # a published gain is positive where the method is better
        gains = (test.low, test.high) if better[metric] == "higher" else (-test.high, -test.low)
        yield (
            row,
            Evidence(
                test,
                better[metric],
                text=f"{size}{interval} over {clips}" if test.n else clips,
                size=size,
                median=with_unit(signed(test.median), unit),
                low=gains[0],
                high=gains[1],
                unit=unit,
                comparable=not than,
                counted=counted,
                diagnostic=_diagnostic(comparison["selection"]),
            ),
        )


def _difference(pair: Mapping[str, Any], rows: pd.DataFrame) -> pd.Series:
    """method - over, indexed by corpus, source and clip."""
    sides = []
    for method in (pair["method"], pair["over"]):
        side = rows[rows["method"] == method]
        if side.empty:
            scored = ", ".join(sorted(set(rows["method"])))
            raise DapError(f"a claim compares {method!r}, which has no such scores: {scored} have")
        sides.append(side.set_index(["corpus", "source", "clip"])["value"])
    return subtract(*sides)


def _ratios(
    pair: Mapping[str, Any], scores: pd.DataFrame, cost: pd.DataFrame | None
) -> Iterator[tuple[dict[str, Any], Evidence]]:
    """A test for each corpus and source, and one for all together; its row lacks the verdict."""
    for ratio in compare(pair, scores, cost):
        test = ratio.test
        low, high = ratio.interval
        mean, median = float(np.exp(test.mean)), float(np.exp(test.median))
        row: dict[str, Any] = {"experiment": pair["experiment"], "corpus": ratio.corpus}
        row |= {"source": ratio.source}
        row |= {key: pair[key] for key in ("metric", "method", "over", "target", "share")}
        row |= {"n": test.n, "unscorable": ratio.unscorable, "ratio": mean}
        row |= {"low": low, "high": high, "median": median}
        row |= {"rank_biserial": test.rank_biserial, "p": np.nan, "p_holm": np.nan}
        clips = f" over {clips_text(test.n, ratio.unscorable)}" if test.n else ""
        yield (
            row,
            Evidence(
                test,
                better="lower",
                text=in_words(pair, ratio) + clips,
                size=f"{mean:.2f}",
                median=f"{median:.2f}",
                low=low,
                high=high,
                unit=RATIO,
                noun="ratio",
            ),
        )


def _designs(cost: pd.DataFrame | None) -> list[str]:
    """The size and cost of each design, in words."""
    several = len(set(_costs(cost)["cpu"])) > 1
    return [
        f"{row.method} ({row.experiment}, {row.corpora}): {row.parameters:,.0f} parameters, "
        f"{row.gflop:.4g} GFLOP and {row.seconds_per_iteration:.3g} s an iteration "
        f"on {row.device}" + f" ({row.cpu})" * several
        for row in _costs(cost).itertuples()
    ]


def _added_complexity(pair: Mapping[str, Any], cost: pd.DataFrame | None) -> Verdict:
    """The verdict on a gain without added complexity, by parameters and GFLOP of an iteration.

    Both are counted, not measured, so that any excess counts. Where clips have several lengths,
    GFLOP are those of the corpus whose ratio is the largest.
    """
    rows = _costs(cost)
    rows = rows[rows["experiment"] == pair["experiment"]]
    rows = rows.assign(corpus=rows["corpora"].str.split(", ")).explode("corpus")
    sides = [rows[rows["method"] == pair[role]] for role in ("method", "over")]
    both = sides[0].merge(sides[1], on="corpus", suffixes=("", "_over"))
    if both.empty:
        raise DapError(
            f"a claim on complexity compares {pair['method']} and {pair['over']} in "
            f"{pair['experiment']}: the cost table has no corpus on which both were fitted"
        )
    ratios = both[SIZES] / both[[f"{size}_over" for size in SIZES]].to_numpy()
    largest = both.loc[ratios["gflop"].idxmax()]
    more = bool((ratios > 1).any(axis=None))
    sentence = (
        f"{'contradicted' if more else 'reproduced'}: "
        f"{pair['method']} has {largest['parameters']:,.0f} parameters, {pair['over']} "
        f"{largest['parameters_over']:,.0f} ({ratios['parameters'].max():.2f} times as many); "
        f"an iteration takes {largest['gflop']:.4g} and {largest['gflop_over']:.4g} GFLOP "
        f"({ratios['gflop'].max():.2f} times as many)"
    )
    return Verdict(REVERSED if more else REPRODUCED, "", sentence)


def _costs(cost: pd.DataFrame | None) -> pd.DataFrame:
    if cost is None:
        raise DapError("a claim on complexity needs the cost table of the fits: pass it")
    return cost


def _judge(claims: Sequence[_Claim]) -> None:
    """Fill in the verdicts of all tests and claims, and make all numbers plain."""
    tests = [evidence for claim in claims for group in claim.groups for _, evidence in group]
    # what is not counted is not tested, and costs the others no power
    p_values = [evidence.test.p if evidence.counted else np.nan for evidence in tests]
    stated = attainable([evidence.test.n for evidence in tests], p_values)
    corrected = iter(np.where(stated, holm(p_values), np.nan))
    made = int(np.count_nonzero(~np.isnan(p_values)))
    for claim in claims:
        words, judged = [], [*claim.counted]
        for group in claim.groups:
            verdicts = []
            for row, evidence in group:
                p_holm = next(corrected)
                verdicts.append(judge(evidence, claim.published, p_holm, made))
                p = evidence.test.p if np.isfinite(p_holm) else np.nan
                row |= {"p": p, "p_holm": p_holm, "verdict": verdicts[-1].sentence}
                row |= {
                    key: float(value) if np.isfinite(value) else None
                    for key, value in row.items()
                    if isinstance(value, float)
                }
            judged += verdicts
            words.append(conclude([evidence for _, evidence in group], verdicts))
        if all(words):  # both differences and convergence
            words[1] = f"convergence: {words[1]}"
        words += [verdict.sentence for verdict in claim.counted]
        claim.finding["verdict"] = "; ".join(filter(None, words)) or NOT_EXAMINED
        claim.finding["outcome"] = outcome(judged)
