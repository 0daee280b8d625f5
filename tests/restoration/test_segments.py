import threading
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from dap.data.corruptions.quantization import cells
from dap.errors import DapError
from dap.fitting.method import Restored
from dap.options import FitOptions
from dap.restoration.gaps import gap_mask
from dap.restoration.quantizers import quantized
from dap.restoration.segments import restore_recording, segments

FIT = FitOptions(iterations=2, learning_rate=0.005, snapshots=2, width=0.05, precision="float32")
SPECTROGRAM = {"n_fft": 1022, "hop_length": 64, "window": "hann"}
few_iterations = pytest.mark.usefixtures("few_iterations")


@pytest.fixture
def tone():
    time = np.arange(6000) / 16000
    return (0.25 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


@pytest.mark.parametrize("samples", [1000, 4000, 4001, 9999, 50_000])
def test_segments_cover_all_samples_and_overlap(samples):
    parts = segments(samples, 4000, 512)
    assert parts[0][0] == 0
    assert parts[-1][1] == samples
    overlaps = [a[1] - b[0] for a, b in pairwise(parts)]
    assert all(overlap >= 512 for overlap in overlaps)
    assert all(end - start == min(samples, 4000) for start, end in parts)


def test_what_every_segment_keeps_is_kept(tone, monkeypatch):
    # a prior that gave its input back: the cross-fade must, too
    lengths = []

    def keep(method, task, observation, **_):
        yield
        lengths.append(len(observation.signal))
        return Restored({"last": observation.signal[np.newaxis]}, *np.empty((3, 0)), {})

    monkeypatch.setattr("dap.restoration.segments.restoring", keep)
    restored = restore_recording(
        tone, 16000, method="conv", fit=FIT, spectrogram=SPECTROGRAM, segment_seconds=0.1
    )
    assert len(lengths) > 3
    assert restored.segments[-1][1] == len(tone)
    np.testing.assert_allclose(restored.audio, tone, atol=1e-7)


@pytest.fixture
def threads():
    """Sets PyTorch's number of threads, until the end of a test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@few_iterations
def test_segments_beside_each_other_give_what_they_give_alone(tone, monkeypatch, threads):
    options = {"fit": replace(FIT, iterations=6), "spectrogram": SPECTROGRAM}
    options |= {"segment_seconds": 0.15, "device": "cpu"}
    begun = []
    options["report"] = lambda segment, count, iteration, loss: begun.append((segment, iteration))
    threads(1)
    alone = restore_recording(tone, 16000, method="conv", **options)
    assert begun == [(segment, i) for segment in (1, 2, 3, 4) for i in (1, 6)]
    begun.clear()
    # as on a GPU, and each starts in the round after the one before
    with monkeypatch.context() as patch:
        patch.setattr("dap.restoration.segments.at_most", lambda asked, device: 3)
        patch.setattr("dap.fitting.interleave.SETTLE", 1)
        beside = restore_recording(tone, 16000, method="conv", **options)
    assert begun.index((2, 1)) < begun.index((1, 6))
    np.testing.assert_array_equal(beside.audio, alone.audio)
    np.testing.assert_array_equal(beside.losses, alone.losses)


@few_iterations
def test_segments_are_shared_out_among_the_threads_of_a_cpu(tone, threads):
    options = {"fit": replace(FIT, iterations=6), "spectrogram": SPECTROGRAM}
    options |= {"segment_seconds": 0.15, "device": "cpu"}
    threads(1)
    alone = restore_recording(tone, 16000, method="conv", **options)
    told = []
    options["report"] = lambda *state: told.append((threading.get_ident(), *state[:3]))
    threads(3)  # each segment has one of them
    beside = restore_recording(tone, 16000, method="conv", **options)
    assert torch.get_num_threads() == 3
    np.testing.assert_array_equal(beside.audio, alone.audio)
    np.testing.assert_array_equal(beside.losses, alone.losses)
    by, *states = zip(*told, strict=True)
    assert sorted(zip(*states, strict=True)) == [(k, 4, i) for k in (1, 2, 3, 4) for i in (1, 6)]
    assert 1 < len(set(by)) <= 3
    assert threading.get_ident() not in by


@pytest.fixture
def stubborn(monkeypatch):
    """A prior whose fits give their input back; those of some segments learn nothing.

    The first segment of four learns at a third of the rate, 0.3, and the last one never.
    """
    rates = []

    def fitted(method, task, observation, *, fit, **_):
        yield
        index = [0, 1, 2, 3, 0, 3][len(rates)]
        rates.append(fit.learning_rate)
        learns = {0: fit.learning_rate < 0.3, 3: False}.get(index, True)
        estimate = observation.signal if learns else np.zeros_like(observation.signal)
        losses = np.array([1.0, 0.1 if learns else 1.01], np.float32)
        outputs = estimate[np.newaxis]
        return Restored({"last": outputs}, np.array([2]), outputs[np.newaxis], losses, {})

    monkeypatch.setattr("dap.restoration.segments.restoring", fitted)
    return rates


STUBBORN = {
    "method": "conv",
    "fit": replace(FIT, learning_rate=0.3),
    "spectrogram": SPECTROGRAM,
    "segment_seconds": 0.15,
}


def test_a_segment_whose_fits_learned_nothing_is_left_as_it_was(stubborn, tone, caplog):
    restored = restore_recording(tone, 16000, **STUBBORN)
    assert stubborn == pytest.approx([0.3] * 4 + [0.1] * 2)
    assert caplog.messages == [
        "segments 1 (0.0-0.1 s), 4 (0.2-0.4 s): no fit learned anything; again, at 0.33 of the "
        "learning rate",
        "segment 4 (0.2-0.4 s): left unrestored, since no fit learned anything: all is noise "
        "there, the iterations are too few, or the learning rate is too high",
    ]
    assert restored.unrestored == (3,)
    assert restored.learned
    assert restored.losses[:, 1] == pytest.approx([0.1, 0.1, 0.1, 1.01])
    np.testing.assert_allclose(restored.audio, tone, atol=1e-6)
    end = restored.segments[2][1]  # beyond the cross-fade with the third
    np.testing.assert_array_equal(restored.audio[end:], tone[end:])
    np.testing.assert_array_equal(restored.snapshots[2], restored.audio)


def test_the_channel_of_a_segment_is_said(stubborn, tone, caplog):
    restore_recording(tone, 16000, channel=" of channel 2", **STUBBORN)
    assert caplog.messages[1].startswith("segment 4 (0.2-0.4 s) of channel 2: left unrestored")


def test_a_gap_whose_fit_learned_nothing_is_left_as_it_was(stubborn, tone):
    damaged = tone.copy()
    gaps = [(start, start + 0.01) for start in (0.02, 0.13, 0.2, 0.35)]
    damaged[5600:5760] = 0.7  # what a gap holds is no sound, and stays where nothing is filled
    restored = restore_recording(damaged, 16000, gaps=gaps, **STUBBORN)
    assert restored.unrestored == (3,)
    np.testing.assert_array_equal(restored.audio[5600:5760], damaged[5600:5760])
    assert np.abs(restored.audio[320:480]).max() < 0.01  # its input has nothing there
    quantized, _, _ = cells(tone, 16, "mid-tread")
    stubborn.clear()
    restored = restore_recording(quantized, 16000, bins=16, **STUBBORN)
    assert restored.unrestored == (3,)
    np.testing.assert_allclose(restored.audio, quantized, atol=1e-6)


def test_fits_that_fell_silent_learned_nothing(monkeypatch, tone):
    def fell_silent(method, task, observation, **_):
        yield
        quiet = 0.02 * observation.signal[np.newaxis]
        return Restored({"last": quiet}, *np.empty((2, 0)), np.array([50.0, 1.0]), {})

    monkeypatch.setattr("dap.restoration.segments.restoring", fell_silent)
    restored = restore_recording(tone, 16000, **STUBBORN)
    assert restored.unrestored == (0, 1, 2, 3)
    assert not restored.learned
    np.testing.assert_array_equal(restored.audio, tone)


def test_a_segment_that_cannot_be_fitted_is_said(tone):
    hot = replace(FIT, learning_rate=1e38, iterations=4)
    with pytest.raises(DapError, match="the fit diverged"):
        restore_recording(tone, 16000, method="conv", fit=hot, spectrogram=SPECTROGRAM)


def test_a_baseline_is_given_the_whole_recording(tone, hiss):
    noisy = np.r_[np.zeros(2000, np.float32), tone] + hiss[:8000]
    options = {"fit": FIT, "spectrogram": SPECTROGRAM, "segment_seconds": 0.1}
    restored = restore_recording(noisy, 16000, method="wiener", **options).audio
    # the noise is learned from the first samples, which hold no tone
    before, after = (np.abs(signal[2000:] - tone).std() for signal in (noisy, restored))
    assert after < before / 2
    filled = restore_recording(tone, 16000, method="janssen", gaps=[(0.15, 0.2)], **options).audio
    np.testing.assert_array_equal(filled[:2400], tone[:2400])
    np.testing.assert_allclose(filled, tone, atol=1e-3)
    # a rate that is not the default reaches the method
    slow = restore_recording(noisy, 8000, method="wiener", **options).audio
    assert not np.array_equal(slow, restored)


@few_iterations
def test_only_the_gap_changes(tone):
    restored = restore_recording(
        tone,
        16000,
        method="conv",
        fit=FIT,
        spectrogram=SPECTROGRAM,
        gaps=[(0.15, 0.2)],
        segment_seconds=0.3,
    ).audio
    inside = np.zeros(len(tone), bool)
    inside[2400:3200] = True
    np.testing.assert_array_equal(restored[~inside], tone[~inside])
    assert np.abs(restored[inside] - tone[inside]).max() > 0.01


@pytest.mark.parametrize(
    ("bins", "quantizer"), [(16, "mid-rise"), (16, "mid-tread"), (15, "mid-tread")]
)
@few_iterations
@pytest.mark.parametrize("method", ["conv", "wave-u-net", "cell-projection"])
def test_dequantized_samples_stay_in_their_cells(tone, bins, quantizer, method):
    level, lower, upper = cells(tone, bins, quantizer)
    restored = restore_recording(
        level, 16000, method=method, fit=FIT, spectrogram=SPECTROGRAM, bins=bins,
        segment_seconds=0.2,
    ).audio  # fmt: skip
    assert restored.dtype == np.float32
    assert ((restored >= lower) & (restored <= upper)).all()
    # two iterations are near silence: mid-rise has no level there, mid-tread has
    assert np.abs(restored - level).max() > 0.01


@pytest.mark.parametrize("quantizer", ["mid-rise", "mid-tread"])
def test_bins_that_a_recording_does_not_have_are_named(tone, quantizer, caplog):
    recording = cells(tone, 16, quantizer)[0]
    _, lower, upper = cells(tone, 16, quantizer)
    np.testing.assert_array_equal(quantized(recording, 16), [lower, upper])
    assert not caplog.records
    for bins in (32, 48, 64):  # mid-tread ones have all these levels
        caplog.clear()
        quantized(recording, bins)
        assert "was the recording quantized to 16?" in caplog.text


def test_recordings_that_were_not_quantized_so_are_refused(tone):
    options = {"method": "conv", "fit": FIT, "spectrogram": SPECTROGRAM}
    level, _, _ = cells(tone, 16, "mid-rise")
    for wrong, bins in ((tone, 16), (level, 8), (0.7 * level, 16)):
        with pytest.raises(
            DapError, match=rf"not the levels of a quantizer of {bins} bins on \[-1, 1\] \(\d+"
        ):
            restore_recording(wrong, 16000, bins=bins, **options)


@pytest.mark.parametrize("gap", [(0.3, 0.2), (-0.1, 0.1), (0.3, 0.5)])
def test_a_gap_outside_is_refused(tone, gap):
    with pytest.raises(DapError, match="not inside of the recording"):
        restore_recording(tone, 16000, method="conv", fit=FIT, spectrogram=SPECTROGRAM, gaps=[gap])


@pytest.mark.parametrize(
    ("gap", "first", "last"),
    [
        ((0.1, 0.2), 1600, 3200),
        ((0.3, 0.375), 4800, 6000),
        ((0.3, 0.37501), 4800, 6000),
        ((0.3, 6002.4 / 16000), 4800, 6000),  # two samples past the end
        ((5998.9 / 16000, 5999.5 / 16000), 5999, 6000),
        ((0.6 / 16000, 1.3 / 16000), 1, 2),  # both are nearest to one sample
    ],
)
def test_the_samples_of_a_gap(gap, first, last):
    mask = gap_mask([gap], 6000, 16000)
    assert np.flatnonzero(mask).tolist() == list(range(first, last))


def test_gaps_that_are_no_samples():
    with pytest.raises(DapError, match=r"shorter than half a sample, which is 3\.1e-05 s"):
        gap_mask([(0.1, 0.10002)], 6000, 16000)
    for gap in ((0.3, 6002.6 / 16000), (0.375, 0.3751), (0.375, 0.37505), (0.2, 0.2)):
        with pytest.raises(DapError, match=r"not inside of the recording, which lasts 0\.375 s"):
            gap_mask([gap], 6000, 16000)


@few_iterations
def test_a_segment_may_be_longer_than_any_recording(tone):
    options = {"method": "conv", "fit": FIT, "spectrogram": SPECTROGRAM}
    whole = restore_recording(tone, 16000, segment_seconds=0.375, **options)
    assert whole.segments == [(0, 6000)]
    for seconds in (1e308, np.inf):
        longer = restore_recording(tone, 16000, segment_seconds=seconds, **options)
        np.testing.assert_array_equal(longer.audio, whole.audio)


def test_a_gap_that_leaves_nothing_is_refused(tone):
    with pytest.raises(DapError, match="leaves nothing"):
        restore_recording(
            tone, 16000, method="conv", fit=FIT, spectrogram=SPECTROGRAM, gaps=[(0.02, 0.37)]
        )


@few_iterations
def test_a_pop_inside_the_gap_does_not_set_the_level(tone):
    popped = tone.copy()
    popped[2500:2510] = 50.0
    options = {"method": "conv", "fit": FIT, "spectrogram": SPECTROGRAM, "gaps": [(0.15, 0.2)]}
    with_pop = restore_recording(popped, 16000, **options)
    np.testing.assert_array_equal(with_pop.audio, restore_recording(tone, 16000, **options).audio)
