"""Printed tables: Markdown and LaTeX, from the numbers of `dap.reporting.tables`.

Every printed table states n, the selection, the corpus's true name, what it stands for, and what
the columns mean. Nothing in it depends on the time or the machine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dap.errors import extra
from dap.reporting.tables import BLOCK, NOT_RUN, load_published, summarise
from dap.scoring.evaluate import read
from dap.scoring.statistics import MIN_CLIPS, SIGNIFICANT, direction, p_text, signed, too_small
from dap.store import write_text
from dap.tasks import SELECTIONS

with extra("report"):
    import pandas as pd

ORACLE = SELECTIONS["oracle"]["title"]
LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    | {"±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$"}
)


@dataclass
class _Block:
    """One printed table: cells as strings, and which of them are bold."""

    heading: str
    cells: pd.DataFrame
    bold: pd.DataFrame
    notes: str


def _blocks(
    summary: pd.DataFrame,
    better: Mapping[str, str],
    labels: Mapping[str, str],
    baseline: str | None,
) -> tuple[list[_Block], str]:
    """The printed tables of a summary, and their common legend."""
    label = {**labels, "oracle": ORACLE, "": "-"}
    baseline_label = label.get(baseline, baseline) if baseline else None
    large = summary["mean"].abs().groupby(summary["metric"]).max() >= 1
    blocks: list[_Block] = []
    shown: set[str] = set()
    for names, block in summary.groupby(BLOCK, sort=False):
        _, title, stands_for, source, scope = map(str, names)
        keys = block[["method", "selection"]].drop_duplicates()
        cells = keys.map(lambda name: label.get(name, name)).reset_index(drop=True)
        bold = pd.DataFrame(False, index=cells.index, columns=cells.columns)
        for metric in block["metric"].unique():
            part = block[block["metric"] == metric]
            part = keys.merge(part, how="left", on=["method", "selection"])
            name, unit = label.get(metric, metric), part["unit"].dropna().iloc[0]
            digits = 2 if large[metric] else 3
            headers = {
                "value": f"{name} {'↑' if better[metric] == 'higher' else '↓'}"
                + (f" ({unit})" if unit else ""),
                "seeds": f"{name} over seeds",
                "observed": f"{name} vs observed",
                "published": f"{name} published",
                "baseline": f"{name} vs {baseline_label} [95 %] (p Holm)",
            }
            columns = {
                "value": _spread(part["mean"], part["std"], digits),
                "seeds": _texts(part["seeds_std"], f"± {{:.{digits}f}}"),
                "observed": _texts(part["improvement"], f"{{:+.{digits}f}}"),
                "published": _spread(part["published_mean"], part["published_std"], 2),
                "baseline": _differences(part, digits),
            }
            if baseline == "observed" and any(columns["baseline"]):
                del columns["observed"]  # the same differences
            tests = part[["difference", "low", "high", "rank_biserial", "p_holm"]]
            won = [direction(*test) == better[metric] for test in tests.to_numpy()]
            for kind, texts in columns.items():
                if any(texts):
                    cells[headers[kind]], shown = texts, shown | {kind}
                    bold[headers[kind]] = won if kind == "value" else False
        totals = block[["n", "unscorable", "missing"]].sum(axis=1)
        totals = totals.groupby([block[key] for key in keys]).max()
        clips = sorted(set(totals.drop(NOT_RUN, level="selection", errors="ignore")))
        if len(clips) > 1:  # the run is unfinished, so every row states its number
            of_row = totals.loc[list(keys.itertuples(index=False))]
            cells["clips"], bold["clips"] = of_row.map(str).to_list(), False
        heading = title + (f" (stands for {stands_for})" if stands_for else "")
        heading += f", source {label.get(source, source)}" if source else ""
        heading += f", {label.get(scope, scope)}" if scope != "full" else ""
        heading += ", n = " + " to ".join(map(str, sorted({clips[0], clips[-1]})))
        heading += " clip" if clips == [1] else " clips"
        run = block[block["selection"] != NOT_RUN]
        notes = " ".join(filter(None, [_missing(run, label), _unscorable(run, label)]))
        blocks.append(_Block(heading, cells, bold, notes))
    return blocks, _legend(summary, shown, baseline_label)


def _texts(values: pd.Series, form: str) -> list[str]:
    return ["" if pd.isna(value) else form.format(value) for value in values]


def _spread(means: pd.Series, stds: pd.Series, digits: int) -> list[str]:
    pairs = zip(_texts(means, f"{{:.{digits}f}}"), _texts(stds, f" ± {{:.{digits}f}}"), strict=True)
    return [mean + std if mean else "" for mean, std in pairs]


def _differences(part: pd.DataFrame, digits: int) -> list[str]:
    """Differences with interval and, where one is stated, p; "" without a test."""
    texts = []
    for row in part.to_dict("records"):
        text = "" if np.isnan(row["p"]) else signed(row["difference"], digits)
        if text and not np.isnan(row["low"]):
            text += f" [{signed(row['low'], digits)}, {signed(row['high'], digits)}]"
        texts.append(text + ("" if np.isnan(row["p_holm"]) else f" ({p_text(row['p_holm'])})"))
    return texts


def _missing(block: pd.DataFrame, label: Mapping[str, str]) -> str:
    """How many clips of which method have no fit; "" if all have one."""
    rows = block[block["missing"] > 0]
    counts = (rows["missing"], rows["n"] + rows["unscorable"] + rows["missing"])
    texts = dict.fromkeys(
        f"{label.get(method, method)}: {missing} of {clips}"
        for method, missing, clips in zip(rows["method"], *counts, strict=True)
    )
    return f"Missing, as they could not be fitted: {'; '.join(texts)}." if texts else ""


def _unscorable(block: pd.DataFrame, label: Mapping[str, str]) -> str:
    """How many clips of which method a metric could not score; "" if all were scored."""
    texts = []
    for metric in block["metric"].unique():
        rows = block[block["metric"] == metric].to_dict("records")
        name = label.get(metric, metric)
        counts = [
            f"{row['unscorable']} of {row['n'] + row['unscorable'] + row['missing']}"
            for row in rows
        ]
        if len(set(counts)) == 1 and any(row["unscorable"] for row in rows):
            texts.append(f"{name}, every method: {counts[0]}")
            continue
        for row, count in zip(rows, counts, strict=True):
            if row["unscorable"]:
                selection = f" ({row['selection']})" if row["selection"] else ""
                texts.append(
                    f"{name}, {label.get(row['method'], row['method'])}{selection}: {count}"
                )
    return f"Clips that could not be scored: {'; '.join(texts)}." if texts else ""


def _legend(summary: pd.DataFrame, shown: set[str], baseline: str | None) -> str:
    lines = {
        "value": "mean ± standard deviation over clips; ↑ higher is better, ↓ lower is better",
        "seeds": "over seeds: standard deviation over initialisations of one clip, mean over clips",
        "observed": "vs observed: mean paired difference to the untouched observation",
        "published": "published: the paper's value on the dataset that the corpus stands for, "
        + _beside(summary),
        "baseline": f"vs {baseline}: mean paired difference, same selection, 95 % t interval "
        "over clips, Wilcoxon signed-rank p, Holm-corrected over this table; bold: "
        f"better by the interval, which excludes 0, and by the test (p < {SIGNIFICANT})",
    }
    legend = [line for kind, line in lines.items() if kind in shown]
    few = (summary["pairs"] > 0) & (summary["pairs"] < MIN_CLIPS)
    if few.any():
        legend.append(f"no difference between methods is shown below {MIN_CLIPS} clips")
    tested = summary["p"].notna()
    if (tested & summary["p_holm"].isna()).any():
        legend.append(f"where no p is stated: {too_small(tested.sum())}")
    if (summary["selection"] == "oracle").any():
        legend.append(
            "oracle: the snapshot of the best SNR (in separation, SDR of BSS Eval v4, mean over "
            "sources) against the clean clip, a diagnostic; other metrics may be better at others"
        )
    if (summary["selection"] == NOT_RUN).any():
        legend.append("not run: a method of the paper that is not among ours")
    if np.isinf(summary["mean"]).any():
        legend.append("inf: at least one clip was restored exactly")
    text = "; ".join(legend)
    return f"{text[:1].upper()}{text[1:]}."


def _beside(summary: pd.DataFrame) -> str:
    """Which selections the published values stand beside, and why (fidelity: published-beside)."""
    if "oracle" in set(summary.loc[summary["published_mean"].notna(), "selection"]):
        return (
            "beside oracle, since the paper reports the iterate that is best against the clean "
            "clip, and beside last, which is made without it"
        )
    return "beside the selection last alone"


def to_markdown(
    summary: pd.DataFrame,
    *,
    title: str,
    notes: Sequence[str] = (),
    better: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    baseline: str | None = "conv",
) -> str:
    """A summary as GitHub tables, one per corpus, source and scope.

    Args:
        summary: from `summarise`.
        notes: lines printed below the tables.
        better: "higher" or "lower" by metric.
        labels: display names of methods, metrics, selections, scopes and sources.
        baseline: as for `summarise`.
    """
    blocks, legend = _blocks(summary, better, labels or {}, baseline)
    parts = [f"# {title}"]
    for block in blocks:
        bold = block.bold.to_numpy()
        cells = block.cells.mask(bold, "**" + block.cells.astype(str) + "**")
        parts += [f"## {block.heading}", pipes(cells, 2), *filter(None, [block.notes])]
    parts += [legend, *notes]
    return "\n\n".join(parts) + "\n"


def pipes(cells: pd.DataFrame, left: int) -> str:
    """Cells as a GitHub table; the first `left` columns are aligned left, the others right."""
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
        below = [*filter(None, [block.notes]), legend, *notes]
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


def write_table(summary: pd.DataFrame, stem: Path | str, **options: Any) -> None:
    """Write `<stem>.csv`, `.md` and `.tex`; options as for `to_markdown`."""
    stem = Path(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    # what the interval and p of a test do not say decides which cells are bold, and is not written
    numbers = summary.drop(columns=["median", "rank_biserial"])
    csv = numbers.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    texts = {"csv": csv, "md": to_markdown(summary, **options), "tex": to_latex(summary, **options)}
    for suffix, text in texts.items():
        # not with_suffix, as the name may contain dots
        write_text(stem.with_name(f"{stem.name}.{suffix}"), text)


def make_table(
    scores: Iterable[str | Path],
    published: str | Path | None,
    stem: Path,
    *,
    entry: Mapping,
    setup: Mapping,
    metrics: Mapping[str, Mapping],
    caveats: Sequence[str] = (),
) -> None:
    """Write `stem`.csv, .md and .tex.

    Args:
        scores: the files of one experiment.
        published: a file of `dap/papers`, whose numbers are shown beside ours.
        entry: the study's entry of the table.
        setup: names, order and notes (`dap.study.presentation.tables.table_setup`).
        metrics: for each metric, which direction is `better`, and its `label`.
        caveats: printed below the tables, after the study's own notes.

    Raises:
        DapError: the scores, or those of the paper, lack something that the table shows.
    """
    summary = summary_of(read(scores), published, entry=entry, setup=setup, metrics=metrics)
    write_table(
        summary,
        stem,
        title=entry["title"] or stem.name,
        notes=[*setup["notes"], *caveats],
        better=_better(metrics),
        labels={name: metric["label"] for name, metric in metrics.items()},
        baseline=entry["baseline"],
    )


def summary_of(
    scores: pd.DataFrame,
    published: str | Path | None,
    *,
    entry: Mapping,
    setup: Mapping,
    metrics: Mapping[str, Mapping],
) -> pd.DataFrame:
    """The numbers of one of a study's tables (`dap.reporting.tables.summarise`).

    Args:
        scores: of the table's experiment, long form; the others as for `make_table`.
    """
    return summarise(
        scores,
        methods=setup["methods"],
        metrics=entry["metrics"],
        selections=setup["selections"],
        baseline=entry["baseline"],
        better=_better(metrics),
        scopes=setup["scopes"],
        corpora=setup["corpora"],
        published=_published_numbers(published, entry, setup) if published else None,
        not_run=[
            setup["published"].get(method, method)
            for method in entry.get("published", {}).get("not_run", [])
        ],
    )


def _better(metrics: Mapping[str, Mapping]) -> dict[str, str]:
    return {name: metric["better"] for name, metric in metrics.items()}


def _published_numbers(path: str | Path, entry: Mapping, setup: Mapping) -> pd.DataFrame:
    source = entry["published"]
    numbers = load_published(
        path, source["paper"], source["table"], source["metrics"], setup["headline"]
    )
    return numbers.assign(method=numbers["method"].replace(setup["published"]))


def cost_markdown(
    cost: pd.DataFrame, *, title: str = "Cost", labels: Mapping[str, str] | None = None
) -> str:
    """A cost table as a GitHub table."""
    labels = labels or {}
    headers = {
        "gflop": "GFLOP an iteration",
        "seconds_per_iteration": "seconds an iteration (median)",
        "warned": "fits with warnings",
        "loss_terms": "last loss, shares of its terms",
    }
    cells = cost.assign(
        method=[labels.get(name, name) for name in cost["method"]],
        parameters=_texts(cost["parameters"], "{:,.0f}"),
        gflop=_texts(cost["gflop"], "{:.4g}"),
        seconds_per_iteration=_texts(cost["seconds_per_iteration"], "{:.3g}"),
    )
    # only some objectives judge their fits
    judged = {"restarts": 0, "warned": 0, "loss_terms": ""}
    silent = [name for name, nothing in judged.items() if (cost[name] == nothing).all()]
    cells = cells.drop(columns=silent).rename(columns=headers)
    return f"# {title}\n\n{pipes(cells, 3)}\n"
