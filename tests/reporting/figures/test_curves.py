"""Figures show the numbers that they are given, and the same figure gives the same bytes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from dap.errors import DapError
from dap.reporting.figures import curves as figures
from dap.reporting.figures import example, style

COLUMNS = "experiment corpus method clip seed source scope selection iteration metric value unit"
RATE = 16000
METHODS = ["observed", "conv", "dilated"]


def trajectories(
    clips: int, corpus: str = "speech", source: str = "", scope: str = "full"
) -> list[tuple]:
    """Value: 10 x clip + seed + iteration; observed: the clip's number."""
    rows = []
    for clip in range(clips):
        start = ("e", corpus)
        end = ("snr", float(clip), "dB")
        rows.append((*start, "observed", f"c{clip}", 0, source, scope, "last", 0, *end))
        for seed in (0, 1):
            for iteration in (1, 10, 100):
                value = 10.0 * clip + seed + iteration
                at = (f"c{clip}", seed, source, scope, "snapshot", iteration, "snr", value, "dB")
                rows.append((*start, "conv", *at))
    return rows


def draw(rows: list[tuple], **options) -> Figure:
    scores = pd.DataFrame(rows, columns=COLUMNS.split())
    colours = figures.palette(METHODS)
    settings = {"metric": "snr", "label": "SNR (dB)", "methods": METHODS, "title": "Curves"}
    return figures.curves(scores, colours=colours, **settings | options)


def line(axes, label: str):
    return next(line for line in axes.lines if line.get_label() == label)


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for legend in figure.legends for text in legend.get_texts())


def test_curve_is_mean_over_clips_of_means_over_seeds():
    figure = draw(trajectories(3))
    (axes,) = figure.axes
    curve = line(axes, "conv")
    # clips 0, 1, 2 have 0.5, 10.5, 20.5 on average over seeds 0 and 1
    assert curve.get_xdata() == pytest.approx([1, 10, 100])
    assert curve.get_ydata() == pytest.approx([11.5, 20.5, 110.5])
    assert curve.get_color() == figures.COLOURS["conv"]
    assert line(axes, "observed").get_ydata() == pytest.approx([1.0, 1.0])
    assert line(axes, "observed").get_linestyle() == "--"
    assert axes.get_xscale() == "log"
    assert axes.get_title() == "speech\nn = 3 clips"
    assert axes.get_ylabel() == "SNR (dB)"


def test_no_line_of_the_observations():
    (axes,) = draw(trajectories(3), methods=["conv"], observed=None).axes
    assert {each.get_linestyle() for each in axes.lines} == {"-"}
    unscored = [row for row in trajectories(3) if row[2] != "observed"]
    (axes,) = draw(unscored).axes
    assert {each.get_linestyle() for each in axes.lines} == {"-"}


def test_band_from_five_clips_on_and_single_clips_below():
    (few,), (many,) = draw(trajectories(4)).axes, draw(trajectories(5)).axes
    assert len(few.collections) == 0
    assert len(few.lines) == 1 + 4 + 1  # the mean, the clips, the observations
    assert len(many.collections) == 1
    assert len(many.lines) == 2
    assert "single clips" in texts(few.figure)
    assert "95 % interval over clips" in texts(many.figure)


def test_band_is_the_interval_of_the_mean():
    (axes,) = draw(trajectories(8)).axes
    edges = axes.collections[0].get_paths()[0].vertices
    at_ten = edges[np.isclose(edges[:, 0], 10), 1]
    # of 8 values 10 apart: standard deviation 24.5, t(0.975, 7) = 2.365, 2.365 * 24.5 / sqrt(8)
    assert at_ten.min() == pytest.approx(45.5 - 20.48, abs=0.01)
    assert at_ten.max() == pytest.approx(45.5 + 20.48, abs=0.01)


def test_undefined_values_are_left_out_and_counted():
    rows = trajectories(3)
    rows = [(*r[:10], np.nan, "dB") if r[2:5] == ("conv", "c2", 1) else r for r in rows]
    (axes,) = draw(rows).axes
    # one seed of clip 2 lacks: the clip is left out, not averaged over the other seed
    assert line(axes, "conv").get_ydata() == pytest.approx([6.5, 15.5, 105.5])
    assert axes.get_title() == "speech\nn = 3 clips\n3 of 18 values undefined"


def test_a_panel_a_corpus_and_a_source():
    rows = trajectories(2, "speech") + trajectories(2, "music")
    assert len(draw(rows).axes) == 2
    rows = [
        row
        for mixture in ("a+b", "b+c", "a+c")
        for source in mixture.split("+")
        for row in trajectories(1, mixture, source)
    ]
    axes = draw(rows, names={"a": "Piano", "b": "Drums"}).axes
    assert len(axes) == 6
    assert axes[0].get_title() == "Piano\nfrom Piano + Drums\nn = 1 clip"
    assert axes[0].get_position().y0 > axes[3].get_position().y1  # wrapped after three


def test_scope_is_full_or_else_filled_or_else_raw():
    for first, second in (("full", "projected"), ("filled", "raw"), ("raw", "projected")):
        both = trajectories(4, scope=second) + trajectories(2, scope=first)
        assert line(draw(both).axes[0], "conv").get_ydata() == pytest.approx([6.5, 15.5, 105.5])


def against_observed(rows):
    """The snapshots again, against the observation: 1,000 better."""
    return rows + [
        (*row[:7], "snapshot-to-observed", *row[8:10], row[10] + 1000, row[11])
        for row in rows
        if row[7] == "snapshot"
    ]


def test_against_the_clean_and_the_observed_signal():
    rows = against_observed(trajectories(3, "speech") + trajectories(2, "music"))
    (alone,) = draw(against_observed(trajectories(3)), against=["observed"]).axes
    assert line(alone, "conv").get_ydata() == pytest.approx([1011.5, 1020.5, 1110.5])
    assert "observed" not in {line.get_label() for line in alone.lines}  # no dashed line
    axes = draw(rows, against=["clean", "observed"]).axes
    assert [panel.get_title().replace("\n", ", ") for panel in axes] == [
        "speech, n = 3 clips, against the clean clips",
        "speech, n = 3 clips, against the observations",
        "music, n = 2 clips, against the clean clips",
        "music, n = 2 clips, against the observations",
    ]
    assert line(axes[2], "conv").get_ydata() == pytest.approx([6.5, 15.5, 105.5])
    assert line(axes[3], "conv").get_ydata() == pytest.approx([1006.5, 1015.5, 1105.5])
    assert line(axes[2], "observed").get_ydata() == pytest.approx([0.5, 0.5])
    # by default the clean clips alone, as before
    assert [panel.get_title() for panel in draw(rows).axes] == [
        "speech\nn = 3 clips",
        "music\nn = 2 clips",
    ]
    with pytest.raises(DapError, match="no snapshots of snr against the observations for conv"):
        draw(trajectories(2), against=["clean", "observed"])


def test_seconds_are_those_of_each_method_and_corpus():
    rows = trajectories(2, "speech") + trajectories(2, "music")
    other = [(*row[:2], "dilated", *row[3:]) for row in rows if row[2] == "conv"]
    seconds = {("speech", "conv"): 0.1, ("speech", "dilated"): 0.3, ("music", "conv"): 0.2}
    seconds["music", "dilated"] = 0.4
    speech, music = draw(rows + other, seconds=seconds, device="cpu, 2 threads").axes
    assert line(speech, "conv").get_xdata() == pytest.approx([0.1, 1, 10])
    assert line(speech, "dilated").get_xdata() == pytest.approx([0.3, 3, 30])
    assert line(music, "conv").get_xdata() == pytest.approx([0.2, 2, 20])
    assert line(music, "dilated").get_ydata() == pytest.approx([6.5, 15.5, 105.5])
    assert speech.get_xlabel() == "Seconds of fitting (cpu, 2 threads)"


def test_a_missing_metric_and_several_experiments_are_errors():
    with pytest.raises(DapError, match="psnr against the clean clips for conv, dilated"):
        draw(trajectories(2), metric="psnr")
    with pytest.raises(DapError, match="one experiment, not of e, f"):
        draw(trajectories(2) + [("f", *row[1:]) for row in trajectories(2)])


def test_palette_is_fixed_by_method():
    colours = figures.palette(["harmonic", "conv", "mine"])
    assert colours["conv"] == figures.palette([])["conv"] == "#E69F00"
    assert len(set(colours.values())) == len(colours) == 14


def test_many_examples_are_wrapped():
    clean = np.sin(np.arange(1024) / 10)[np.newaxis]
    signals = {"clean": clean} | {f"method{i}": 0.9 * clean for i in range(8)}
    figure = example.examples(signals, 16000, title="t")
    waves = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title().split("\n")[0] for axes in waves] == list(signals)
    # five above, four below, all of one width
    top, bottom = waves[:5], waves[5:]
    figure.draw_without_rendering()
    assert min(a.get_position().y0 for a in top) > max(a.get_position().y1 for a in bottom)
    assert figure.get_size_inches()[0] < 12


def test_examples_state_snr_and_share_scales():
    times = np.arange(8192) / RATE
    low, high = 64 * RATE / 1022, 192 * RATE / 1022  # on bins of the transform
    clean = np.stack([np.sin(2 * np.pi * low * times), 0.5 * np.sin(2 * np.pi * high * times)])
    columns = {"clean": clean, "observed": clean.sum(0, keepdims=True), "conv": 0.9 * clean}
    figure = example.examples(columns, RATE, title="A clip", sources=["Piano", "Drums"])
    assert len(figure.axes) == 2 * 2 * 3 + 1  # and the colour bar
    grid = np.reshape(figure.axes[:-1], (4, 3))
    assert grid[0, 0].get_title() == "clean"
    # an error of a tenth of the amplitude: 20 dB; the other source, half as strong: 6 dB
    assert grid[0, 2].get_title() == "conv\nSNR 20.0 dB"
    assert grid[0, 1].get_title() == "observed\nSNR 6.0 dB"
    assert grid[2, 1].get_title() == "SNR \N{MINUS SIGN}6.0 dB"
    assert grid[0, 0].lines[0].get_ydata() == pytest.approx(clean[0])
    assert {axes.get_ylim() for axes in grid[::2].ravel()} == {grid[0, 0].get_ylim()}
    images = [axes.images[0] for axes in grid[1::2].ravel()]
    assert {image.get_clim() for image in images} == {(-80, 0)}
    # 0 dB is the first source's tone; the second is 6 dB below
    levels = images[0].get_array(), images[3].get_array()
    assert levels[0].max() == pytest.approx(0, abs=1e-9)
    assert levels[1].max() == pytest.approx(
        -6.02, abs=0.1
    )  # 0.1: the clip's ends smear the maximum
    assert np.argmax(levels[1][:, 60]) == 192
    assert grid[3, 0].get_xlabel() == "Time (s)"
    assert grid[3, 0].get_ylabel() == "Drums\nFrequency (kHz)"


def test_examples_without_a_clean_clip_state_no_snr_and_shade_gaps():
    noise = np.random.default_rng(0).normal(size=(1, 4096))
    columns = {"observed": noise, "dilated": noise / 2}
    figure = example.examples(columns, RATE, title="Restored", gaps=[(0.05, 0.1)])
    assert [axes.get_title() for axes in figure.axes[:2]] == ["observed", "dilated"]
    assert [len(axes.patches) for axes in figure.axes[:4]] == [1, 1, 1, 1]
    assert figure.axes[0].patches[0].get_x() == pytest.approx(0.05)


def test_silence_makes_a_figure():
    columns = {"clean": np.zeros((1, 4096)), "conv": np.zeros((1, 4096))}
    figure = example.examples(columns, RATE, title="Silence")
    assert figure.axes[1].get_title() == "conv\nSNR undefined"


def test_saved_twice_the_bytes_are_equal(tmp_path):
    noise = np.random.default_rng(0).normal(size=(1, 2048))
    for build in (
        lambda: draw(trajectories(5)),
        lambda: example.examples({"clean": noise, "conv": noise / 2}, RATE, title="A clip"),
    ):
        figure = build()
        first = [path.read_bytes() for path in style.save(figure, tmp_path / "a.b")]
        again = [path.read_bytes() for path in style.save(figure, tmp_path / "a.b")]
        other = [path.read_bytes() for path in style.save(build(), tmp_path / "c")]
        assert first == again == other
        assert first[0].startswith(b"%PDF")
        assert first[1].startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.b.pdf",
        "a.b.png",
        "c.pdf",
        "c.png",
    ]
