"""Figures of a study: damaged and restored clips, and quality over iteration."""

import logging
import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from textwrap import fill

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from dap.decibels import snr_db
from dap.errors import DapError, extra
from dap.plugins import plugin
from dap.reporting.cost import seconds_per_iteration
from dap.scoring.evaluate import read
from dap.scoring.statistics import MIN_CLIPS, mean_interval
from dap.store import writing
from dap.tasks import TRAJECTORIES

with extra("report"):
    import pandas as pd
    from matplotlib import rc_context
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import LogLocator, NullFormatter

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of each glyph

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
    "wave-u-net": "#332288",
}
# what is left of these for other methods
SPARE = ("#882255", "#44AA99", "#AA4499", "#DDCC77", "#F0E442")
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same text on every machine
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.titlesize": 11,
    "pdf.fonttype": 42,  # TrueType: text in the PDF stays text
}
# of the scopes that a trajectory has, the first of these is shown
SCOPES = ("full", "filled", "raw", "projected")
AGAINST = {"clean": "the clean clips", "observed": "the observations"}
FLOOR_DB = -80.0
DPI = 150
RESAMPLES = 2000  # of a band: finer steps than these cannot be seen
THIN = 0.6  # width of a single clip's line
PANELS_IN_A_ROW = 4  # with more, the text is too small on a page
COLUMNS_IN_A_ROW = 6  # of an example's narrower ones


def palette(methods: Sequence[str]) -> dict[str, str]:
    """Method -> colour: fixed for those of `COLOURS`, spare ones in order for the others."""
    others = (name for name in methods if name not in COLOURS)
    return COLOURS | dict(zip(others, cycle(SPARE), strict=False))


def examples(
    columns: Mapping[str, np.ndarray],
    sample_rate: int,
    *,
    title: str,
    gaps: Sequence[tuple[float, float]] | None = None,
    sources: Sequence[str] | None = None,
) -> Figure:
    """Waveform above log-magnitude spectrogram: a column a signal, a pair of rows a source.

    Levels are in dB re the largest magnitude of the first column, over all of its sources, from
    -80 to 0; scales are shared over the figure. If the first column is called "clean", the titles
    of the others state their SNR against it.

    Args:
        columns: label -> (sources, samples); (1, samples) stands for every source, as a mixture.
        sample_rate: in Hz.
        title: of the figure.
        gaps: (start, end) in seconds, shaded.
        sources: the sources' names, where there are several.
    """
    first = next(iter(columns))
    reference = np.asarray(columns[first], np.float64)
    count, samples = reference.shape
    signals = {
        label: np.broadcast_to(np.asarray(signal, np.float64), reference.shape)
        for label, signal in columns.items()
    }
    # one window and hop for all columns; longer clips get longer hops, not larger files
    transform = ShortTimeFFT(hann(1022, sym=False), hop=max(64, samples // 512), fs=sample_rate)
    peak = np.abs(transform.stft(reference)).max() or 1.0
    frames = math.ceil(samples / transform.hop)
    seconds, kilohertz = samples / sample_rate, sample_rate / 2000
    edges = (np.array([0, frames]) - 0.5) * transform.hop / sample_rate  # frames are centred
    loudest = 1.05 * max(np.abs(signal).max() for signal in signals.values()) or 1.0

    with rc_context(STYLE):
        blocks = math.ceil(len(signals) / COLUMNS_IN_A_ROW)
        across = math.ceil(len(signals) / blocks)
        figure = new_figure(1.2 + 2.0 * across, 0.8 + 2.9 * count * blocks)
        grid = figure.subplots(
            2 * count * blocks,
            across,
            sharex=True,
            sharey="row",
            squeeze=False,
            height_ratios=[1, 1.7] * count * blocks,
        )
        # a block after the other: (blocks, rows, across) -> a column of axes for each signal
        stacks = grid.reshape(blocks, -1, across).transpose(0, 2, 1).reshape(-1, 2 * count)
        for spare in stacks[len(signals) :].ravel():
            spare.remove()
        for (label, signal), axes in zip(signals.items(), stacks, strict=False):
            for source, (wave, spectrogram) in enumerate(axes.reshape(count, 2)):
                lines = [label] if source == 0 else []
                if first == "clean" and label != first:
                    lines.append(snr_text(reference[source], signal[source]))
                wave.set_title("\n".join(lines))
                times = np.arange(samples) / sample_rate
                wave.plot(times, signal[source], color="#333333", linewidth=0.4)
                magnitude = np.abs(transform.stft(signal[source], 0, frames)) / peak
                image = spectrogram.imshow(
                    20 * np.log10(np.maximum(magnitude, 1e-10)),
                    origin="lower",
                    aspect="auto",
                    cmap="magma",
                    vmin=FLOOR_DB,
                    vmax=0,
                    extent=(*edges, 0, kilohertz),
                )
                for start, end in gaps or ():
                    wave.axvspan(start, end, color="#0072B2", alpha=0.2, linewidth=0)
                    spectrogram.axvspan(start, end, color="white", alpha=0.12, linewidth=0)
                    for edge in (start, end):
                        spectrogram.axvline(edge, color="white", linewidth=0.6, linestyle=":")
        for row, axes in enumerate(grid):
            name = f"{sources[row // 2 % count]}\n" if sources and count > 1 else ""
            axes[0].set_ylabel(f"{name}{('Amplitude', 'Frequency (kHz)')[row % 2]}")
            axes[0].set_ylim((-loudest, loudest) if row % 2 == 0 else (0, kilohertz))
        for axes in stacks[: len(signals), -1]:
            axes.set_xlabel("Time (s)")
            axes.set_xlim(0, seconds)
            axes.tick_params(labelbottom=True)
        figure.align_ylabels(grid[:, 0])
        figure.colorbar(
            image,
            ax=stacks[: len(signals), 1 if count * blocks == 1 else 0 :].ravel().tolist(),
            label=f"Level (dB re maximum of {first})",
            extend="both",
            aspect=30 * count * blocks,
            pad=0.01,
        )
        figure.suptitle(title)
    return figure


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
    its band is the 95 % percentile bootstrap interval over clips. With fewer than 5 clips, thin
    lines show the single clips in its place. The dashed line is the mean of the observations. The
    logarithmic axis begins at iteration 1. NaN (not scored) is left out of the means and counted
    in the panel's title.

    Against the observation in place of the clean clip, a curve shows how fast the noise, too, is
    fitted (B's Figure 4).

    Args:
        scores: the scores of one experiment; of scopes, `full` is shown, in inpainting `filled`,
            with which the observation is compared, and else `raw`.
        metric: the metric's name in `scores`.
        label: the metric's name and unit for the axis.
        methods: which methods are shown, in the legend's order.
        colours: method -> colour, see `palette`.
        observed: the method that the dashed line stands for; None draws none.
        title: of the figure.
        names: corpus -> its true name; a corpus that is not in it is called by its own.
        against: "clean", "observed" or both, a panel each.
        seconds: (corpus, method) -> seconds of an iteration, for an axis of seconds.
        device: that the seconds are of.

    Raises:
        DapError: there are no snapshots of this metric, or there are several experiments.
    """
    experiments = scores["experiment"].unique()
    if len(experiments) > 1:
        raise DapError(f"curves are of one experiment, not of {', '.join(experiments)}")
    rows = scores[scores["metric"] == metric].fillna({"source": ""})
    shown = [name for name in methods if name != observed]
    found = {compared: _points(rows, metric, compared, shown) for compared in against}
    panels = [
        (corpus, source, compared, panel)
        for (corpus, source), _ in found[against[0]].groupby(["corpus", "source"], sort=False)
        for compared, points in found.items()
        for panel in [points[(points["corpus"] == corpus) & (points["source"] == source)]]
    ]
    across = min(len(panels), PANELS_IN_A_ROW)
    down = math.ceil(len(panels) / across)

    with rc_context(STYLE):
        figure = new_figure(max(5.5, 0.6 + 3.2 * across), 1.1 + 2.9 * down)
        grid = figure.subplots(down, across, squeeze=False)
        for spare in grid.ravel()[len(panels) :]:
            spare.remove()
        for axes, (corpus, source, compared, panel) in zip(grid.ravel(), panels, strict=False):
            values = _by_clip(panel)
            for method in shown:
                if method in values.index.get_level_values("method"):
                    own = values.loc[method].dropna(axis="columns", how="all")
                    each = seconds[corpus, method] if seconds else 1
                    own.columns = each * own.columns
                    _curve(axes, own, method, colours[method])
            same = (rows["corpus"] == corpus) & (rows["source"] == source)
            same &= (rows["method"] == observed) & (rows["scope"] == panel["scope"].iloc[0])
            level = _by_clip(rows[same]).mean(axis=None)
            if np.isfinite(level) and compared == "clean":
                axes.axhline(
                    level, color=colours[observed], linestyle="--", linewidth=1, label=observed
                )
            of = "" if list(against) == ["clean"] else f"\nagainst {AGAINST[compared]}"
            axes.set_title(_panel_title(corpus, source, panel, names or {}) + of)
            axes.set_xscale("log")
            plain_ticks(axes.xaxis, "{x:g}" if seconds else "{x:,.0f}")
            axes.set_xlabel(f"Seconds of fitting ({device})" if seconds else "Iteration")
            axes.grid(color="#DDDDDD", linewidth=0.5)
            axes.set_axisbelow(True)
        for axes in grid[:, 0]:
            axes.set_ylabel(label)
        _legend(figure, [*shown, observed])
        figure.suptitle(title)
    return figure


def draw(inputs: Mapping[str, list[Path]], setup: dict, stem: Path, log: logging.Logger) -> None:
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


def save(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write `stem`.pdf and `stem`.png (150 dpi): the same figure gives the same bytes.

    Returns:
        the paths of the PDF and the PNG.
    """
    stem = Path(stem)
    pdf, png = (stem.with_name(stem.name + suffix) for suffix in (".pdf", ".png"))
    with rc_context(STYLE):
        # laid out once: a second pass would start from the first one's end, and move things a bit
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        # no dates and no versions: a product changes when what it shows does
        nobody = {"CreationDate": None, "Creator": None, "Producer": None}
        with writing(pdf) as partial:
            figure.savefig(partial, dpi=DPI, format="pdf", metadata=nobody)
        with writing(png) as partial:
            figure.savefig(partial, dpi=DPI, format="png", metadata={"Software": None})
    return pdf, png


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, without any window."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain_ticks(axis: Axis, form: str) -> None:
    """Numbers for powers of ten on a logarithmic axis; between few of them, for 2 and 5, too."""
    low, high = sorted(axis.get_view_interval())
    few = high < 30 * low
    axis.set_major_formatter(form)
    axis.set_minor_formatter(form if few else NullFormatter())
    if few:
        axis.set_minor_locator(LogLocator(subs=(2, 5)))


def snr_text(clean: np.ndarray, estimate: np.ndarray) -> str:
    """The SNR of an estimate, for a panel's title."""
    value = snr_db(clean, clean - estimate)
    if math.isnan(value):
        return "SNR undefined"
    if math.isinf(value):
        return "SNR infinite"
    return f"SNR {value:.1f} dB".replace("-", "\N{MINUS SIGN}")


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
    return points[points["scope"] == min(points["scope"], key=SCOPES.index)]


def _by_clip(rows: pd.DataFrame) -> pd.DataFrame:
    """Values by (method, clip) and iteration; NaN where one of a clip's seeds is not scored."""
    groups = rows.groupby(["method", "clip", "iteration"])["value"]
    means = groups.mean().where(groups.count() == groups.size())
    return means.unstack("iteration")  # noqa: PD010, pivot_table drops clips that are all NaN


def _curve(axes: Axes, values: pd.DataFrame, method: str, colour: str) -> None:
    iterations = values.columns.to_numpy()
    mean, low, high = mean_interval(values.to_numpy(), resamples=RESAMPLES)
    axes.plot(iterations, mean, color=colour, linewidth=1.6, label=method)
    if len(values) >= MIN_CLIPS:
        axes.fill_between(iterations, low, high, color=colour, alpha=0.2, linewidth=0)
    elif len(values) > 1:
        for single in values.to_numpy():
            axes.plot(iterations, single, color=colour, linewidth=THIN, alpha=0.5)


def _panel_title(corpus: str, source: str, panel: pd.DataFrame, names: Mapping[str, str]) -> str:
    true = " + ".join(names.get(name, name) for name in corpus.split("+"))
    lines = [names.get(source, source), f"from {true}"] if source else [true]
    counts = panel.groupby("method")["clip"].nunique()
    clips = " to ".join(map(str, sorted({counts.min(), counts.max()})))
    unscored = int(panel["value"].isna().sum())
    lines.append(f"n = {clips} clip{'' if clips == '1' else 's'}")
    if unscored:
        lines.append(f"{unscored} of {len(panel)} values undefined")
    return "\n".join(fill(line, 38) for line in lines)


def _legend(figure: Figure, order: Sequence[str | None]) -> None:
    """One legend for all panels, which also says what bands and thin lines are."""
    lines = {line.get_label(): line for axes in figure.axes for line in axes.lines}
    entries = {name: lines[name] for name in order if name in lines}
    if any(axes.collections for axes in figure.axes):
        entries["95 % interval over clips"] = Patch(color="#777777", alpha=0.3, linewidth=0)
    if any(line.get_linewidth() == THIN for axes in figure.axes for line in axes.lines):
        entries["single clips"] = Line2D([], [], color="#777777", linewidth=THIN)
    figure.legend(
        entries.values(), entries.keys(), loc="outside right center", frameon=False, fontsize=9
    )
