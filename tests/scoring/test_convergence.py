import numpy as np
import pandas as pd
import pytest

from dap.errors import DapError
from dap.scoring.convergence import compare, in_words, reached

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
    (ratio,) = compare(ENTRY, trajectories(curves), COST)
    # slow: 10^2.5 = 316 iterations of 0.1 s, quick: 10 of 0.5 s
    assert ratio.iterations == pytest.approx((10, 10**2.5))
    assert ratio.seconds == pytest.approx((5, 31.62), rel=1e-3)
    assert ratio.interval == pytest.approx((10**-1.5, 10**-1.5))
    assert (ratio.corpus, ratio.source, ratio.test.n, ratio.unscorable) == ("speech", "", 6, 0)
    assert ratio.test.p == 2 / 64
    assert in_words(ENTRY, ratio) == (
        "to 90% of their own best snr, quick 10 iterations (5 s), slow 316 iterations (31.6 s); "
        "a ratio of 0.03 [0.03, 0.03], 0.16 in seconds"
    )


def test_iterations_to_the_lower_best():
    curves = {"quick": [[0, 4, 10, 20]] * 2, "slow": [[0, 0, 0, 10]] * 2}
    entry = ENTRY | {"target": "common", "share": 1.0}
    (ratio,) = compare(entry, trajectories(curves), None)
    assert in_words(entry, ratio) == (
        "to 100% of the lower one's best snr, quick 100 iterations, slow 1,000 iterations; "
        "a ratio of 0.10"
    )


def test_geometric_means_and_intervals():
    # ratios of 0.1 and 10 cancel out
    fast, late = [0, 10, 10, 10], [0, 0, 10, 10]
    curves = {"quick": [fast, late] * 3, "slow": [late, fast] * 3}
    (ratio,) = compare(ENTRY | {"share": 1.0}, trajectories(curves), None)
    assert np.exp(ratio.test.mean) == pytest.approx(1)
    # of +-ln 10, six times: s = ln 10 sqrt(6 / 5), t(0.975, 5) = 2.571
    half = 2.570582 * np.log(10) * np.sqrt(6 / 5 / 6)
    assert ratio.interval == pytest.approx((np.exp(-half), np.exp(half)))
    assert ratio.iterations == pytest.approx((10**1.5, 10**1.5))
    assert np.isnan(ratio.seconds).all()


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
    music, speech, everywhere = compare(ENTRY, frame, COST)
    assert (music.corpus, music.test.n, music.unscorable) == ("music", 0, 1)
    assert in_words(ENTRY, music) == "no clip has both trajectories"
    assert "quick 10 iterations (5 s), slow 100 iterations (10 s)" in in_words(ENTRY, speech)
    assert (everywhere.corpus, everywhere.test.n, everywhere.unscorable) == ("all corpora", 1, 1)
    assert np.isnan(everywhere.seconds).all()


def test_all_corpora_together():
    # ratios of 0.1 on two clips of speech, 10 on one of music
    fast, late = [0, 10, 10, 10], [0, 0, 10, 10]
    frame = pd.concat(
        [
            trajectories({"quick": [fast] * 2, "slow": [late] * 2}),
            trajectories({"quick": [late], "slow": [fast]}, corpus="music"),
        ]
    )
    music, speech, everywhere = compare(ENTRY | {"share": 1.0}, frame, None)
    logs = [np.log10(np.exp(ratio.test.mean)) for ratio in (music, speech, everywhere)]
    assert logs == pytest.approx([1, -1, -1 / 3])
    assert everywhere.iterations == pytest.approx((10 ** (4 / 3), 10 ** (5 / 3)))


def test_trajectories_that_are_not_there():
    frame = trajectories({"quick": [[0, 1, 2, 3]]})
    with pytest.raises(DapError, match="needs the trajectories of snr of slow in e: there are"):
        compare(ENTRY, frame, None)
