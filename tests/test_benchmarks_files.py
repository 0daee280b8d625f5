"""Benchmarks of what `dap restore` does with files: rates, channels, dropouts."""

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from benchmarks import bandwidth, dropouts, stereo
from dap.decibels import snr_db


@pytest.fixture
def recordings(tmp_path, voice, hiss):
    """Two recordings of 32 kHz: a voice, and tones in noise."""
    time = np.arange(32000) / 32000
    tones = np.sin(2 * np.pi * 300 * time) + 0.3 * np.sin(2 * np.pi * 9000 * time)
    for name, signal in {"voice": voice, "tones": 0.3 * tones + 0.01 * hiss[:32000]}.items():
        soundfile.write(tmp_path / f"{name}.wav", signal, 32000)
    return tmp_path


def cells(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_rates(recordings):
    clean, rate = bandwidth.loudest(recordings / "tones.wav", 0.5)
    assert (len(clean), rate) == (16000, 32000)
    assert np.abs(clean).max() == pytest.approx(0.5)
    row = bandwidth.ways(clean, rate, "wiener-tracked", 0, 1)
    assert list(row) == ["given", "own rate", "by bands"]
    assert row["given"] == pytest.approx(10, abs=0.1)
    assert min(row["own rate"], row["by bands"]) > 12
    assert bandwidth.ways(clean, rate, "janssen", 0, 1)["given"] == pytest.approx(0, abs=1e-9)
    names = [str(recordings / f"{name}.wav") for name in ("voice", "tones")]
    done = CliRunner().invoke(
        bandwidth.main, [*names, "--method", "wiener-tracked", "--seconds", "0.5"]
    )
    assert done.exit_code == 0, done.output
    line = done.stdout.splitlines()[-1]
    assert cells(line)[:2] == ["`wiener-tracked`", "2"]
    assert done.stderr.count(", 32000 Hz: given ") == 2


def test_channels(recordings):
    files = tuple(recordings / f"{name}.wav" for name in ("voice", "tones"))
    mono, rate = bandwidth.loudest(files[1], 0.5)
    rng = np.random.default_rng(0)
    middle, left = (stereo.panned(mono, rate, stereo.PANS[pan], rng) for pan in ("middle", "left"))
    assert middle.std(axis=0)[0] == pytest.approx(middle.std(axis=0)[1], rel=0.3)
    assert left.std(axis=0)[0] > 2 * left.std(axis=0)[1]
    axes = stereo.principal(left)
    turned = left @ axes
    assert abs(np.corrcoef(turned.T)[0, 1]) < 1e-6
    noisy = middle + 0.05 * rng.standard_normal(middle.shape)
    restored = stereo.rotated(noisy, np.eye(2), rate)
    assert snr_db(middle.ravel(), (restored - middle).ravel()) > snr_db(
        middle.ravel(), (noisy - middle).ravel()
    )
    done = CliRunner().invoke(stereo.main, [*map(str, files), "--seconds", "0.5"])
    assert done.exit_code == 0, done.output
    rows = [cells(line) for line in done.output.splitlines()[2:]]
    assert [row[:3] for row in rows[:2]] == [
        ["middle", "independent", "2"],
        ["middle", "the same", "2"],
    ]
    assert len(rows) == 8
    assert {len(row) for row in rows} == {7}
    assert CliRunner().invoke(stereo.main, [str(files[0])]).exit_code == 2


def test_recordings_of_two_channels(recordings):
    left, right = (soundfile.read(recordings / f"{name}.wav")[0] for name in ("voice", "tones"))
    length = min(len(left), len(right))
    pair = np.stack([left[:length], right[:length]], axis=1)
    pair[: length // 2] *= 0.1
    files = [recordings / "pair.wav", recordings / "swapped.wav"]
    soundfile.write(files[0], pair, 32000)
    soundfile.write(files[1], pair[:, ::-1], 32000)
    clip, rate = stereo.recorded(files[0], 0.25)
    assert (clip.shape, rate) == ((8000, 2), 32000)
    assert np.abs(clip).max() == pytest.approx(0.5)
    # one stretch of both channels, of the louder half
    starts = range(0, length - 8000 + 1, 8000)
    cuts = [0.5 * (cut := pair[i : i + 8000]) / np.abs(cut).max() for i in starts]
    same = [np.allclose(clip, cut, atol=1e-4) for cut in cuts]
    assert sum(same) == 1
    assert starts[same.index(True)] >= length // 2 - 8000
    done = CliRunner().invoke(stereo.main, [*map(str, files), "--seconds", "0.25"])
    assert done.exit_code == 0, done.output
    rows = [cells(line) for line in done.output.splitlines()[2:]]
    assert [row[:3] for row in rows] == [
        ["as recorded", "independent", "2"],
        ["as recorded", "the same", "2"],
    ]


def test_dropouts(recordings):
    done = CliRunner().invoke(dropouts.main, [str(recordings)])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    rows = [cells(line) for line in lines[2:6]]
    assert [row[:2] for row in rows] == [
        ["zeros, 2 ms", "2"],
        ["zeros, 20 ms", "2"],
        ["repeated, 2 ms", "2"],
        ["repeated, 20 ms", "2"],
    ]
    assert lines[-1] == "False: 0 in 2 recordings"
    signal = np.arange(1, 9.0)
    assert dropouts.with_dropout(signal, 2, 3, "zeros").tolist() == [1, 2, 0, 0, 0, 6, 7, 8]
    assert dropouts.with_dropout(signal, 2, 3, "repeated").tolist() == [1, 2, 2, 2, 2, 6, 7, 8]
    assert dropouts.placed(signal, 2, 16000, np.random.default_rng(0)) is None
