import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dap.errors import DapError
from dap.plugins import plugins
from dap.reporting.claims import _differences, examine
from dap.reporting.tables import cost_table, summarise
from dap.reporting.verdicts import Published, judge
from dap.scoring.statistics import clip_values

CLAIMS = Path(__file__).resolve().parents[2] / "dap" / "papers" / "claims.csv"
BETTER = {"spectral_snr": "higher", "envelope_distance": "lower", "sdr": "higher"}
INPAINTING = "inpainting improves by 2.5 dB spectral SNR on average over existing methods"
SCHEDULE = (
    "an exponential schedule gains more over constant dilation than constant dilation gains "
    "over none"
)
SLIGHTLY = "the dense dilated prior ends slightly above the harmonic U-Net"
COMPLEXITY = "the gains come without added network complexity"
LONG = {"experiment": "inpaint", "metric": "spectral_snr", "selection": "last"}


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def scores(values, corpus="speech", metric="spectral_snr", **constants):
    """Scores of methods on clips a, b, ...: {"conv": [1, 2]}."""
    rows = [
        (method, chr(97 + i), value)
        for method, several in values.items()
        for i, value in enumerate(several)
    ]
    defaults = {"experiment": "inpaint", "corpus": corpus, "seed": 0, "source": "", "scope": "raw"}
    defaults |= {"selection": "last", "iteration": 10, "metric": metric}
    defaults["unit"] = "" if metric == "envelope_distance" else "dB"
    frame = pd.DataFrame(rows, columns=["method", "clip", "value"])
    return frame.assign(**(defaults | constants))


def finding_of(frame, comparisons, claim=INPAINTING):
    """The finding on one claim."""
    entry = {"paper": "interspeech2021", "claim": claim, "comparisons": comparisons}
    findings = examine(CLAIMS, [entry], frame, BETTER)
    json.dumps(findings, allow_nan=False)
    return next(finding for finding in findings if finding["claim"] == claim)


DENSE = LONG | {"method": "dense", "over": "conv"}
GAINS = np.array([1.0, 1.5, 2.0, 2.0, 2.5, 3.0])
ZERO = np.zeros(6)


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


def fits(parameters, gflop=(4.0, 8.5), **columns):
    """The cost table of fits of two designs."""
    constants = {"experiment": "e", "corpus": "speech", "clip": "a", "seed": 0, "device": "cpu"}
    constants |= {"threads": 1, "precision": "float32", "engine": "compiled", "iterations": 10}
    constants |= {"restarts": 0, "failed_iterations": 0, "loss_terms": "", "warnings": ""}
    frame = pd.DataFrame({"method": list(parameters), "parameters": list(parameters.values())})
    return cost_table(frame.assign(gflop=gflop, seconds=[1, 2.5], **(constants | columns)))


def complexity(cost, method="dense", over="conv"):
    """The finding on the claim of complexity."""
    entry = {"paper": "interspeech2021", "claim": COMPLEXITY}
    entry["complexity"] = [{"experiment": "e", "method": method, "over": over}]
    return examine(CLAIMS, [entry], scores({"conv": ZERO}), BETTER, cost)[4]


def test_added_complexity():
    full = {"width": 1.0, "network": "code"}
    sizes = {
        name: sum(
            each.numel() for each in plugins("priors")[name].load().build(**full).parameters()
        )
        for name in ("conv", "dilated-exp", "dilated-exp-dense")
    }
    dense = {"conv": sizes["conv"], "dense": sizes["dilated-exp-dense"]}
    finding = complexity(fits(dense))
    assert finding["verdict"] == (
        "contradicted: dense has 1,092,912 parameters, conv 651,107 (1.68 times as many); "
        "an iteration takes 8.5 and 4 GFLOP (2.12 times as many)"
    )
    assert finding["complexity"] == [
        "conv (e, speech): 651,107 parameters, 4 GFLOP and 0.1 s an iteration on cpu",
        "dense (e, speech): 1,092,912 parameters, 8.5 GFLOP and 0.25 s an iteration on cpu",
    ]
    same = {"conv": sizes["conv"], "dense": sizes["dilated-exp"]}
    assert complexity(fits(same, (4.0, 4.0)))["verdict"].startswith(
        "reproduced: dense has 651,107 parameters, conv 651,107 (1.00 times"
    )
    assert complexity(fits(same, (4.0, 4.1)))["verdict"].startswith("contradicted: ")


def test_complexity_of_clips_of_two_lengths():
    sizes = {"conv": 100, "dense": 100}
    cost = pd.concat([fits(sizes), fits(sizes, (8.0, 18.0), corpus="long")])
    verdict = complexity(cost)["verdict"]
    assert verdict.endswith("an iteration takes 18 and 8 GFLOP (2.25 times as many)")


def test_complexity_without_costs():
    with pytest.raises(DapError, match="needs the cost table"):
        complexity(None)
    with pytest.raises(DapError, match="no corpus on which both were fitted"):
        complexity(fits({"conv": 100, "dense": 100}), over="harmonic")


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


QUICKER = "the dense dilated prior needs a tenth of the iterations of a harmonic U-Net to converge"
RACE = {"experiment": "inpaint", "metric": "snr", "method": "quick", "over": "slow"}
RACE |= {"target": "own", "share": 1.0}
STEPS = (1, 10, 100, 1000)


def trajectories(arrivals, corpus="speech"):
    """Snapshots that reach 10 dB at the given iteration of `STEPS`, clip by clip."""
    return pd.concat(
        scores(
            {
                method: [10.0 * (step >= each) for each in clips]
                for method, clips in arrivals.items()
            },
            corpus,
            metric="snr",
            iteration=step,
            selection="snapshot",
        )
        for step in STEPS
    )


def convergence(frame, claim=QUICKER, **entry):
    """The finding on a claim of convergence."""
    entry |= {"paper": "interspeech2021", "claim": claim, "convergence": [RACE]}
    last = scores({"quick": ZERO, "slow": ZERO}, metric="snr")
    findings = examine(CLAIMS, [entry], pd.concat([frame, last]), BETTER | {"snr": "higher"})
    json.dumps(findings, allow_nan=False)
    return next(finding for finding in findings if finding["claim"] == claim)


@pytest.mark.parametrize(
    ("quick", "slow", "verdict"),
    [
        # ratios from 0.01 to 1, geometric mean 0.1
        (
            [1, 10, 10, 10, 10, 10, 10, 100],
            [100] * 8,
            "order reproduced in 1 of 1; size reproduced (0.1 published) in 1 of 1 (0.10)",
        ),
        (
            [1] * 7 + [10],
            [100] * 8,
            "order reproduced in 1 of 1; ratio smaller than the published 0.1 in 1 of 1 (0.01)",
        ),
        (
            [10] * 5 + [100] * 3,
            [100] * 8,
            "not resolved by this run in 1 of 1; "
            "size not resolved (0.1 published) in 1 of 1 (0.24)",
        ),
        (
            [1000] * 8,
            [100] * 8,
            "order reversed in 1 of 1; ratio larger than the published 0.1 in 1 of 1 (10.00)",
        ),
        ([10] * 3, [100] * 3, "too few clips to tell in 1 of 1"),
    ],
)
def test_verdicts_on_convergence(quick, slow, verdict):
    finding = convergence(trajectories({"quick": quick, "slow": slow}))
    assert finding["published"] == "0.1 ratio of iterations"
    assert finding["verdict"] == verdict


def test_a_ratio_has_its_interval_and_test():
    quick = [1, 10, 10, 10, 10, 10, 10, 100]
    (row,) = convergence(trajectories({"quick": quick, "slow": [100] * 8}))["convergence"]
    # s of the decimal logarithms is sqrt(2 / 7), t(0.975, 7) = 2.365
    half = 2.364624 * np.sqrt(2 / 7 / 8)
    assert row["ratio"] == pytest.approx(0.1)
    assert [row["low"], row["high"]] == pytest.approx([10 ** (-1 - half), 10 ** (-1 + half)])
    assert row["rank_biserial"] == -1
    assert row["p"] == row["p_holm"] < 0.05
    assert row["verdict"] == (
        "order reproduced: to 100% of their own best snr, quick 10 iterations, slow 100 "
        f"iterations; a ratio of 0.10 [0.04, 0.28] over 8 clips, p = {row['p']:.3f} after Holm; "
        "size reproduced (0.1 published)"
    )


def test_convergence_on_each_corpus_and_over_all():
    frame = pd.concat(
        [
            trajectories({"quick": [10] * 8, "slow": [100] * 8}),
            trajectories({"quick": [1000] * 3, "slow": [100] * 3}, corpus="music"),
        ]
    )
    rows = convergence(frame)["convergence"]
    assert [(row["corpus"], row["n"]) for row in rows] == [
        ("music", 3),
        ("speech", 8),
        ("all corpora", 11),
    ]
    assert [row["verdict"].partition(":")[0] for row in rows] == [
        "too few clips to tell",
        "order reproduced",
        "not resolved by this run",
    ]
    assert rows[0]["p"] is None


def test_differences_beside_convergence():
    frame = trajectories({"quick": [10] * 8, "slow": [100] * 8})
    comparison = {key: RACE[key] for key in ("experiment", "metric", "method", "over")}
    finding = convergence(
        frame, SCHEDULE, comparisons=[comparison | {"selection": "last", "scope": "raw"}]
    )
    assert finding["verdict"] == (
        "not resolved by this run in 1 of 1; convergence: order reproduced in 1 of 1"
    )
    # Holm's correction is over both
    assert finding["convergence"][0]["p_holm"] == 2 * 2 / 256
