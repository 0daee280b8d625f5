"""Cells that tell a sample's side of one value, and no more."""

import numpy as np
import pytest

from dap.observation import one_bit


@pytest.mark.parametrize(
    ("lower", "upper", "value", "side", "distance"),
    [
        ([-1, 0, 0], [0, 1, 1], 0, [-1, 1, 1], 0.5),
        ([-0.125, 0], [0, 0.125], 0, [-1, 1], 0.0625),
        # mid-tread, of two levels: the outer cell is wider, or zero is a level beside another
        ([-1, -0.5], [-0.5, 1], -0.5, [-1, 1], 0.5),
        ([-0.25, 0.25], [0.25, 0.75], 0.25, [-1, 1], 0.25),
    ],
)
def test_two_cells_side_by_side(lower, upper, value, side, distance):
    bits = one_bit(np.array(lower, np.float32), np.array(upper, np.float32))
    assert (bits.value, bits.distance) == (value, distance)
    assert bits.side.tolist() == side


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        ([0, 0], [0.5, 0.5]),  # one cell
        ([-0.5, 0, 0.5], [0, 0.5, 1]),  # three in a row
        ([-1, 0.5], [-0.5, 1]),  # one is left out between them
        ([0.5, 0.5], [0.5, 0.5]),  # points
        ([0.1, 0.2], [0.1, 0.2]),
    ],
)
def test_other_cells_tell_a_level(lower, upper):
    assert one_bit(np.array(lower, np.float32), np.array(upper, np.float32)) is None
