"""Two sources of one recording: their sum, their order, their form."""

import numpy as np
import pytest

import dap
from dap.fitting.restored import NO_COST, Restored
from dap.restoration.separation import divided, separate

RATE = 16000
FIT = dap.FitOptions(iterations=2, width=0.05, snapshots=2, precision="float32", stop="none")


@pytest.fixture
def sources():
    """Half a second of a low and a high tone, (2, 8000) float32."""
    time = np.arange(8000) / RATE
    return np.stack([0.4 * np.sin(2 * np.pi * f * time) for f in (300, 2500)]).astype("f4")


@pytest.fixture
def ideal(sources, monkeypatch):
    """Fits that find both sources of a segment, in an order that changes from one to the next."""
    calls = []

    def restore(method, task, observation, **_):
        assert (method, task) == ("conv", "separate")
        assert np.abs(observation.signal).max() == pytest.approx(1)
        count = len(observation.signal)
        mixture = sources.sum(axis=0)
        start = next(
            start
            for start in range(len(mixture) - count + 1)
            if np.corrcoef(mixture[start : start + count], observation.signal)[0, 1] > 0.99999
        )
        part = sources[:, start : start + count]
        part = part / np.abs(part.sum(axis=0)).max()
        calls.append(start)
        found = part[:: 1 if len(calls) % 2 else -1]
        return Restored({"last": found, "average": found}, *np.empty((2, 0)), np.ones(2), NO_COST)

    monkeypatch.setattr("dap.restoration.separation.restore", restore)
    return calls


def test_segments_are_joined_in_one_order(sources, ideal):
    result = separate(sources.sum(axis=0), RATE, method="conv", fit=FIT, segment_seconds=0.25)
    assert len(ideal) == 3
    np.testing.assert_allclose(result.stems, sources, atol=1e-5)
    assert result.how == "separated by conv"


def test_what_rings_is_first_on_both_sides_of_a_pause():
    # the tone pauses where two segments overlap: short in one of them, long in the other
    time = np.arange(4 * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 440 * time) * ((time < 1.55) | (time > 2.1))
    clicks = np.zeros_like(tone)
    clicks[:: RATE // 4] = 0.8
    stems = dap.separate(tone + clicks, RATE).stems
    for start, end in ((0.2, 1.3), (2.4, 3.4)):
        part = slice(int(start * RATE), int(end * RATE))
        shares = [np.dot(stem[part], tone[part]) / np.dot(tone[part], tone[part]) for stem in stems]
        assert shares == pytest.approx([1, 0], abs=0.05)


def test_each_channel_is_divided_at_its_own_rate(sources, ideal, monkeypatch):
    time = np.arange(24000) / 48000
    wide = np.stack([0.4 * np.sin(2 * np.pi * f * time) for f in (300, 2500)]).astype("f4")
    stereo = np.stack([wide[0] + 0.5 * wide[1], wide[0] + 1.5 * wide[1]], axis=1)
    result = separate(stereo, 48000, method="conv", fit=FIT)
    assert result.stems.shape == (2, 24000, 2)
    assert result.stems.dtype == np.float32
    np.testing.assert_allclose(result.stems.sum(axis=0), stereo, atol=1e-6)
    middle = slice(4000, -4000)
    for channel, gain in enumerate((0.5, 1.5)):
        np.testing.assert_allclose(result.stems[0, middle, channel], wide[0, middle], atol=0.01)
        np.testing.assert_allclose(
            result.stems[1, middle, channel], gain * wide[1, middle], atol=0.01
        )


def test_above_the_sources_band_shares_are_those_of_its_upper_half():
    rng = np.random.default_rng(0)
    time = np.arange(16000) / RATE
    low, noise = np.sin(2 * np.pi * 200 * time), rng.standard_normal(16000)
    wide = rng.standard_normal(48000)
    stems = divided(wide, 48000, np.stack([low, 0.3 * noise]), RATE)
    spectrum = [np.abs(np.fft.rfft(stem))[20000:].std() for stem in stems]
    assert spectrum[0] < 0.01 * spectrum[1]


def test_what_cannot_be_separated():
    with pytest.raises(dap.DapError, match="is silent"):
        dap.separate(np.zeros(8000), RATE)
    with pytest.raises(dap.DapError, match="has no samples"):
        dap.separate(np.zeros(0), RATE)
    with pytest.raises(dap.DapError, match="samples that are not finite numbers"):
        dap.separate(np.array([0.1, np.nan, 0.2]), RATE)
    with pytest.raises(dap.DapError, match=r"has the shape \(2, 8000\): must be \(samples,\) or"):
        dap.separate(np.ones((2, 8000)), RATE)
    for arguments, words in (
        ({"segment_seconds": 0.0}, "segment_seconds is 0.0: must be at least 0.25"),
        ({"segment_seconds": -1.0}, "segment_seconds is -1.0: must be at least 0.25"),
        ({"sample_rate": 0}, "sample_rate is 0: must be a whole number of at least 1"),
        ({"device": "tpu"}, "device is 'tpu'; allowed: auto, "),
    ):
        with pytest.raises(dap.DapError, match=words):
            dap.separate(np.ones(8000), **({"sample_rate": RATE} | arguments))
    with pytest.raises(dap.DapError, match="method is 'wiener'; allowed: auto, conv, "):
        dap.separate(np.ones(8000), RATE, method="wiener")
    for named in ({}, {"method": "auto"}):
        with pytest.raises(dap.DapError, match="hpss is fitted to nothing, and takes no fit"):
            separate(np.ones(8000), RATE, fit=FIT, **named)


def test_silence_in_a_segment_is_silent_in_both_sources(sources, monkeypatch):
    def halves(method, task, observation, **_):
        found = np.stack([observation.signal] * 2) / 2
        return Restored({"last": found, "average": found}, *np.empty((2, 0)), np.ones(2), NO_COST)

    monkeypatch.setattr("dap.restoration.separation.restore", halves)
    mixture = np.concatenate([sources.sum(axis=0), np.zeros(16000, np.float32)])
    result = separate(mixture, RATE, method="conv", fit=FIT, segment_seconds=0.5)
    np.testing.assert_allclose(result.stems[:, :8000], [mixture[:8000] / 2] * 2, atol=1e-6)
    assert not result.stems[:, 8000:].any()


@pytest.mark.slow
def test_a_real_fit(sources):
    result = dap.separate(sources.sum(axis=0)[:4096], RATE, method="conv", fit=FIT)
    assert result.stems.shape == (2, 4096)
    assert np.isfinite(result.stems).all()
