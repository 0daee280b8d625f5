import numpy as np
import pandas as pd
import pytest

from dap.errors import DapError
from dap.scoring.convergence import compare, reached

ENTRY = {
    "experiment": "e", "metric": "snr", "method": "quick", "over": "slow", "target": "own",
    "share": 0.9,
}  # fmt: skip
STEPS = np.array([1, 10, 100, 1000])
COST = pd.DataFrame(
    {
        "experiment": "e",
        "method": ["quick", "slow"],
        "corpora": ["music, speech", "speech"],
        "seconds_per_iteration": [0.5, 0.1],
    }
)


def trajectories(curves, corpus="speech", selection="snapshot", scope="full"):
    """curves: method -> (clips, snapshots)."""
    rows = [
        ("e", corpus, method, f"c{clip}", seed, "", scope, selection, step, "snr", value, "dB")
        for method, clips in curves.items()
        for clip, curve in enumerate(clips)
        for step, value in zip(STEPS, curve, strict=True)
        for seed in (0,)
    ]
    names = "experiment corpus method clip seed source scope selection iteration metric value unit"
    return pd.DataFrame(rows, columns=names.split())


def test_where_a_quality_is_reached():
    quality = np.array([0.0, 4.0, 10.0, 8.0])
    assert reached(STEPS, quality, 4.0) == pytest.approx(10)
    assert reached(STEPS, quality, 7.0) == pytest.approx(10**1.5)  # half way between the logarithms
    assert reached(STEPS, quality, -1.0) == 1
    assert np.isnan(reached(STEPS, quality, 10.1))
    assert np.isnan(reached(STEPS, np.array([0, np.nan, 10, 8]), 5.0))


def test_iterations_to_a_share_of_the_own_best():
    # 9 dB of 10 is reached at 10 by one, at 9 of 10 between 100 and 1000 by the other
    curves = {"quick": [[0, 9, 10, 5]] * 6, "slow": [[0, 0, 8, 10]] * 6}
    (sentence,) = compare(ENTRY, trajectories(curves), COST)
    # slow: 10^2.5 = 316 iterations of 0.1 s, quick: 10 of 0.5 s
    assert sentence == (
        "e, speech: to 90% of their own best snr, quick 10 iterations (5 s), slow 316 iterations "
        "(31.6 s); a ratio of 0.03 [0.03, 0.03], 0.16 in seconds over 6 clips"
    )


def test_iterations_to_the_lower_best():
    curves = {"quick": [[0, 4, 10, 20]] * 2, "slow": [[0, 0, 0, 10]] * 2}
    (sentence,) = compare(ENTRY | {"target": "common", "share": 1.0}, trajectories(curves), None)
    assert sentence == (
        "e, speech: to 100% of the lower one's best snr, quick 100 iterations, slow 1,000 "
        "iterations; a ratio of 0.10 over 2 clips"
    )


def test_geometric_means_and_intervals():
    # ratios of 0.1 and 10 cancel out
    fast, late = [0, 10, 10, 10], [0, 0, 10, 10]
    curves = {"quick": [fast, late] * 3, "slow": [late, fast] * 3}
    (sentence,) = compare(ENTRY | {"share": 1.0}, trajectories(curves), None)
    assert "a ratio of 1.00 [" in sentence
    assert "quick 32 iterations, slow 32 iterations" in sentence


def test_corpora_apart_negative_qualities_and_missing_fits():
    # 90 % of -10 dB is -11 dB: a little less than the best
    curves = {"quick": [[-20, -11, -10, -12]], "slow": [[-20, -20, -11, -10]]}
    frame = pd.concat(
        [
            trajectories(curves),
            trajectories({"quick": [[0, 1, 2, 3]]}, corpus="music"),  # slow has no fit here
            trajectories(curves, selection="snapshot-to-observed"),
            trajectories(curves, scope="projected"),
        ]
    )
    music, speech = compare(ENTRY, frame, COST)
    assert music == "e, music: no clip has both trajectories"
    assert "quick 10 iterations (5 s), slow 100 iterations (10 s)" in speech


def test_trajectories_that_are_not_there():
    frame = trajectories({"quick": [[0, 1, 2, 3]]})
    with pytest.raises(DapError, match="needs the trajectories of snr of slow in e: there are"):
        compare(ENTRY, frame, None)
