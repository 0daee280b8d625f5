import warnings

import numpy as np
import pandas as pd
import pytest

from dap.errors import DapError
from dap.scoring.statistics import (
    attainable,
    clip_values,
    direction,
    holm,
    mean_interval,
    paired,
    subtract,
    too_small,
)


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def scores(rows):
    """Rows of (clip, seed, selection, value) of one corpus and method."""
    frame = pd.DataFrame(rows, columns=["clip", "seed", "selection", "value"])
    constants = {"experiment": "e", "corpus": "c", "source": "", "scope": "full", "method": "conv"}
    return frame.assign(**constants, iteration=10, metric="snr", unit="dB")


def test_paired_by_hand():
    test = paired([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (test.n, test.mean) == (5, 3.0)
    # all five of one sign: 2 of the 32 sign patterns are as extreme
    assert test.p == 2 / 32
    # 3 +- t s / sqrt(5), with s² = 10 / 4 and t = 2.776, the quantile 0.975 of 4 degrees of freedom
    assert test.low == pytest.approx(3 - 2.776445 * np.sqrt(2.5 / 5))
    assert test.high == pytest.approx(3 + 2.776445 * np.sqrt(2.5 / 5))


def test_interval_is_that_of_a_large_sample():
    values = np.random.default_rng(0).normal(1.0, 2.0, 4000)
    half = 1.96 * values.std(ddof=1) / np.sqrt(4000)
    test = paired(values)
    assert test.high - test.mean == pytest.approx(half, rel=1e-3)
    assert test.mean - test.low == pytest.approx(half, rel=1e-3)


def test_constant_differences():
    assert paired([0.0] * 6) == (6, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    assert paired([0.5] * 6) == (6, 0.5, 0.5, 0.5, 2 / 64, 0.5, 1.0)


def test_few_clips_have_a_mean_alone():
    nan = np.nan
    np.testing.assert_equal(paired([1.0, 2.0, 4.0, 8.0]), (4, 3.75, nan, nan, nan, 3.0, nan))
    np.testing.assert_equal(paired([]), (0, *[nan] * 6))


def test_unscorable_clips_form_no_pair():
    test = paired([1.0, np.nan, 2.0, 3.0, np.nan, 4.0, 5.0])
    assert (test.n, test.mean, test.p) == (5, 3.0, 2 / 32)


def test_a_perfect_estimate_has_ranks_and_no_interval():
    test = paired([np.inf, 1.0, 2.0, 3.0, 4.0])
    assert test.mean == np.inf
    assert np.isnan([test.low, test.high]).all()
    assert test.p == 2 / 32
    assert np.isnan(paired([np.inf, -np.inf, 1.0, 2.0, 3.0]).mean)


def test_the_ranks_have_a_direction_of_their_own():
    # ranks 1 to 4 are negative, rank 5 positive; the 0 has none
    test = paired([-1.0, -2.0, -3.0, -4.0, 50.0, 0.0])
    assert test.rank_biserial == pytest.approx((5 - 10) / 15)
    assert test.mean > 0 > test.median
    assert paired([np.inf, 1.0, 2.0, 3.0, -4.0]).rank_biserial == pytest.approx((11 - 4) / 15)


@pytest.mark.parametrize(
    ("numbers", "way"),
    [
        # mean, low, high, rank_biserial, p
        ((2.0, 1.0, 3.0, 0.9, 0.01), "higher"),
        ((-2.0, -3.0, -1.0, -0.9, 0.01), "lower"),
        ((2.0, -1.0, 5.0, 0.9, 0.01), "unresolved"),  # the ranks alone
        ((2.0, 1.0, 3.0, 0.9, 0.05), "unresolved"),  # the interval alone
        ((2.0, -1.0, 5.0, 0.9, 0.2), "unresolved"),
        ((2.0, -1.0, 5.0, -0.9, 0.2), "unresolved"),  # neither
        ((2.0, 1.0, 3.0, -0.9, 0.01), "mixed"),
        ((2.0, -1.0, 5.0, -0.9, 0.01), "mixed"),
        ((2.0, 1.0, 3.0, -0.1, 0.6), "mixed"),
        ((np.inf, np.nan, np.nan, 0.9, 0.01), "unresolved"),
        ((2.0, 1.0, 3.0, 0.9, np.nan), "unresolved"),
        ((0.0, 0.0, 0.0, 0.0, 1.0), "unresolved"),
    ],
)
def test_interval_and_test_together(numbers, way):
    assert direction(*numbers) == way


def test_subtract_takes_common_clips_and_equal_infinities():
    values = pd.Series({"a": np.inf, "b": 3.0, "c": np.nan, "d": 1.0})
    others = pd.Series({"e": 7.0, "a": np.inf, "b": 1.0, "c": 1.0})
    assert subtract(values, others).sort_index().to_dict() == pytest.approx(
        {"a": 0.0, "b": 2.0, "c": np.nan}, nan_ok=True
    )


def test_holm_by_hand():
    # sorted 0.01, 0.03, 0.04: times 3, 2, 1, and never less than the one before
    np.testing.assert_allclose(holm([0.04, np.nan, 0.01, 0.03]), [0.06, np.nan, 0.03, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.6]), [1.0, 1.0])
    assert np.isnan(holm([np.nan])).all()
    assert len(holm([])) == 0


def test_which_p_are_attainable():
    # 2 / 2^5 = 0.0625 and 2 / 2^6 = 0.031
    assert attainable([5, 6], [0.5, np.nan]).tolist() == [False, False]
    assert attainable([6], [0.5]).tolist() == [True]
    # two tests of 6: 0.0625; of 7: 0.031
    assert attainable([6, 6], [0.5, 0.5]).tolist() == [False, False]
    assert attainable([7, 7], [0.5, 0.5]).tolist() == [True, True]
    # beside one of 50, which can come first, a test of 6 is the second of two
    assert attainable([6, 50], [0.03, 0.5]).tolist() == [True, True]
    assert attainable([], []).tolist() == []
    assert too_small(1) == "n too small for a p below 0.05 after correction over 1 test"
    assert too_small(12).endswith("over 12 tests")


def test_no_family_has_less_than_is_attainable():
    # all of one sign: the smallest p of each
    rng = np.random.default_rng(0)
    for _ in range(20):
        pairs = rng.integers(5, 10, size=rng.integers(1, 6))
        p_values = [paired(rng.random(n)).p for n in pairs]
        assert (attainable(pairs, p_values) == (holm(p_values) < 0.05)).all()


def test_mean_interval_of_a_curve():
    values = np.array([[1, 7.0], [2, 7.0], [3, 7.0], [4, np.nan], [5, 7.0]])
    mean, low, high = mean_interval(values)
    np.testing.assert_array_equal(mean, [3.0, 7.0])
    single = paired(values[:, 0])
    assert (single.mean, single.low, single.high) == (mean[0], low[0], high[0])
    assert np.isnan([low[1], high[1]]).all()  # four clips at the second point


def test_clip_values_average_initialisations():
    frame = scores([("a", 0, "last", 1.0), ("a", 1, "last", 4.0), ("b", 0, "last", 2.0)])
    values = clip_values(frame).set_index("clip")
    assert values["value"].to_dict() == {"a": 2.5, "b": 2.0}
    assert values.loc["a", "seeds_std"] == pytest.approx(3 / np.sqrt(2))
    assert np.isnan(values.loc["b", "seeds_std"])


def test_clip_values_keep_what_cannot_be_scored_and_leave_snapshots():
    rows = [("a", 0, "last", np.nan), ("a", 1, "last", 4.0), ("b", 0, "last", np.inf)]
    rows += [("b", 1, "last", 2.0), ("b", 0, "snapshot", 9.0), ("b", 0, "snapshot", 9.0)]
    values = clip_values(scores(rows)).set_index("clip")["value"]
    np.testing.assert_equal(values.to_dict(), {"a": np.nan, "b": np.inf})


def test_clip_values_read_from_csv_have_nan_for_no_source():
    frame = scores([("a", 0, "last", 1.0)]).assign(source=np.nan)
    assert clip_values(frame)["source"].to_list() == [""]


def test_clip_values_refuse_doubles():
    with pytest.raises(DapError, match="1 values twice, first e, c, , full, conv, last, snr, a, 0"):
        clip_values(scores([("a", 0, "last", 1.0), ("a", 0, "last", 1.0)]))


def test_p_is_exact_beside_differences_of_zero():
    # of five signs all are alike in 2 of 32 patterns; zeros have no sign
    assert paired([0.0] * 15 + [1.0, 2, 3, 4, 5]).p == pytest.approx(2 / 32)
