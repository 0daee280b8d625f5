"""How far the iterates that a user can have are from the oracle."""

import pandas as pd
from small_tables import ENTRY, SIX, ladder

from dap.reporting.iterates import distances


def below(amount, clips=6):
    return {"dense": [value - amount for value in SIX["dense"][:clips]]}


def test_differences_are_paired_with_the_oracle_of_the_same_clip():
    oracle = ladder({"dense": SIX["dense"]}, selection="oracle")
    last = ladder({"dense": [3.0, 4, 5, 6, 7, 9]})  # 0, 0.5, 1, 1, 1.5 and 1 dB below
    stop = ladder(below(0.25, clips=4), selection="stop")
    observed = ladder({"observed": SIX["observed"]})
    (row,) = distances(pd.concat([observed, oracle, last, stop]), [ENTRY])
    assert row == {
        "experiment": "Denoising",
        "metric": "SNR (dB)",
        "corpus": "speech",
        "source": "",
        "method": "dense",
        "clips": 6,
        "oracle": "6.50",
        # t(0.975, 5) = 2.571 times the standard error, 0.516 / sqrt(6)
        "last": "-0.83 [-1.38, -0.29]",
        "stop": "-0.25",
    }


def test_several_corpora_are_shown_beside_all_clips_together():
    parts = [
        ladder(below(0), corpus=corpus, selection="oracle") for corpus in ("speech", "piano")
    ] + [ladder(below(by), corpus=corpus) for by, corpus in ((1, "speech"), (3, "piano"))]
    rows = distances(pd.concat(parts), [ENTRY])
    assert [(row["corpus"], row["clips"]) for row in rows] == [
        ("piano", 6),
        ("speech", 6),
        ("all corpora", 12),
    ]
    assert [row["last"] for row in rows][:2] == ["-3.00 [-3.00, -3.00]", "-1.00 [-1.00, -1.00]"]
    assert rows[2]["last"].startswith("-2.00 [")
    assert {row["stop"] for row in rows} == {""}


def test_what_has_no_oracle_has_no_row():
    assert distances(ladder(SIX), [ENTRY]) == []
    assert distances(ladder(SIX), [ENTRY | {"metric": "sdr"}]) == []
    unscored = {"dense": [float("nan")]}
    both = pd.concat([ladder(unscored, selection="oracle"), ladder(unscored)])
    assert distances(both, [ENTRY]) == []
