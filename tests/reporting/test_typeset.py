"""Tables as Markdown, LaTeX and CSV."""

import re

import numpy as np
import pandas as pd
import pytest
from small_tables import CORPORA, PRINTED, SIX, STUDY, ladder, study, summary

from dap.reporting.typeset import summary_of, to_latex, to_markdown, write_table
from dap.scoring.statistics import SIGNIFICANT


def test_markdown_by_hand():
    lines = to_markdown(summary(ladder(SIX)), notes=["A note."], **PRINTED).splitlines()
    assert lines[0] == "# Denoising"
    assert lines[2] == "## Synthetic speech (stands for ljspeech), n = 6 clips"
    assert lines[4] == (
        "| method | selection | SNR ↑ (dB) | SNR vs observed | SNR vs conv [95 %] (p Holm) |"
    )
    assert lines[5] == "| --- | --- | ---: | ---: | ---: |"
    assert lines[6] == "| observed | - | 3.50 ± 1.87 |  |  |"
    assert lines[7] == "| conv | last | 4.50 ± 1.87 | +1.00 |  |"
    assert lines[8] == (
        "| dense | last | **6.50 ± 2.57** | +3.00 | +2.00 [+1.26, +2.74] (p = 0.031) |"
    )
    assert lines[-1] == "A note."


@pytest.mark.parametrize(
    ("metric", "sign", "bold"),
    [
        ("snr", 1, True),
        ("snr", -1, False),
        ("envelope_distance", 1, False),
        ("envelope_distance", -1, True),
    ],
)
def test_bold_is_significant_and_better(metric, sign, bold):
    values = {method: sign * np.array(several) for method, several in SIX.items()}
    table = summary(ladder(values, metric), metrics=[metric])
    text = to_markdown(table, **PRINTED)
    assert text.count("**") == (2 if bold else 0)
    assert to_latex(table, **PRINTED).count(r"\textbf{") == (1 if bold else 0)


@pytest.mark.parametrize("large", [6.5, 100.0])
def test_a_mean_that_few_clips_make_is_not_bold(large):
    # the ranks of 45 small losses outweigh 5 gains; at 100 dB the mean's interval excludes 0
    gains = np.array([-0.3] * 45 + [large] * 5)
    table = summary(ladder({"observed": 0 * gains, "conv": 0 * gains, "dense": gains}))
    assert table["p_holm"].iloc[2] < 0.001
    assert (table["low"].iloc[2] > 0) == (large == 100)
    assert "**" not in to_markdown(table, **PRINTED)


def test_what_holm_takes_back_is_not_bold():
    # of 256 patterns of signs 5 have ranks that are as extreme, on either side
    values = {"observed": [0.0] * 8, "conv": [0.0] * 8, "dense": [1, -3.5, 3, 4, 5, 6, 7, 8.0]}
    table = summary(pd.concat([ladder(values), ladder(values, corpus="piano")]))
    assert (table["p"].dropna() < SIGNIFICANT).all()
    assert (table["p_holm"].dropna() >= SIGNIFICANT).all()
    text = to_markdown(table, **PRINTED)
    assert text.count("(p = 0.078)") == 2
    assert "**" not in text


def test_oracle_and_scopes_are_labelled():
    frames = [ladder(SIX, scope=scope) for scope in ("gaps", "raw")]
    dense = {"conv": SIX["conv"], "dense": SIX["dense"]}
    frames += [ladder(dense, selection="oracle", scope=scope) for scope in ("gaps", "raw")]
    table = summary(pd.concat(frames), selections=["last", "oracle"])
    assert table["scope"].unique().tolist() == ["raw", "gaps"]
    text = to_markdown(table, **PRINTED)
    assert "| dense | oracle (uses the clean clip) |" in text
    assert "(stands for ljspeech), gaps, n = 6" in text
    only = summary(pd.concat(frames), selections=["last", "oracle"], scopes=["gaps"])
    assert only["scope"].unique().tolist() == ["gaps"]


def test_the_same_bytes_whatever_the_order(tmp_path):
    frame = study()
    for name, rows in (("a", frame), ("b", frame), ("c", frame.sample(frac=1, random_state=3))):
        write_table(summary(rows, **STUDY), tmp_path / f"{name}.x", **PRINTED)
    for suffix in ("csv", "md", "tex"):
        files = [(tmp_path / f"{name}.x.{suffix}").read_bytes() for name in "abc"]
        assert files[0] == files[1] == files[2]
        assert b"\r" not in files[0]
    read = pd.read_csv(tmp_path / "a.x.csv")
    assert read["mean"].to_list() == pytest.approx(summary(frame, **STUDY)["mean"], rel=1e-5)


def test_of_an_unfinished_study_latex_has_the_number_of_clips_of_each_row():
    text = to_latex(summary(ladder(SIX | {"dense": [3.0, 4.5]})), **PRINTED)
    rows = {row[0]: row[-1] for row in re.findall(r"^(\w+) & (?:.* & )*(\d+) \\\\$", text, re.M)}
    assert rows == {"observed": "6", "conv": "6", "dense": "2"}


def test_gains_over_the_observation_as_the_baseline_are_tested_and_shown_once():
    twelve = ladder({method: several * 2 for method, several in SIX.items()})
    text = to_markdown(summary(twelve, baseline="observed"), **PRINTED, baseline="observed")
    lines = text.splitlines()
    assert lines[4] == "| method | selection | SNR ↑ (dB) | SNR vs observed [95 %] (p Holm) |"
    assert re.fullmatch(
        r"\| dense \| last \| \*\*6\.50 ± .*\*\* \| \+3\.00 \[.*\] \(p .*\) \|", lines[8]
    )
    few = ladder({method: several[:4] for method, several in SIX.items()})
    text = to_markdown(summary(few, baseline="observed"), **PRINTED, baseline="observed")
    assert text.splitlines()[4] == "| method | selection | SNR ↑ (dB) | SNR vs observed |"


def test_methods_of_the_paper_that_were_not_run_are_found_by_the_papers_names():
    entry = {
        "metrics": ["snr"],
        "baseline": None,
        "published": {
            "paper": "iclr2020", "table": 1, "metrics": {"snr": "ssnr"},
            "not_run": ["wave-u-net", "conv"],
        },
    }  # fmt: skip
    setup = {
        "methods": ["dense"], "selections": ["last"], "scopes": ["full"], "headline": "full",
        "corpora": CORPORA, "published": {"conv": "conv7"},
    }  # fmt: skip
    metrics = {"snr": {"better": "higher", "label": "SNR"}}
    path = "dap/papers/iclr2020.csv"
    table = summary_of(ladder(SIX), path, entry=entry, setup=setup, metrics=metrics)
    not_run = table[table["selection"] == "not run"]
    assert not_run["method"].tolist() == ["wave-u-net", "conv7"]
    assert not_run["published_mean"].notna().all()


def test_latex_is_balanced_and_escaped():
    frame = study().replace({"corpus": {"own": "my_own"}})
    corpora = CORPORA | {"my_own": {"title": r"A_B & 50 % #1 {x} ~ ^ \ $", "stands_for": None}}
    text = to_latex(summary(frame, corpora=corpora, **STUDY), notes=["1 < 2"], **PRINTED)
    assert (
        r"A\_B \& 50 \% \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$" in text
    )
    assert r"1 \textless{} 2" in text
    assert r"PESQ\_NB $\uparrow$" in text
    assert text.isascii()
    for environment in ("table", "tabular", "adjustbox"):
        assert text.count(rf"\begin{{{environment}}}") == 3
        assert text.count(rf"\end{{{environment}}}") == 3
    bare = re.sub(r"\\[{}]", "", text)
    depth = np.cumsum([(c == "{") - (c == "}") for c in bare])
    assert depth.min() == 0
    assert depth[-1] == 0
    for tabular in re.findall(r"\\begin{tabular}{(l+r+)}(.*?)\\end{tabular}", text, re.DOTALL):
        for line in re.findall(r".*\\\\$", tabular[1], re.MULTILINE):
            assert len(re.findall(r"(?<!\\)&", line)) == len(tabular[0]) - 1
