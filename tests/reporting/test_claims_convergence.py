import json
import warnings

import numpy as np
import pandas as pd
import pytest
from small_claims import BETTER, CLAIMS, SCHEDULE, ZERO, scores

from dap.reporting.claims import examine


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


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


def test_a_clip_of_which_an_initialisation_has_no_fit_does_not_count():
    both = pd.concat(
        [trajectories({"quick": [1] * 6, "slow": [10] * 6}).assign(seed=seed) for seed in (0, 1)]
    )
    failed = (
        (both["clip"] == both["clip"].iloc[0]) & (both["seed"] == 1) & (both["method"] == "slow")
    )
    (row,) = convergence(both[~failed])["convergence"]
    assert (row["n"], row["unscorable"]) == (5, 1)
