import numpy as np
import pytest
from scipy.signal import lfilter

from dap.metrics.intelligibility import stoi

RATE = 16000


def noise(samples: int) -> np.ndarray:
    return np.random.RandomState(0).standard_normal(samples)


# values of the package pystoi 0.4.1: what is tested is that it is called with the right arguments
@pytest.mark.parametrize(("level", "value"), [(0.001, 0.99456), (0.005, 0.95399), (0.02, 0.84868)])
def test_fixed_values(voice, level, value):
    estimate = voice + level * noise(voice.size)
    assert stoi(voice, estimate, RATE) == pytest.approx(value, abs=1e-3)
    assert stoi(1e-6 * voice, 1e3 * estimate, RATE) == pytest.approx(value, abs=1e-3)


def test_an_independent_computation(voice):
    # Taal et al. 2011, section II, written down anew without the silent frames' removal, for a
    # signal that has none, at 10 kHz, where nothing is resampled
    rate, frame, hop, length = 10000, 256, 128, 30
    rng = np.random.default_rng(1)
    clean = lfilter([1], [1, -0.9], rng.standard_normal(rate))
    estimate = clean + rng.standard_normal(rate)
    centres = 150 * 2 ** (np.arange(15) / 3)
    grid = np.arange(257) * rate / 512
    nearest = [[np.abs(grid - c * 2 ** (s / 6)).argmin() for s in (-1, 1)] for c in centres]
    window = np.hanning(frame + 2)[1:-1]

    def envelopes(signal):
        starts = range(0, rate - frame, hop)
        power = [np.abs(np.fft.rfft(signal[i : i + frame] * window, 512)) ** 2 for i in starts]
        bands = [np.array(power)[:, low:high].sum(axis=1) for low, high in nearest]
        return np.sqrt(bands)  # (15, frames)

    scores = []
    x, y = envelopes(clean), envelopes(estimate)
    for end in range(length, x.shape[1] + 1):
        for a, b in zip(x[:, end - length : end], y[:, end - length : end], strict=True):
            b = np.minimum(b * np.linalg.norm(a) / np.linalg.norm(b), a * (1 + 10 ** (15 / 20)))
            scores.append(np.corrcoef(a, b)[0, 1])
    assert stoi(clean, estimate, rate) == pytest.approx(np.mean(scores), abs=0.01)


def test_a_perfect_estimate(voice):
    assert stoi(voice, voice, RATE) == pytest.approx(1, abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_scored_is_nan_without_a_warning(voice):
    silence = np.zeros_like(voice)
    for reference, estimate in ((voice, silence), (silence, voice), (silence, silence)):
        assert np.isnan(stoi(reference, estimate, RATE))
    burst = np.where(np.arange(voice.size) < 3000, voice, 0)  # too little of it is not silent
    assert np.isnan(stoi(burst, voice, RATE))
    for samples in (0, 1, 200, 409, 410, 1000, 6000):
        assert np.isnan(stoi(voice[:samples], voice[:samples], RATE))
    assert np.isfinite(stoi(voice[:8000], voice[:8000], RATE))


def test_wrong_arguments_are_refused(voice):
    with pytest.raises(ValueError, match="where must be None"):
        stoi(voice, voice, RATE, np.ones(voice.shape, bool))
    with pytest.raises(ValueError, match=r"\(32000,\) and \(31999,\)"):
        stoi(voice, voice[1:], RATE)
