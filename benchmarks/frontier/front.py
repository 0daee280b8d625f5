"""Of all that was measured: the best at its cost, by cell, as a table and a figure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.frontier.sets import CELLS
from dap.reporting.figures.style import new_figure, plain_ticks, save, style
from dap.scoring.statistics import paired, signed

# what a difference is to
REFERENCE = "dilated-exp-dense, fast, width 0.25, hop 256"
# the shortest times are those of a call
LEAST_SECONDS = 1e-3


def by_clip(scores: pd.DataFrame, cell: str, which: str, metric: str) -> pd.DataFrame:
    """A metric of a cell's clips, by way and selection.

    The mean over sources and seeds; of the first scope, the network's own signal; in inpainting,
    of the filled one, since what was observed need not be restored.

    Returns:
        columns way, selection, clip, value, and `cost`: seconds of one thread's work for each
        second of sound.
    """
    chosen = (scores["set"] == which) & (scores["cell"] == cell) & (scores["metric"] == metric)
    chosen &= scores["selection"] != "snapshot"
    chosen &= scores["scope"].isin(["full", "filled", "projected"])
    rows = scores[chosen]
    # what was measured again, with other code, counts once
    measurement = rows.groupby(["way", "clip", "seed"])["key"]
    rows = rows[rows["key"] == measurement.transform("last")]
    rows = rows.assign(cost=rows["cpu_seconds"] / rows["audio_seconds"])
    return rows.groupby(["way", "selection", "clip"], as_index=False)[["value", "cost"]].mean()


def summary(clips: pd.DataFrame, reference: str = REFERENCE) -> pd.DataFrame:
    """Each way and selection over its clips, in the order of cost.

    Returns:
        columns way, selection, n, value, cost, `best` (nothing cheaper is as good, among those with
        the most clips; the oracle is no competitor), `difference`, `low`, `high`: the mean over
        common clips of the difference to the average of the reference, and its 95 % interval; NaN
        where there is none (below 5 clips, no interval).
    """
    base = clips[(clips["way"] == reference) & (clips["selection"] == "average")]
    base = base.set_index("clip")["value"]
    lines = []
    for (way, selection), group in clips.groupby(["way", "selection"]):
        values = group.set_index("clip")["value"]
        against = paired(values - base)
        lines.append(
            (way, selection, len(values), values.mean(), group["cost"].mean(), *against[1:4])
        )
    names = ["way", "selection", "n", "value", "cost", "difference", "low", "high"]
    table = pd.DataFrame(lines, columns=names).sort_values(["cost", "value"], ignore_index=True)
    full = (table["n"] == table["n"].max()) & (table["selection"] != "oracle")
    before = table["value"].where(full).cummax().shift(fill_value=-np.inf)
    table["best"] = full & (table["value"] > before.ffill())
    return table


def write_table(scores: pd.DataFrame, which: str, path: Path) -> None:
    """All cells of a set as Markdown."""
    parts = []
    for cell in CELLS:
        metric = CELLS[cell].metrics[0]
        clips = by_clip(scores, cell, which, metric)
        if clips.empty:
            continue
        lines = [
            f"| {'**' if line.best else ''}{line.way}{'**' if line.best else ''} "
            f"| {line.selection} | {line.n} | {line.value:.2f} | {interval(line)} "
            f"| {line.cost:.3g} |"
            for line in summary(clips).itertuples()
        ]
        parts.append(
            f"### {cell}\n\n| way | iterate | n | {metric} | against the reference | s |\n"
            "| --- | --- | ---: | ---: | ---: | ---: |\n" + "\n".join(lines)
        )
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def interval(line: tuple) -> str:
    """A difference and its interval in words."""
    if np.isnan(line.difference):
        return ""
    if np.isnan(line.low):
        return signed(line.difference)
    return f"{signed(line.difference)} [{signed(line.low)}, {signed(line.high)}]"


def draw(scores: pd.DataFrame, which: str, stem: Path, cells: Sequence[str] = tuple(CELLS)) -> None:
    """Quality over cost, a panel for each cell that was measured; the best are joined."""
    measured = {cell: by_clip(scores, cell, which, CELLS[cell].metrics[0]) for cell in cells}
    measured = {cell: summary(clips) for cell, clips in measured.items() if len(clips)}
    columns = min(4, len(measured))
    rows = -(-len(measured) // columns)
    with style():
        figure = new_figure(3.2 * columns, 2.6 * rows)
        for index, (cell, table) in enumerate(measured.items()):
            panel = figure.add_subplot(rows, columns, index + 1)
            table = table.assign(cost=table["cost"].clip(lower=LEAST_SECONDS))
            for selection, mark in (
                ("last", "o"),
                ("average", "s"),
                ("stop", "D"),
                ("oracle", "x"),
            ):
                points = table[table["selection"] == selection]
                panel.plot(points["cost"], points["value"], mark, ms=4, alpha=0.7, label=selection)
            best = table[table["best"]]
            panel.step(best["cost"], best["value"], where="post", color="0.4", lw=1)
            panel.set_xscale("log")
            plain_ticks(panel.xaxis, "{x:g}")
            panel.set(title=cell, ylabel=CELLS[cell].metrics[0])
            if index == 0:
                panel.legend(frameon=False)
        figure.supxlabel("seconds of one thread for each second of sound")
        save(figure, stem)
