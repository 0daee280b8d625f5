import numpy as np
import pytest

from dap.metrics.scale_invariant import si_sdr

RATE = 16000


# values of the package fast-bss-eval 0.1.4, `si_sdr(..., zero_mean=False)`
@pytest.mark.parametrize(
    ("level", "value"), [(0.001, 34.13894), (0.005, 20.16389), (0.02, 8.13900)]
)
def test_fixed_values(voice, level, value):
    estimate = voice + level * np.random.RandomState(0).standard_normal(voice.size)
    assert si_sdr(voice, estimate, RATE) == pytest.approx(value, abs=1e-4)
    for gain in (-3, 1e-200, 1e200):
        assert si_sdr(voice, gain * estimate, RATE) == pytest.approx(value, abs=1e-4)


def test_by_hand():
    # the part along (3, 4) has length 5, the one across it length 1: 10 log10(25)
    assert si_sdr([3.0, 4.0], [3 - 0.8, 4 + 0.6], RATE) == pytest.approx(10 * np.log10(25))


@pytest.mark.filterwarnings("error")
def test_the_ends_of_the_scale():
    assert si_sdr([1.0, 2.0], [2.0, 4.0], RATE) == np.inf
    assert si_sdr([1.0, 0.0], [0.0, 1.0], RATE) == -np.inf
    for reference, estimate in (([0.0], [1.0]), ([1.0], [0.0]), ([], [])):
        assert np.isnan(si_sdr(reference, estimate, RATE))


def test_only_where_it_is_asked(voice):
    where = np.arange(voice.size) < 9000
    estimate = np.where(where, voice[::-1], 0)
    expected = si_sdr(voice[:9000], estimate[:9000], RATE)
    assert si_sdr(voice, estimate, RATE, where) == expected
    assert np.isnan(si_sdr(voice, estimate, RATE, ~where))
