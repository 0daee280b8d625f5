"""Long recordings in parts: what comes out where they overlap, and at their ends."""

import numpy as np
import pytest

from dap.crossfade import in_parts


def test_parts_are_cross_faded():
    def level(signal):
        # of each part another
        return np.full(len(signal), 1.0 + (signal[0] > 0), np.float32)

    signal = np.where(np.arange(300) < 80, -1, 1).astype(np.float32)
    joined = in_parts(level, signal, part=180, reach=10, fade=20)
    assert joined.dtype == np.float32
    assert set(joined[:130]) == {1.0}
    assert set(joined[-130:]) == {2.0}
    assert (np.diff(joined) >= 0).all()
    assert np.abs(np.diff(joined)).max() < 0.06


@pytest.mark.parametrize("samples", [1, 180, 181, 500, 1234])
def test_what_reaches_no_further_is_as_in_one(samples):
    lengths = []

    def smooth(signal):
        lengths.append(len(signal))
        return np.convolve(signal, np.hanning(21), "same")

    signal = np.random.default_rng(0).normal(size=samples)
    joined = in_parts(smooth, signal, part=180, reach=10, fade=20)
    whole = np.convolve(signal, np.hanning(21), "same")[:samples] if samples > 21 else joined
    np.testing.assert_allclose(joined, whole, rtol=0, atol=1e-12)
    assert len(set(lengths)) == 1
    assert max(lengths) <= 180
