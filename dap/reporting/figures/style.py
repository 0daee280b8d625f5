"""What all figures have in common: fonts, sizes, axes, and how they are written."""

import logging
import math
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from dap.decibels import snr_db
from dap.errors import extra
from dap.store import writing

with extra("report"):
    from matplotlib import rc_context
    from matplotlib.axis import Axis
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of each glyph

FLOOR_DB = -80.0
DPI = 200
# in inches: a column of a paper in two columns, and both
COLUMN, WIDE = 3.5, 7.0


def style() -> AbstractContextManager[None]:
    """The style of all figures, to be drawn and saved in this context."""
    return rc_context(
        {
            "font.family": "DejaVu Sans",  # comes with matplotlib: the same text on every machine
            "font.size": 8,
            "axes.titlesize": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.titlesize": 9,
            "pdf.fonttype": 42,  # TrueType: text in the PDF stays text
        }
    )


def save(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write `stem`.pdf and `stem`.png (200 dpi): the same figure gives the same bytes.

    Returns:
        the paths of the PDF and the PNG.
    """
    stem = Path(stem)
    pdf, png = (stem.with_name(stem.name + suffix) for suffix in (".pdf", ".png"))
    with style():
        # laid out once: a second pass would start from the first one's result and shift things
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        # without dates and versions, so that a file changes only with its content
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
    """Label powers of ten on a logarithmic axis; if there are few, also their 2- and 5-fold."""
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
