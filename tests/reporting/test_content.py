"""The report's content, from the products of a small study of baselines."""

import json
import logging
import re
from pathlib import Path

import pandas as pd
import pytest
from small_studies import config

from dap.data.observations import pair, write_chunk
from dap.reporting.content import page
from dap.runtime.baseline import restore_chunk
from dap.scoring.evaluate import COLUMNS, write
from dap.store import signal_file, write_rows, write_signal
from dap.study.presentation import report_inputs, report_setup
from dap.study.study import Study

LOG = logging.getLogger("dap")
PAIR = "synthetic-piano+synthetic-drums"


@pytest.fixture
def study(tmp_path, monkeypatch, hiss):
    """A clip of each corpus, observed and filtered; the working folder is its own."""
    monkeypatch.chdir(tmp_path)
    settings = config(clips=1, title="Small", notes=["Of *noise*."])
    settings["experiments"]["denoise"] |= {
        "methods": ["observed", "wiener"],
        "corpora": ["synthetic-speech"],
        "fits": {},
    }
    settings["experiments"]["separate"]["methods"] = ["observed"]
    table = {"experiment": "denoise", "metrics": ["snr"], "baseline": "observed"}
    settings["tables"] = {"table1": table}
    study = Study(settings)
    paths = study.paths
    manifests = {}
    for k, corpus in enumerate(study.clip_counts):
        path = manifests[corpus] = Path(paths.clips(corpus, "000"))
        digest = write_signal(path.parent / signal_file("a"), hiss[k * 2048 :][:2048], 16000)
        row = {"clip": "a", "file": "a.wav", "padded": float(k == 0), "sha256": digest}
        write_rows(path, [row])
    for name, corpus in (("denoise", "synthetic-speech"), ("separate", PAIR)):
        experiment = study.experiments[name]
        observations = Path(paths.observations(name, corpus, "000"))
        write_chunk(
            observations,
            pair({part: manifests[part] for part in experiment.parts(corpus)}, 1),
            experiment.corruption,
            seed=1,
            names=(name, corpus),
            sample_rate=16000,
            spectrogram=study["spectrogram"],
            noise=None,
            log=LOG,
        )
        for method in experiment.methods:
            restore_chunk(
                observations,
                Path(paths.fits(name, corpus, method, "000")),
                LOG,
                method=method,
                task=experiment.task,
                sample_rate=16000,
                threads=1,
                missing="fail",
            )
            empty = pd.DataFrame(columns=COLUMNS)
            write(empty, Path(paths.scores(name, corpus, method, "000")))
    Path(paths.table("x", "md")).parent.mkdir(parents=True)
    Path(paths.table("table1", "md")).write_text("# Denoising\n\n| a |\n| --- |\n| 9.8 |\n")
    Path(paths.table("cost", "md")).write_text("# Cost\n\nnothing\n")
    Path(paths.table("cost", "csv")).write_text("experiment,method\n")
    Path(paths.table("provenance", "json")).write_text(json.dumps({"date": "2026-11-28"}))
    return study


@pytest.fixture
def html(study):
    inputs = {name: list(map(Path, files)) for name, files in report_inputs(study).items()}
    return page(inputs, report_setup(study), {})


def test_tables_notes_and_provenance(html):
    for words in ("<title>Small", "Denoising", "9.8", "tables/table1.md, .csv and .tex",
                  "tables/cost.md, .csv", "2026-11-28", "<em>noise</em>"):  # fmt: skip
        assert words in html, words


def test_each_corpus_has_its_first_clip_to_listen_to(html):
    text = re.sub(r"data:[^\"]*", "", html)
    assert "denoise, speech: a" in text
    assert "separate, piano + drums: a+a" in text
    # clean, observed and the filtered one; of two sources, clean and observed each
    assert html.count("data:audio/wav") == 3 + 2 * 2


def test_what_was_run_and_on_which_corpora(html):
    text = re.sub(r"data:[^\"]*|<[^>]+>", " ", html)
    text = re.sub(r"\s+", " ", text)
    assert "std 0.1, kind gaussian synthetic-speech: 1 observed, wiener 2,000" in text
    # of the speech alone the one clip is padded
    for row in ("speech – – – – 1 1 0.128", "piano – – – – 1 0 0.128", "drums – – – – 1 0 0.128"):
        assert f" {row} " in text
