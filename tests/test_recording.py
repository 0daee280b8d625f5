from itertools import pairwise

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from dap.cli import main
from dap.errors import DapError
from dap.recording import restore_recording, segments
from dap.schema import fit_options

FIT = fit_options(
    {"iterations": 2, "learning_rate": 0.005, "snapshots": 2, "width": 0.05, "precision": "float32"}
)
SPECTROGRAM = {"n_fft": 1022, "hop_length": 64, "window": "hann"}


@pytest.fixture
def tone():
    time = np.arange(6000) / 16000
    return (0.25 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


@pytest.mark.parametrize("samples", [1000, 4000, 4001, 9999, 50_000])
def test_segments_cover_all_samples_and_overlap(samples):
    found = segments(samples, 4000, 512)
    assert found[0][0] == 0
    assert found[-1][1] == samples
    overlaps = [a[1] - b[0] for a, b in pairwise(found)]
    assert all(overlap >= 512 for overlap in overlaps)
    assert all(end - start == min(samples, 4000) for start, end in found)


def test_what_every_segment_keeps_is_kept(tone):
    # `observed` gives its input back, so the cross-fade must, too
    restored = restore_recording(
        tone, 16000, method="observed", fit={}, spectrogram=SPECTROGRAM, segment_seconds=0.1
    )
    np.testing.assert_allclose(restored, tone, atol=1e-7)


def test_only_the_gap_changes(tone):
    restored = restore_recording(
        tone,
        16000,
        method="conv",
        fit=FIT,
        spectrogram=SPECTROGRAM,
        gaps=[(0.15, 0.2)],
        segment_seconds=0.3,
    )
    inside = np.zeros(len(tone), bool)
    inside[2400:3200] = True
    np.testing.assert_array_equal(restored[~inside], tone[~inside])
    assert np.abs(restored[inside] - tone[inside]).max() > 0.01


@pytest.mark.parametrize("gap", [(0.3, 0.2), (-0.1, 0.1), (0.3, 0.5)])
def test_a_gap_outside_is_refused(tone, gap):
    with pytest.raises(DapError, match="not inside of the recording"):
        restore_recording(tone, 16000, method="conv", fit=FIT, spectrogram=SPECTROGRAM, gaps=[gap])


def test_a_gap_that_leaves_nothing_is_refused(tone):
    with pytest.raises(DapError, match="leaves nothing"):
        restore_recording(
            tone, 16000, method="conv", fit=FIT, spectrogram=SPECTROGRAM, gaps=[(0.02, 0.37)]
        )


def test_the_command_writes_a_file_of_the_same_length(tone, tmp_path):
    damaged, restored = tmp_path / "damaged.flac", tmp_path / "restored.wav"
    stereo = np.stack([tone, tone], axis=1)
    soundfile.write(damaged, stereo, 32000)
    options = ["--iterations", "2", "--width", "0.05", "--method", "conv"]
    result = CliRunner().invoke(main, ["restore", str(damaged), str(restored), *options])
    assert result.exit_code == 0, result.output
    signal, rate = soundfile.read(restored)
    assert (len(signal), rate) == (3000, 16000)
    assert np.isfinite(signal).all()


def test_a_pop_inside_the_gap_does_not_set_the_level(tone):
    popped = tone.copy()
    popped[2500:2510] = 50.0
    options = {"method": "conv", "fit": FIT, "spectrogram": SPECTROGRAM, "gaps": [(0.15, 0.2)]}
    with_pop = restore_recording(popped, 16000, **options)
    np.testing.assert_array_equal(with_pop, restore_recording(tone, 16000, **options))


def test_a_missing_folder_is_found_before_the_fit(tone, tmp_path):
    soundfile.write(tmp_path / "a.wav", tone, 16000)
    target = tmp_path / "nowhere" / "b.wav"
    result = CliRunner().invoke(main, ["restore", str(tmp_path / "a.wav"), str(target)])
    assert result.exit_code == 1
    assert "nowhere" in result.output


def test_the_command_says_what_is_wrong(tmp_path):
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(4000), 16000)
    result = CliRunner().invoke(main, ["restore", str(silent), str(tmp_path / "out.wav")])
    assert result.exit_code == 1
    assert "silent.wav: is silent" in result.output
    result = CliRunner().invoke(main, ["restore", str(silent), "out.wav", "--gap", "half"])
    assert result.exit_code == 2
    assert "START-END" in result.output
