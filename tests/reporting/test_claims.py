import warnings

import numpy as np
import pandas as pd
import pytest
from small_claims import (
    BETTER,
    CLAIMS,
    DENSE,
    GAINS,
    INPAINTING,
    LONG,
    SCHEDULE,
    SLIGHTLY,
    ZERO,
    finding_of,
    scores,
)

from dap.errors import DapError
from dap.reporting.claims import _differences, examine
from dap.reporting.tables import summarise
from dap.reporting.verdicts import Published, judge
from dap.scoring.statistics import clip_values


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_all_claims_of_the_papers_named_are_listed():
    entry = {"paper": "interspeech2021", "claim": INPAINTING, "comparisons": [DENSE]}
    findings = examine(CLAIMS, [entry], scores({"conv": ZERO, "dense": GAINS}), BETTER)
    verdicts = [finding["verdict"] for finding in findings]
    assert len(findings) == 5
    assert verdicts.count("not examined by this study") == 4
    assert findings[2]["claim"] == INPAINTING
    assert findings[2]["where"] == "section 4.2"
    assert findings[2]["published"] == "2.5 dB"
    assert findings[3]["published"] is None
    assert "comparisons" not in findings[3]
    assert examine(CLAIMS, [], scores({"conv": ZERO}), BETTER) == []


def test_supported_by_hand():
    finding = finding_of(scores({"conv": ZERO, "dense": GAINS}), [DENSE])
    assert finding["verdict"] == (
        "order reproduced in 1 of 1; size reproduced (2.5 dB published) in 1 of 1 (+2.00 dB)"
    )
    (row,) = finding["comparisons"]
    assert (row["corpus"], row["scope"], row["n"], row["difference"]) == ("speech", "raw", 6, 2.0)
    assert row["p"] == row["p_holm"] == 2 / 64
    # 2 +- 2.571 sqrt(0.5 / 6), t of 5 degrees of freedom
    assert (row["low"], row["high"]) == pytest.approx((1.2579, 2.7421), abs=1e-4)
    assert row["verdict"] == (
        "order reproduced: +2.00 dB [+1.26, +2.74] over 6 clips, p = 0.031 after Holm; "
        "size reproduced (2.5 dB published)"
    )


@pytest.mark.parametrize(
    ("gains", "order", "size"),
    [
        (GAINS, "order reproduced", "size reproduced (2.5 dB published)"),
        (GAINS * 0.07, "order reproduced", "smaller than the published 2.5 dB"),  # +0.14 dB
        (GAINS * 4, "order reproduced", "larger than the published 2.5 dB"),  # +8 dB
        (-GAINS, "order reversed", "smaller than the published 2.5 dB"),
        (GAINS - 2, "not resolved by this run", "smaller than the published 2.5 dB"),
        # +-20 dB around 0
        (8 * (GAINS - 2), "not resolved by this run", "size not resolved (2.5 dB published)"),
    ],
)
def test_order_and_size_apart(gains, order, size):
    finding = finding_of(scores({"conv": ZERO, "dense": gains}), [DENSE])
    (row,) = finding["comparisons"]
    assert row["verdict"].startswith(f"{order}: ")
    assert row["verdict"].endswith(f"; {size}")
    assert finding["verdict"].startswith(f"{order} in 1 of 1; {size} in 1 of 1 (")


def test_a_published_gain_of_a_metric_that_is_better_when_lower():
    claim = Published("2.5", "")
    gains = -GAINS
    frame = scores({"conv": ZERO, "dense": gains}, metric="envelope_distance")
    ((_, evidence),) = _differences(
        DENSE | {"metric": "envelope_distance"}, clip_values(frame), BETTER
    )
    assert judge(evidence, claim, 0.01, 1).size == "size reproduced (2.5 published)"


def test_a_size_in_words():
    frame = scores({"harmonic": ZERO, "dense": 4 * GAINS}, metric="sdr")
    finding = finding_of(frame, [DENSE | {"metric": "sdr", "over": "harmonic"}], SLIGHTLY)
    assert finding["published"] == "marginal dB"
    assert finding["verdict"] == (
        "order reproduced in 1 of 1; size not stated by the paper; ours is +8.00 dB"
    )
    assert finding["comparisons"][0]["verdict"].endswith("; size not stated by the paper")


def test_a_claim_without_a_size():
    frame = scores({"conv": ZERO, "dense": GAINS})
    assert finding_of(frame, [DENSE], SCHEDULE)["verdict"] == "order reproduced in 1 of 1"


@pytest.mark.parametrize(
    ("gains", "metric", "word"),
    [
        (-GAINS, "spectral_snr", "order reversed"),
        (-GAINS, "envelope_distance", "order reproduced"),
        (GAINS, "envelope_distance", "order reversed"),
        (GAINS - 2, "spectral_snr", "not resolved by this run"),
        (GAINS[:5], "spectral_snr", "too few clips to tell"),  # p is 2 / 32 at the least
        (GAINS[:2], "spectral_snr", "too few clips to tell"),
    ],
)
def test_words_come_from_numbers(gains, metric, word):
    frame = scores({"conv": 0 * gains, "dense": gains}, metric=metric)
    finding = finding_of(frame, [DENSE | {"metric": metric}])
    assert finding["verdict"].startswith(f"{word} in 1 of 1")
    assert finding["comparisons"][0]["verdict"].startswith(f"{word}: ")


def test_too_few_clips():
    (row,) = finding_of(scores({"conv": [0.0, 0.0], "dense": [1.0, 1.4]}), [DENSE])["comparisons"]
    assert row["verdict"] == "too few clips to tell: +1.20 dB over 2 clips"
    assert row["low"] is row["high"] is row["p"] is row["p_holm"] is None
    values = {"conv": [0.0, 0.0], "dense": [1.0, np.nan]}
    (row,) = finding_of(scores(values), [DENSE])["comparisons"]
    assert row["verdict"] == (
        "too few clips to tell: +1.00 dB over 1 clip (1 more could not be scored)"
    )
    (row,) = finding_of(scores({"conv": [0.0], "dense": [np.nan]}), [DENSE])["comparisons"]
    assert row["verdict"] == "too few clips to tell: 0 clips (1 more could not be scored)"
    assert row["difference"] is None


# A few large gains make the mean positive, many small losses the median negative.
SPLIT = np.concatenate([np.full(45, -0.3), np.full(5, 6.5)])


def test_mean_and_median_that_disagree():
    (row,) = finding_of(scores({"conv": 0 * SPLIT, "dense": SPLIT}), [DENSE])["comparisons"]
    # mean 0.38; s = 2.06, t(0.975, 49) = 2.01: +- 0.59
    assert row["verdict"].startswith(
        "mixed: mean and median disagree: +0.38 dB [-0.21, +0.97] over 50 clips, "
        "median -0.30 dB, p < 0.001 after Holm"
    )
    # W- = 45 * 23 = 1035, W+ = 5 * 48 = 240
    assert row["rank_biserial"] == pytest.approx(-795 / 1275)
    assert row["median"] == -0.3


def test_a_median_alone_is_not_enough():
    # the ranks say that conv is better, and so does the mean, but its interval contains 0
    gains = np.concatenate([np.full(45, -0.3), np.full(5, 2.0)])
    (row,) = finding_of(scores({"conv": 0 * gains, "dense": gains}), [DENSE])["comparisons"]
    assert row["p_holm"] < 0.001
    assert row["verdict"].startswith("not resolved by this run: -0.07 dB [-0.27, +0.13] over 50")


def test_no_p_where_n_allows_none_below_the_level():
    (row,) = finding_of(scores({"conv": ZERO[:5], "dense": GAINS[:5]}), [DENSE])["comparisons"]
    # 1.8 +- 2.776 sqrt(0.325 / 5)
    assert row["verdict"].startswith(
        "too few clips to tell: +1.80 dB [+1.09, +2.51] over 5 clips; "
        "n too small for a p below 0.05 after correction over 1 test"
    )
    assert row["p"] is row["p_holm"] is None
    # 6 clips are enough for one test, and not for two of them
    frame = scores({"conv": ZERO, "dense": GAINS, "exp": GAINS})
    rows = finding_of(frame, [DENSE, DENSE | {"method": "exp"}])["comparisons"]
    assert [row["p"] for row in rows] == [None, None]
    assert all("after correction over 2 tests" in row["verdict"] for row in rows)


def test_corpora_are_told_apart_and_pooled_and_holm_counts_all_tests():
    three = {"conv": ZERO[:3], "dense": GAINS[:3]}
    frame = pd.concat([scores({"conv": ZERO, "dense": GAINS}), scores(three, corpus="piano")])
    rows = finding_of(frame, [DENSE])["comparisons"]
    assert [(row["corpus"], row["n"]) for row in rows] == [
        ("piano", 3),
        ("speech", 6),
        ("all corpora", 9),
    ]
    assert rows[2]["difference"] == pytest.approx((12 + 4.5) / 9)
    # two tests were made: speech 2 / 64, and all 9 of one sign
    assert rows[1]["p_holm"] == 2 / 64
    assert rows[2]["p_holm"] == pytest.approx(2 * rows[2]["p"])
    assert rows[0]["verdict"].startswith("too few clips")


def test_sources_are_averaged_within_the_clip_when_pooled():
    parts = [
        scores({"conv": ZERO, "dense": gains}, "piano+drums", "sdr", source=source, scope="full")
        for source, gains in (("piano", GAINS), ("drums", GAINS + 2))
    ]
    rows = finding_of(pd.concat(parts), [DENSE | {"metric": "sdr"}])["comparisons"]
    assert [(row["source"], row["n"], row["difference"]) for row in rows] == [
        ("drums", 6, 4.0),
        ("piano", 6, 2.0),
        ("", 6, 3.0),
    ]


def test_the_difference_of_two_gains():
    frame = scores({"conv": ZERO, "dilated": ZERO + 1, "exp": GAINS + 2})
    plain = LONG | {"method": "exp", "over": "dilated"}
    beyond = plain | {"than": {"method": "dilated", "over": "conv"}}
    rows = finding_of(frame, [plain, beyond], SCHEDULE)["comparisons"]
    assert [row["difference"] for row in rows] == [3.0, 2.0]
    assert rows[1]["than"] == "dilated over conv"
    # exp's gain over dilated is not what the claim is on: it is shown, and not tested
    assert [row["counted"] for row in rows] == [False, True]
    assert rows[0]["verdict"] == "not counted: +3.00 dB [+2.26, +3.74] over 6 clips"
    assert rows[0]["p"] is rows[0]["p_holm"] is None
    assert rows[1]["p"] == rows[1]["p_holm"] == 2 / 64


def test_a_decisive_comparison_alone_decides():
    # both gain, dilated over conv 2 dB and exp over dilated 1 dB, so that the claim is reversed
    frame = scores({"conv": ZERO, "dilated": GAINS, "exp": 1.5 * GAINS})
    plain = [
        LONG | {"method": "dilated", "over": "conv"},
        LONG | {"method": "exp", "over": "dilated"},
    ]
    beyond = plain[1] | {"than": {"method": "dilated", "over": "conv"}}
    finding = finding_of(frame, [*plain, beyond], SCHEDULE)
    assert finding["verdict"] == "order reversed in 1 of 1"
    assert [row["difference"] for row in finding["comparisons"]] == [2.0, 1.0, -1.0]
    without = finding_of(frame, plain, SCHEDULE)
    assert without["verdict"] == "too few clips to tell in 2 of 2"  # two tests of 6 clips


def test_the_oracle_is_shown_beside_the_last_iterate():
    frame = pd.concat(
        [
            scores({"conv": ZERO, "dense": gains}, selection=selection)
            for selection, gains in (("last", GAINS), ("average", 2 * GAINS), ("oracle", -GAINS))
        ]
    )
    chosen = [DENSE | {"selection": name} for name in ("oracle", "average", "last")]
    finding = finding_of(frame, chosen)
    assert finding["verdict"] == (
        "order reproduced in 1 of 1; size reproduced (2.5 dB published) in 1 of 1 (+2.00 dB); "
        "of the oracle, which is not counted: -2.00 dB"
    )
    assert [row["counted"] for row in finding["comparisons"]] == [False, False, True]
    assert finding["comparisons"][2]["p_holm"] == 2 / 64  # the only test
    # without the last iterate, the average counts, and the oracle does not
    finding = finding_of(frame, chosen[:2])
    assert [row["counted"] for row in finding["comparisons"]] == [False, True]
    finding = finding_of(frame, chosen[:1])
    assert finding["verdict"] == "of the oracle, which is not counted: -2.00 dB"


def test_observed_is_compared_with_any_selection():
    dense = scores({"dense": GAINS}, selection="average")
    frame = pd.concat([scores({"observed": ZERO}), dense])
    comparison = LONG | {"selection": "average", "method": "dense", "over": "observed"}
    assert finding_of(frame, [comparison])["comparisons"][0]["difference"] == 2.0


def test_a_table_and_a_claim_give_the_same_interval():
    frame = scores({"observed": ZERO, "conv": ZERO[:5], "dense": GAINS * np.pi})
    options = {"methods": ["conv", "dense"], "metrics": ["spectral_snr"], "selections": ["last"]}
    table = summarise(frame, **options, better=BETTER).set_index("method").loc["dense"]
    (row,) = finding_of(frame, [DENSE])["comparisons"]
    for key in ("difference", "low", "high"):
        assert row[key] == table[key]


def test_order_of_rows_does_not_matter():
    frame = scores({"conv": ZERO, "dense": GAINS})
    shuffled = frame.sample(frac=1, random_state=0)
    assert finding_of(frame, [DENSE]) == finding_of(shuffled, [DENSE])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"experiment": "x"}, r"fits no scores.*\(none was\)"),
        ({"scope": "full"}, r"fits no scores.*\(gaps, raw\)"),
        ({}, r"or several scopes.*\(gaps, raw\)"),
        ({"scope": "raw", "method": "harmonic"}, "compares 'harmonic', which has no such scores"),
        ({"metric": "loudness"}, "neither 'higher' nor 'lower' for the metric 'loudness'"),
    ],
)
def test_comparisons_without_scores(change, message):
    values = {"conv": ZERO, "dense": GAINS}
    frame = pd.concat([scores(values), scores(values, scope="gaps")])
    with pytest.raises(DapError, match=message):
        finding_of(frame, [DENSE | change])


def test_a_claim_that_nobody_made():
    with pytest.raises(DapError, match="no claim 'it is faster' of interspeech2021"):
        finding_of(scores({"conv": ZERO}), [], claim="it is faster")
