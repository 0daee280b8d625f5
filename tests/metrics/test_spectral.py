import numpy as np
import pytest

from dap.metrics.spectral import METRICS, envelope_distance, spectral_snr

RATE = 16000


@pytest.fixture
def noises():
    return np.random.default_rng(0).standard_normal((2, 2000))


def plain_magnitudes(signal: np.ndarray) -> np.ndarray:
    """(samples,) -> (bins, frames) by the DFT's definition, without scipy."""
    n = np.arange(256)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / 256)
    dft = np.exp(-2j * np.pi * np.outer(np.arange(129), n) / 256)
    padded = np.concatenate((np.zeros(128), signal, np.zeros(256)))
    frames = [padded[start : start + 256] * window for start in range(0, signal.size, 128)]
    return np.abs(dft @ np.array(frames).T)


@pytest.mark.parametrize("gain", [0.5, 0.9, 1.25, 0.0])
def test_spectral_snr_of_a_scaled_signal(noises, gain):
    expected = -20 * np.log10(abs(1 - gain))
    assert spectral_snr(noises[0], gain * noises[0], RATE) == pytest.approx(expected, abs=1e-9)


@pytest.mark.filterwarnings("error")
def test_spectral_snr_ignores_the_phase(noises):
    assert spectral_snr(noises[0], -noises[0], RATE) == np.inf
    assert spectral_snr(noises[0], noises[0].copy(), RATE) == np.inf


@pytest.mark.parametrize("samples", [256, 1920, 1921, 2000])
def test_spectral_snr_by_the_definition(noises, samples):
    reference, estimate = noises[0, :samples], 0.8 * noises[0, :samples] + 0.1 * noises[1, :samples]
    clean, restored = plain_magnitudes(reference), plain_magnitudes(estimate)
    expected = 10 * np.log10((clean**2).sum() / ((clean - restored) ** 2).sum())
    # the same sums in another order, in float64
    assert spectral_snr(reference, estimate, RATE) == pytest.approx(expected, abs=1e-9)
    everywhere = np.ones(samples, bool)
    assert spectral_snr(reference, estimate, RATE, everywhere) == pytest.approx(expected, abs=1e-9)


def test_spectral_snr_scores_the_frames_whose_centre_lies_in_where(noises):
    reference, estimate = noises[0], 0.8 * noises[0] + 0.1 * noises[1]
    where = np.zeros(2000, bool)
    where[385:769] = True  # centres 512, 640, 768: frames 4, 5, 6; 384 is just outside
    clean, restored = plain_magnitudes(reference)[:, 4:7], plain_magnitudes(estimate)[:, 4:7]
    expected = 10 * np.log10((clean**2).sum() / ((clean - restored) ** 2).sum())
    assert spectral_snr(reference, estimate, RATE, where) == pytest.approx(expected, abs=1e-9)


def test_envelope_distance_of_a_scaled_sinusoid():
    # whole periods: the analytic signal is exact and the envelopes are constant, 0.8 and 0.3
    sinusoid = np.sin(2 * np.pi * 50 * np.arange(1600) / 1600)
    assert envelope_distance(0.8 * sinusoid, 0.3 * sinusoid, RATE) == pytest.approx(0.5, abs=1e-12)
    # sign and phase do not matter
    cosine = np.cos(2 * np.pi * 50 * np.arange(1600) / 1600)
    assert envelope_distance(0.8 * sinusoid, -0.8 * cosine, RATE) == pytest.approx(0, abs=1e-12)
    assert envelope_distance(sinusoid, sinusoid.copy(), RATE) == 0
    assert envelope_distance(0 * sinusoid, 0.25 * sinusoid, RATE) == pytest.approx(0.25, abs=1e-12)
    assert envelope_distance(0 * sinusoid, 0 * sinusoid, RATE) == 0


def test_envelope_distance_of_beats_and_where():
    # a carrier of bin 200 times 1 + cos of bin 2 has exactly that envelope; the other's is 1
    n = np.arange(1600)
    carrier = np.cos(2 * np.pi * 200 * n / 1600)
    beats = np.cos(2 * np.pi * 2 * n / 1600)
    distance = envelope_distance((1 + beats) * carrier, carrier, RATE)
    assert distance == pytest.approx(np.sqrt(0.5), abs=1e-12)
    where = np.zeros(1600, bool)
    where[[0, 100, 200]] = True  # beats of 1, sqrt 0.5 and 0
    distance = envelope_distance((1 + beats) * carrier, carrier, RATE, where)
    # beats: cos(2 pi 2 n / 1600) is 1 at 0, cos(pi/4) at 100, 0 at 200
    assert distance == pytest.approx(np.sqrt(1.5 / 3), abs=1e-12)


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_scored_is_nan_without_a_warning(noises):
    reference, nothing = noises[0], np.zeros(2000, bool)
    between = nothing.copy()
    between[1:128] = True  # holds no frame's centre
    assert np.isnan(spectral_snr(0 * reference, reference, RATE))
    assert np.isnan(spectral_snr(0 * reference, 0 * reference, RATE))
    assert np.isnan(spectral_snr(reference, reference, RATE, nothing))
    assert np.isnan(spectral_snr(reference, reference, RATE, between))
    assert np.isnan(spectral_snr(reference[:255], reference[:255], RATE))
    assert np.isnan(envelope_distance(reference, reference, RATE, nothing))
    assert np.isnan(envelope_distance(np.array([]), np.array([]), RATE))
    assert np.isnan(spectral_snr(np.array([]), np.array([]), RATE))


@pytest.mark.parametrize("metric", [spectral_snr, envelope_distance])
def test_wrong_arguments_are_refused(metric, noises):
    with pytest.raises(ValueError, match=r"\(2000,\) and \(1999,\)"):
        metric(noises[0], noises[0, 1:], RATE)
    with pytest.raises(ValueError, match="estimate holds 2000 samples"):
        metric(noises[0], noises[0] * np.inf, RATE)
    with pytest.raises(ValueError, match="where must be boolean"):
        metric(noises[0], noises[1], RATE, np.ones(2000))


def test_the_envelope_distance_is_better_low():
    assert {name: metadata["better"] for name, metadata in METRICS.items()} == {
        "spectral_snr": "higher",
        "envelope_distance": "lower",
    }
