import numpy as np
import pytest
from corrupted import corrupted

from dap.data.corruptions.quantization import CORRUPTIONS, QUANTIZERS, cells, inside
from dap.errors import DapError

RAMP = np.linspace(-1, 1, 4001)


@pytest.mark.parametrize(
    ("bins", "quantizer", "levels"),
    [
        (16, "mid-rise", (np.arange(-8, 8) + 0.5) / 8),
        (16, "mid-tread", np.arange(-8, 8) / 8),  # one more below 0 than above
        (5, "mid-tread", np.array([-0.8, -0.4, 0, 0.4, 0.8])),
        (2, "mid-rise", np.array([-0.5, 0.5])),
        (2, "mid-tread", np.array([-1.0, 0.0])),
    ],
)
def test_levels_and_cells_of_quantizers(bins, quantizer, levels):
    level, lower, upper = cells(RAMP, bins, quantizer)
    assert np.unique(level) == pytest.approx(levels)
    # cells tile [-1, 1], each sample lies in its own, and is half a step at most from its level
    edges = np.unique(np.r_[lower, upper])
    np.testing.assert_allclose(edges, np.r_[-1, (levels[1:] + levels[:-1]) / 2, 1], atol=1e-7)
    assert ((lower - 1e-7 <= RAMP) & (upper + 1e-7 >= RAMP)).all()
    inside = np.abs(RAMP - (levels[0] + levels[-1]) / 2) < (levels[-1] - levels[0]) / 2 + 1 / bins
    assert np.abs(level - RAMP)[inside].max() == pytest.approx(1 / bins, abs=1e-3)
    # a level is quantized to itself, and so is all that lies inside of its cell
    for again in (level, 0.999 * lower + 0.001 * upper, 0.001 * lower + 0.999 * upper):
        np.testing.assert_array_equal(cells(again, bins, quantizer)[0], level)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("bins", [2, 3, 5, 16, 30, 255, 65536])
@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_the_inside_of_a_cell_is_quantized_to_its_level(quantizer, bins, kind):
    if quantizer == "mid-rise" and bins % 2:
        return
    level, lower, upper = cells(RAMP, bins, quantizer)
    first, last = inside(lower, upper)
    assert (first < last).all()
    np.testing.assert_allclose((first, last), (lower, upper), atol=3e-6)
    for edge in (first, last):
        np.testing.assert_array_equal(cells(edge.astype(kind), bins, quantizer)[0], level)
    # what saturates may be -1 or 1
    assert (first.min(), last.max()) == (-1, 1)


def test_quantization(tone):
    loud = 3 * tone
    observation = corrupted("quantization", loud)
    known, metadata = observation.known, observation.metadata
    assert observation.signal.dtype == known["lower"].dtype == known["upper"].dtype == np.float32
    # beyond [-1, 1] it saturates
    assert np.abs(observation.signal).max() == 15 / 16
    assert (known["lower"].min(), known["upper"].max()) == (-1, 1)
    assert (int(known["bins"]), str(known["quantizer"])) == (16, "mid-rise")
    error = observation.signal - loud.astype(np.float64)
    expected = 10 * np.log10(np.mean(np.square(loud)) / np.mean(np.square(error)))
    assert metadata["snr_db"] == pytest.approx(expected, abs=1e-4)
    assert metadata["levels"] == 16
    assert metadata["saturated_fraction"] == (np.abs(loud) > 1).mean() > 0.4
    # an error uniform over a cell has the variance step^2 / 12
    hiss = np.random.default_rng(0).uniform(-1, 1, 100_000)
    error = corrupted("quantization", hiss, quantizer="mid-tread").signal - hiss
    inside = hiss < 15 / 16  # above, the last level of two's complement is missing
    assert np.var(error[inside]) == pytest.approx(0.125**2 / 12, rel=0.02)


def test_the_quantizers_are_those_that_a_study_may_name():
    options = CORRUPTIONS["quantization"]["options"]
    assert options["quantizer"]["enum"] == list(QUANTIZERS)


def test_quantizers_that_do_not_exist():
    with pytest.raises(DapError, match="bins is 15: must be even and at least 2"):
        cells(RAMP, 15, "mid-rise")
    with pytest.raises(DapError, match="bins is 1: must be at least 2"):
        cells(RAMP, 1, "mid-tread")
    with pytest.raises(DapError, match="quantizer is 'floor': must be mid-rise or mid-tread"):
        cells(RAMP, 16, "floor")
