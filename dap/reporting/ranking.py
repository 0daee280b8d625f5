"""Whether methods come in the order of a paper's table, by their means and clip by clip."""

from collections.abc import Mapping, Sequence
from typing import Any

from dap.errors import extra
from dap.reporting.compact import headline_rows, shown_metric, shown_scope
from dap.reporting.opening import paper_name
from dap.scoring.statistics import clip_values

with extra("report"):
    import pandas as pd

# two methods are what a claim compares; of one or two clips an order says little
LEAST_METHODS = LEAST_CLIPS = 3


def rankings(tables: Sequence[Mapping[str, Any]], scores: pd.DataFrame) -> list[str]:
    """A sentence for each corpus and source of a table with published values of three methods.

    Methods are compared by the table's first metric, in last iterates.

    Args:
        tables: as `dap.reporting.compact.papers` takes them; also experiment.
        scores: long form, of all experiments.
    """
    sentences = []
    for table in tables:
        if not (table["paper"] and len(table["summary"])):
            continue
        metric, scope = shown_metric(table), shown_scope(table)
        summary = table["summary"]
        values = clip_values(scores[scores["experiment"] == table["experiment"]])
        values = values[(values["metric"] == metric) & (values["scope"] == scope)]
        rows = summary[(summary["metric"] == metric) & (summary["scope"] == scope)]
        blocks = rows.groupby(["corpus", "title", "source"], sort=False)
        for (corpus, title, source), block in blocks:
            known = pd.DataFrame(headline_rows(block)).dropna(subset=["mean", "published_mean"])
            if len(known) < LEAST_METHODS:
                continue
            ascending = table["better"][metric] == "higher"
            theirs = known.sort_values("published_mean", ascending=ascending)["method"].tolist()
            clips = values[(values["corpus"] == corpus) & (values["source"] == source)]
            clips = clips[clips["selection"] == known["selection"].iloc[0]]
            by_clip = clips.pivot_table("value", "clip", "method")[theirs].dropna()
            steps = by_clip.diff(axis=1).iloc[:, 1:] * (1 if ascending else -1)
            same = int((steps > 0).all(axis=1).sum())
            n = len(by_clip)
            if n < LEAST_CLIPS:
                continue
            ours = by_clip.mean().sort_values(ascending=ascending).index.tolist()
            what = f"{table['title']}, {title}{f', {source}' if source else ''}"
            sign = " < " if ascending else " > "
            text = f"{what}: mean {table['labels'].get(metric, metric)} {sign.join(ours)}"
            paper = paper_name(table["paper"])
            text += f", as in {paper}" if ours == theirs else f"; in {paper} {sign.join(theirs)}"
            sentences.append(f"{text}; {same} of {n} clips have that order.")
    return sentences
