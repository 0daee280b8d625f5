import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dap.errors import DapError
from dap.reporting.claims import examine
from dap.reporting.tables import cost_table, summarise

CLAIMS = Path(__file__).resolve().parents[2] / "dap" / "papers" / "claims.csv"
BETTER = {"spectral_snr": "higher", "envelope_distance": "lower", "sdr": "higher"}
INPAINTING = "inpainting improves by 2.5 dB spectral SNR on average over existing methods"
SCHEDULE = (
    "an exponential schedule gains more over constant dilation than constant dilation gains "
    "over none"
)
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
    findings = examine(CLAIMS, [entry], frame, BETTER, 1)
    json.dumps(findings, allow_nan=False)
    return next(finding for finding in findings if finding["claim"] == claim)


DENSE = LONG | {"method": "dense", "over": "conv"}
GAINS = np.array([1.0, 1.5, 2.0, 2.0, 2.5, 3.0])
ZERO = np.zeros(6)


def test_all_claims_of_the_papers_named_are_listed():
    entry = {"paper": "interspeech2021", "claim": INPAINTING, "comparisons": [DENSE]}
    findings = examine(CLAIMS, [entry], scores({"conv": ZERO, "dense": GAINS}), BETTER, 1)
    verdicts = [finding["verdict"] for finding in findings]
    assert len(findings) == 5
    assert verdicts.count("not examined by this study") == 4
    assert findings[2]["claim"] == INPAINTING
    assert findings[2]["where"] == "section 4.2"
    assert findings[2]["published"] == "2.5 dB"
    assert findings[3]["published"] is None
    assert "comparisons" not in findings[3]
    assert examine(CLAIMS, [], scores({"conv": ZERO}), BETTER, 1) == []


def test_supported_by_hand():
    finding = finding_of(scores({"conv": ZERO, "dense": GAINS}), [DENSE])
    assert finding["verdict"] == "supported in 1 of 1"
    (row,) = finding["comparisons"]
    assert (row["corpus"], row["scope"], row["n"], row["difference"]) == ("speech", "raw", 6, 2.0)
    assert row["p"] == row["p_holm"] == 2 / 64
    assert 1 < row["low"] < 2 < row["high"] < 3
    assert row["verdict"].startswith("supported: +2.00 dB [+1.")
    assert "] over 6 clips, p = 0.031 after Holm; the published 2.5 dB lies " in row["verdict"]


@pytest.mark.parametrize(
    ("gains", "position"), [(GAINS, "within"), (GAINS / 10, "above"), (GAINS * 10, "below")]
)
def test_the_published_gain_beside_the_interval(gains, position):
    (row,) = finding_of(scores({"conv": ZERO, "dense": gains + 0.4}), [DENSE])["comparisons"]
    assert row["verdict"].endswith(f"; the published 2.5 dB lies {position} the interval")


@pytest.mark.parametrize(
    ("gains", "metric", "word"),
    [
        (-GAINS, "spectral_snr", "contradicted"),
        (-GAINS, "envelope_distance", "supported"),
        (GAINS, "envelope_distance", "contradicted"),
        (GAINS - 2, "spectral_snr", "not resolved by this run"),
        (GAINS[:5], "spectral_snr", "not resolved by this run"),  # p is 2 / 32 at the least
        (GAINS[:2], "spectral_snr", "too few clips to tell"),
    ],
)
def test_words_come_from_numbers(gains, metric, word):
    frame = scores({"conv": 0 * gains, "dense": gains}, metric=metric)
    finding = finding_of(frame, [DENSE | {"metric": metric}])
    assert finding["verdict"] == f"{word} in 1 of 1"
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
    assert rows[1]["p"] == 2 / 64


def test_observed_is_compared_with_any_selection():
    dense = scores({"dense": GAINS}, selection="average")
    frame = pd.concat([scores({"observed": ZERO}), dense])
    comparison = LONG | {"selection": "average", "method": "dense", "over": "observed"}
    assert finding_of(frame, [comparison])["comparisons"][0]["difference"] == 2.0


def test_a_table_and_a_claim_give_the_same_interval():
    frame = scores({"observed": ZERO, "conv": ZERO[:5], "dense": GAINS * np.pi})
    options = {"methods": ["conv", "dense"], "metrics": ["spectral_snr"], "selections": ["last"]}
    table = summarise(frame, **options, better=BETTER, seed=1).set_index("method").loc["dense"]
    (row,) = finding_of(frame, [DENSE])["comparisons"]
    for key in ("difference", "low", "high", "p"):
        assert row[key] == table[key]


def test_order_of_rows_does_not_matter():
    frame = scores({"conv": ZERO, "dense": GAINS})
    shuffled = frame.sample(frac=1, random_state=0)
    assert finding_of(frame, [DENSE]) == finding_of(shuffled, [DENSE])


def test_complexity_in_words():
    constants = {"corpus": "speech", "clip": "a", "seed": 0, "device": "cpu", "threads": 1}
    constants |= {"precision": "float32", "engine": "compiled"}
    constants |= {"restarts": 0, "failed_iterations": 0, "loss_terms": "", "warnings": ""}
    fits = pd.DataFrame({"method": ["conv", "dense"], "parameters": [500000, 1092912]})
    fits = fits.assign(
        **constants, experiment="e", gflop=[4.0, 8.5], iterations=10, seconds=[1, 2.5]
    )
    entry = {"paper": "interspeech2021", "claim": COMPLEXITY, "complexity": True}
    nothing = scores({"conv": ZERO})
    finding = examine(CLAIMS, [entry], nothing, BETTER, 1, cost_table(fits))[4]
    assert finding["complexity"] == [
        "conv (e, speech): 500,000 parameters, 4 GFLOP and 0.1 s an iteration on cpu",
        "dense (e, speech): 1,092,912 parameters, 8.5 GFLOP and 0.25 s an iteration on cpu",
    ]
    assert finding["verdict"] == "; ".join(finding["complexity"])
    with pytest.raises(DapError, match="needs the cost table"):
        examine(CLAIMS, [entry], nothing, BETTER, 1)


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


def test_convergence_in_sentences():
    curves = {"quick": [0, 9, 10], "slow": [0, 0, 10]}
    frame = pd.concat(
        [
            scores({method: [value]}, iteration=step, selection="snapshot", metric="snr")
            for method, values in curves.items()
            for step, value in zip((1, 10, 100), values, strict=True)
        ]
        + [scores({"quick": [10.0], "slow": [10.0]}, metric="snr")]
    )
    text = "the dense dilated prior needs a tenth of the iterations of a harmonic U-Net to converge"
    pair = {"experiment": "inpaint", "metric": "snr", "method": "quick", "over": "slow"}
    entry = {"paper": "interspeech2021", "claim": text}
    entry["convergence"] = [pair | {"target": "own", "share": 0.9}]
    finding = examine(CLAIMS, [entry], frame, BETTER | {"snr": "higher"}, 1)[0]
    assert finding["convergence"] == [
        "inpaint, speech: to 90% of their own best snr, quick 10 iterations, slow 79 iterations; "
        "a ratio of 0.13 over 1 clip"
    ]
    assert finding["verdict"] == finding["convergence"][0]
    assert finding["published"] == "0.1 ratio of iterations"
    # a gain beside it gives the verdict, and the sentences stay
    entry["comparisons"] = [
        pair | {"method": "quick", "over": "slow", "selection": "last", "scope": "raw"}
    ]
    finding = examine(CLAIMS, [entry], frame, BETTER | {"snr": "higher"}, 1)[0]
    assert finding["verdict"] == "too few clips to tell in 1 of 1"
    assert len(finding["convergence"]) == 1
