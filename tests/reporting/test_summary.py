"""A study's summary, as Markdown."""

from dap.reporting.summary import summary

GRID = {
    "caption": "Methods and results of paper A",
    "groups": [{"title": "Table 1", "span": 2}, {"title": "Table 3", "span": 1}],
    "columns": [
        {"above": above, "title": title, "arrow": arrow}
        for above, title, arrow in (
            ("speech, n = 6 clips", "SNR (dB)", "↑"),
            ("piano, n = 3 clips", "SNR (dB)", "↑"),
            ("speech, n = 4 clips", "distance", "↓"),
        )
    ],
    "rows": [
        {
            "method": "conv",
            "cells": [
                {"text": "9.80 ± 1.20", "value": 9.8, "mark": "better", "published": "8.15 ± 2.00"},
                {"text": "2.10", "value": 2.1, "mark": "", "published": ""},
                None,
            ],
        },
        {
            "method": "not run",
            "cells": [
                {"text": "", "value": None, "mark": "", "published": "7.00"},
                None,
                {"text": "0.30", "value": 0.3, "mark": "worse", "published": ""},
            ],
        },
    ],
    "legend": "Means.",
    "published": True,
}
CLAIM = {"claim": "dense | dilated is better", "published": "2 dB", "outcome": "not reproduced"}
OTHER = {"claim": "another", "published": None, "outcome": "not examined by this study"}
OPENING = {
    "papers": [{"paper": "paper A", "sentence": "Of the 2 claims, this study examines 1."}],
    "gains": ["Denoising (6 clips): conv gains most."],
    "rankings": ["Table 1: as in paper A; 2 of 6 clips have that order."],
    "tables": [GRID],
}
ITERATE = {
    "experiment": "Denoising",
    "metric": "SNR (dB)",
    "corpus": "speech",
    "source": "",
    "method": "conv",
    "clips": 6,
    "oracle": "10.10",
    "last": "-0.30 [-0.40, -0.20]",
    "stop": "",
}


def test_all_that_was_found():
    text = summary(
        title="A study",
        opening=OPENING,
        iterates=[ITERATE],
        claims=[
            CLAIM | {"verdict": "order reversed in 1 of 1"},
            OTHER | {"verdict": OTHER["outcome"]},
        ],
        notes=["One *caveat*."],
    )
    head = "method | Table 1; speech, n = 6 clips: SNR (dB) ↑ | Table 1; piano, n = 3 clips: "
    head += "SNR (dB) ↑ | Table 3; speech, n = 4 clips: distance ↓"
    assert text == (
        "# A study\n\n"
        "- Denoising (6 clips): conv gains most.\n"
        "- Table 1: as in paper A; 2 of 6 clips have that order.\n\n"
        "## Methods and results of paper A\n\n"
        f"| {head} |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| conv | 9.80 ± 1.20 ▲, published 8.15 ± 2.00 | 2.10 |  |\n"
        "| not run | published 7.00 |  | 0.30 ▼ |\n\n"
        "Means.\n\n"
        "## Which iterate\n\n"
        "| experiment | metric | corpus | source | method | clips | oracle | last | stop |\n"
        "| --- | --- | --- | --- | --- | ---: | ---: | ---: | ---: |\n"
        "| Denoising | SNR (dB) | speech |  | conv | 6 | 10.10 | -0.30 [-0.40, -0.20] |  |\n\n"
        "Oracle: the mean of the iterates of the best SNR (in separation, SDR of BSS Eval v4) "
        "against the clean clip; last and stop: the mean paired difference to it, with its 95 % "
        "interval from 5 clips on.\n\n"
        "## The papers' claims\n\n"
        "Of the 2 claims, this study examines 1.\n\n"
        "| claim | published | outcome | here |\n"
        "| --- | --- | --- | --- |\n"
        r"| dense \| dilated is better | 2 dB | not reproduced | order reversed in 1 of 1 |"
        "\n| another |  | not examined by this study |  |\n\n"
        "## Caveats\n\n"
        "- One *caveat*.\n"
    )


def test_a_study_that_compares_nothing_has_a_title():
    nothing = {"papers": [], "gains": [], "rankings": [], "tables": []}
    text = summary(title="A study", opening=nothing, iterates=[], claims=[], notes=[])
    assert text == "# A study\n"
