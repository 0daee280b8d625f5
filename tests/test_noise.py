"""The power of white noise, told from a recording alone."""

import numpy as np
import pytest

from dap.noise import white_noise_power

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
