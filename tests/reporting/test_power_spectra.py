"""Slopes of signals and images whose power law is known."""

import numpy as np
import pytest

from dap.errors import DapError
from dap.reporting import power_spectra as natural_statistics

SPECTROGRAM = {"n_fft": 254, "hop_length": 32, "window": "rectangular"}


def coloured(shape, slope, seed):
    """Gaussian noise whose power falls as f^slope, cut from one four times as long (no wrap)."""
    rng = np.random.default_rng(seed)
    large = tuple(4 * size for size in shape)
    axes = np.meshgrid(*(np.fft.fftfreq(size) for size in large), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    radius.flat[0] = np.inf
    noise = np.fft.ifftn(np.fft.fftn(rng.standard_normal(large)) * radius ** (slope / 2)).real
    return noise[tuple(slice(size, 2 * size) for size in shape)]


@pytest.mark.parametrize("slope", [0, -1, -2, -3])
def test_slope_of_signals(slope):
    spectrum = natural_statistics.of_signals(coloured((4096,), slope, seed) for seed in range(60))
    assert spectrum.signal_count == 60
    # each of the lowest bands has few frequencies: 60 signals leave 0.02 of the slope
    assert spectrum.slope == pytest.approx(slope, abs=0.05)
    np.testing.assert_allclose(spectrum.power, spectrum.fitted(), rtol=0.6)
    residual = np.log(spectrum.power / spectrum.fitted()).var() / np.log(spectrum.power).var()
    assert spectrum.r_squared == pytest.approx(1 - residual, abs=1e-9)
    assert spectrum.r_squared > 0.99 if slope else spectrum.r_squared < 0.2


@pytest.mark.parametrize("slope", [0, -1.5, -2.5])
@pytest.mark.parametrize("shape", [(96, 64), (65, 130)])
def test_slope_of_images(shape, slope):
    spectrum = natural_statistics.of_images(coloured(shape, slope, seed) for seed in range(30))
    assert spectrum.slope == pytest.approx(slope, abs=0.06)
    assert spectrum.frequency.min() >= 3 / min(shape)
    assert 0.45 < spectrum.frequency.max() <= 0.5


def test_power_of_white_noise_is_that_of_the_taper():
    noise = np.random.default_rng(0).normal(0, 0.5, (400, 1000))
    spectrum = natural_statistics.of_signals(noise)
    energy = np.sum(np.hanning(1002)[1:-1] ** 2)
    assert spectrum.power.mean() == pytest.approx(0.25 * energy, rel=0.02)
    assert spectrum.slope == pytest.approx(0, abs=0.02)


def test_a_tone_is_in_its_band():
    tone = 5 + np.sin(2 * np.pi * 0.1 * np.arange(2000))  # and its mean is in none
    spectrum = natural_statistics.of_signals([tone])
    peak = spectrum.frequency[np.argmax(spectrum.power)]
    assert peak == pytest.approx(0.1, rel=0.06)
    others = np.abs(np.log(spectrum.frequency / 0.1)) > 0.15
    assert spectrum.power[others].max() < 1e-4 * spectrum.power.max()


def test_a_spectrogram_is_an_image():
    hiss = np.random.default_rng(0).standard_normal((3, 8000))
    images = list(natural_statistics.spectrograms(hiss, SPECTROGRAM))
    assert [image.shape for image in images] == [(128, 251)] * 3
    # E |X|^2 = n_fft at every bin but the first, away from the clip's ends
    assert np.square(images[0][1:, 10:-10]).mean() == pytest.approx(254, rel=0.05)


def test_what_has_no_power_law():
    with pytest.raises(DapError, match="nothing to take the power of"):
        natural_statistics.of_signals([])
    with pytest.raises(DapError, match=r"not over \(64,\) and \(65,\)"):
        natural_statistics.of_signals([np.ones(64), np.ones(65)])
    with pytest.raises(DapError, match=r"32 points along each axis, not \(64, 9\)"):
        natural_statistics.of_images([np.ones((64, 9))])
    with pytest.raises(DapError, match="silent"):
        natural_statistics.of_signals([np.zeros(64)])
