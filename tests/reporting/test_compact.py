"""Methods by metrics, with one mark for what is supported."""

import math

import numpy as np
import pandas as pd
import pytest
from small_tables import BETTER, SIX, STUDY, ladder, study, summary

from dap.reporting.compact import blocks, papers

READING = {"baseline": "conv", "better": BETTER, "labels": {"snr": "SNR"}}


def cells(grid):
    return {row["method"]: row["cells"] for row in grid["rows"]}


def test_a_grid_by_hand():
    (grid,) = blocks(summary(ladder(SIX)), **READING)
    assert grid["caption"] == "Synthetic speech (stands for ljspeech), n = 6 clips"
    assert [column["title"] for column in grid["columns"]] == ["SNR (dB)"]
    assert grid["columns"][0]["direction"] == "higher is better"
    assert list(cells(grid)) == ["observed", "conv", "dense"]
    (cell,) = cells(grid)["dense"]
    assert cell["value"] == pytest.approx(6.5)
    assert cell == {"text": "6.50 ± 2.57", "value": 6.5, "mark": "better", "published": ""}
    assert cells(grid)["observed"][0]["mark"] == ""  # it is not tested
    assert "▲ better and ▼ worse than conv" in grid["legend"]


@pytest.mark.parametrize(
    ("metric", "sign", "mark"),
    [
        ("snr", 1, "better"),
        ("snr", -1, "worse"),
        ("envelope_distance", 1, "worse"),
        ("envelope_distance", -1, "better"),
    ],
)
def test_a_mark_has_the_direction_of_the_metric(metric, sign, mark):
    values = {method: sign * np.array(several) for method, several in SIX.items()}
    (grid,) = blocks(summary(ladder(values, metric), metrics=[metric]), **READING)
    assert cells(grid)["dense"][0]["mark"] == mark


def test_what_interval_and_test_do_not_both_support_has_no_mark():
    few = {method: several[:4] for method, several in SIX.items()}
    gains = np.array([-0.3] * 45 + [100.0] * 5)  # a few clips make the mean
    many = {"observed": 0 * gains, "conv": 0 * gains, "dense": gains}
    for values, words in (
        (few, "is tested below 5 clips"),
        (many, "is supported by interval and test"),
    ):
        (grid,) = blocks(summary(ladder(values)), **READING)
        assert not any(row[0]["mark"] for row in cells(grid).values())
        assert f"no difference to conv {words}" in grid["legend"]


def test_methods_with_other_numbers_of_clips_have_them_in_their_cells():
    (grid,) = blocks(summary(ladder(SIX | {"dense": [3.0, 4.5]})), **READING)
    assert cells(grid)["dense"][0]["text"] == "3.75 ± 1.06 (n = 2)"
    assert cells(grid)["conv"][0]["text"] == "4.50 ± 1.87 (n = 6)"


def test_the_observation_can_be_the_baseline():
    twelve = ladder({method: several * 2 for method, several in SIX.items()})
    reading = READING | {"baseline": "observed"}
    (grid,) = blocks(summary(twelve, baseline="observed"), **reading)
    assert {method: row[0]["mark"] for method, row in cells(grid).items()} == {
        "observed": "", "conv": "better", "dense": "better",
    }  # fmt: skip


def test_corpora_of_one_title_are_two_columns():
    both = pd.concat([ladder(SIX), ladder({"conv": [9.0] * 6, "observed": [0.0] * 6}, corpus="b")])
    corpora = {name: {"title": "Speech", "stands_for": "x"} for name in ("speech", "b")}
    (grid,) = papers([published("x", "Table 1", summary(both, corpora=corpora), ["snr"])])
    assert [cell["value"] for cell in cells(grid)["conv"]] == [4.5, 9.0]


def test_the_last_iterates_alone_are_shown_and_all_corpora():
    table = summary(study(), **STUDY)
    grids = blocks(table, **READING)
    assert len(grids) == 3
    last = table[(table["selection"] == "last") & (table["method"] == "dense")]
    shown = [cells(grid)["dense"][0]["value"] for grid in grids]
    assert shown == last.loc[last["metric"] == "snr", "mean"].tolist()
    assert [len(grid["columns"]) for grid in grids] == [2, 2, 2]


def test_infinite_and_missing_means_have_no_value_to_sort_by():
    perfect = SIX | {"dense": [math.inf] * 6}
    table = summary(ladder(perfect))
    (grid,) = blocks(table, **READING)
    assert cells(grid)["dense"][0] | {"mark": ""} == {
        "text": "inf", "value": None, "mark": "", "published": "",
    }  # fmt: skip


def published(paper, title, scores_table, metrics):
    return {
        "title": title,
        "paper": paper,
        "published": metrics,
        "quality": "snr",
        "headline": "full",
        "summary": scores_table,
        **READING,
    }


def test_a_paper_has_one_grid_of_all_its_tables():
    theirs = pd.DataFrame(
        {
            "dataset": ["ljspeech"],
            "source": [""],
            "method": ["dense"],
            "metric": ["snr"],
            "mean": [8.151],
            "std": [1.94],
            "scope": ["full"],
            "selections": [["last"]],
        }
    )
    both = pd.concat([ladder(SIX), ladder(SIX, corpus="piano")])
    first = published("x", "Table 1", summary(both, published=theirs), ["snr"])
    lower = summary(ladder(SIX, "envelope_distance"), metrics=["envelope_distance"])
    second = published("x", "Table 2", lower, ["envelope_distance"])
    own = published("", "Own", summary(ladder(SIX)), [])
    (grid,) = papers([first, own, second])
    assert grid["paper"] == "x"
    assert grid["groups"] == [{"title": "Table 1", "span": 2}, {"title": "Table 2", "span": 1}]
    # the corpora in the table's order
    assert [column["above"] for column in grid["columns"]] == [
        "Synthetic speech, n = 6 clips",
        "Synthetic piano, n = 6 clips",
        "Synthetic speech, n = 6 clips",
    ]
    assert cells(grid)["dense"][0]["published"] == "8.15 ± 1.94"
    assert cells(grid)["dense"][1]["published"] == ""
    assert grid["published"]
    # without a published table, one grid has all
    (grid,) = papers([own, own])
    assert not grid["published"]
    assert [group["title"] for group in grid["groups"]] == ["Own", "Own"]
    assert papers([]) == []


def test_a_papers_grid_shows_what_is_published_of_the_tasks_quality():
    table = summary(
        pd.concat([ladder(SIX, "envelope_distance"), ladder(SIX)]),
        metrics=["envelope_distance", "snr"],
    )
    both = ["envelope_distance", "snr"]
    for quality, metric in (("snr", "SNR"), ("snr_v4", "SNR"), ("sdr", "envelope_distance")):
        (grid,) = papers([published("x", "Table", table, both) | {"quality": quality}])
        assert [column["title"].partition(" (")[0] for column in grid["columns"]] == [metric]


def test_a_papers_grid_shows_in_gaps_what_was_filled_and_the_networks_own_signal():
    filled = ladder({method: np.add(several, 4) for method, several in SIX.items()}, scope="filled")
    table = summary(pd.concat([ladder(SIX, scope="raw"), filled, ladder(SIX, scope="gaps")]))
    (grid,) = papers([published("x", "Table 3", table, ["snr"]) | {"headline": "raw"}])
    assert [column["above"] for column in grid["columns"]] == [
        "Synthetic speech, only the gaps filled, n = 6 clips",
        "Synthetic speech, the network's own signal, n = 6 clips",
    ]
    assert grid["groups"] == [{"title": "Table 3", "span": 2}]
    assert [cell["value"] for cell in cells(grid)["observed"]] == pytest.approx([7.5, 3.5])
    # a table of one scope names none
    alone = published("x", "Table 3", summary(filled), ["snr"]) | {"headline": "raw"}
    (grid,) = papers([alone])
    assert [column["above"] for column in grid["columns"]] == ["Synthetic speech, n = 6 clips"]
