"""The band that a network is fitted to, and what is above it."""

import numpy as np
import pytest

import dap
from dap.restoration.bands import low_band, with_low_band
from dap.restoration.choice import band_rate, method_for

FIT = dap.FitOptions(iterations=3, learning_rate=0.01, snapshots=2, width=0.05, precision="float32")


@pytest.fixture
def wide(hiss):
    """A quarter of a second at 48 kHz: a tone in noise, (12000, 2) float32."""
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(12000) / 48000)
    return np.stack([tone + hiss[:12000], 0.5 * tone + hiss[12000:24000]], axis=1).astype("f4")


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000])
@pytest.mark.parametrize("samples", [3000, 3001, 4999])
def test_equal_bands_change_nothing(rate, samples, hiss):
    signal = hiss[:samples]
    low = low_band(signal, rate, 16000)
    assert len(low) == np.ceil(samples * 16000 / rate)
    assert with_low_band(signal, low, rate, 16000).tolist() == signal.tolist()


def test_the_low_band_is_exchanged_and_the_high_one_stays():
    time = np.arange(48000) / 48000
    low, high = (np.sin(2 * np.pi * f * time) for f in (1000, 12000))
    other = low_band(0.5 * low, 48000, 16000)
    found = with_low_band(low + high, other, 48000, 16000)
    middle = slice(2000, -2000)
    np.testing.assert_allclose(found[middle], (0.5 * low + high)[middle], atol=1e-3)


def test_which_methods_go_by_bands():
    prior, trained, classical = (
        method_for(*each)
        for each in (("conv", "denoise"), ("dfl", "denoise"), ("wiener-tracked", "denoise"))
    )
    assert [band_rate(prior, "denoise", rate) for rate in (8000, 16000, 44100)] == [
        None,
        None,
        16000,
    ]
    assert band_rate(prior, "inpaint", 44100) is None
    assert [band_rate(trained, "denoise", rate) for rate in (8000, 16000, 44100)] == [
        16000,
        None,
        16000,
    ]
    assert band_rate(classical, "denoise", 96000) is None


@pytest.mark.usefixtures("few_iterations")
def test_a_prior_above_16_khz(wide):
    options = {"method": "conv", "fit": FIT, "device": "cpu"}
    result = dap.restore(wide, 48000, **options)
    assert result.audio.shape == wide.shape
    assert result.audio.dtype == np.float32
    assert result.sample_rate == 48000
    assert result.how == "conv up to 8000 Hz, wiener-tracked above"
    assert result.segments == ((0, 12000),)
    assert result.losses.shape == (2, 1, 3)
    assert result.snapshots[3].shape == wide.shape
    # the low band is that of a restoration at 16 kHz, and the rest that of the classical method
    low = dap.restore(low_band(wide, 48000, 16000), 16000, **options).audio
    whole = dap.restore(wide, 48000, method="wiener-tracked").audio
    np.testing.assert_allclose(result.audio, with_low_band(whole, low, 48000, 16000), atol=1e-6)
    half = dap.restore(wide, 48000, amount=0.5, **options).audio
    np.testing.assert_allclose(half, (wide + result.audio) / 2, atol=1e-6)
    double = dap.restore(wide[:, 0].astype(float), 48000, **options)
    assert (double.audio.dtype, double.audio.shape) == (float, (12000,))


def test_a_gap_is_filled_at_the_recordings_rate(wide):
    result = dap.restore(wide, 48000, gaps=[(0.1, 0.105)])
    changed = np.flatnonzero((result.audio != wide).any(axis=1))
    assert (changed.min(), changed.max()) == (4800, 5039)
    assert result.how == "janssen"
