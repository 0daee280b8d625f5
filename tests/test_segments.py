from itertools import pairwise

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from dap.cli import main
from dap.data.corruptions.quantization import cells
from dap.errors import DapError
from dap.fitting.method import Restored
from dap.segments import restore_recording, segments
from dap.study.schema import fit_options

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


def test_what_every_segment_keeps_is_kept(tone, monkeypatch):
    # a prior that gave its input back: the cross-fade must, too
    lengths = []

    def keep(method, task, observation, **_):
        yield
        lengths.append(len(observation.signal))
        return Restored({"last": observation.signal[np.newaxis]}, *np.empty((3, 0)), {})

    monkeypatch.setattr("dap.segments.restoring", keep)
    restored = restore_recording(
        tone, 16000, method="conv", fit={}, spectrogram=SPECTROGRAM, segment_seconds=0.1
    )
    assert len(lengths) > 3
    np.testing.assert_allclose(restored, tone, atol=1e-7)


def test_segments_beside_each_other_give_what_they_give_alone(tone, monkeypatch):
    options = {"fit": FIT | {"iterations": 6}, "spectrogram": SPECTROGRAM}
    options |= {"segment_seconds": 0.15, "device": "cpu"}
    monkeypatch.setattr("dap.fitting.method.LEARNED", np.inf)  # 6 iterations learn little
    begun = []
    options["report"] = lambda segment, count, iteration, loss: begun.append((segment, iteration))
    alone = restore_recording(tone, 16000, method="conv", **options)
    assert begun == [(segment, i) for segment in (1, 2, 3, 4) for i in (1, 6)]
    begun.clear()
    # as on a GPU, and each starts in the round after the one before
    monkeypatch.setattr("dap.segments.at_most", lambda asked, device: 3)
    monkeypatch.setattr("dap.fitting.interleave.SETTLE", 1)
    beside = restore_recording(tone, 16000, method="conv", **options)
    assert begun.index((2, 1)) < begun.index((1, 6))
    np.testing.assert_array_equal(beside, alone)


def test_a_segment_whose_fit_learned_nothing_is_fitted_again(tone, monkeypatch):
    rates, said = [], []

    def fitted(method, task, observation, *, fit, **_):
        """The first segment learns at a third of the rate, the last one never, others at once."""
        yield
        rate = fit["learning_rate"]
        rates.append(rate)
        start = int(np.flatnonzero(np.isclose(tone, observation.signal[1] / 4, atol=1e-6))[0])
        learns = rate < 0.3 if start < 100 else start < 3000
        estimate = observation.signal if learns else np.zeros_like(observation.signal)
        losses = np.array([1.0, 0.1 if learns else 1.01], np.float32)
        return Restored({"last": estimate[np.newaxis]}, np.empty(0), np.empty(0), losses, {})

    monkeypatch.setattr("dap.segments.restoring", fitted)
    ramp = np.linspace(0.05, 1.0, 6000, dtype=np.float32)
    tone = ramp / 4
    options = {"fit": {"learning_rate": 0.3}, "spectrogram": SPECTROGRAM, "segment_seconds": 0.15}
    restored = restore_recording(tone, 16000, method="conv", say=said.append, **options)
    assert rates == pytest.approx([0.3] * 4 + [0.1] * 2)
    assert said == [
        "the fits of segments 1, 4 learned nothing: again, at 0.33 of the learning rate",
        "the fit of segment 4 learned nothing and gave next to nothing: all is noise there, or "
        "the learning rate is too high",
    ]
    np.testing.assert_allclose(restored[:3600], tone[:3600], atol=1e-6)
    assert not restored[5200:].any()


def test_a_segment_that_cannot_be_fitted_is_said(tone):
    hot = FIT | {"learning_rate": 1e38, "iterations": 4}
    with pytest.raises(DapError, match="the fit diverged"):
        restore_recording(tone, 16000, method="conv", fit=hot, spectrogram=SPECTROGRAM)


def test_a_baseline_is_given_the_whole_recording(tone, hiss):
    noisy = np.r_[np.zeros(2000, np.float32), tone] + hiss[:8000]
    options = {"fit": {}, "spectrogram": SPECTROGRAM, "segment_seconds": 0.1}
    restored = restore_recording(noisy, 16000, method="wiener", **options)
    # the noise is learned from the first samples, which hold no tone
    before, after = (np.abs(signal[2000:] - tone).std() for signal in (noisy, restored))
    assert after < before / 2
    filled = restore_recording(tone, 16000, method="janssen", gaps=[(0.15, 0.2)], **options)
    np.testing.assert_array_equal(filled[:2400], tone[:2400])
    np.testing.assert_allclose(filled, tone, atol=1e-3)
    # a rate that is not the default reaches the method
    slow = restore_recording(noisy, 8000, method="wiener", **options)
    assert not np.array_equal(slow, restored)


def test_a_baseline_for_another_task_is_refused(tone):
    options = {"fit": {}, "spectrogram": SPECTROGRAM}
    with pytest.raises(DapError, match="janssen does not denoise: choose another"):
        restore_recording(tone, 16000, method="janssen", **options)
    with pytest.raises(DapError, match="wiener does not fill gaps"):
        restore_recording(tone, 16000, method="wiener", gaps=[(0.15, 0.2)], **options)


def test_the_command_takes_classical_methods(tone, tmp_path):
    damaged, restored = tmp_path / "damaged.wav", tmp_path / "restored.wav"
    soundfile.write(damaged, tone, 16000)
    arguments = ["restore", str(damaged), str(restored), "--method"]
    assert CliRunner().invoke(main, [*arguments, "wavelet"]).exit_code == 0
    assert soundfile.info(restored).frames == len(tone)
    result = CliRunner().invoke(main, [*arguments, "janssen"])
    assert result.exit_code == 1
    assert "janssen does not denoise" in result.output
    for method in ("observed", "nmf", "wiener-known"):
        assert CliRunner().invoke(main, [*arguments, method]).exit_code == 2
    result = CliRunner().invoke(main, [*arguments, "wiener", "--seed", "3", "--iterations", "5"])
    assert result.exit_code == 2
    assert "wiener is fitted to nothing, and takes no --iterations, --seed" in result.output


def test_files_that_the_command_does_not_write(tone, tmp_path):
    damaged = tmp_path / "damaged.wav"
    soundfile.write(damaged, tone, 16000)
    before = damaged.read_bytes()
    same = tmp_path / "other" / ".." / "damaged.wav"
    (tmp_path / "other").mkdir()
    for target, error in {
        damaged: "is the recording itself",
        same: "is the recording itself",
        tmp_path / "out.mp3": "will be a WAV file",
    }.items():
        result = CliRunner().invoke(
            main, ["restore", str(damaged), str(target), "--method", "wavelet"]
        )
        assert result.exit_code == 2
        assert error in result.output
    assert damaged.read_bytes() == before
    assert not (tmp_path / "out.mp3").exists()


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


@pytest.mark.parametrize(
    ("bins", "quantizer"), [(16, "mid-rise"), (16, "mid-tread"), (15, "mid-tread")]
)
@pytest.mark.parametrize("method", ["conv", "wave-u-net", "cell-projection"])
def test_dequantized_samples_stay_in_their_cells(tone, bins, quantizer, method):
    level, lower, upper = cells(tone, bins, quantizer)
    restored = restore_recording(
        level, 16000, method=method, fit=FIT, spectrogram=SPECTROGRAM, bins=bins,
        segment_seconds=0.2,
    )  # fmt: skip
    assert restored.dtype == np.float32
    assert ((restored >= lower) & (restored <= upper)).all()
    # two iterations are near silence: mid-rise has no level there, mid-tread has
    assert np.abs(restored - level).max() > 0.01


def test_recordings_that_were_not_quantized_so_are_refused(tone):
    options = {"method": "conv", "fit": FIT, "spectrogram": SPECTROGRAM}
    level, _, _ = cells(tone, 16, "mid-rise")
    for wrong, bins in ((tone, 16), (level, 8), (0.7 * level, 16)):
        with pytest.raises(
            DapError, match=rf"not the levels of a quantizer of {bins} bins on \[-1, 1\] \(\d+"
        ):
            restore_recording(wrong, 16000, bins=bins, **options)
    with pytest.raises(DapError, match="one of the two"):
        restore_recording(level, 16000, bins=16, gaps=[(0.1, 0.2)], **options)
    with pytest.raises(DapError, match="wavelet does not undo quantization"):
        restore_recording(level, 16000, bins=16, **options | {"method": "wavelet"})


def test_the_command_dequantizes_an_eight_bit_file(tone, tmp_path):
    damaged, restored = tmp_path / "damaged.wav", tmp_path / "restored.wav"
    soundfile.write(damaged, tone, 16000, subtype="PCM_U8")
    options = ["--iterations", "2", "--width", "0.05", "--method", "conv", "--consistency", "0.5"]
    command = ["restore", str(damaged), str(restored), "--dequantize"]
    result = CliRunner().invoke(main, [*command, "256", *options])
    assert result.exit_code == 0, result.output
    before, after = (soundfile.read(path, dtype="float32")[0] for path in (damaged, restored))
    assert 0 < np.abs(before - after).max() <= 0.5 / 128 + 1e-7
    result = CliRunner().invoke(main, [*command, "64", *options])
    assert result.exit_code == 1
    assert "not the levels of a quantizer of 64 bins" in result.output
    result = CliRunner().invoke(main, [*command, "256", "--gap", "0.1-0.2"])
    assert result.exit_code == 2
    assert "exclude each other" in result.output
    result = CliRunner().invoke(main, ["restore", str(damaged), str(restored), *options])
    assert result.exit_code == 2
    assert "--consistency is of --dequantize" in result.output


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
    said = "0.188 s, 16000 Hz, one channel, restored by conv (the mean of 2 channels, resampled"
    assert f"{restored}: {said} from 32000 Hz)" in result.output


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
    result = CliRunner().invoke(main, ["restore", str(silent), "out.wav", "--gap", "0.2-0.1"])
    assert result.exit_code == 2
    assert "'0.2-0.1' ends before it starts" in result.output
