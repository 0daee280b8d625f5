"""Learning curves: a panel for each pair of a target and a hold-out, a colour for each design."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from dap.errors import extra
from dap.reporting.figures.curves import palette
from dap.reporting.figures.style import COLUMN, WIDE, new_figure, save, style
from dap.store import read_rows

with extra("report"):
    from matplotlib.figure import Figure

# of one training, (steps,) each: step, mean training loss since the one before, validation loss
Curve = Mapping[str, Sequence[float]]
THIN = 0.6


def learning(curves: Sequence[tuple[str, str, Curve]], *, title: str) -> Figure:
    """The figure.

    Args:
        curves: of each training, the panel's title, the method, and the points.
    """
    panels = list(dict.fromkeys(panel for panel, _, _ in curves))
    methods = list(dict.fromkeys(method for _, method, _ in curves))
    colours = palette(methods)
    with style():
        figure = new_figure(COLUMN if len(panels) == 1 else WIDE, 2.6)
        figure.suptitle(title)
        grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, panel in zip(grid, panels, strict=True):
            axes.set_title(fill(panel, 42 if len(panels) < 3 else 84 // len(panels)))
            axes.set_xlabel("Training step")
            for method in methods:
                label: str | None = method
                for _, _, curve in (each for each in curves if each[:2] == (panel, method)):
                    colour = colours[method]
                    axes.plot(curve["step"], curve["validation"], color=colour, label=label)
                    axes.plot(curve["step"], curve["training"], ":", color=colour, linewidth=THIN)
                    label = None  # further initialisations are not named again
        grid[0].set_ylabel("Mean absolute error of the mask\n(dotted: in training)")
        grid[-1].legend(frameon=False)
    return figure


def draw(
    inputs: Mapping[str, list[Path]], setup: Mapping[str, Any], stem: Path, log: logging.Logger
) -> None:
    """Draw the figure of a study.

    Args:
        inputs: `learning`, the curves' files.
        setup: `of`, the panel's title and the method of each, in their order; `title`.
        stem: path of the figure without suffix.

    Raises:
        DapError: a file is torn, or a figure cannot be written.
    """
    curves = []
    for path, (panel, method) in zip(inputs["learning"], setup["of"], strict=True):
        rows = read_rows(path)
        names = ("step", "training", "validation")
        points = {name: [float(row[name]) for row in rows] for name in names}
        curves.append((panel, method, points))
    save(learning(curves, title=setup["title"]), stem)
    log.info("%d trainings", len(curves))
