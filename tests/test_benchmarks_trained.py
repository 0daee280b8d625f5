"""A trained network beside classical methods: what the benchmark measures."""

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from small_checkpoint import small_weights

from benchmarks import trained
from dap.baselines import dfl
from dap.decibels import snr_db
from dap.plugins import plugin


@pytest.fixture
def recordings(tmp_path, monkeypatch, voice, hiss):
    """A folder with two recordings of each corpus and of noise, and a small network's weights."""
    for folder in (*trained.CORPORA.values(), "noise/room"):
        (tmp_path / folder).mkdir(parents=True)
        for i in range(2):
            sound = hiss[i::2] if folder == "noise/room" else (0.3 + i) * voice
            soundfile.write(tmp_path / folder / f"{i}.wav", sound, trained.RATE)
    declared = plugin("baselines", "dfl").metadata["weights"]
    monkeypatch.setitem(declared, "files", small_weights(tmp_path / "weights"))
    monkeypatch.setenv("DAP_WEIGHTS", str(tmp_path / "weights"))
    dfl._network.cache_clear()
    yield tmp_path
    dfl._network.cache_clear()


def test_noise(voice, hiss):
    made = trained.noise_for(voice, [hiss[:5000], hiss], np.random.default_rng(0))
    assert {len(noise) for noise in made.values()} == {len(voice) + 2 * trained.PAUSE}
    assert made["white"].std() == pytest.approx(0.1, rel=0.02)
    added = made["recorded"][trained.PAUSE : -trained.PAUSE]
    assert 5 <= snr_db(voice, added) <= 9


def test_only_the_speech_is_scored(recordings, voice, hiss):
    noisy = np.pad(voice, 100) + 0.1 * hiss[: len(voice) + 200]
    row = trained.scores(voice, noisy, 100, None)
    assert list(row) == ["observed", "dfl", "wiener", "wavelet"]
    expected = snr_db(voice, 0.1 * hiss[100 : len(voice) + 100])
    assert row["observed"][0] == pytest.approx(expected, abs=1e-3)
    louder = trained.scores(voice, noisy, 100, 0.5)
    assert louder["observed"] == pytest.approx(row["observed"], abs=1e-3)
    # the network knows of levels
    assert abs(louder["dfl"][0] - row["dfl"][0]) > 0.01


def test_the_table(recordings):
    options = ["--noise", "noise/room", "--files", "1", "--seconds", "1"]
    done = CliRunner().invoke(trained.main, [str(recordings), *options])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert len(lines) == 2 + 2 * 2 * 2
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert {len(row) for row in cells} == {4 + 4}
    assert [row[:4] for row in cells[2:4]] == [
        ["LJSpeech", "white", "none", "1"],
        ["LJSpeech", "white", "0.5 s", "1"],
    ]
    # pauses change nothing of what is not restored
    assert cells[2][4] == cells[3][4]


def test_without_the_weights(recordings, monkeypatch):
    monkeypatch.setenv("DAP_WEIGHTS", str(recordings / "noise"))
    done = CliRunner().invoke(trained.main, [str(recordings), "--noise", "noise/room"])
    assert done.exit_code == 1
    assert "Error: DAP_WEIGHTS is" in done.output
