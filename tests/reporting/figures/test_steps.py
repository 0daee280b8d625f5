"""The figures of paper B show the numbers that they are given."""

import numpy as np
import pandas as pd
import pytest

from dap.reporting import power_spectra as natural_statistics
from dap.reporting.figures import style
from dap.reporting.figures.power_spectra import slopes, statistics
from dap.reporting.figures.steps import steps

RATE = 16000


@pytest.fixture(scope="module")
def sounds():
    times = np.arange(8192) / RATE
    clean = np.sin(2 * np.pi * (64 * RATE / 1022) * times)  # on a bin of the transform
    noise = np.random.default_rng(0).normal(0, 1, 8192)
    return clean, clean + 0.1 * noise, noise


def test_steps_are_a_row_a_method_and_a_column_a_step(sounds):
    clean, observed, noise = sounds
    iterates = {"conv7": [noise, 0.9 * clean], "harmonic": [clean + noise, 0.99 * clean]}
    figure = steps(clean, observed, iterates, [1, 1000], RATE, title="Steps")
    titles = [axes.get_title() for axes in figure.axes[:-1]]
    assert titles[0] == "clean"
    assert titles[1] == "conv7, 1 step\nSNR \N{MINUS SIGN}4.8 dB"  # -10 log10(1 + 2)
    assert titles[2] == "conv7, 1,000 steps\nSNR 20.0 dB"
    assert titles[3] == "observed\nSNR 17.0 dB"
    assert titles[5] == "harmonic, 1,000 steps\nSNR 40.0 dB"
    images = [axes.images[0] for axes in figure.axes[:-1]]
    assert {image.get_clim() for image in images} == {(-80, 0)}
    assert np.argmax(images[2].get_array()[:, 60]) == 64
    assert images[0].get_array().max() == pytest.approx(0, abs=1e-9)
    assert images[2].get_array().max() == pytest.approx(20 * np.log10(0.9), abs=1e-9)


def test_one_method_leaves_a_place_free(sounds):
    clean, observed, noise = sounds
    figure = steps(clean, observed, {"conv7": [noise, noise, noise]}, [1, 2, 3], RATE, title="")
    assert [axes.get_title().partition("\n")[0] for axes in figure.axes[:-1]] == [
        "clean", "conv7, 1 step", "conv7, 2 steps", "conv7, 3 steps", "observed",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def spectra(sounds):
    noise = sounds[2]
    return {
        ("speech", signal, of): find([make(sound)])
        for of, sound in (("clean", np.cumsum(noise)), ("observed", noise))
        for signal, find, make in (
            ("spectrogram", natural_statistics.of_images, lambda s: s.reshape(64, 128)),
            ("waveform", natural_statistics.of_signals, lambda s: s),
        )
    }


def test_statistics_state_the_slopes_and_what_is_left_out(spectra):
    figure = statistics(spectra, title="Statistics", names={"speech": "Speech, read"})
    left, right = figure.axes
    assert left.get_title() == "spectrograms: Speech, read\nn = 1 clip"
    assert right.get_title() == "waveforms: Speech, read\nn = 1 clip"
    assert (left.get_xscale(), left.get_yscale()) == ("log", "log")
    legend = [text.get_text() for text in right.get_legend().get_texts()]
    # a random walk falls as 1 / f^2, its steps are white
    slope = spectra["speech", "waveform", "clean"].slope
    assert slope == pytest.approx(-2, abs=0.2)
    assert legend[0].startswith(f"clean, slope \N{MINUS SIGN}{-slope:.2f} (R² 0.9")
    assert legend[1].startswith("observed, slope ")
    data, law = right.lines[0], right.lines[1]
    assert data.get_ydata()[0] == 1
    np.testing.assert_allclose(
        np.diff(np.log(law.get_ydata())) / np.diff(np.log(law.get_xdata())), slope
    )
    assert "images" in figure.get_supxlabel()


def test_slopes_as_a_table(spectra):
    table = slopes(spectra)
    assert list(table.columns) == [
        "corpus", "signal", "of", "slope", "intercept", "r_squared", "clips", "lowest", "highest",
    ]  # fmt: skip
    assert len(table) == 4
    row = table.set_index(["signal", "of"]).loc["waveform", "clean"]
    assert row["slope"] == spectra["speech", "waveform", "clean"].slope
    assert row["clips"] == 1
    assert 0 < row["lowest"] < row["highest"] <= 0.5
    assert isinstance(table, pd.DataFrame)


def test_saved_twice_the_bytes_are_equal(sounds, spectra, tmp_path):
    clean, observed, noise = sounds
    for build in (
        lambda: steps(clean, observed, {"conv7": [noise]}, [5], RATE, title="Steps"),
        lambda: statistics(spectra, title="Statistics"),
    ):
        first = [path.read_bytes() for path in style.save(build(), tmp_path / "a")]
        assert first == [path.read_bytes() for path in style.save(build(), tmp_path / "b")]
