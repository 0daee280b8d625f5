"""Windows of long recordings: they cover all, and are joined where no gap is."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dap.files.windows import windows


def free(start, end, gaps):
    return all(last <= start or end <= first for first, last in gaps)


def test_what_fits_is_one_window():
    assert windows(300, 300, 40) == [(0, 300)]
    assert windows(301, 300, 40) == [(0, 170), (130, 301)]


@given(st.integers(1, 20_000), st.integers(100, 3000), st.integers(0, 49))
def test_windows_cover_all_and_overlap(samples, length, overlap):
    found = windows(samples, length, overlap)
    starts, ends = np.array(found).T
    assert (starts[0], ends[-1]) == (0, samples)
    assert (ends - starts <= length).all()
    assert np.ptp(ends - starts) <= 1
    assert (ends[:-1] - starts[1:] == overlap).all()


def test_a_joint_moves_away_from_a_gap():
    assert windows(1000, 300, 40)[0] == (0, 280)
    # as near as it can
    found = windows(1000, 300, 40, [(250, 290), (500, 505)])
    assert found == [(0, 250), (210, 500), (460, 760), (720, 1000)]


@given(
    st.lists(st.tuples(st.integers(0, 9900), st.integers(1, 60)), max_size=12),
)
def test_no_overlap_touches_a_gap_where_there_is_room(gaps):
    gaps = [(start, start + length) for start, length in gaps]
    found = windows(10_000, 2200, 100, gaps)
    starts, ends = np.array(found).T
    assert (starts[0], ends[-1]) == (0, 10_000)
    assert (np.diff(starts) > 0).all()
    assert (np.diff(ends) > 0).all()
    # 12 gaps of 60 leave a stretch of 100 free within a quarter of a window on either side
    for before, after in pairwise(found):
        assert free(after[0], before[1], gaps)


@pytest.mark.parametrize(
    "gaps",
    [
        [(i, i + 5) for i in range(0, 1000, 10)],
        [(200, 600)],
        [(0, 1000)],
        [(700, 1000)],
        [(0, 700)],
    ],
)
def test_where_there_is_no_room_windows_still_cover_all(gaps):
    found = windows(1000, 300, 40, gaps)
    starts, ends = np.array(found).T
    assert (starts[0], ends[-1]) == (0, 1000)
    assert (np.diff(starts) > 0).all()
    assert (ends[:-1] - starts[1:] == 40).all()
