"""Gains over the observation, and what is said of them."""

import numpy as np
import pandas as pd
import pytest
from small_tables import ENTRY, SIX, ladder

from dap.reporting.gains import gains, in_words


def test_gains_are_paired_means_with_intervals():
    table = gains(ladder(SIX), [ENTRY])
    assert table["method"].tolist() == ["conv", "dense"]
    assert table["whole"].all()
    conv, dense = table.to_dict("records")
    assert [conv[key] for key in ("n", "above", "gain", "low", "high")] == [6, 6, 1, 1, 1]
    assert dense["gain"] == pytest.approx(3)
    # t(0.975, 5) = 2.571 times the standard error of 2, 2.5, 3, 3, 3.5, 4
    assert dense["high"] - dense["gain"] == pytest.approx(2.5706 * 0.70711 / np.sqrt(6), abs=1e-3)
    (sentence,) = in_words(table, [ENTRY])
    assert sentence == (
        "Denoising (6 clips): dense gains most over the observation, +3.00 dB SNR [+2.26, +3.74]; "
        "the interval is above 0 for conv, dense."
    )


def test_of_what_is_better_when_lower_a_fall_is_a_gain():
    entry = ENTRY | {"metric": "envelope_distance", "better": "lower"}
    falling = {method: [-value for value in values] for method, values in SIX.items()}
    table = gains(ladder(falling, "envelope_distance"), [entry])
    assert table["gain"].tolist() == pytest.approx([1, 3])
    worse = gains(ladder(SIX, "envelope_distance"), [entry])
    assert in_words(worse, [entry])[0].startswith(
        "Denoising (6 clips): conv is nearest to, and none above, the observation, -1.00 dB SNR "
    )


def test_several_corpora_are_shown_beside_all_clips_together():
    other = {"observed": [0.0] * 3, "conv": [-4.0] * 3}
    table = gains(pd.concat([ladder(SIX), ladder(other, corpus="piano")]), [ENTRY])
    conv = table[table["method"] == "conv"]
    assert conv.loc[conv["whole"], ["n", "gain"]].to_numpy().tolist() == [
        [9, pytest.approx(-2 / 3)]
    ]
    assert sorted(conv.loc[~conv["whole"], "gain"]) == [-4, 1]
    sentences = in_words(table, [ENTRY])
    assert "Denoising (6 to 9 clips): dense gains most" in sentences[0]
    assert "the interval contains 0 for conv." in sentences[0]


def test_few_clips_have_no_interval_and_no_scores_no_sentence():
    few = {method: values[:4] for method, values in SIX.items()}
    (sentence,) = in_words(gains(ladder(few), [ENTRY]), [ENTRY])
    assert sentence.endswith(
        "+2.62 dB SNR; too few clips for an interval. Every method is above the observation on "
        "every clip."
    )
    few["conv"] = [2.0, 3, 2.9, np.nan]
    (sentence,) = in_words(gains(ladder(few), [ENTRY]), [ENTRY])
    assert sentence.endswith("Clips above the observation: conv on 2 of 3; dense on 4 of 4.")
    other = ENTRY | {"name": "another"}
    assert in_words(gains(ladder(few), [other]), [other]) == []
    # nor where no clip is common
    apart = pd.concat(
        [ladder({"observed": SIX["observed"]}), ladder({"conv": [1.0]}, corpus="own")]
    )
    assert gains(apart, [ENTRY]).empty


def test_of_an_infinite_mean_no_lack_of_clips_is_told():
    perfect = {"observed": [0.0] * 6, "conv": [np.inf] * 6}
    (sentence,) = in_words(gains(ladder(perfect), [ENTRY]), [ENTRY])
    assert "conv gains most over the observation, +inf dB SNR; an infinite mean has no" in sentence
    undefined = {"observed": [0.0] * 6, "conv": [np.inf, -np.inf, 1, 1, 1, 1]}
    assert in_words(gains(ladder(undefined), [ENTRY]), [ENTRY]) == []


def test_of_several_scopes_the_filled_gaps_are_shown():
    raw = ladder({"observed": [0.0] * 6, "conv": [9.0] * 6}, scope="raw")
    filled = ladder({"observed": [0.0] * 6, "conv": [2.0] * 6}, scope="filled")
    table = gains(pd.concat([raw, filled]), [ENTRY])
    assert table["gain"].tolist() == [2]


def test_what_is_said_of_clips_with_several_sources_is_of_their_mean():
    parts = [
        ladder({"observed": [0.0] * 3, "conv": [gain] * 3}, source=source)
        for source, gain in (("piano", 3.0), ("drums", -1.0))
    ]
    (sentence,) = in_words(gains(pd.concat(parts), [ENTRY]), [ENTRY])
    assert sentence.endswith(
        "Every method is above the observation on every clip. That is the mean of a clip's "
        "sources; one may be below."
    )
