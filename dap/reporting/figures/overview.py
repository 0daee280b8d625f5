"""What each method gains over the observation: a panel for each experiment of a study."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from dap.errors import extra
from dap.reporting.figures.style import WIDE, new_figure, save, style
from dap.reporting.gains import gains
from dap.scoring.evaluate import read

with extra("report"):
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

NETWORK, CLASSICAL = "#0072B2", "#D55E00"  # Okabe and Ito's blue and vermilion
LINE = 0.17  # inches a method
ACROSS = 2


def draw(
    inputs: Mapping[str, list[Path]], setup: Mapping[str, Any], stem: Path, log: logging.Logger
) -> None:
    """Write the overview, `stem`.pdf and `stem`.png.

    Args:
        inputs: `scores` of the whole study.
        setup: `experiments`, as `dap.reporting.gains.gains` takes them; of each also its priors.
    """
    table = gains(read(inputs["scores"]), setup["experiments"])
    save(overview(table, setup["experiments"]), stem)
    log.info("%d experiments", table["experiment"].nunique())


def overview(table: pd.DataFrame, entries: Sequence[Mapping[str, Any]]) -> Figure:
    """The gains of `dap.reporting.gains.gains`, a line a method.

    The mark is the mean over all clips, the bar its 95 % interval where there are 5 clips or more;
    small open marks are the corpora, or the sources, where there are several.

    Args:
        table: from `gains`.
        entries: the experiments, in their order.
    """
    shown = [entry for entry in entries if entry["name"] in set(table["experiment"])]
    across = min(ACROSS, max(1, len(shown)))
    rows = [shown[first : first + across] for first in range(0, len(shown), across)]
    heights = [0.75 + LINE * max(len(_methods(table, entry)) for entry in row) for row in rows]
    with style():
        figure = new_figure(WIDE, 0.35 + sum(heights) if rows else 1)
        down = max(1, len(rows))
        grid = figure.subplots(down, across, squeeze=False, height_ratios=heights or None)
        for spare in grid.ravel()[len(shown) :]:
            spare.remove()
        for axes, entry in zip(grid.ravel(), shown, strict=False):
            _panel(axes, table[table["experiment"] == entry["name"]], entry)
        marks = [
            Line2D([], [], marker="o", color=NETWORK, label="network: mean, 95 % interval"),
            Line2D([], [], marker="s", color=CLASSICAL, label="other: mean, 95 % interval"),
        ]
        if not table["whole"].all():
            marks.append(_open_mark("one corpus or source"))
        for mark in marks:
            mark.set_markersize(4)
        figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), frameon=False)
    return figure


def _methods(table: pd.DataFrame, entry: Mapping[str, Any]) -> list[str]:
    scored = set(table.loc[table["experiment"] == entry["name"], "method"])
    return [method for method in entry["methods"] if method in scored]


def _panel(axes: Axes, rows: pd.DataFrame, entry: Mapping[str, Any]) -> None:
    methods = _methods(rows, entry)
    for height, method in enumerate(methods):
        network = method in entry["priors"]
        colour, marker = (NETWORK, "o") if network else (CLASSICAL, "s")
        each = rows[(rows["method"] == method) & np.isfinite(rows["gain"])]
        parts, whole = each[~each["whole"]], each[each["whole"]]
        axes.plot(
            parts["gain"], [height] * len(parts), "o", mfc="none", mec="#777777", ms=2.5, mew=0.6
        )
        for mean, low, high in whole[["gain", "low", "high"]].itertuples(index=False):
            axes.plot([low, high], [height, height], color=colour, linewidth=1.4)
            axes.plot([mean], [height], marker, color=colour, markersize=4)
    axes.axvline(0, color="black", linestyle="--", linewidth=0.8)
    axes.set_yticks(range(len(methods)), methods)
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.5)
    axes.set_axisbelow(True)
    counts = rows.loc[rows["whole"], "n"]
    n = " to ".join(map(str, sorted({counts.min(), counts.max()})))
    axes.set_title(f"{fill(entry['title'], 44)}, n = {n} clip{'' if n == '1' else 's'}")
    unit = f" ({entry['unit']})" if entry["unit"] else ""
    axes.set_xlabel(fill(f"Gain in {entry['label']} over the observation{unit}", 40))


def _open_mark(label: str) -> Line2D:
    return Line2D([], [], marker="o", mfc="none", mec="#777777", color="none", label=label)
