"""Ratio masks."""

import numpy as np
import pytest
import torch

from dap.data.corruptions import Context
from dap.decibels import snr_db
from dap.masks import masked, ratio_mask
from dap.plugins import plugin
from dap.stft import STFT

SPECTROGRAM = {"n_fft": 126, "hop_length": 32, "window": "rectangular"}


def test_a_mask_is_the_target_s_share():
    target = torch.tensor([3.0, 0.0, 6.0, 0.0, 1.0]).reshape(1, 5, 1) * torch.ones(2, 1, 1)
    mixture = torch.tensor([6.0, 2.0, 3.0, 0.0, -4.0]).reshape(1, 5, 1) * torch.ones(2, 1, 1)
    # more than the whole is the whole; nothing of nothing is nothing; phases do not count
    assert ratio_mask(target, mixture).flatten().tolist() == pytest.approx([0.5, 0, 1, 0, 0.25])


def test_target_and_rest_are_the_mixture():
    transform = STFT(**SPECTROGRAM)
    signal = torch.from_numpy(np.random.default_rng(0).normal(0, 0.2, 3000).astype(np.float32))
    spectrum = transform.analyse(signal)
    mask = torch.rand(transform.bins, transform.frames(3000))
    parts = masked(mask, spectrum, transform, 3000)
    assert parts.shape == (2, 3000)
    assert (parts.sum(dim=0) - signal).abs().max() < 1e-6
    whole, nothing = masked(torch.ones_like(mask), spectrum, transform, 3000)
    assert (whole - signal).abs().max() < 1e-6
    assert nothing.abs().max() == 0


def test_the_ideal_mask_is_the_ceiling():
    rng = np.random.default_rng(0)
    t = np.arange(8000) / 16000
    sources = [
        (0.5 * np.sin(2 * np.pi * 700 * t)).astype(np.float32),
        rng.normal(0, 0.2, 8000).astype(np.float32),
    ]

    def none(samples):
        raise AssertionError

    context = Context(rng, 16000, SPECTROGRAM, none)
    observation = plugin("corruptions", "mixture-known").load().corrupt(sources, {}, context)
    assert np.array_equal(observation.signal, sources[0] + sources[1])
    assert observation.known["ratio"].shape == (64, 251)
    estimates = plugin("baselines", "ideal-mask").load().restore(observation, ("s1", "s2"))
    assert estimates.shape == (2, 8000)
    before, after = (
        [snr_db(source, source - signal) for source, signal in zip(sources, signals, strict=True)]
        for signals in ([observation.signal] * 2, estimates)
    )
    assert before == pytest.approx([4.97, -4.97], abs=0.2)
    assert after[0] > before[0] + 8
    assert after[1] > before[1] + 8
