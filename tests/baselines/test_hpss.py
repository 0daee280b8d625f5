import numpy as np
import pytest
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from dap.baselines.hpss import restore, separate
from dap.metrics.level import snr as snr_at
from dap.observation import Observation

RATE = 16000


def snr(reference: np.ndarray, estimate: np.ndarray) -> float:
    return snr_at(reference, estimate, RATE)  # the rate counts for nothing


def tones(rate: int, seconds: float = 1.0) -> np.ndarray:
    t = np.arange(round(rate * seconds)) / rate
    return sum(np.sin(2 * np.pi * 220 * k * t) / k for k in (1, 2, 3)) / 2


def clicks(rate: int, seconds: float = 1.0) -> np.ndarray:
    """Four strikes a second of 5 ms."""
    signal = np.zeros(round(rate * seconds))
    strike = np.random.default_rng(0).standard_normal(rate // 200)
    for start in range(rate // 8, signal.size - strike.size, rate // 4):
        signal[start : start + strike.size] += strike
    return signal / np.abs(signal).max()


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_tones_come_first_and_strikes_second(rate):
    references = np.stack((tones(rate), clicks(rate)))
    estimates = separate(references.sum(axis=0), rate)
    assert estimates.shape == (2, rate)
    # the mixture has 17 to 19 dB of the tones, and -17 to -19 of the strikes
    assert snr(references[0], estimates[0]) > 24
    assert snr(references[1], estimates[1]) > 6
    turned = separate(references[::-1].sum(axis=0), rate)
    np.testing.assert_allclose(turned, estimates, atol=1e-12)


def test_the_masks_are_those_of_librosa():
    decompose = pytest.importorskip("librosa").decompose
    mixture = tones(RATE) + clicks(RATE)
    padded = np.pad(mixture, 1024)
    transform = ShortTimeFFT(hann(2048, sym=False), 256, fs=RATE)
    # 0.8 s of hops of 16 ms are 50, and 1500 Hz of bins of 7.8 Hz are 192
    rings, _ = decompose.hpss(transform.stft(padded), kernel_size=(49, 191), power=2.0)
    expected = transform.istft(rings, k1=padded.size)[1024:][: mixture.size]
    np.testing.assert_allclose(separate(mixture, RATE)[0], expected, atol=1e-9)


@pytest.mark.parametrize("samples", [1, 100, 2047, 5000])
def test_the_sources_add_up_to_a_mixture_of_any_length(samples):
    mixture = np.random.default_rng(1).uniform(-0.5, 0.5, samples).astype(np.float32)
    sources = separate(mixture, RATE)
    assert sources.shape == (2, samples)
    np.testing.assert_allclose(sources.sum(axis=0), mixture, atol=1e-12)
    assert not separate(np.zeros(samples, np.float32), RATE).any()


def test_an_observation_is_restored_within_full_scale():
    mixture = (2 * (tones(RATE) + clicks(RATE))).astype(np.float32)  # of a peak above 2
    estimates = restore(Observation(mixture, sample_rate=RATE), ["source1", "source2"])
    assert (estimates.shape, estimates.dtype) == ((2, RATE), np.float32)
    np.testing.assert_allclose(estimates, separate(mixture, RATE).clip(-1, 1), atol=1e-6)
    assert np.abs(estimates).max() == 1
