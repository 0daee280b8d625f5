"""The papers' claims beside the results of a study, both in words; ours are made from numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dap.errors import DapError, extra
from dap.reporting.verdicts import difference_text, order
from dap.scoring.convergence import compare
from dap.scoring.statistics import (
    attainable,
    clip_values,
    holm,
    paired,
    subtract,
)

with extra("report"):
    import pandas as pd

NOT_EXAMINED = "not examined by this study"
POOLED = "all corpora"
NUMBERS = ["difference", "low", "high", "median", "rank_biserial", "p", "p_holm"]


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
    averaged within the clip. Verdicts rest on p, Holm-corrected over all tests of all claims. How
    soon two priors reach a quality (`convergence`) is stated in sentences
    (`dap.scoring.convergence.compare`).

    Args:
        claims_csv: columns paper, claim, where, value, unit, "what a study should report".
        study_claims: `{claim, paper}` with `comparisons` or `convergence` (lists), or
            `complexity: true`.
        scores: long form, of all experiments.
        better: "higher" or "lower" by metric.
        cost: from `tables.cost_table`, for complexity.

    Returns:
        in the CSV's order, a dict for each claim, of plain values (None where undefined): paper,
        claim, where, published, to_report and verdict. Where the claim was examined, it also has
        comparisons (for each test: experiment, corpus, source, scope, metric, selection, method,
        over, n, unscorable, difference, unit, low, high, median, rank_biserial, p, p_holm,
        verdict), complexity (a sentence for each design) or convergence (a sentence for each
        corpus).

    Raises:
        DapError: a claim is not in the CSV, a comparison has no scores, or complexity no costs.
    """
    claims = pd.read_csv(claims_csv, dtype=str, keep_default_na=False)
    wanted = {(entry["paper"], entry["claim"]): entry for entry in study_claims}
    known = set(zip(claims["paper"], claims["claim"], strict=True))
    for paper, claim in wanted:
        if (paper, claim) not in known:
            raise DapError(f"{claims_csv} has no claim {claim!r} of {paper}: copy its exact text")
    values = clip_values(scores)
    findings: list[dict[str, Any]] = []
    published: list[tuple[str, str]] = []
    for row in claims[claims["paper"].isin({paper for paper, _ in wanted})].to_dict("records"):
        finding: dict[str, Any] = {key: row[key] for key in ("paper", "claim", "where")}
        finding["published"] = f"{row['value']} {row['unit']}".strip() or None
        finding["to_report"] = row["what a study should report"]
        finding["verdict"] = NOT_EXAMINED
        entry = wanted.get((row["paper"], row["claim"]), {})
        if entry.get("comparisons"):
            finding["comparisons"] = [
                test
                for comparison in entry["comparisons"]
                for test in _tests(comparison, values, better)
            ]
        if entry.get("complexity"):
            finding["complexity"] = _complexity(cost)
        if entry.get("convergence"):
            finding["convergence"] = [
                sentence
                for pair in entry["convergence"]
                for sentence in compare(pair, scores, cost)
            ]
        findings.append(finding)
        published.append((row["value"], row["unit"]))
    tests = [test for finding in findings for test in finding.get("comparisons", [])]
    p_values = [test["p"] for test in tests]
    possible = attainable([test["n"] for test in tests], p_values)
    for test, p_holm, stated in zip(tests, holm(p_values), possible, strict=True):
        test["p_holm"] = p_holm if stated else np.nan
        test["p"] = test["p"] if stated else np.nan
    made = int(np.count_nonzero(~np.isnan(p_values)))
    for finding, (value, unit) in zip(findings, published, strict=True):
        _conclude(finding, value, unit, better, made)
    return findings


def _tests(
    comparison: Mapping[str, Any], values: pd.DataFrame, better: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One row for each corpus and source, and one for all together; no p_holm, no verdict yet."""
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

    groups = {
        (str(corpus), str(source)): group
        for (corpus, source), group in differences.groupby(["corpus", "source"])
    }
    if len(groups) > 1:
        clips = differences.groupby(["corpus", "clip"])
        groups[POOLED, ""] = clips.mean().where(clips.count() == clips.size())
    tests = []
    for (corpus, source), group in groups.items():
        test = paired(group)
        row: dict[str, Any] = {"experiment": comparison["experiment"]}
        row |= {"corpus": corpus, "source": source}
        row |= {"scope": scope, "metric": metric, "selection": comparison["selection"]}
        row |= {"method": comparison["method"], "over": comparison["over"]}
        row |= {"than": f"{than['method']} over {than['over']}"} if than else {}
        row |= {"n": test.n, "unscorable": int(group.isna().sum()), "difference": test.mean}
        row |= {"unit": rows["unit"].iloc[0], "low": test.low, "high": test.high}
        row |= {"median": test.median, "rank_biserial": test.rank_biserial, "p": test.p}
        tests.append(row)
    return tests


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


def _complexity(cost: pd.DataFrame | None) -> list[str]:
    if cost is None:
        raise DapError("a claim on complexity needs the cost table of the fits: pass it")
    return [
        f"{row.method} ({row.experiment}, {row.corpora}): {row.parameters:,.0f} parameters, "
        f"{row.gflop:.4g} GFLOP and {row.seconds_per_iteration:.3g} s an iteration "
        f"on {row.device}"
        for row in cost.itertuples()
    ]


def _conclude(
    finding: dict[str, Any], value: str, unit: str, better: Mapping[str, str], made: int
) -> None:
    """Fill in the verdicts of the tests and of the claim, and make all numbers plain."""
    words: Counter[str] = Counter()
    for test in finding.get("comparisons", []):
        word = order(test, better[test["metric"]])
        words[word] += 1
        numbers = difference_text(test, word, made)
        test["verdict"] = f"{word}: {numbers}{_beside_published(test, value, unit)}"
        for key in NUMBERS:
            test[key] = float(test[key]) if np.isfinite(test[key]) else None
    parts = [f"{word} in {count} of {words.total()}" for word, count in words.items()]
    parts = parts or finding.get("complexity", []) + finding.get("convergence", [])
    if parts:
        finding["verdict"] = "; ".join(parts)


def _beside_published(test: Mapping[str, Any], value: str, unit: str) -> str:
    """Where a published gain lies relative to our interval; "" if they cannot be compared."""
    try:
        gain = float(value)
    except ValueError:  # "marginal", or nothing
        return ""
    if unit != test["unit"] or "than" in test or np.isnan(test["low"]):
        return ""
    position = "above" if gain > test["high"] else "below" if gain < test["low"] else "within"
    return f"; the published {value} {unit} lies {position} the interval"
