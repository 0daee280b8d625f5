import math

import numpy as np
import pytest

from dap.decibels import ratio_db, snr_db


@pytest.mark.parametrize(
    ("signal", "noise", "expected"),
    [(0, 0, math.nan), (0, 1, math.nan), (1, 0, math.inf), (1, 0.1, 20), (0.1, 1, -20)],
)
def test_ratio_of_signals(signal, noise, expected):
    assert snr_db(np.full(10, signal), np.full(10, noise)) == pytest.approx(expected, nan_ok=True)


def test_energies_are_summed_in_float64():
    # in float32 the sum of so many equal squares is off by a hundredth of a dB
    signal = np.full(10**6, 0.1, np.float32)
    exact = 20 * math.log10(float(np.float32(0.1)) / 0.5)
    assert snr_db(signal, np.full(10**6, 0.5)) == pytest.approx(exact, abs=1e-9)
    assert snr_db(np.int16([300]), np.int16([300])) == 0  # 90,000 is beyond an int16


def test_a_quotient_that_overflows_is_a_ratio_all_the_same():
    assert ratio_db(1e300, 1e-300) == pytest.approx(6000)
    assert ratio_db(1e-300, 1e300) == pytest.approx(-6000)
