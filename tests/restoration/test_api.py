"""`dap.restore`: the form of what it gives back, what it takes up, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import dap
from dap.data.corruptions.quantization import cells
from dap.restoration.choice import choose, fit_options
from dap.restoration.segments import restore_recording

RATE = 16000
FIT = dap.FitOptions(iterations=5, learning_rate=0.01, snapshots=3, width=0.05, precision="float32")
OPTIONS = {"segment_seconds": 0.25, "device": "cpu"}


pytestmark = pytest.mark.usefixtures("few_iterations")


@pytest.fixture
def noisy(tone, hiss):
    return np.tile(tone, 2) + hiss[:8192]


def restore(x, **options):
    return dap.restore(x, RATE, **{"method": "conv", "fit": FIT, **OPTIONS, **options})


def test_public_names():
    assert {"restore", "Restoration", "methods", "FitOptions", "DapError"} <= set(dir(dap))
    assert dap.__version__.count(".") == 2


def test_what_a_restoration_holds(noisy):
    reports = []
    result = restore(noisy, progress=lambda *report: reports.append(report))
    assert result.sample_rate == RATE
    assert (result.selection, result.iterations.tolist()) == ("stop", [[5, 5, 5]])
    assert result.segments == ((0, 4000), (2096, 6096), (4192, 8192))
    assert result.losses.shape == (1, 3, 5)
    assert result.losses.dtype == np.float32
    assert list(result.snapshots) == [1, 2, 5]
    assert all(snapshot.shape == noisy.shape for snapshot in result.snapshots.values())
    assert 0 < result.seconds < 60
    last = restore(noisy, selection="last")
    assert (last.selection, last.iterations.tolist()) == ("last", [[5, 5, 5]])
    np.testing.assert_array_equal(last.audio, last.snapshots[5])
    np.testing.assert_array_equal(last.snapshots[5], result.snapshots[5])
    assert not np.array_equal(last.audio, result.audio)
    losses = {report[0]: report[3] for report in reports if report[2] == 5}
    assert [losses[segment] for segment in (1, 2, 3)] == result.losses[0, :, 4].tolist()
    assert {report[1] for report in reports} == {3}


def test_channels_are_restored_each_on_its_own(noisy, hiss):
    reports = []
    stereo = np.stack((noisy, 0.5 * noisy[::-1], np.zeros_like(noisy)), axis=1)
    result = restore(stereo, progress=lambda *report: reports.append(report))
    assert result.audio.shape == stereo.shape
    for channel in (0, 1):
        alone = restore(np.ascontiguousarray(stereo[:, channel]))
        np.testing.assert_array_equal(result.audio[:, channel], alone.audio)
        np.testing.assert_array_equal(result.losses[channel], alone.losses[0])
        np.testing.assert_array_equal(result.snapshots[2][:, channel], alone.snapshots[2])
    assert not result.audio[:, 2].any()
    assert np.isnan(result.losses[2]).all()
    assert {report[0] for report in reports} == set(range(1, 7))
    assert {report[1] for report in reports} == {9}
    # equal channels stay equal, and one channel in two dimensions keeps both
    twice = restore(np.stack((noisy, noisy), axis=1)).audio
    np.testing.assert_array_equal(twice[:, 0], twice[:, 1])
    assert restore(noisy[:, np.newaxis]).audio.shape == (8192, 1)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floating_point_types_come_back(noisy, kind):
    x = noisy.astype(kind)
    before = x.copy()
    result = restore(x, gaps=[(0.1, 0.11)])
    assert result.audio.dtype == kind
    assert result.snapshots[5].dtype == kind
    inside = np.zeros(len(x), bool)
    inside[1600:1760] = True
    np.testing.assert_array_equal(result.audio[~inside], x[~inside])
    assert (result.audio[inside] != x[inside]).any()
    np.testing.assert_array_equal(x, before)


def test_a_segment_without_a_gap_is_not_fitted(noisy):
    losses = restore(noisy, gaps=[(0.05, 0.06)]).losses
    assert np.isnan(losses[0]).all(axis=1).tolist() == [False, True, True]


def test_any_rate(noisy):
    for rate in (4000, 44100):
        result = dap.restore(noisy, rate, method="conv", fit=FIT, device="cpu")
        assert (result.sample_rate, result.audio.shape) == (rate, noisy.shape)
    # the networks know nothing of it: one segment is fitted as at any other rate, up to 16 kHz in
    # noise, and above if a gap is filled
    for rates, gaps in (((12000, 16000), None), ((44100, 96000), [(0.01, 0.02)])):
        gaps = gaps and [[(0.01 * 96000 / rate, 0.02 * 96000 / rate)] for rate in rates]
        audio = [
            dap.restore(
                noisy, rate, method="conv", fit=FIT, device="cpu", gaps=gaps and gaps[index]
            ).audio
            for index, rate in enumerate(rates)
        ]
        np.testing.assert_array_equal(*audio)


def test_the_scale_does_not_matter(noisy):
    plain, loud = restore(noisy), restore(1024 * noisy)
    np.testing.assert_array_equal(loud.audio, 1024 * plain.audio)


def test_it_is_what_restore_recording_gives(noisy):
    result = dap.restore(
        noisy, RATE, method="conv", iterations=3, width=0.05, seed=4, device="cpu", threads=1
    )
    direct = restore_recording(
        noisy,
        RATE,
        method="conv",
        fit=dap.FitOptions.from_preset("fast", iterations=3, width=0.05),
        spectrogram={"n_fft": 1022, "hop_length": 64, "window": "hann"},
        selection="average",
        seed=4,
        device="cpu",
    )
    np.testing.assert_array_equal(result.audio, direct.audio)


def test_threads_are_those_of_the_call(noisy, monkeypatch):
    before, asked = torch.get_num_threads(), []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    restore(noisy)
    dap.restore(noisy, RATE, method="wavelet", threads=7)  # which does without PyTorch
    assert asked == []
    restore(noisy, threads=7)
    assert asked == [7, before]
    asked.clear()
    with pytest.raises(dap.DapError, match="diverged"):
        restore(noisy, threads=7, fit=replace(FIT, learning_rate=1e38))
    assert asked == [7, before]


def test_classical_methods(noisy):
    result = dap.restore(noisy, RATE, method="wavelet")
    assert result.selection is None
    assert result.losses.shape == (1, 1, 0)
    assert result.snapshots == {}
    assert result.segments == ((0, 8192),)
    assert result.audio.dtype == np.float32


def test_quantization_is_undone(tone):
    level, lower, upper = cells(tone, 16, "mid-rise")
    audio = restore(level, bins=16).audio
    assert ((lower <= audio) & (audio <= upper)).all()
    assert not np.array_equal(audio, level)


def test_methods():
    listed = {method.name: method for method in dap.methods()}
    assert listed["wavelet"].kind == "classical"
    assert listed["wavelet"].tasks == ("denoise",)
    assert listed["conv"].kind == "prior"
    assert listed["conv"].tasks == ("denoise", "inpaint", "dequantize")
    assert listed["dnp-lsa"].tasks == ("denoise",)
    # they do nothing, need to know of the noise, or separate sources
    assert not {"observed", "wiener-known", "nmf"} & set(listed)
    kinds = [method.kind == "prior" for method in dap.methods()]
    assert kinds == sorted(kinds, reverse=True)
    assert listed["dfl"] == dap.restoration.choice.Method(
        "dfl",
        "deep feature losses, a trained network for speech",
        "trained",
        ("denoise",),
        (16000,),
        "on speech in noise, of VoiceBank and DEMAND, by Germain, Chen and Koltun 2018",
    )
    classical = [method.name for method in dap.methods("dequantize") if method.kind == "classical"]
    assert classical == ["cell-projection"]
    with pytest.raises(AttributeError):
        listed["conv"].title = "another"
    with pytest.raises(dap.DapError, match="task is 'separate'; allowed: denoise, inpaint, deq"):
        dap.methods("separate")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            np.zeros(4000),
            r"the recording is silent \(all samples are equal\): there is nothing to restore",
        ),
        (np.full(4000, 0.3), "the recording is silent"),
        (np.full(4000, np.nan), "samples that are not finite numbers"),
        (np.r_[np.ones(4000), np.inf], "samples that are not finite numbers"),
        (np.ones(1000), "has 1000 samples: at least 1024 are needed$"),
        (np.ones((2, 4000)), r"has 2 samples.*\(samples, channels\): transpose it"),
        (np.ones((4000, 2, 2)), r"has the shape \(4000, 2, 2\): must be \(samples,\) or \(samp"),
        (np.ones((4000, 0)), r"has the shape \(4000, 0\)"),
        (np.float32(1), r"has the shape \(\): must be"),
        (np.ones(4000, np.int16), "holds int16: must be floating point; divide whole numbers of"),
        (np.ones(4000, bool), "holds bool"),
        (np.ones(4000, complex), "holds complex128"),
    ],
)
def test_recordings_that_are_refused(x, message):
    with pytest.raises(dap.DapError, match=message):
        restore(x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gaps": []}, "gaps is empty: leave it out to denoise"),
        ({"gaps": [(0.1, 0.12)], "bins": 16}, "give gaps or bins, not both"),
        ({"gaps": [(0.2, 0.1)]}, r"the gap 0\.2-0\.1 s does not end after it starts"),
        ({"gaps": [(-0.1, 0.1)]}, r"the gap -0\.1-0\.1 s starts before the recording"),
        ({"gaps": [0.1]}, r"the gap 0\.1 is not \(start, end\) in seconds"),
        ({"gaps": [(0.4, 0.6)]}, r"the gap 0\.4-0\.6 s is not inside of the recording, which last"),
        ({"gaps": [(0.0, 0.5119)]}, "silent outside of its gaps|leaves nothing"),
        ({"bins": 1}, "bins is 1: must be a whole number of at least 2"),
        ({"bins": 16}, "not the levels of a quantizer of 16 bins"),
        ({"method": "convolution"}, "method is 'convolution'; allowed: conv, conv7"),
        ({"method": "observed"}, "method is 'observed'; allowed: "),
        ({"method": "janssen"}, "janssen does not denoise: choose another method: conv, "),
        ({"gaps": [(0.1, 0.12)], "method": "wiener"}, "wiener does not fill gaps"),
        ({"method": "wavelet"}, "wavelet is fitted to nothing, and takes no fit"),
        ({"method": "wavelet", "fit": None, "iterations": 3}, "takes no iterations"),
        ({"iterations": 3}, "fit holds all options of the fit: leave out preset, iterations and"),
        ({"fit": None, "iterations": 0}, "iterations is 0: must be at least 1"),
        ({"fit": None, "width": 5}, "width is 5: must be at most 4"),
        ({"fit": None, "preset": "faster"}, "preset is 'faster'; allowed: paper, fast"),
        ({"fit": replace(FIT, learning_rate=1e38)}, "the fit diverged"),
        ({"selection": "oracle"}, "selection is 'oracle'; allowed: last, average"),
        ({"device": "tpu"}, "device is 'tpu'; allowed: auto, cpu, cuda"),
        ({"threads": 0}, "threads is 0: must be a whole number of at least 1"),
        ({"seed": -1}, "seed is -1: must be a whole number of at least 0"),
        ({"seed": 0.5}, r"seed is 0\.5: must be a whole number"),
        ({"segment_seconds": 0.1}, r"segment_seconds is 0\.1: must be at least 0\.25"),
        ({"segment_seconds": float("nan")}, "segment_seconds is nan: must be at least"),
    ],
)
def test_arguments_that_are_refused(noisy, options, message):
    with pytest.raises(dap.DapError, match=message):
        restore(noisy, **options)


@pytest.mark.parametrize("rate", [0, -16000, 16000.5, "16000", None])
def test_rates_that_are_refused(noisy, rate):
    with pytest.raises(
        dap.DapError, match=r"sample_rate is .*: must be a whole number of at least"
    ):
        dap.restore(noisy, rate, method="wavelet")


def test_a_recording_that_is_silent_outside_of_its_gaps(noisy):
    x = np.zeros(8192)
    x[1600:1760] = 1
    with pytest.raises(dap.DapError, match="silent outside of its gaps"):
        restore(x, gaps=[(0.1, 0.11)])


def test_no_gpu(noisy, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(dap.DapError, match="device is cuda, and PyTorch finds no GPU here"):
        restore(noisy, device="cuda")


def test_each_segment_ends_where_its_fit_stops(noisy):
    fit = replace(FIT, iterations=300, stop="variance", end_at_stop=True, learning_rate=0.02)
    result = restore(noisy, fit=fit, selection="stop")
    assert result.selection == "stop"
    (stopped,) = result.iterations
    ends = [int(np.isfinite(losses).sum()) for losses in result.losses[0]]
    assert min(ends) < 300
    for iteration, end in zip(stopped, ends, strict=True):
        assert 40 <= iteration <= end
    # the latest snapshot is of every segment's end
    last = restore(noisy, fit=fit, selection="last")
    np.testing.assert_array_equal(last.audio, last.snapshots[max(last.snapshots)])
    assert last.iterations.tolist() == [ends]


def test_a_method_may_say_how_it_is_fitted(noisy):
    own = fit_options("dap-best", "denoise", iterations=50, width=0.05)
    assert (own.input, own.hop_length, own.stop) == ("wiener-tracked", 256, "discrepancy")
    assert (own.iterations, own.width, own.end_at_stop) == (50, 0.05, True)
    result = dap.restore(noisy, RATE, method="dap-best", iterations=50, width=0.05, **OPTIONS)
    assert result.selection == "stop"
    same = dap.restore(noisy, RATE, method="dap-best", fit=own, **OPTIONS)
    np.testing.assert_array_equal(result.audio, same.audio)
    # a preset is in place of all that the method says
    fast = fit_options("dap-best", "denoise", "fast")
    assert fast == fit_options("dilated-exp-dense", "denoise") == dap.FitOptions.from_preset("fast")


def test_the_method_that_is_taken_where_none_is_named(noisy):
    for task in ("denoise", "inpaint", "dequantize"):
        able = {method.name: method.kind for method in dap.methods(task)}
        assert able[choose(task, "quick")] == "classical"
        assert choose(task) in able
        assert choose(task) == choose(task, "normal")
    result = dap.restore(noisy, RATE)
    assert (result.method, result.selection) == (choose("denoise"), None)
    named = dap.restore(noisy, RATE, method=choose("denoise"))
    np.testing.assert_array_equal(result.audio, named.audio)
    assert dap.restore(noisy, RATE, effort="quick", gaps=[(0.1, 0.11)]).method == "janssen"
    assert choose("denoise", "best") == "dap-best"
    with pytest.raises(dap.DapError, match="effort is 'most'; allowed: quick, normal, best"):
        dap.restore(noisy, RATE, effort="most")
    with pytest.raises(dap.DapError, match="takes no iterations: name a prior"):
        dap.restore(noisy, RATE, iterations=5)
    with pytest.raises(dap.DapError, match="task is 'separate'; allowed: denoise, inpaint, deq"):
        choose("separate")


def test_a_stop_without_a_rule(noisy):
    with pytest.raises(dap.DapError, match=r"selection is 'stop', and fit\.stop is 'none'"):
        restore(noisy, selection="stop", fit=replace(FIT, stop="none"))
    assert restore(noisy, fit=replace(FIT, stop="none")).selection == "average"
