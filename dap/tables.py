"""Tables: ours beside the published, as CSV for machines, Markdown for people, LaTeX for papers.

Every table prints n, the `observed` row, the selection, the corpus's true name and, where there is
one, the published value. Differences between methods are paired, with interval and corrected p.
The same scores give the same bytes, whatever their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dap.errors import DapError
from dap.seeds import derive
from dap.statistics import (
    MIN_CLIPS,
    SIGNIFICANT,
    clip_values,
    holm,
    p_text,
    paired,
    signed,
    subtract,
)

SCOPES = ("full", "raw", "filled", "gaps")
BLOCK = ["corpus", "title", "stands_for", "source", "scope"]
TEST = ["pairs", "difference", "low", "high", "p"]
ORACLE = "oracle (uses the clean clip)"
LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    | {"±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$"}
)


def load_published(
    csv_path: Path | str, paper: str, table: str | int, metrics: Mapping[str, str], scope: str
) -> pd.DataFrame:
    """A paper's table under our metric names.

    Args:
        csv_path: a file of `workflow/published`.
        metrics: our name to theirs: A's "psnr" is plain SNR, so {"snr": "psnr"} (decision 6).
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

    Returns:
        columns: corpus, title, stands_for, source, scope, method, selection ("" for `observed`),
        metric, unit; n (clips scored), unscorable (clips that are NaN), mean and std over clips;
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
        row |= {"improvement": np.nan} | dict.fromkeys(TEST, np.nan) | {"pairs": 0}
        row |= {"unit": cell["unit"].iloc[0], "n": value.count(), "unscorable": value.isna().sum()}
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
    columns = [*BLOCK, "method", "selection", "metric", "unit", "n", "unscorable", "mean", "std"]
    columns += ["seeds_std", "improvement", "published_mean", "published_std", *TEST]
    summary = pd.DataFrame(rows, columns=columns)
    return summary.assign(p_holm=holm(summary["p"]))


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


@dataclass
class _Block:
    """One printed table: cells as strings, and which of them are bold."""

    heading: str
    cells: pd.DataFrame
    bold: pd.DataFrame
    unscorable: str


def _blocks(summary, better, labels, baseline) -> tuple[list[_Block], str]:
    """The printed tables of a summary, and their common legend."""
    label = {**labels, "oracle": ORACLE, "": "-"}
    large = summary["mean"].abs().groupby(summary["metric"]).max() >= 1
    blocks, shown = [], set()
    for (_, title, stands_for, source, scope), block in summary.groupby(BLOCK, sort=False):
        keys = block[["method", "selection"]].drop_duplicates()
        cells = keys.map(lambda name: label.get(name, name)).reset_index(drop=True)
        bold = pd.DataFrame(False, index=cells.index, columns=cells.columns)
        for metric, part in block.groupby("metric", sort=False):
            part = keys.merge(part, how="left", on=["method", "selection"])
            name, unit = label.get(metric, metric), part["unit"].dropna().iloc[0]
            digits = 2 if large[metric] else 3
            headers = {
                "value": f"{name} {'↑' if better[metric] == 'higher' else '↓'}"
                + (f" ({unit})" if unit else ""),
                "seeds": f"{name} over seeds",
                "observed": f"{name} vs observed",
                "published": f"{name} published",
                "baseline": f"{name} vs {label.get(baseline, baseline)} [95 %] (p Holm)",
            }
            columns = {
                "value": _spread(part["mean"], part["std"], digits),
                "seeds": _texts(part["seeds_std"], f"± {{:.{digits}f}}"),
                "observed": _texts(part["improvement"], f"{{:+.{digits}f}}"),
                "published": _spread(part["published_mean"], part["published_std"], 2),
                "baseline": _differences(part, digits),
            }
            sign = 1 if better[metric] == "higher" else -1
            won = (part["p_holm"] < SIGNIFICANT) & (sign * part["difference"] > 0)
            for kind, texts in columns.items():
                if any(texts):
                    cells[headers[kind]], shown = texts, shown | {kind}
                    bold[headers[kind]] = won if kind == "value" else False
        totals = (block["n"] + block["unscorable"]).groupby([block[key] for key in keys]).max()
        clips = sorted(set(totals))
        if len(clips) > 1:  # an unfinished run: then every row says its own
            cells["clips"], bold["clips"] = (
                totals.loc[list(keys.itertuples(index=False))].to_list(),
                False,
            )
        heading = title + (f" (stands for {stands_for})" if stands_for else "")
        heading += f", source {label.get(source, source)}" if source else ""
        heading += f", {label.get(scope, scope)}" if scope != "full" else ""
        heading += ", n = " + " to ".join(map(str, sorted({clips[0], clips[-1]})))
        heading += " clip" if clips == [1] else " clips"
        blocks.append(_Block(heading, cells, bold, _unscorable(block, label)))
    return blocks, _legend(summary, shown, label.get(baseline, baseline))


def _texts(values: pd.Series, form: str) -> list[str]:
    return ["" if pd.isna(value) else form.format(value) for value in values]


def _spread(means: pd.Series, stds: pd.Series, digits: int) -> list[str]:
    pairs = zip(_texts(means, f"{{:.{digits}f}}"), _texts(stds, f" ± {{:.{digits}f}}"), strict=True)
    return [mean + std if mean else "" for mean, std in pairs]


def _differences(part: pd.DataFrame, digits: int) -> list[str]:
    """Differences with interval and p; none without a p, since it would claim without a test."""
    texts = []
    for row in part.itertuples():
        text = "" if np.isnan(row.p_holm) else signed(row.difference, digits)
        if text and not np.isnan(row.low):
            text += f" [{signed(row.low, digits)}, {signed(row.high, digits)}]"
        texts.append(f"{text} ({p_text(row.p_holm)})" if text else "")
    return texts


def _unscorable(block: pd.DataFrame, label: Mapping[str, str]) -> str:
    """Which metric could not score how many clips of which method, "" if all were scored."""
    found = []
    for metric, rows in block.groupby("metric", sort=False):
        counts = [f"{row.unscorable} of {row.n + row.unscorable}" for row in rows.itertuples()]
        if len(set(counts)) == 1 and rows["unscorable"].any():
            found.append(f"{label.get(metric, metric)}, every method: {counts[0]}")
            continue
        found += [
            f"{label.get(metric, metric)}, {label.get(row.method, row.method)}"
            f"{f' ({row.selection})' if row.selection else ''}: {count}"
            for row, count in zip(rows.itertuples(), counts, strict=True)
            if row.unscorable
        ]
    return f"Clips that could not be scored: {'; '.join(found)}." if found else ""


def _legend(summary: pd.DataFrame, shown: set[str], baseline: str | None) -> str:
    lines = {
        "value": "mean ± standard deviation over clips; ↑ higher is better, ↓ lower is better",
        "seeds": "over seeds: standard deviation over initialisations of one clip, mean over clips",
        "observed": "vs observed: mean paired difference to the untouched observation",
        "published": "published: the paper's value on the dataset that the corpus stands for, "
        "beside the selection last alone",
        "baseline": f"vs {baseline}: mean paired difference, same selection, 95 % bootstrap "
        "interval over clips, Wilcoxon signed-rank p, Holm-corrected over this table; bold: "
        f"significant (p < {SIGNIFICANT}) and in the better direction",
    }
    legend = [line for kind, line in lines.items() if kind in shown]
    few = (summary["pairs"] > 0) & (summary["pairs"] < MIN_CLIPS)
    if few.any():
        legend.append(f"no difference between methods is shown below {MIN_CLIPS} clips")
    if (summary["selection"] == "oracle").any():
        legend.append("oracle: the iterate that is best against the clean clip, a diagnostic")
    if np.isinf(summary["mean"]).any():
        legend.append("inf: at least one clip was restored exactly")
    text = "; ".join(legend)
    return f"{text[:1].upper()}{text[1:]}."


def to_markdown(
    summary: pd.DataFrame,
    *,
    title: str,
    notes: Sequence[str] = (),
    better: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    baseline: str | None = "conv",
) -> str:
    """A summary as GitHub tables, one per corpus, source and scope, for people.

    Args:
        summary: from `summarise`.
        notes: lines printed below the tables.
        better: "higher" or "lower" by metric.
        labels: display names of methods, metrics, selections, scopes and sources.
        baseline: as given to `summarise`.
    """
    blocks, legend = _blocks(summary, better, labels or {}, baseline)
    parts = [f"# {title}"]
    for block in blocks:
        bold = block.bold.to_numpy()
        cells = block.cells.mask(bold, "**" + block.cells.astype(str) + "**")
        parts += [f"## {block.heading}", _pipes(cells, 2), *filter(None, [block.unscorable])]
    parts += [legend, *notes]
    return "\n\n".join(parts) + "\n"


def _pipes(cells: pd.DataFrame, left: int) -> str:
    """A GitHub table; the first `left` columns are aligned left, the others right."""
    rule = ["---"] * left + ["---:"] * (cells.shape[1] - left)
    lines = [list(cells.columns), rule, *cells.to_numpy().tolist()]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", r"\|") for cell in line) + " |" for line in lines
    )


def to_latex(
    summary: pd.DataFrame,
    *,
    title: str,
    notes: Sequence[str] = (),
    better: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    baseline: str | None = "conv",
) -> str:
    r"""A summary as LaTeX, one `table` per corpus, source and scope; for booktabs and adjustbox.

    Arguments as for `to_markdown`.
    """
    blocks, legend = _blocks(summary, better, labels or {}, baseline)
    parts = [r"% needs \usepackage{booktabs,adjustbox}"]
    for block in blocks:
        cells = block.cells.map(_latex)
        cells = cells.mask(block.bold.to_numpy(), r"\textbf{" + cells + "}")
        cells.columns = [_latex(column) for column in cells.columns]
        form = "ll" + "r" * (cells.shape[1] - 2)
        tabular = cells.to_latex(index=False, escape=False, column_format=form).rstrip()
        below = [*filter(None, [block.unscorable]), legend, *notes]
        parts += [
            r"\begin{table}",
            r"\centering\footnotesize",
            rf"\caption{{{_latex(title)}: {_latex(block.heading)}}}",
            r"\begin{adjustbox}{max width=\textwidth}",
            tabular,
            r"\end{adjustbox}",
            rf"\par\smallskip\raggedright {_latex(' '.join(below))}",
            r"\end{table}",
        ]
    return "\n".join(parts) + "\n"


def _latex(text: str) -> str:
    return text.translate(LATEX)


def write_table(summary: pd.DataFrame, stem: Path | str, **options) -> None:
    """Write `<stem>.csv`, `.md` and `.tex`; options as for `to_markdown`."""
    stem = Path(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    csv = summary.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    texts = {"csv": csv, "md": to_markdown(summary, **options), "tex": to_latex(summary, **options)}
    for suffix, text in texts.items():
        # the name may hold dots, so no with_suffix
        stem.with_name(f"{stem.name}.{suffix}").write_text(text, encoding="utf-8", newline="\n")


def cost_table(manifests: pd.DataFrame, methods: Sequence[str] = ()) -> pd.DataFrame:
    """What the fits cost, one row per experiment and method.

    Where clips of two lengths, or two devices, are mixed in an experiment, there is a row for each,
    since a mean over them would be the cost of neither.

    Args:
        manifests: the fits' manifests, one row a fit, with columns experiment, corpus, method,
            clip, seed, parameters, gflop (an iteration, forward and backward), iterations, seconds,
            device, threads.
        methods: display order; what is not named comes last, by name.

    Returns:
        columns experiment, method, corpora, parameters, gflop, seconds_per_iteration (median over
        fits), iterations, fits, device, threads.
    """
    keys = ["experiment", "method", "parameters", "gflop", "iterations", "device", "threads"]
    fits = manifests.assign(each=manifests["seconds"] / manifests["iterations"])
    groups = fits.groupby(keys, dropna=False)
    cost = groups.agg(
        corpora=("corpus", lambda names: ", ".join(sorted(set(names)))),
        seconds_per_iteration=("each", "median"),
        fits=("each", "size"),
    ).reset_index()
    rank = cost["method"].map(_places(methods))
    cost = cost.assign(rank=rank).sort_values(["experiment", "rank", "gflop", "device", "threads"])
    columns = ["experiment", "method", "corpora", "parameters", "gflop", "seconds_per_iteration"]
    return cost[[*columns, "iterations", "fits", "device", "threads"]].reset_index(drop=True)


def cost_markdown(
    cost: pd.DataFrame, *, title: str = "Cost", labels: Mapping[str, str] | None = None
) -> str:
    """A cost table as a GitHub table."""
    labels = labels or {}
    headers = {"gflop": "GFLOP an iteration", "seconds_per_iteration": "seconds an iteration (median)"}
    cells = cost.assign(
        method=[labels.get(name, name) for name in cost["method"]],
        parameters=_texts(cost["parameters"], "{:,.0f}"),
        gflop=_texts(cost["gflop"], "{:.4g}"),
        seconds_per_iteration=_texts(cost["seconds_per_iteration"], "{:.3g}"),
    )
    return f"# {title}\n\n{_pipes(cells.rename(columns=headers), 3)}\n"
