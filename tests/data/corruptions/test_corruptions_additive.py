import numpy as np
import pytest
import scipy.stats
from corrupted import corrupted

from dap.errors import DapError


def snr_db(clean: np.ndarray, observed: np.ndarray) -> float:
    """Of the signal as it was written, not of the noise as it was drawn."""
    error = observed.astype(np.float64) - clean
    return 10 * np.log10(np.sum(clean.astype(np.float64) ** 2) / np.sum(error**2))


def test_gaussian():
    clean = np.zeros(1_000_000, np.float32)
    clean[::2] = 0.5
    observation = corrupted("gaussian", clean, seed=1, std=0.1)
    noise = observation.signal - clean
    assert observation.signal.dtype == np.float32
    # standard errors at this length: 1e-4 of the mean, 7e-5 of the std, 1e-3 of a correlation
    assert abs(noise.mean()) < 4e-4
    assert noise.std() == pytest.approx(0.1, abs=3e-4)
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 4e-3
    assert scipy.stats.kurtosis(noise) == pytest.approx(0, abs=0.02)
    assert observation.metadata["snr_db"] == pytest.approx(
        snr_db(clean, observation.signal), abs=1e-4
    )
    assert observation.known == {"noise_std": np.float32(0.1)}


@pytest.mark.parametrize("level", [1e-4, 0.1, 1.0])
@pytest.mark.parametrize("wanted", [-3.0, 5.0, 6.789, 9.0])
def test_environmental_reaches_its_ratio(tone, hiss, level, wanted):
    observation = corrupted("environmental", tone, noise=level * hiss, snr_db=[wanted, wanted])
    assert observation.signal.dtype == np.float32
    assert snr_db(tone, observation.signal) == pytest.approx(wanted, abs=1e-4)
    assert observation.metadata["snr_db"] == pytest.approx(wanted, abs=1e-4)
    noise = observation.signal.astype(np.float64) - tone
    assert np.corrcoef(noise, hiss[:4096])[0, 1] > 1 - 1e-9  # scaled, and nothing else


def test_silent_noise(tone):
    with pytest.raises(DapError, match="drawn noise is silent"):
        corrupted("environmental", tone, noise=np.zeros_like(tone))
    with pytest.raises(DapError, match="clip is silent, so no signal-to-noise ratio"):
        corrupted("environmental", np.zeros_like(tone), noise=tone)


def test_mixture_is_the_sum(tone, hiss):
    sources = [tone, hiss[:4096]]
    observation = corrupted("mixture", *sources)
    np.testing.assert_array_equal(observation.signal, sources[0] + sources[1])
    assert observation.signal.dtype == np.float32
    assert observation.metadata["peak"] == np.abs(observation.signal).max()
