"""The power of noise, told from a recording alone."""

import numpy as np
import pytest

from dap.noise import noise_power, tracked_noise_power, white_noise_power

TIME = np.arange(16000) / 16000


@pytest.mark.parametrize("std", [0.01, 0.1])
def test_white_noise_under_a_tone(std):
    rng = np.random.default_rng(1)
    tone = 0.3 * np.sin(2 * np.pi * 440 * TIME) * (TIME > 0.3)
    noisy = (tone + rng.normal(0, std, 16000)).astype(np.float32)
    assert white_noise_power(noisy) == pytest.approx(std**2, rel=0.06)


def test_noise_that_is_not_white_is_not_taken_for_it():
    rng = np.random.default_rng(1)
    low = np.convolve(rng.normal(0, 1, 16000), np.hanning(65) / 32, "same").astype(np.float32)
    assert white_noise_power(low) < 1e-3 * np.square(low).mean()


def test_no_noise_in_silence_nor_told_of_few_samples():
    assert white_noise_power(np.zeros(4096, np.float32)) == 0
    assert white_noise_power(np.ones(1000, np.float32)) == 0


# ------------------------------------------------------------------ noise of any colour

LENGTH, HOP = 1024, 128  # frames of 64 ms, 8 ms apart
FRAME_RATE, BIN_WIDTH = 16000 / HOP, 16000 / LENGTH


def spectrogram(signal):
    """Powers, (bins, frames), such that white noise of variance 1 has a mean of 1."""
    window = np.hanning(LENGTH + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(signal, LENGTH)[::HOP]
    return np.square(np.abs(np.fft.rfft(frames * window))).T / np.square(window).sum()


def tracked(powers):
    return tracked_noise_power(powers, FRAME_RATE, BIN_WIDTH)


def decibels(ratio):
    return 10 * np.log10(ratio)


@pytest.fixture(scope="module")
def pink():
    """2 s of noise whose power falls by 3 dB an octave from 62.5 Hz on, and its spectrum."""
    spectrum = 1 / np.maximum(np.arange(LENGTH // 2 + 1), 4)
    draws = np.fft.rfft(np.random.default_rng(2).normal(0, 1, 32000))
    bins = np.interp(np.arange(len(draws)) * 0.5, np.arange(len(spectrum)) * BIN_WIDTH, spectrum)
    return np.fft.irfft(draws * np.sqrt(bins)), spectrum


def test_the_spectrum_of_pink_noise_is_found(pink):
    noise, spectrum = pink
    found = decibels(tracked(spectrogram(noise)).mean(axis=1) / spectrum)[8:-8]
    # a low quantile of the bins around: somewhat less than there is
    assert -3 < found.mean() < -1
    assert np.abs(found - found.mean()).max() < 3


def test_the_spectrum_is_found_under_sound_that_comes_and_goes(pink):
    noise, spectrum = pink
    time = np.arange(len(noise)) / 16000
    bursts = np.sin(2 * np.pi * 2 * time) > 0.3
    voice = bursts * sum(np.sin(2 * np.pi * 200 * k * time) for k in range(1, 20))
    found = decibels(tracked(spectrogram(noise + 3 * voice)).mean(axis=1) / spectrum)[8:-8]
    assert -2.5 < found.mean() < 0.5


def test_steady_partials_are_no_noise():
    time = np.arange(32000) / 16000
    tones = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220, 440, 1760))
    noise = np.random.default_rng(3).normal(0, 0.01, len(time))
    powers = spectrogram(tones + noise)
    found = tracked(powers)
    for pitch in (220, 440, 1760):
        nearest = round(pitch / BIN_WIDTH)
        assert decibels(powers[nearest].mean() / found[nearest].mean()) > 40
    # hum below 60 Hz is
    hum = tracked(spectrogram(np.sin(2 * np.pi * 31.25 * time) + noise))
    assert decibels(hum[2].mean()) > 20


def test_noise_that_grows_is_followed():
    noise = np.random.default_rng(4).normal(0, 1, 64000)
    noise[32000:] *= 2
    found = decibels(tracked(spectrogram(noise)).mean(axis=0))
    quarter = len(found) // 4
    before, after = np.mean(found[:quarter]), np.mean(found[-quarter:])
    assert before == pytest.approx(-2, abs=1)
    assert after - before == pytest.approx(6, abs=1)


def test_no_direction_of_time_and_no_level_is_preferred(pink):
    powers = spectrogram(pink[0][:8000])
    found = tracked(powers)
    np.testing.assert_allclose(tracked(powers[:, ::-1]), found[:, ::-1], rtol=1e-12)
    np.testing.assert_allclose(tracked(1e-6 * powers), 1e-6 * found, rtol=1e-9)


def test_silence_and_a_single_frame_have_finite_powers():
    assert not tracked(np.zeros((513, 5))).any()
    assert np.isfinite(tracked(np.ones((513, 1)))).all()
    assert np.isfinite(tracked(np.ones((2, 3)))).all()


@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_white_noise_is_taken_where_it_is_found_and_else_what_was_tracked(pink, offset):
    time = np.arange(32000) / 16000
    tone = np.sin(2 * np.pi * 440 * time)
    for std, white in ((0.1, True), (0.003, False)):  # 17 and 47 dB below
        noise = np.random.default_rng(5).normal(0, std, len(time))
        signal = tone + 0.1 * pink[0] * (not white) + noise + offset
        powers = spectrogram(signal)
        found = noise_power(powers, signal, HOP, 16000)
        assert found.shape == powers.shape
        assert (np.ptp(found) == 0) == white
        if white:
            assert found[0, 0] == pytest.approx(std**2, rel=0.1)
        else:
            assert (found >= tracked(powers)).all()
            assert decibels(found[8].mean() / found[400].mean()) > 10
