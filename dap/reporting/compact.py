"""Tables as a reader wants them first: methods by metrics, one mark for what is supported.

All else (selections, differences, p, what could not be scored) is in the tables of
`dap.reporting.typeset`.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from dap.errors import extra
from dap.reporting.gains import compared_scope
from dap.reporting.tables import BLOCK, NOT_RUN
from dap.scoring.statistics import MIN_CLIPS, SIGNIFICANT, direction
from dap.tasks import headline_metric

with extra("report"):
    import pandas as pd

LAST = "last"
# where a table's columns are of several scopes
SCOPE_LABELS = {"filled": "only the gaps filled", "raw": "the network's own signal"}
Row = dict[Hashable, Any]  # of pandas


def blocks(
    summary: pd.DataFrame,
    *,
    baseline: str | None,
    better: Mapping[str, str],
    labels: Mapping[str, str],
) -> list[dict[str, Any]]:
    """A grid for each corpus, source and scope of a table.

    Of each method it has the last iterate; of methods that were not run, the published values.

    Args:
        summary: from `dap.reporting.tables.summarise`.
        baseline: the method that others were compared with.
        better: "higher" or "lower" by metric.
        labels: display names of metrics.

    Returns:
        for each: caption; groups (none); columns (title, direction); rows (method, cells, each None
        or text, value, mark, published); legend, a sentence; published, whether a cell has such a
        value.
    """
    grids = []
    for names, block in summary.groupby(BLOCK, sort=False):
        _, title, stands_for, source, scope = map(str, names)
        rows = headline_rows(block)
        metrics = list(dict.fromkeys(block["metric"]))
        digits = _digits(summary)
        columns = [
            (_column(labels, metric, rows, better[metric]), _cells(rows, metric, digits, better))
            for metric in metrics
        ]
        caption = title + (f" (stands for {stands_for})" if stands_for else "")
        caption += f", source {source}" if source else ""
        caption += f", {scope}" if scope != "full" else ""
        caption += f", {_clips(rows)}"
        grids.append(_grid(caption, [], columns, baseline, _methods(rows), tested=_tested(rows)))
    return grids


def papers(tables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A grid for each paper: methods by corpora and experiments, beside the published values.

    A column is a corpus of a table, in one metric: that of the task's quality, or else the first
    that is published. In inpainting it has two: what was filled into the gaps, which is compared
    with the observation, and the network's own signal, which is compared with the paper. Of a study
    that names no published table, one grid has all tables.

    Args:
        tables: of each of the study's tables, title, paper ("" for none), published (the metrics
            that have published values), quality and headline (the task's metric and scope),
            summary, baseline, better and labels.

    Returns:
        as `blocks`; also paper.
    """
    named = [table for table in tables if table["paper"]]
    grids = []
    by_paper = sorted(named or tables, key=lambda table: table["paper"])
    for paper, several in groupby(by_paper, key=lambda table: table["paper"]):
        columns: list[tuple[dict[str, Any], dict[str, dict]]] = []
        groups, methods, tested = [], [], False
        baselines = set()
        for table in several:
            summary, better = table["summary"], table["better"]
            metric = shown_metric(table)
            scopes = _scopes_of_paper(table)
            before = len(columns)
            for scope, title, source, block in _columns_of_paper(summary, metric, scopes):
                shown = headline_rows(block)
                column = _column(table["labels"], metric, shown, better[metric])
                what = SCOPE_LABELS.get(scope, scope) if len(scopes) > 1 else ""
                parts = [title, source, what, _clips(shown)]
                column["above"] = ", ".join(filter(None, parts))
                columns.append((column, _cells(shown, metric, _digits(summary), better)))
                methods += _methods(shown)
                tested |= _tested(shown)
            if len(columns) > before:
                groups.append({"title": table["title"], "span": len(columns) - before})
                baselines.add(table["baseline"])
        if columns:
            baseline = baselines.pop() if len(baselines) == 1 else "its table's baseline"
            grid = _grid("", groups, columns, baseline, methods, tested=tested)
            grids.append({"paper": paper} | grid)
    return grids


def _grid(
    caption: str,
    groups: list[dict[str, Any]],
    columns: Sequence[tuple[dict[str, Any], Mapping[str, dict]]],
    baseline: str | None,
    methods: Iterable[str],
    *,
    tested: bool,
) -> dict[str, Any]:
    order = list(dict.fromkeys(methods))
    cells = [[column.get(method) for _, column in columns] for method in order]
    every = [cell for row in cells for cell in row if cell]
    legend = ["Mean ± standard deviation over clips, of last iterates"]
    if any(cell["mark"] for cell in every):
        legend.append(
            f"▲ better and ▼ worse than {baseline}: the 95 % interval of the mean paired "
            f"difference excludes 0, and so says the signed-rank test (p < {SIGNIFICANT} after "
            "Holm)"
        )
    elif baseline and tested:
        legend.append(f"no difference to {baseline} is supported by interval and test")
    elif baseline:
        legend.append(f"no difference to {baseline} is tested below {MIN_CLIPS} clips")
    return {
        "caption": caption,
        "groups": groups,
        "columns": [heading for heading, _ in columns],
        "rows": [
            {"method": method, "cells": row} for method, row in zip(order, cells, strict=True)
        ],
        "legend": "; ".join(legend) + ".",
        "published": any(cell["published"] for cell in every),
    }


def shown_metric(table: Mapping[str, Any]) -> str:
    """The metric by which a table's methods are first compared, of those that it has."""
    metrics = list(dict.fromkeys(table["summary"]["metric"]))
    return headline_metric(table["quality"], metrics, table["published"])


def shown_scope(table: Mapping[str, Any]) -> str:
    """That of the task, or the first that the table has."""
    scopes = list(dict.fromkeys(table["summary"]["scope"]))
    return table["headline"] if table["headline"] in scopes else scopes[0]


def _scopes_of_paper(table: Mapping[str, Any]) -> list[str]:
    """What is compared with the observation, and what is compared with the paper."""
    return list(dict.fromkeys([compared_scope(table["summary"]["scope"]), shown_scope(table)]))


def _columns_of_paper(
    summary: pd.DataFrame, metric: str, scopes: Sequence[str]
) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Scope, title of the corpus, source and rows of each column, corpus by corpus."""
    rows = summary[(summary["metric"] == metric) & summary["scope"].isin(scopes)]
    for (_, title, source), block in rows.groupby(["corpus", "title", "source"], sort=False):
        for scope in scopes:
            of_scope = block[block["scope"] == scope]
            if len(of_scope):
                yield scope, str(title), str(source), of_scope


def headline_rows(block: pd.DataFrame) -> list[Row]:
    """The rows of the last iterates, or of what is there instead; observed has no selection."""
    selections = set(block["selection"]) - {"", NOT_RUN}
    first = LAST if LAST in selections or not selections else min(selections)
    rows = block[block["selection"].isin(["", first, NOT_RUN])]
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _methods(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in rows))


def _tested(rows: Iterable[Row]) -> bool:
    """Whether any method was compared with the baseline."""
    return any(math.isfinite(row["p"]) for row in rows)


def _totals(rows: Iterable[Row]) -> set[int]:
    """How many clips there are of the methods that were run."""
    return {
        int(row["n"] + row["unscorable"] + row["missing"])
        for row in rows
        if row["selection"] != NOT_RUN
    }


def _clips(rows: Iterable[Row]) -> str:
    totals = _totals(rows)
    n = " to ".join(map(str, sorted({min(totals), max(totals)}))) if totals else "0"
    return f"n = {n} clip{'' if n == '1' else 's'}"


def _digits(summary: pd.DataFrame) -> Callable[[str], int]:
    large = summary["mean"].abs().groupby(summary["metric"]).max() >= 1
    return lambda metric: 2 if large[metric] else 3


def _column(
    labels: Mapping[str, str], metric: str, rows: Sequence[Row], better: str
) -> dict[str, Any]:
    units = [row["unit"] for row in rows if row["metric"] == metric and row["unit"]]
    unit = f" ({units[0]})" if units else ""
    arrow = "↑" if better == "higher" else "↓"
    return {
        "title": f"{labels.get(metric, metric)}{unit}",
        "arrow": arrow,
        "direction": f"{better} is better",
        "above": "",
    }


def _cells(
    rows: Iterable[Row], metric: str, digits: Callable[[str], int], better: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The cell of each method that has one; with its clips, where these are not all methods'."""
    rows = [row for row in rows if row["metric"] == metric]
    several = len(_totals(rows)) > 1
    return {
        row["method"]: {
            "text": _spread(row["mean"], row["std"], digits(metric))
            + f" (n = {row['n']})" * (several and row["selection"] != NOT_RUN),
            "value": row["mean"] if math.isfinite(row["mean"]) else None,
            "mark": _mark(row, better[metric]),
            "published": _spread(row["published_mean"], row["published_std"], 2),
        }
        for row in rows
    }


def _mark(row: Row, better: str) -> str:
    way = direction(*(row[key] for key in ("difference", "low", "high", "rank_biserial", "p_holm")))
    if way not in ("higher", "lower"):
        return ""
    return "better" if way == better else "worse"


def _spread(mean: float, std: float, digits: int) -> str:
    if math.isnan(mean):
        return ""
    return f"{mean:.{digits}f}" + ("" if math.isnan(std) else f" ± {std:.{digits}f}")
