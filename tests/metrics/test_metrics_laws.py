"""Laws of the metrics: what a gain, a sign, a mask or another order changes, and by how much."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import hilbert
from strategies import SEEDS

from dap.metrics.level import psnr, snr
from dap.metrics.scale_invariant import si_sdr
from dap.metrics.segmental import llr, ssnr
from dap.metrics.separation import bss_eval, sdr_v4
from dap.metrics.spectral import envelope_distance, spectral_snr

RATE = 16000
GAINS = st.floats(-60, 60).map(lambda db: 10 ** (db / 20))
DECIBELS = 1e-6  # of rounding


def pair(samples: int, level: float, error_db: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A reference of this level, and an error."""
    reference, error = level * np.random.default_rng(seed).normal(size=(2, samples))
    return reference, error * 10 ** (error_db / 20)


PAIRS = st.builds(
    pair, samples=st.integers(300, 3000), level=GAINS, error_db=st.floats(-60, 20), seed=SEEDS
)


@given(PAIRS, GAINS)
def test_an_error_that_is_scaled_moves_the_ratios_by_its_gain(signals, gain):
    reference, error = signals
    decibels = 20 * np.log10(gain)
    for metric in (snr, psnr):
        before = metric(reference, reference + error, RATE)
        after = metric(reference, reference + gain * error, RATE)
        # of an error of -120 dB, float64 keeps 9 digits beside the reference
        assert before - after == pytest.approx(decibels, abs=1e-4)


@given(PAIRS, GAINS)
def test_ratios_have_no_unit(signals, gain):
    reference, error = signals
    for metric in (snr, si_sdr, spectral_snr, ssnr):
        before = metric(reference, reference + error, RATE)
        after = metric(-gain * reference, -gain * (reference + error), RATE)
        assert after == pytest.approx(before, abs=DECIBELS, nan_ok=True), metric.__name__


@given(PAIRS)
def test_psnr_is_snr_without_the_signals_power(signals):
    reference, error = signals
    power = 10 * np.log10(np.mean(np.square(reference)))
    difference = snr(reference, reference + error, RATE) - psnr(reference, reference + error, RATE)
    assert difference == pytest.approx(power, abs=DECIBELS)


@given(PAIRS, GAINS, GAINS)
def test_si_sdr_hears_no_gain(signals, of_estimate, of_reference):
    reference, error = signals
    estimate = reference + error
    before = si_sdr(reference, estimate, RATE)
    for sign in (-1, 1):
        after = si_sdr(of_reference * reference, sign * of_estimate * estimate, RATE)
        assert after == pytest.approx(before, abs=DECIBELS)
    # and is the SNR of the best gain
    best = (estimate @ reference) / (estimate @ estimate)
    assert snr(reference, best * estimate, RATE) >= snr(reference, estimate, RATE) - DECIBELS
    of_best = snr((reference @ estimate) / (reference @ reference) * reference, estimate, RATE)
    assert before == pytest.approx(of_best, abs=DECIBELS)


@given(PAIRS, GAINS)
def test_llr_hears_no_gain_of_the_estimate(signals, gain):
    reference, error = signals
    before = llr(reference, reference + error, RATE)
    after = llr(reference, -gain * (reference + error), RATE)
    assert np.isnan(before) == (len(reference) < 600)  # a frame of 480 samples, and a hop of 120
    assert after == pytest.approx(before, abs=DECIBELS, nan_ok=True)


@given(PAIRS)
def test_magnitudes_and_envelopes_hear_no_sign(signals):
    reference, error = signals
    for metric in (spectral_snr, envelope_distance):
        assert metric(reference, -(reference + error), RATE) == pytest.approx(
            metric(reference, reference + error, RATE), rel=1e-9, abs=DECIBELS
        )


@given(PAIRS, SEEDS, GAINS)
def test_envelope_distance_is_a_distance(signals, seed, gain):
    one, other = signals
    third = np.random.default_rng(seed).normal(size=len(one))
    distance = envelope_distance(one, other, RATE)
    assert distance >= 0
    assert envelope_distance(other, one, RATE) == pytest.approx(distance, rel=1e-9)
    through = envelope_distance(one, third, RATE) + envelope_distance(third, other, RATE)
    assert distance <= through * (1 + 1e-9)
    assert envelope_distance(gain * one, gain * other, RATE) == pytest.approx(
        gain * distance, rel=1e-9
    )


@given(PAIRS, SEEDS)
def test_what_is_not_scored_has_no_influence(signals, seed):
    reference, error = signals
    where = np.random.default_rng(seed).random(len(reference)) < 0.5
    where[0] = True
    changed = np.where(where, reference + error, reference - 3 * error)
    for metric in (snr, psnr, si_sdr):
        alone = metric(reference[where], (reference + error)[where], RATE)
        assert metric(reference, changed, RATE, where) == pytest.approx(alone, abs=1e-9)


@given(PAIRS)
def test_ssnr_is_within_its_bounds(signals):
    reference, error = signals
    score = ssnr(reference, reference + error, RATE)
    assert np.isnan(score) == (len(reference) < 600)
    assert np.isnan(score) or -10 <= score <= 35


@given(PAIRS)
def test_a_value_is_missing_where_the_reference_is_silent_and_nowhere_else(signals):
    reference, error = signals
    silence = np.zeros_like(reference)
    for metric in (snr, si_sdr, spectral_snr, ssnr):
        assert np.isnan(metric(silence, error, RATE)), metric.__name__
    assert np.isfinite(psnr(silence, error, RATE))
    assert np.isfinite(envelope_distance(silence, error, RATE))
    for metric in (snr, spectral_snr):
        assert metric(reference, silence, RATE) == 0 or len(reference) < 256
    envelope = np.sqrt(np.mean(np.square(np.abs(hilbert(reference)))))
    assert envelope_distance(reference, silence, RATE) == pytest.approx(envelope, rel=1e-9)
    assert np.isnan(si_sdr(reference, silence, RATE))
    for metric in (snr, psnr, si_sdr, spectral_snr):
        assert metric(reference, reference, RATE) == np.inf
    assert envelope_distance(reference, reference, RATE) == 0


@settings(max_examples=3)
@given(SEEDS, st.permutations(range(2)), st.lists(GAINS, min_size=2, max_size=2))
def test_version_3_of_bss_eval_hears_no_gain(seed, order, gains):
    rng = np.random.default_rng(seed)
    references = rng.normal(size=(2, 2048)) * np.array([[1], [0.1]])
    estimates = references + 0.1 * rng.normal(size=(2, 2048))
    before = bss_eval(references, estimates)
    after = bss_eval(
        references[list(order)], (np.array(gains)[:, np.newaxis] * estimates)[list(order)]
    )
    for name in ("sdr", "sir", "sar"):
        np.testing.assert_allclose(
            getattr(after, name), getattr(before, name)[list(order)], atol=1e-6
        )


@given(PAIRS)
def test_version_4_of_bss_eval_is_plain_snr(signals):
    references, estimates = np.stack(signals), np.stack((signals[0] + signals[1], signals[0]))
    expected = [snr(*pair, RATE) for pair in zip(references, estimates, strict=True)]
    assert sdr_v4(references, estimates, RATE).tolist() == expected
