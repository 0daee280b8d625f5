"""Signals in blocks: taken by place, joined by bands, kept where they are silent."""

import numpy as np
import pytest

import dap
from dap.files.streams import Stream, found_gaps, kept, with_low_band
from dap.restoration.bands import with_low_band as whole_with_low_band


def blocks_of(x, size):
    return (x[start : start + size] for start in range(0, len(x), size))


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0, 0.1, (30_001, 2)).astype(np.float32)


def test_spans_are_those_of_the_whole(noise):
    stream = Stream(blocks_of(noise, 700))
    for start, end in [(0, 10), (0, 2000), (1500, 1501), (1500, 9000), (8999, 40_000)]:
        np.testing.assert_array_equal(stream.span(start, end), noise[start:end])
    assert len(stream.span(30_001, 30_002)) == 0


@pytest.mark.parametrize("sizes", [(1000, 1000), (4999, 313), (60_000, 60_000)])
@pytest.mark.parametrize("rates", [(44100, 16000), (48000, 16000)])
def test_bands_are_joined_as_those_of_the_whole(sizes, rates, noise):
    low = dap.restoration.bands.low_band(noise, *rates) * np.float32(0.5)
    expected = whole_with_low_band(noise, low, *rates)
    joined = with_low_band(blocks_of(noise, sizes[0]), blocks_of(low, sizes[1]), *rates, 2)
    np.testing.assert_array_equal(np.concatenate(list(joined)), expected)


@pytest.mark.parametrize("size", [160, 1000, 7777])
def test_digital_silence_stays_over_joints_of_blocks(size, noise):
    rate = 16000
    x = noise.copy()
    for start, length in [(0, 200), (950, 160), (5000, 159), (9990, 300), (15_000, 4000)]:
        x[start : start + length, 0] = 0
    restored = x + np.float32(0.01)
    result = np.concatenate(
        list(kept(blocks_of(x, 500), blocks_of(restored, size), rate, amount=1, silence=True))
    )
    expected = restored.copy()
    for start, length in [(0, 200), (950, 160), (9990, 300), (15_000, 4000)]:
        expected[start : start + length, 0] = 0
    np.testing.assert_array_equal(result, expected)


def test_the_amount(noise):
    restored = noise * np.float32(0.2)
    halfway = kept(
        blocks_of(noise, 500), blocks_of(restored, 777), 16000, amount=0.5, silence=False
    )
    np.testing.assert_array_equal(
        np.concatenate(list(halfway)), (noise + 0.5 * (restored - noise)).astype(np.float32)
    )


def test_gaps_are_found_on_both_sides_of_a_minute():
    rate = 2000
    x = np.sin(np.arange(200 * rate) / 3)[:, np.newaxis]
    gaps = [(0.5, 0.6), (59.95, 60.05), (60.5, 60.52), (119.99, 120.0), (199.5, 199.9)]
    for start, end in gaps:
        x[round(start * rate) : round(end * rate)] = 0
    found = found_gaps(blocks_of(x, 3000), rate)
    np.testing.assert_allclose(found, dap.find_gaps(x, rate))
    assert np.array(found) == pytest.approx(np.array(gaps), abs=1.5 / rate)
