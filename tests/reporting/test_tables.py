import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_tables import PRINTED, SIX, STUDY, ladder, study, summary

from dap.errors import DapError
from dap.reporting.tables import cost_table, load_published
from dap.reporting.typeset import cost_markdown, to_latex, to_markdown

PUBLISHED = Path(__file__).resolve().parents[2] / "dap" / "papers"
INTERSPEECH = PUBLISHED / "interspeech2021.csv"
ICLR = PUBLISHED / "iclr2020.csv"


def test_numbers_by_hand():
    table = summary(ladder(SIX)).set_index("method")
    assert table.index.to_list() == ["observed", "conv", "dense"]
    assert table["mean"].to_list() == [3.5, 4.5, 6.5]
    assert table["n"].to_list() == [6, 6, 6]
    assert table.loc["conv", "std"] == pytest.approx(np.sqrt(3.5))
    np.testing.assert_equal(table["improvement"].to_list(), [np.nan, 1.0, 3.0])
    np.testing.assert_equal(table["difference"].to_list(), [np.nan, np.nan, 2.0])
    # differences 1, 1.5, 2, 2, 2.5, 3, all of one sign: 2 of 64 patterns of signs
    assert table.loc["dense", "p"] == table.loc["dense", "p_holm"] == 2 / 64
    # 2 +- 2.571 sqrt(0.5 / 6), t of 5 degrees of freedom
    interval = table.loc["dense", ["low", "high"]].to_list()
    assert interval == pytest.approx([1.2579, 2.7421], abs=1e-4)
    assert table.loc["observed", "selection"] == ""
    assert table["title"].unique() == ["Synthetic speech"]
    assert table["seeds_std"].isna().all()


def test_holm_runs_over_the_whole_table():
    eight = {method: [*values, 8.0, 9.0] for method, values in SIX.items()}
    eight["dense"][6:] = [12.0, 13.0]
    frame = pd.concat([ladder(eight, corpus=corpus) for corpus in ("speech", "piano", "own")])
    made = summary(frame).dropna(subset="p")
    assert made["p"].to_list() == [2 / 256] * 3
    assert made["p_holm"].to_list() == [6 / 256] * 3


def test_no_p_where_n_allows_none_below_the_level():
    # 3 tests of 6 clips: 3 * 2 / 64 at the least
    frame = pd.concat([ladder(SIX), ladder(SIX, corpus="piano"), ladder(SIX, corpus="own")])
    table = summary(frame)
    made = table.dropna(subset="p")
    assert made["p"].to_list() == [1 / 32] * 3
    assert made["p_holm"].isna().all()
    text = to_markdown(table, **PRINTED)
    assert text.count("| +2.00 [+1.26, +2.74] |") == 3
    assert "p = " not in text
    small = "Where no p is stated: n too small for a p below 0.05 after correction over 3 tests"
    assert small.lower() in text.lower()
    assert "too small" not in to_markdown(summary(ladder(SIX)), **PRINTED)


def test_rows_follow_the_study():
    table = summary(study(), **STUDY)
    assert table["corpus"].unique().tolist() == ["speech", "piano", "own"]
    assert len(table) == 3 * 2 * (1 + 2 * 3)
    assert table[["method", "selection"]].drop_duplicates().to_numpy().tolist()[:4] == [
        ["observed", ""],
        ["conv", "last"],
        ["conv", "average"],
        ["conv", "oracle"],
    ]


def test_initialisations_are_averaged_within_the_clip():
    first = ladder({"observed": [0.0, 0], "conv": [1.0, 2.0]})
    second = ladder({"conv": [3.0, 2.0]}, seed=1)
    row = summary(pd.concat([first, second]), methods=["conv"]).set_index("method").loc["conv"]
    assert (row["n"], row["mean"], row["std"]) == (2, 2.0, 0.0)
    assert row["seeds_std"] == pytest.approx((np.sqrt(2) + 0) / 2)


def test_unscorable_clips_are_counted_and_printed():
    frame = ladder({"observed": [1.0, 1, 1], "conv": [2.0, np.nan, 4], "dense": [5.0, 6, 7]})
    table = summary(frame)
    assert table["n"].to_list() == [3, 2, 3]
    assert table["unscorable"].to_list() == [0, 1, 0]
    assert table["pairs"].to_list() == [0, 0, 2]
    assert table["improvement"].to_list()[1:] == [2.0, 5.0]  # over the clips of the pair alone
    assert table["difference"].to_list()[2] == 3.0
    text = to_markdown(table, **PRINTED)
    assert "Clips that could not be scored: SNR, conv (last): 1 of 3." in text


def test_missing_fits_are_counted_and_printed():
    values = {"observed": [1.0, 1, 1], "conv": [np.nan, np.nan, 4], "dense": [5.0, 6, 7]}
    frame = pd.concat([ladder(values), ladder(values, metric="pesq_nb")], ignore_index=True)
    missing = (frame["method"] == "conv") & (frame["clip"] == "a")
    table = summary(
        frame.assign(missing=np.where(missing, "diverged", "")), metrics=["snr", "pesq_nb"]
    )
    conv = table[table["method"] == "conv"]
    assert conv["n"].to_list() == [1, 1]
    assert conv["unscorable"].to_list() == [1, 1]
    assert conv["missing"].to_list() == [1, 1]
    assert table[table["method"] != "conv"]["missing"].sum() == 0
    text = to_markdown(table, **PRINTED)
    assert ", n = 3 clips" in text
    assert text.count("Missing, as they could not be fitted: conv: 1 of 3.") == 1
    assert "Clips that could not be scored: SNR, conv (last): 1 of 3; PESQ" in text
    assert "could not be fitted: conv: 1 of 3." in to_latex(table, **PRINTED)


def test_a_method_without_any_fit_stays_in_the_table():
    frame = ladder({"observed": [1.0] * 6, "conv": [np.nan] * 6, "dense": [5.0, 6, 7, 8, 9, 9]})
    frame = frame.assign(missing=np.where(frame["method"] == "conv", "diverged", ""))
    text = to_markdown(summary(frame), **PRINTED)
    assert "Missing, as they could not be fitted: conv: 6 of 6." in text
    assert "could not be scored" not in text
    assert "| conv | last |" in text


def test_a_metric_that_scores_nothing_is_named():
    frame = ladder({"observed": [np.nan] * 3, "conv": [np.nan] * 3, "dense": [np.nan] * 3})
    text = to_markdown(summary(frame), **PRINTED)
    assert "Clips that could not be scored: SNR, every method: 3 of 3." in text
    assert "SNR ↑" not in text


def test_perfect_estimates_stay_infinite():
    values = SIX | {"dense": [np.inf, 4.5, 6, 7, 8.5, 10]}
    row = summary(ladder(values)).set_index("method").loc["dense"]
    assert row["mean"] == row["improvement"] == row["difference"] == np.inf
    assert np.isnan(row[["std", "low", "high"]].to_list()).all()
    assert row["p"] == 2 / 64
    text = to_markdown(summary(ladder(values)), **PRINTED)
    # not bold, as an infinite mean has no interval
    assert "| inf | +inf | +inf (p = 0.031) |" in text
    assert "inf: at least one clip was restored exactly" in text


def test_below_five_clips_there_is_no_interval():
    table = summary(ladder({method: values[:4] for method, values in SIX.items()}))
    assert table["difference"].iloc[2] == 1.625
    assert table[["low", "high", "p", "p_holm"]].isna().all(axis=None)
    text = to_markdown(table, **PRINTED)
    assert "vs conv" not in text
    assert "published" not in text
    assert "**" not in text
    assert "no difference between methods is shown below 5 clips" in text
    assert "## Synthetic speech (stands for ljspeech), n = 4 clips" in text


def test_one_clip_has_no_std():
    text = to_markdown(
        summary(ladder({"observed": [1.0], "conv": [2.0]}), methods=["conv"]), **PRINTED
    )
    assert "n = 1 clip\n" in text
    assert "| conv | last | 2.00 | +1.00 |" in text


def test_an_unfinished_run_says_n_in_every_row():
    table = summary(ladder(SIX | {"dense": [3.0, 4.5]}))
    text = to_markdown(table, **PRINTED)
    assert "n = 2 to 6 clips" in text
    assert re.search(r"\| dense \| last \|.* 2 \|\n", text)
    assert re.search(r"\| conv \| last \|.* 6 \|\n", text)


def test_all_of_the_published_numbers_are_there():
    assert sum(len(pd.read_csv(path)) for path in PUBLISHED.glob("*20*.csv")) == 181


@pytest.mark.parametrize(
    ("table", "metrics", "count", "row"),
    [
        (1, {"snr": "psnr", "pesq_nb": "pesq"}, 20, ("sc09", "", "dilated", "snr", 10.85, 2.72)),
        (2, {"snr": "psnr", "pesq_nb": "pesq"}, 15, ("piano", "", "conv", "snr", 5.73, 1.06)),
        (
            3,
            {name: name for name in ("spectral_snr", "envelope_distance")},
            16,
            ("sc09", "", "dilated-exp", "envelope_distance", 0.10, 0.03),
        ),
        (
            4,
            {name: name for name in ("sdr", "sir", "spectral_snr", "envelope_distance")},
            32,
            ("piano+drums", "drums", "dilated-exp-dense", "sdr", 0.61, 3.09),
        ),
    ],
)
def test_published_tables(table, metrics, count, row):
    published = load_published(INTERSPEECH, "interspeech2021", table, metrics, "full")
    assert len(published) == count
    columns = ["dataset", "source", "method", "metric", "mean", "std"]
    assert row in list(published[columns].itertuples(index=False, name=None))
    assert set(published["scope"]) == {"full"}


@pytest.mark.parametrize(
    ("paper", "table", "metrics", "message"),
    [
        ("interspeech2021", 9, {"snr": "psnr"}, "no table 9 of interspeech2021"),
        ("iclr2020", 1, {"snr": "psnr"}, "no table 1 of iclr2020"),
        ("interspeech2021", 4, {"snr": "psnr"}, "no metric 'psnr': it has envelope_distance, sdr"),
    ],
)
def test_published_numbers_that_are_not_there(paper, table, metrics, message):
    with pytest.raises(DapError, match=message):
        load_published(INTERSPEECH, paper, table, metrics, "full")


def test_published_of_the_corpus_that_stands_for_it_beside_last_and_oracle():
    metrics = {"snr": "psnr", "pesq_nb": "pesq"}
    published = load_published(INTERSPEECH, "interspeech2021", 1, metrics, "full")
    table = summary(study(), published=published, **STUDY)
    shown = table.dropna(subset="published_mean")
    keys = ["corpus", "method", "selection", "metric", "published_mean", "published_std"]
    assert shown[keys].to_numpy().tolist() == [
        ["speech", "conv", "last", "snr", 6.85, 1.47],
        ["speech", "conv", "last", "pesq_nb", 1.73, 0.17],
        ["speech", "conv", "oracle", "snr", 6.85, 1.47],
        ["speech", "conv", "oracle", "pesq_nb", 1.73, 0.17],
        ["piano", "conv", "last", "snr", 9.17, 1.34],  # its PESQ is not published
        ["piano", "conv", "oracle", "snr", 9.17, 1.34],
    ]
    text = to_markdown(table, **PRINTED)
    assert text.count("| 6.85 ± 1.47 |") == 2
    for printed in (text, to_latex(table, **PRINTED)):
        assert "beside oracle, since the paper reports the iterate that is best against" in printed
    recordings = text[text.index("## My recordings") : text.index("Mean ±")]
    assert "published" not in recordings


def test_published_beside_last_alone_where_the_paper_does_not_say():
    """fidelity: published-beside"""
    published = load_published(ICLR, "iclr2020", 1, {"snr": "ssnr"}, "full")
    published = published.replace({"method": {"harmonic": "dense"}})
    table = summary(study(), published=published, **STUDY)
    shown = table.dropna(subset="published_mean")
    assert shown[["method", "selection", "published_mean"]].to_numpy().tolist() == [
        ["conv", "last", 4.13],
        ["dense", "last", 7.12],
    ]
    assert "stands for, beside the selection last alone" in to_markdown(table, **PRINTED)


def test_a_method_that_was_not_run_keeps_its_published_row():
    metrics = {"snr": "ssnr", "pesq_nb": "pesq"}
    published = load_published(ICLR, "iclr2020", 1, metrics, "full")
    frame = study().assign(missing="")
    table = summary(frame, published=published, not_run=["dfl", "dnp-lsa"], **STUDY)
    rows = table[table["selection"] == "not run"]
    keys = ["corpus", "method", "metric", "published_mean", "n", "unscorable", "pairs"]
    # its PESQ is 1.03, its segmental SNR -0.42; other corpora of ours stand for none of theirs
    assert rows[keys].to_numpy().tolist() == [
        ["speech", "dfl", "snr", -0.42, 0, 0, 0],
        ["speech", "dfl", "pesq_nb", 1.03, 0, 0, 0],
        ["speech", "dnp-lsa", "snr", -3.73, 0, 0, 0],
        ["speech", "dnp-lsa", "pesq_nb", 1.02, 0, 0, 0],
    ]
    assert rows[["mean", "improvement", "p_holm"]].isna().all(axis=None)
    without = summary(frame, published=published, **STUDY)
    others = table.drop(rows.index).reset_index(drop=True)
    pd.testing.assert_frame_equal(others, without, check_dtype=False)
    text = to_markdown(table, **PRINTED)
    block = text[text.index("## Synthetic speech") :].partition("\n## ")[0]
    lines = [line for line in block.splitlines() if line.startswith("|")]
    assert lines[-2].replace(" ", "").startswith("|dfl|notrun||")
    assert "-0.42" in lines[-2]
    assert "n = 8 clips" in block
    assert "clips |" not in lines[0]
    assert "not run: a method of the paper" in text
    assert "PESQ_NB, conv (last): 1 of 8" in block
    assert "not run" in to_latex(table, **PRINTED)


def test_published_of_a_pair_by_source_and_scope():
    published = load_published(INTERSPEECH, "interspeech2021", 4, {"sdr": "sdr"}, "full")
    frame = pd.concat(
        [
            ladder(SIX, "sdr", "piano+drums", source="drums"),
            ladder(SIX, "sdr", "piano+drums", source="piano"),
        ]
    )
    table = summary(frame, metrics=["sdr"], published=published)
    conv = table[table["method"] == "conv"].set_index("source")
    assert conv["published_mean"].to_dict() == {"piano": 2.56, "drums": -0.28}
    assert list(conv.index) == ["piano", "drums"]  # as the pair names them
    assert conv["title"].unique() == ["Synthetic piano + Synthetic drums"]
    text = to_markdown(table, **PRINTED)
    assert (
        "## Synthetic piano + Synthetic drums (stands for piano+drums), source drums, n = 6" in text
    )
    elsewhere = summary(frame, metrics=["sdr"], published=published.assign(scope="raw"))
    assert elsewhere["published_mean"].isna().all()


def test_a_method_more_leaves_the_others_intervals():
    columns = ["low", "high", "p"]
    one = summary(ladder(SIX)).set_index("method").loc["dense", columns]
    more = summary(ladder(SIX | {"other": SIX["observed"]}), methods=["conv", "dense", "other"])
    assert more.set_index("method").loc["dense", columns].to_list() == one.to_list()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["conv", "harmonic"]}, "no scores for the method 'harmonic'"),
        ({"metrics": ["sdr"]}, "no scores for the metric 'sdr'"),
        ({"selections": ["stop"]}, "no scores for the selection 'stop'"),
        ({"baseline": "dilated"}, "baseline 'dilated' is not among"),
        ({"better": {}}, "neither 'higher' nor 'lower' for the metric 'snr'"),
        ({"corpora": {}}, "hold the corpus 'speech', which is not in the study"),
    ],
)
def test_what_is_not_there(options, message):
    with pytest.raises(DapError, match=message):
        summary(ladder(SIX), **options)


def test_two_experiments_are_no_table():
    with pytest.raises(DapError, match="of one experiment"):
        summary(pd.concat([ladder(SIX), ladder(SIX, experiment="f")]))


def fits():
    columns = ["corpus", "method", "clip", "parameters", "gflop", "seconds"]
    rows = [
        ("speech", "dense", "a", 1092912, 8.0, 20.0),
        ("speech", "dense", "b", 1092912, 8.0, 60.0),
        ("piano", "dense", "c", 1092912, 8.0, 30.0),
        ("speech", "conv", "a", 500000, 4.0, 10.0),
        ("long", "conv", "d", 500000, 9.0, 25.0),
    ]
    frame = pd.DataFrame(rows, columns=columns)
    setting = {"device": "cpu", "cpu": "x", "threads": 1}
    setting |= {"precision": "float32", "engine": "compiled"}
    judged = {"restarts": 0, "failed_iterations": 0, "loss_terms": "", "warnings": ""}
    return frame.assign(experiment="e", seed=0, iterations=100, **setting, **judged)


def test_fits_that_a_rule_ended_have_one_row():
    ended = fits().assign(iterations=[100, 300, 150, 200, 200])
    cost = cost_table(ended, ["conv", "dense"])
    assert cost["iterations"].to_list() == [200, 200, 150]
    assert cost["fits"].to_list() == [1, 1, 3]


def test_cost_by_hand():
    cost = cost_table(fits(), ["conv", "dense"])
    assert cost["method"].to_list() == ["conv", "conv", "dense"]
    assert cost["corpora"].to_list() == ["speech", "long", "piano, speech"]
    assert cost["seconds_per_iteration"].to_list() == [0.1, 0.25, 0.3]
    assert cost["fits"].to_list() == [1, 1, 3]
    pd.testing.assert_frame_equal(cost, cost_table(fits()[::-1], ["conv", "dense"]))
    text = cost_markdown(cost, labels={"dense": "ours"})
    assert (
        "| e | ours | piano, speech | 1,092,912 | 8 | 0.3 | 100 | 3 | cpu | x | 1 | float32 |"
        in text
    )


def test_cost_keeps_kinds_of_cpu_apart():
    several = fits()
    several.loc[several["clip"] == "b", "cpu"] = "y"  # 60 s of the dense design's 20, 60 and 30
    cost = cost_table(several, ["conv", "dense"])
    dense = cost[cost["method"] == "dense"]
    assert dense["cpu"].to_list() == ["x", "y"]
    assert dense["seconds_per_iteration"].to_list() == [0.25, 0.6]
    assert dense["fits"].to_list() == [2, 1]


def test_cost_says_what_objectives_found():
    judged = fits()
    dense = judged["method"] == "dense"
    judged.loc[dense, "restarts"] = [2, 0, 1]
    judged.loc[dense, "failed_iterations"] = [100, 0, 25]
    judged.loc[dense, "seconds"] = [20.0, 60.0, 37.5]  # 0.1, 0.6 and 0.3 an iteration
    judged.loc[dense, "warnings"] = ["a source is dead", "", ""]
    judged.loc[dense, "loss_terms"] = [
        '{"reconstruction": 3.0, "smoothness": 1.0}',
        '{"reconstruction": 0.5, "smoothness": 0.5}',
        '{"reconstruction": 1.0, "smoothness": 0.0}',
    ]
    cost = cost_table(judged, ["conv", "dense"])
    assert cost["restarts"].to_list() == [0, 0, 3]
    assert cost["warned"].to_list() == [0, 0, 1]
    assert cost["seconds_per_iteration"].to_list() == pytest.approx([0.1, 0.25, 0.3])
    assert cost["loss_terms"].to_list() == ["", "", "reconstruction 75 %, smoothness 25 %"]
    text = cost_markdown(cost)
    assert "| fits | restarts | fits with warnings | last loss, shares of its terms |" in text
    assert "| 3 | 3 | 1 | reconstruction 75 %, smoothness 25 % |" in text
    assert "restarts" not in cost_markdown(cost_table(fits()))
