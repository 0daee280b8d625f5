"""The numbers of the tables, from the scores: ours beside the published ones.

Every table has n, the row `observed`, the selection, the corpus's true name and, where there is
one, the published value. Differences between methods are paired, with an interval and a corrected
p. The same scores give the same bytes, whatever their order.
"""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from dap.errors import DapError, extra
from dap.scoring.statistics import attainable, clip_values, holm, paired, subtract
from dap.tasks import SCOPES

with extra("report"):
    import pandas as pd

BLOCK = ["corpus", "title", "stands_for", "source", "scope"]
NOT_RUN = "not run"  # in place of a selection
TEST = ["pairs", "difference", "low", "high", "p", "median", "rank_biserial"]


def load_published(
    csv_path: Path | str, paper: str, table: str | int, metrics: Mapping[str, str], scope: str
) -> pd.DataFrame:
    """A paper's table under our metric names.

    Args:
        csv_path: a file of `dap/papers`.
        metrics: our name to theirs, as {"snr": "psnr"} (fidelity: psnr-of-a).
        scope: the scope of ours that the paper's numbers are compared with.

    Returns:
        columns dataset, source, method, metric (ours), mean, std, scope, selections (names, those
        of ours that the number stands beside; fidelity: published-beside).

    Raises:
        DapError: the file has no such paper, table or metric.
    """
    rows = pd.read_csv(csv_path, dtype={"table": str}).fillna({"source": ""})
    rows = rows[(rows["paper"] == paper) & (rows["table"] == str(table))]
    if rows.empty:
        raise DapError(f"{csv_path} has no table {table} of {paper}: name one that it has")
    parts = []
    for ours, theirs in metrics.items():
        part = rows[rows["metric"] == theirs]
        if part.empty:
            present = ", ".join(sorted(set(rows["metric"])))
            raise DapError(f"table {table} of {paper} has no metric {theirs!r}: it has {present}")
        names = part["selections"].str.split()
        parts.append(part.assign(metric=ours, scope=scope, selections=names))
    columns = ["dataset", "source", "method", "metric", "mean", "std", "scope", "selections"]
    return pd.concat(parts, ignore_index=True)[columns]


def summarise(
    scores: pd.DataFrame,
    *,
    methods: Sequence[str],
    metrics: Sequence[str],
    selections: Sequence[str],
    baseline: str | None = "conv",
    better: Mapping[str, str],
    scopes: Sequence[str] | None = None,
    corpora: Mapping[str, Mapping] | None = None,
    published: pd.DataFrame | None = None,
    not_run: Sequence[str] = (),
) -> pd.DataFrame:
    """One row per corpus, source, scope, method, selection and metric, in the study's order.

    A perfect estimate may score +inf: then the mean is +inf, without std or interval.

    Args:
        scores: the scores of one experiment, long form; snapshots are ignored.
        methods: in display order; `observed` always comes first.
        baseline: the method that the others are compared with; None for no comparison.
        better: "higher" or "lower" by metric.
        scopes: those shown, in order; None for all.
        corpora: name to {"title", "stands_for"}; a pair "a+b" is made of its two.
        published: from `load_published`; shown beside the selections that it names.
        not_run: methods of the paper that have no scores here. Wherever there are published values
            of them, they come last, with the selection "not run", n 0 and these values alone.

    Returns:
        columns: corpus, title, stands_for, source, scope, method, selection ("" for `observed`),
        metric, unit; n (clips scored), unscorable (clips that are NaN), missing (clips without a
        fit), mean and std over clips; seeds_std (mean over clips of the std over initialisations);
        improvement (mean paired value - observed); published_mean, published_std; pairs, difference
        (mean paired value - baseline, same selection), low, high, p, median, rank_biserial (as
        `dap.scoring.statistics.Paired` has them), p_holm (over all tests of the
        table; NaN where n is too small for one below 0.05).

    Raises:
        DapError: scores of several experiments, or a name without scores, or without an entry in
            `corpora`.
    """
    methods = ["observed", *(method for method in methods if method != "observed")]
    _check(scores, methods, metrics, selections, baseline, better)
    values = clip_values(scores)
    scopes = scopes or sorted(set(values["scope"]), key=_rank(SCOPES))
    values["selection"] = values["selection"].mask(values["method"] == "observed", "")
    wanted = {"scope": scopes, "method": methods, "selection": ["", *selections], "metric": metrics}
    for column, names in wanted.items():
        values = values[values[column].isin(names)]
    keys = ["corpus", "source", *wanted]
    groups = {tuple(map(str, key)): rows.set_index("clip") for key, rows in values.groupby(keys)}
    published_values: dict[Hashable, list[Any]] = {}
    if published is not None:
        columns = ["dataset", "source", "method", "metric", "scope"]
        published_values = published.set_index(columns)[["mean", "std", "selections"]].T.to_dict(
            "list"
        )
    ranks = [_rank(names) for names in (corpora or (), *wanted.values())]

    def order(key: tuple[str, ...]) -> list:
        corpus, source, *rest = key
        parts = corpus.split("+")
        pair = [ranks[0](part) for part in parts], source and parts.index(source)
        return [*pair, *(rank(name) for rank, name in zip(ranks[1:], rest, strict=True))]

    summary = []
    for key in sorted(groups, key=order):
        corpus, source, scope, method, selection, metric = key
        clips, value = groups[key], groups[key]["value"]
        title, dataset = _title_and_dataset(corpus, corpora)
        source_dataset = _title_and_dataset(source, corpora)[1] if source else ""
        row: dict[str, Any] = dict(zip(keys, key, strict=True))
        row |= {"title": title, "stands_for": dataset or "", "source_dataset": source_dataset or ""}
        row |= {"improvement": np.nan} | dict.fromkeys(TEST, np.nan) | {"pairs": 0}
        missing = clips["missing"].sum()
        row |= {"unit": clips["unit"].iloc[0], "n": value.count(), "missing": missing}
        row["unscorable"] = value.isna().sum() - missing
        row |= {"published_mean": np.nan, "published_std": np.nan}
        name = (dataset, source_dataset, method, metric, scope)
        mean, std, beside = published_values.get(name, (np.nan, np.nan, ()))
        if selection in beside:
            row |= {"published_mean": mean, "published_std": std}
        with np.errstate(invalid="ignore"):  # infinite values have a mean and no std
            seeds_std = clips["seeds_std"].mean()
            row |= {"mean": value.mean(), "std": value.std(), "seeds_std": seeds_std}
            observed = groups.get((corpus, source, scope, "observed", "", metric))
            if observed is not None and method != "observed":
                row["improvement"] = subtract(value, observed["value"]).mean()
        if baseline is not None and method != baseline:
            beside = "" if baseline == "observed" else selection  # it has no other
            other = groups.get((corpus, source, scope, baseline, beside, metric))
            if other is not None:
                test = paired(subtract(value, other["value"]))
                row |= dict(zip(TEST, test, strict=True))
        summary.append(row)
    summary = _with_not_run(summary, published_values, not_run)
    columns = [*BLOCK, "method", "selection", "metric", "unit", "n", "unscorable", "missing"]
    columns += ["mean", "std"]
    columns += ["seeds_std", "improvement", "published_mean", "published_std", *TEST]
    frame = pd.DataFrame(summary, columns=columns)
    possible = attainable(frame["pairs"], frame["p"])
    return frame.assign(p_holm=np.where(possible, holm(frame["p"]), np.nan))


def _with_not_run(
    rows: list[dict[str, Any]],
    published_values: Mapping[Hashable, Sequence[Any]],
    not_run: Sequence[str],
) -> list[dict[str, Any]]:
    """The rows, each block followed by the published values of methods that were not run."""
    result = []
    for _, rows_of_block in groupby(rows, key=itemgetter(*BLOCK)):
        block = list(rows_of_block)
        result += block
        first = {row["metric"]: row for row in reversed(block)}
        for method in not_run:
            for metric in dict.fromkeys(row["metric"] for row in block):
                like = first[metric]
                name = (like["stands_for"], like["source_dataset"], method, metric, like["scope"])
                if name in published_values:
                    mean, std, _ = published_values[name]
                    row = {key: like[key] for key in (*BLOCK, "metric", "unit")}
                    row |= {"method": method, "selection": NOT_RUN, "pairs": 0}
                    row |= {"published_mean": mean, "published_std": std}
                    result.append(row | dict.fromkeys(("n", "unscorable", "missing"), 0))
    return result


def _check(
    scores: pd.DataFrame,
    methods: Sequence[str],
    metrics: Sequence[str],
    selections: Sequence[str],
    baseline: str | None,
    better: Mapping[str, str],
) -> None:
    experiments = sorted(set(scores["experiment"]))
    if len(experiments) != 1:
        raise DapError(f"a table is of one experiment, the scores are of {experiments}")
    for column, names in (("method", methods), ("metric", metrics), ("selection", selections)):
        for name in names:
            if name not in set(scores[column]):
                raise DapError(
                    f"{experiments[0]} has no scores for the {column} {name!r}: "
                    "score it, or take it out of the table"
                )
    if baseline is not None and baseline not in methods:
        raise DapError(f"the baseline {baseline!r} is not among the table's methods {methods}")
    for metric in metrics:
        if better.get(metric) not in ("higher", "lower"):
            raise DapError(f"better says neither 'higher' nor 'lower' for the metric {metric!r}")


def _rank(names: Iterable[str]) -> Callable[[str], tuple[int, str]]:
    """A sort key: the position in `names`; other names come last, sorted."""
    positions = {name: position for position, name in enumerate(names)}
    return lambda name: (positions.get(name, len(positions)), name)


def _title_and_dataset(name: str, corpora: Mapping[str, Mapping] | None) -> tuple[str, str | None]:
    """Title of a corpus, or of a pair "a+b", and the published dataset it stands for, or None."""
    if corpora is None:
        return name, None
    names = name.split("+")
    if not all(part in corpora for part in names):
        raise DapError(f"scores hold the corpus {name!r}, which is not in the study: add it")
    parts = [corpora[part] for part in names]
    datasets = [part["stands_for"] for part in parts if part.get("stands_for")]
    title = " + ".join(part["title"] for part in parts)
    return title, "+".join(datasets) if len(datasets) == len(parts) else None


def cost_table(manifests: pd.DataFrame, methods: Sequence[str] = ()) -> pd.DataFrame:
    """What the fits cost, one row per experiment and method.

    An experiment with clips of two lengths, devices, kinds of CPU or precisions has a row for each,
    since a mean over them would be the cost of neither.

    Args:
        manifests: the fits' manifests, one row a fit, with columns experiment, corpus, method,
            clip, seed, parameters, gflop (an iteration, forward and backward), iterations, seconds,
            device, cpu, threads, precision, engine, restarts, failed_iterations (whose seconds
            count), loss_terms (as JSON, or "") and warnings.
        methods: in display order; others come last, sorted by name.

    Returns:
        columns experiment, method, corpora, parameters, gflop, seconds_per_iteration (median over
        fits), iterations (median, too: a rule may end fits), fits, restarts (of all fits), warned
        (fits with a warning), loss_terms (the mean share of each term of the last losses, such as
        "smoothness 4 %"), device, cpu, threads, precision, engine.
    """
    setting = ["device", "cpu", "threads", "precision", "engine"]
    keys = ["experiment", "method", "parameters", "gflop", *setting]
    iterations = manifests["iterations"] + manifests["failed_iterations"]
    fits = manifests.assign(
        each=manifests["seconds"] / iterations, warned=manifests["warnings"].fillna("") != ""
    )
    groups = fits.groupby(keys, dropna=False)
    cost = groups.agg(
        corpora=("corpus", lambda names: ", ".join(sorted(set(names)))),
        seconds_per_iteration=("each", "median"),
        iterations=("iterations", lambda counts: round(counts.median())),
        fits=("each", "size"),
        restarts=("restarts", "sum"),
        warned=("warned", "sum"),
        loss_terms=("loss_terms", _shares),
    ).reset_index()
    rank = cost["method"].map(_rank(methods))
    cost = cost.assign(rank=rank).sort_values(["experiment", "rank", "gflop", *setting])
    columns = ["experiment", "method", "corpora", "parameters", "gflop", "seconds_per_iteration"]
    columns += ["iterations", "fits", "restarts", "warned", "loss_terms"]
    return cost[[*columns, *setting]].reset_index(drop=True)


def _shares(loss_terms: pd.Series) -> str:
    """The mean share of each term of some losses, in words; "" where there are none."""
    losses = [json.loads(text) for text in loss_terms.fillna("") if text]
    if not losses:
        return ""
    shares = pd.DataFrame(losses).pipe(lambda terms: terms.div(terms.sum(axis=1), axis=0)).mean()
    return ", ".join(f"{name} {100 * share:.2g} %" for name, share in shares.items())
