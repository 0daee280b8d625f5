"""Learning curves show the losses that they are given."""

import logging

import pytest

from dap.reporting.figures.learning import draw, learning
from dap.store import write_rows


def curve(offset=0.0):
    steps = [10.0, 20.0, 30.0]
    losses = [0.4 + offset, 0.3 + offset, 0.2 + offset]
    return {"step": steps, "training": [loss - 0.1 for loss in losses], "validation": losses}


def test_a_panel_a_pair_and_a_colour_a_method():
    figure = learning(
        [
            ("violin without congas", "conv7", curve()),
            ("violin without congas", "harmonic", curve(0.1)),
            ("violin without guitar", "conv7", curve(0.2)),
            ("violin without guitar", "conv7", curve(0.3)),
        ],
        title="Learning",
    )
    congas, guitar = figure.axes
    assert congas.get_title() == "violin without congas"
    assert [line.get_ydata()[0] for line in congas.lines] == pytest.approx([0.4, 0.3, 0.5, 0.4])
    assert [line.get_linestyle() for line in congas.lines] == ["-", ":"] * 2
    # a second initialisation has the colour of the first, and is named once
    assert {line.get_color() for line in guitar.lines} == {congas.lines[0].get_color()}
    assert [text.get_text() for text in guitar.get_legend().get_texts()] == ["conv7"]


def test_it_is_drawn_from_files(tmp_path):
    rows = [
        dict(zip(curve(), values, strict=True)) for values in zip(*curve().values(), strict=True)
    ]
    write_rows(tmp_path / "learning.csv", rows)
    setup = {"of": [["violin without congas", "conv7"]], "title": "Learning"}
    inputs = {"learning": [tmp_path / "learning.csv"]}
    draw(inputs, setup, tmp_path / "figure", logging.getLogger("dap"))
    assert (tmp_path / "figure.pdf").is_file()
    assert (tmp_path / "figure.png").is_file()
