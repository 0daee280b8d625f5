"""The picture that a report opens with."""

import numpy as np
import pandas as pd
import pytest

from dap.reporting.figures.overview import overview
from dap.reporting.figures.style import WIDE
from dap.reporting.gains import COLUMNS


def entry(name, methods):
    return {"name": name, "title": f"Experiment {name}", "metric": "snr", "label": "SNR",
            "unit": "dB", "better": "higher", "methods": methods, "priors": ["conv"]}  # fmt: skip


def test_a_line_a_method_with_its_interval():
    nan = float("nan")
    table = pd.DataFrame(
        [
            ("a", "conv", "speech", "", 6, 6, 1.5, 0.5, 2.5, True),
            ("a", "wiener", "speech", "", 3, 0, -2.0, nan, nan, False),
            ("a", "wiener", "piano", "", 3, 3, 6.0, nan, nan, False),
            ("a", "wiener", "all corpora", "", 6, 5, 2.0, 1.0, 3.0, True),
            ("b", "conv", "speech", "", 4, 3, 0.3, nan, nan, True),
        ],
        columns=COLUMNS,
    )
    entries = [entry("a", ["conv", "wiener"]), entry("b", ["conv"]), entry("not scored", ["conv"])]
    figure = overview(table, entries)
    assert figure.get_size_inches()[0] == WIDE
    first, second = figure.axes
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["conv", "wiener"]
    assert first.get_title() == "Experiment a, n = 6 clips"
    assert first.get_xlabel() == "Gain in SNR over the observation (dB)"
    bars = [line.get_xdata() for line in first.lines if line.get_marker() == "None"][:2]
    assert [list(bar) for bar in bars] == [[0.5, 2.5], [1.0, 3.0]]
    means = [line.get_xdata()[0] for line in first.lines if line.get_marker() in ("o", "s")
             and line.get_markersize() == 4]  # fmt: skip
    assert means == [1.5, 2.0]
    parts = [line for line in first.lines if line.get_markersize() == 2.5]
    assert [list(line.get_xdata()) for line in parts] == [[], [-2.0, 6.0]]
    assert second.get_title() == "Experiment b, n = 4 clips"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[-1] == "one corpus or source"


def test_infinite_gains_have_no_place():
    table = pd.DataFrame(
        [("a", "conv", "speech", "", 6, 6, np.inf, np.nan, np.nan, True)], columns=COLUMNS
    )
    (axes,) = overview(table, [entry("a", ["conv"])]).axes
    assert all(np.isfinite(line.get_xdata()).all() for line in axes.lines)
    assert overview(table[:0], []).axes == []


@pytest.mark.parametrize("count", [1, 3, 5])
def test_panels_are_two_in_a_row(count):
    names = [str(k) for k in range(count)]
    rows = [(name, "conv", "speech", "", 6, 6, 1.0, 0.5, 1.5, True) for name in names]
    table = pd.DataFrame(rows, columns=COLUMNS)
    assert len(overview(table, [entry(name, ["conv"]) for name in names]).axes) == count
