"""The numbers of the tables: ours beside the published, from the scores.

Every table has n, the `observed` row, the selection, the corpus's true name and, where there is
one, the published value. Differences between methods are paired, with interval and corrected p.
The same scores give the same bytes, whatever their order.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from dap.errors import DapError, extra
from dap.scoring.statistics import clip_values, holm, paired, subtract
from dap.seeds import derive
from dap.tasks import SCOPES

with extra("report"):
    import pandas as pd

BLOCK = ["corpus", "title", "stands_for", "source", "scope"]
NOT_RUN = "not run"  # in place of a selection
TEST = ["pairs", "difference", "low", "high", "p"]


def load_published(
    csv_path: Path | str, paper: str, table: str | int, metrics: Mapping[str, str], scope: str
) -> pd.DataFrame:
    """A paper's table under our metric names.

    Args:
        csv_path: a file of `dap/papers`.
        metrics: our name to theirs, as {"snr": "psnr"} (fidelity: psnr-of-a).
        scope: which of our scopes the paper's numbers are compared with.

    Returns:
        columns dataset, source, method, metric (ours), mean, std, scope.

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
            there = ", ".join(sorted(set(rows["metric"])))
            raise DapError(f"table {table} of {paper} has no metric {theirs!r}: it has {there}")
        parts.append(part.assign(metric=ours, scope=scope))
    columns = ["dataset", "source", "method", "metric", "mean", "std", "scope"]
    return pd.concat(parts, ignore_index=True)[columns]


def summarise(
    scores: pd.DataFrame,
    *,
    methods: Sequence[str],
    metrics: Sequence[str],
    selections: Sequence[str],
    baseline: str | None = "conv",
    better: Mapping[str, str],
    seed: int,
    scopes: Sequence[str] | None = None,
    corpora: Mapping[str, Mapping] | None = None,
    published: pd.DataFrame | None = None,
    not_run: Sequence[str] = (),
) -> pd.DataFrame:
    """One row per corpus, source, scope, method, selection and metric, in the study's order.

    A perfect estimate may score +inf: it is kept, and the mean is +inf, without std or interval.

    Args:
        scores: the scores of one experiment, long form; snapshots are ignored.
        methods: in display order; `observed` is always in the table, first.
        baseline: the method that differences are taken to, None for none.
        better: "higher" or "lower" by metric.
        seed: the study's; the bootstrap's streams are derived from it and the row's names.
        scopes: which, in order; None for all.
        corpora: name to {"title", "stands_for"}; a pair "a+b" is made of its two.
        published: from `load_published`; shown beside the selection `last` alone.
        not_run: methods of the paper that have no scores here; each has a row last, of the
            selection "not run", n 0 and the published values alone, wherever there are any.

    Returns:
        columns: corpus, title, stands_for, source, scope, method, selection ("" for `observed`),
        metric, unit; n (clips scored), unscorable (clips that are NaN), missing (clips without a
        fit), mean and std over clips;
        seeds_std (mean over clips of the std over initialisations); improvement (mean paired
        value - observed); published_mean, published_std; pairs, difference (mean paired value -
        baseline, same selection), low, high, p, p_holm (over all tests of the table).

    Raises:
        DapError: scores of several experiments, or a name that has no scores or no facts.
    """
    methods = ["observed", *(method for method in methods if method != "observed")]
    _check(scores, methods, metrics, selections, baseline, better)
    values = clip_values(scores)
    experiment = values["experiment"].iloc[0]
    scopes = scopes or sorted(set(values["scope"]), key=_places(SCOPES))
    values["selection"] = values["selection"].mask(values["method"] == "observed", "")
    wanted = {"scope": scopes, "method": methods, "selection": ["", *selections], "metric": metrics}
    for column, names in wanted.items():
        values = values[values[column].isin(names)]
    keys = ["corpus", "source", *wanted]
    cells = {key: cell.set_index("clip") for key, cell in values.groupby(keys)}
    theirs = {}
    if published is not None:
        columns = ["dataset", "source", "method", "metric", "scope"]
        theirs = published.set_index(columns)[["mean", "std"]].T.to_dict("list")
    places = [_places(names) for names in (corpora or (), *wanted.values())]

    def order(key: tuple) -> list:
        corpus, source, *rest = key
        parts = corpus.split("+")
        pair = [places[0](part) for part in parts], source and parts.index(source)
        return [*pair, *(place(name) for place, name in zip(places[1:], rest, strict=True))]

    rows = []
    for key in sorted(cells, key=order):
        corpus, source, scope, method, selection, metric = key
        cell, value = cells[key], cells[key]["value"]
        title, dataset = _facts(corpus, corpora)
        part = _facts(source, corpora)[1] if source else ""
        name = (dataset, part, method, metric, scope) if selection == "last" else None
        row = dict(zip(keys, key, strict=True)) | {"title": title, "stands_for": dataset or ""}
        row["source_dataset"] = part or ""
        row |= {"improvement": np.nan} | dict.fromkeys(TEST, np.nan) | {"pairs": 0}
        missing = cell["missing"].sum()
        row |= {"unit": cell["unit"].iloc[0], "n": value.count(), "missing": missing}
        row["unscorable"] = value.isna().sum() - missing
        row["published_mean"], row["published_std"] = theirs.get(name, (np.nan, np.nan))
        with np.errstate(invalid="ignore"):  # infinite values have a mean and no std
            row |= {"mean": value.mean(), "std": value.std(), "seeds_std": cell["seeds_std"].mean()}
            given = cells.get((corpus, source, scope, "observed", "", metric))
            if given is not None and method != "observed":
                row["improvement"] = subtract(value, given["value"]).mean()
        other = cells.get((corpus, source, scope, baseline, selection, metric))
        if other is not None and method != baseline:
            names = (experiment, corpus, source, scope, selection, metric, method, baseline)
            test = paired(subtract(value, other["value"]), seed=derive(seed, "paired", *names))
            row |= dict(zip(TEST, test, strict=True))
        rows.append(row)
    rows = _with_published_alone(rows, theirs, not_run)
    columns = [*BLOCK, "method", "selection", "metric", "unit", "n", "unscorable", "missing"]
    columns += ["mean", "std"]
    columns += ["seeds_std", "improvement", "published_mean", "published_std", *TEST]
    summary = pd.DataFrame(rows, columns=columns)
    return summary.assign(p_holm=holm(summary["p"]))


def _with_published_alone(rows: list[dict], theirs: Mapping, not_run: Sequence[str]) -> list[dict]:
    """The rows, each block followed by those of methods that were not run."""
    found = []
    for _, block in groupby(rows, key=itemgetter(*BLOCK)):
        block = list(block)
        found += block
        first = {row["metric"]: row for row in reversed(block)}
        for method in not_run:
            for metric in dict.fromkeys(row["metric"] for row in block):
                like = first[metric]
                name = (like["stands_for"], like["source_dataset"], method, metric, like["scope"])
                if name in theirs:
                    mean, std = theirs[name]
                    known = {key: like[key] for key in (*BLOCK, "metric", "unit")}
                    known |= {"method": method, "selection": NOT_RUN, "pairs": 0}
                    known |= {"published_mean": mean, "published_std": std}
                    found.append(known | dict.fromkeys(("n", "unscorable", "missing"), 0))
    return found


def _check(scores, methods, metrics, selections, baseline, better) -> None:
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


def _places(names: Sequence[str] | Mapping):
    """A sort key: the place in `names`, what is not there last and by its name."""
    places = {name: place for place, name in enumerate(names)}
    return lambda name: (places.get(name, len(places)), name)


def _facts(name: str, corpora: Mapping[str, Mapping] | None) -> tuple[str, str | None]:
    """Title of a corpus, or of a pair "a+b", and the published dataset it stands for, or None."""
    if corpora is None:
        return name, None
    parts = [corpora.get(part) for part in name.split("+")]
    if None in parts:
        raise DapError(f"scores hold the corpus {name!r}, of which the study says nothing: add it")
    stands_for = [part.get("stands_for") for part in parts]
    titles = " + ".join(part["title"] for part in parts)
    return titles, "+".join(stands_for) if all(stands_for) else None


def cost_table(manifests: pd.DataFrame, methods: Sequence[str] = ()) -> pd.DataFrame:
    """What the fits cost, one row per experiment and method.

    Where clips of two lengths, devices or precisions are mixed in an experiment, there is a row for
    each, since a mean over them would be the cost of neither.

    Args:
        manifests: the fits' manifests, one row a fit, with columns experiment, corpus, method,
            clip, seed, parameters, gflop (an iteration, forward and backward), iterations, seconds,
            device, threads, precision, engine.
        methods: display order; what is not named comes last, by name.

    Returns:
        columns experiment, method, corpora, parameters, gflop, seconds_per_iteration (median over
        fits), iterations, fits, device, threads, precision, engine.
    """
    place = ["device", "threads", "precision", "engine"]
    keys = ["experiment", "method", "parameters", "gflop", "iterations", *place]
    fits = manifests.assign(each=manifests["seconds"] / manifests["iterations"])
    groups = fits.groupby(keys, dropna=False)
    cost = groups.agg(
        corpora=("corpus", lambda names: ", ".join(sorted(set(names)))),
        seconds_per_iteration=("each", "median"),
        fits=("each", "size"),
    ).reset_index()
    rank = cost["method"].map(_places(methods))
    cost = cost.assign(rank=rank).sort_values(["experiment", "rank", "gflop", *place])
    columns = ["experiment", "method", "corpora", "parameters", "gflop", "seconds_per_iteration"]
    return cost[[*columns, "iterations", "fits", *place]].reset_index(drop=True)
