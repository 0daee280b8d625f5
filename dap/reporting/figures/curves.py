"""Quality over iteration: a panel a corpus, a line a design."""

import logging
import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from dap.errors import DapError, extra
from dap.plugins import plugin
from dap.reporting.cost import seconds_per_iteration
from dap.reporting.figures.style import COLUMN, WIDE, new_figure, plain_ticks, save, style
from dap.reporting.gains import compared_scope
from dap.scoring.evaluate import read
from dap.scoring.statistics import MIN_CLIPS, mean_interval
from dap.tasks import TRAJECTORIES

with extra("report"):
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

# Okabe and Ito's palette, and colours of Tol's "muted" set: told apart with any kind of colour
# blindness. One method, one colour.
COLOURS = {
    "observed": "#000000",
    "conv": "#E69F00",
    "dilated": "#56B4E9",
    "dilated-exp": "#009E73",
    "dilated-exp-dense": "#D55E00",
    "harmonic": "#0072B2",
    "conv7": "#CC79A7",
    "dilated7": "#999933",
    "harmonic-single": "#661100",
    "harmonic-unmixed": "#88CCEE",
    "harmonic-unmixed-wide": "#AA4499",
    "harmonic-groups": "#44AA99",
    "wave-u-net": "#332288",
}
# what is left of these for other methods
SPARE = ("#882255", "#DDCC77", "#F0E442")
AGAINST = {"clean": "the clean clips", "observed": "the observations"}
THIN = 0.6  # width of a single clip's line
PANELS_IN_A_ROW = 3  # with more, titles do not fit


def palette(methods: Sequence[str]) -> dict[str, str]:
    """Method -> colour: those of `COLOURS` are fixed, other methods get spare ones in order."""
    others = (name for name in methods if name not in COLOURS)
    return COLOURS | dict(zip(others, cycle(SPARE), strict=False))


def curves(
    scores: pd.DataFrame,
    *,
    metric: str,
    label: str,
    methods: Sequence[str],
    colours: Mapping[str, str],
    observed: str | None = "observed",
    title: str,
    names: Mapping[str, str] | None = None,
    against: Sequence[str] = ("clean",),
    seconds: Mapping[tuple[str, str], float] | None = None,
    device: str = "",
) -> Figure:
    """Quality over iteration: a panel for each corpus, or for each source of each mixture.

    A line is a method's mean over clips of the snapshots, several seeds of a clip averaged first;
    its band is the 95 % t interval over clips. With fewer than 5 clips, thin
    lines show the single clips instead. The dashed line is the mean of the observations. The
    logarithmic axis begins at iteration 1. NaN (not scored) is left out of the means and counted
    in the panel's title.

    Against the observation instead of the clean clip, a curve shows how fast the noise is fitted
    as well (B's Figure 4).

    Args:
        scores: the scores of one experiment. The scope shown is `full`; in inpainting it is
            `filled`, which is compared with the observation, or else `raw`.
        metric: the metric's name in `scores`.
        label: the metric's name and unit for the axis.
        methods: those shown, in the order of the legend.
        colours: method -> colour, see `palette`.
        observed: the method that the dashed line stands for; None draws none.
        title: of the figure.
        names: corpus -> its true name; other corpora appear under their key.
        against: "clean", "observed" or both, each in its own panel.
        seconds: (corpus, method) -> seconds of an iteration, for an axis of seconds.
        device: the device on which the seconds were measured.

    Raises:
        DapError: there are no snapshots of this metric, or there are several experiments.
    """
    experiments = scores["experiment"].unique()
    if len(experiments) > 1:
        raise DapError(f"curves are of one experiment, not of {', '.join(experiments)}")
    rows = scores[scores["metric"] == metric].fillna({"source": ""})
    shown = [name for name in methods if name != observed]
    snapshots = {compared: _points(rows, metric, compared, shown) for compared in against}
    pairs = snapshots[against[0]][["corpus", "source"]].drop_duplicates()
    panels = [
        (corpus, source, compared, panel)
        for corpus, source in pairs.itertuples(index=False, name=None)
        for compared, points in snapshots.items()
        for panel in [points[(points["corpus"] == corpus) & (points["source"] == source)]]
    ]
    across = min(len(panels), PANELS_IN_A_ROW)
    down = math.ceil(len(panels) / across)

    with style():
        figure = new_figure(COLUMN if across == 1 else WIDE, 1.0 + 2.3 * down)
        grid = figure.subplots(down, across, squeeze=False)
        for spare in grid.ravel()[len(panels) :]:
            spare.remove()
        for axes, (corpus, source, compared, panel) in zip(grid.ravel(), panels, strict=False):
            # pivot_table would drop clips that are all NaN
            values = _clip_means(panel).unstack("iteration")  # noqa: PD010
            methods_scored = values.index.get_level_values("method")
            for method in shown:
                if method in methods_scored:
                    curve = values[methods_scored == method].dropna(axis="columns", how="all")
                    unit = seconds[corpus, method] if seconds else 1
                    _curve(axes, unit * curve.columns.to_numpy(), curve, method, colours[method])
            if observed is not None and compared == "clean":
                same = (rows["corpus"] == corpus) & (rows["source"] == source)
                same &= (rows["method"] == observed) & (rows["scope"] == panel["scope"].iloc[0])
                level = _clip_means(rows[same]).mean()
                if np.isfinite(level):
                    axes.axhline(
                        level, color=colours[observed], linestyle="--", linewidth=1, label=observed
                    )
            suffix = "" if list(against) == ["clean"] else f"\nagainst {AGAINST[compared]}"
            axes.set_title(_panel_title(corpus, source, panel, names or {}, across) + suffix)
            axes.set_xscale("log")
            plain_ticks(axes.xaxis, "{x:g}" if seconds else "{x:,.0f}")
            axes.set_xlabel(f"Seconds of fitting ({device})" if seconds else "Iteration")
            axes.grid(color="#DDDDDD", linewidth=0.5)
            axes.set_axisbelow(True)
        for axes in grid[:, 0]:
            axes.set_ylabel(label)
        _legend(figure, [*shown, observed] if observed is not None else shown, 2 + 2 * (across > 1))
        figure.suptitle(title)
    return figure


def draw(
    inputs: Mapping[str, list[Path]], setup: Mapping[str, Any], stem: Path, log: logging.Logger
) -> None:
    """Write curves, `stem`.pdf and `stem`.png.

    Args:
        inputs: `scores` of one experiment and, for an axis of seconds, `fits`, the manifests.
        setup: against, metric, methods, title, and names (corpus -> its true name).
    """
    seconds, device = None, ""
    if inputs["fits"]:
        seconds, device = seconds_per_iteration(inputs["fits"])
    metric = plugin("metrics", setup["metric"]).metadata
    unit = f"({metric['unit']})" if metric["unit"] else ""
    figure = curves(
        read(inputs["scores"]),
        metric=setup["metric"],
        label=f"{metric['label']} {unit}".rstrip(),
        methods=setup["methods"],
        colours=palette(setup["methods"]),
        title=setup["title"],
        names=setup["names"],
        against=setup["against"],
        seconds=seconds,
        device=device,
    )
    save(figure, stem)


def _points(rows: pd.DataFrame, metric: str, compared: str, methods: Sequence[str]) -> pd.DataFrame:
    """The snapshots' scores, of the scope that is shown."""
    points = rows[
        (rows["selection"] == TRAJECTORIES[compared])
        & (rows["iteration"] >= 1)
        & rows["method"].isin(methods)
    ]
    if points.empty:
        raise DapError(
            f"no snapshots of {metric} against {AGAINST[compared]} for "
            f"{', '.join(methods)}: score the trajectories first"
        )
    return points[points["scope"] == compared_scope(points["scope"])]


def _clip_means(rows: pd.DataFrame) -> pd.Series:
    """Means over seeds by method, clip and iteration; NaN where one of the seeds is not scored."""
    groups = rows.groupby(["method", "clip", "iteration"])["value"]
    return groups.mean().where(groups.count() == groups.size())


def _curve(axes: Axes, x: np.ndarray, values: pd.DataFrame, method: str, colour: str) -> None:
    """Draw one method's values, a row for each clip and a column for each of `x`."""
    mean, low, high = mean_interval(values.to_numpy())
    axes.plot(x, mean, color=colour, linewidth=1.6, label=method)
    if len(values) >= MIN_CLIPS:
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    elif len(values) > 1:
        for single in values.to_numpy():
            axes.plot(x, single, color=colour, linewidth=THIN, alpha=0.5)


def _panel_title(
    corpus: str, source: str, panel: pd.DataFrame, names: Mapping[str, str], across: int
) -> str:
    true = " + ".join(names.get(name, name) for name in corpus.split("+"))
    lines = [names.get(source, source), f"from {true}"] if source else [true]
    counts = panel.groupby("method")["clip"].nunique()
    clips = " to ".join(map(str, sorted({counts.min(), counts.max()})))
    unscored = int(panel["value"].isna().sum())
    lines.append(f"n = {clips} clip{'' if clips == '1' else 's'}")
    if unscored:
        lines.append(f"{unscored} of {len(panel)} values undefined")
    return "\n".join(fill(line, 30 if across == PANELS_IN_A_ROW else 42) for line in lines)


def _legend(figure: Figure, order: Sequence[str], columns: int) -> None:
    """One legend for all panels, which also explains bands and thin lines."""
    lines = {line.get_label(): line for axes in figure.axes for line in axes.lines}
    entries: dict[str, Artist] = {name: lines[name] for name in order if name in lines}
    if any(axes.collections for axes in figure.axes):
        entries["95 % interval over clips"] = Patch(color="#777777", alpha=0.3, linewidth=0)
    if any(line.get_linewidth() == THIN for axes in figure.axes for line in axes.lines):
        entries["single clips"] = Line2D([], [], color="#777777", linewidth=THIN)
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside lower center",
        ncols=columns,
        frameon=False,
    )
