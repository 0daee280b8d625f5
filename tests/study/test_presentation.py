"""What tables, figures and the report depend on, asserted without Snakemake."""

import importlib
from pathlib import Path

import pytest
from small_studies import config

from dap.study import presentation
from dap.study.outputs import FIGURES
from dap.study.study import Study

PAIR = "synthetic-piano+synthetic-drums"
FITS = "results/tiny/fits/denoise/synthetic-speech"


@pytest.fixture
def study():
    """Three chunks of the larger corpus; tables and a figure of each kind."""
    settings = config(
        clips=2,
        clips_per_job=2,
        tables={
            "table1": {
                "experiment": "denoise",
                "metrics": ["snr"],
                "published": {"paper": "interspeech2021", "table": 1, "metrics": {"snr": "psnr"}},
            },
            "table4": {"experiment": "separate", "metrics": ["sdr"]},
        },
        figures={
            "curves": {"kind": "curves", "experiment": "denoise"},
            "seconds": {
                "kind": "curves",
                "experiment": "denoise",
                "methods": ["conv"],
                "x": "seconds",
                "title": "Speed",
            },
            "example": {"kind": "example", "experiment": "separate"},
            "steps": {
                "kind": "steps",
                "experiment": "denoise",
                "corpus": "synthetic-piano",
                "steps": [50, 7],
            },
            "figure2": {"kind": "statistics", "experiment": "denoise"},
        },
    )
    settings["corpora"]["synthetic-speech"]["stands_for"] = "ljspeech"
    settings["experiments"]["denoise"] |= {
        "clips": {"synthetic-speech": 5},
        "fit": {"snapshot_at": [7, 50]},
        "fits": {"conv": {"iterations": 500}},
    }
    return Study(settings)


def scores(experiment, corpus, method, count):
    return [
        f"results/tiny/scores/{experiment}/{corpus}/{method}/{chunk:03d}.csv"
        for chunk in range(count)
    ]


# ------------------------------------------------------------------ tables


def test_a_table_is_made_of_the_scores_of_its_experiment(study):
    assert presentation.tables.table_scores(study, "table1") == [
        *scores("denoise", "synthetic-speech", "observed", 3),
        *scores("denoise", "synthetic-speech", "conv", 3),
        *scores("denoise", "synthetic-piano", "observed", 1),
        *scores("denoise", "synthetic-piano", "conv", 1),
    ]
    assert presentation.tables.table_entry(study, "table4")["metrics"] == ["sdr"]
    assert presentation.tables.table_files(study) == [
        f"results/tiny/tables/{name}.{form}"
        for name in ("table1", "table4")
        for form in ("csv", "md", "tex")
    ]


def test_the_published_numbers_are_named_from_the_working_folder(study, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    (path,) = presentation.tables.table_published(study, "table1")
    assert path == "dap/papers/interspeech2021.csv"
    assert presentation.tables.table_published(study, "table4") == []


def test_what_a_table_says(study):
    setup = presentation.tables.table_setup(study, "table1")
    assert setup["methods"] == ["observed", "conv"]
    assert setup["selections"] == ["last", "average", "stop", "oracle"]
    assert (setup["scopes"], setup["headline"]) == (["full"], "full")
    assert setup["corpora"] == {
        "synthetic-piano": {"title": "piano", "stands_for": None},
        "synthetic-speech": {"title": "speech", "stands_for": "ljspeech"},
    }
    assert setup["notes"] == [
        "Condition: gaussian, std 0.1; clips of 0.128 s; 2000 iterations from a rate of 0.001, "
        "width 1; conv: 500 iterations from a rate of 0.001, width 1. The published values are of "
        "the papers' conditions."
    ]
    assert setup["origins"] == {}
    setup = presentation.tables.table_setup(study, "table4")
    assert list(setup["corpora"]) == ["synthetic-drums", "synthetic-piano"]
    assert setup["notes"][0].startswith("Condition: mixture; clips of 0.128 s; 2000 iterations")
    assert "published" not in setup["notes"][0]
    metric = presentation.tables.table_metrics(study, "table1")["snr"]
    assert (metric["better"], metric["label"], metric["unit"]) == ("higher", "SNR", "dB")


def test_our_names_of_a_papers_methods():
    settings = config(
        tables={
            "table1": {
                "experiment": "denoise",
                "metrics": ["snr"],
                "baseline": "observed",
                "published": {"paper": "iclr2020", "table": 1, "metrics": {"snr": "ssnr"}},
            }
        }
    )
    names = presentation.tables.table_setup(Study(settings), "table1")["published"]
    assert names
    assert all(theirs != ours for theirs, ours in names.items())


def test_the_origins_of_known_corpora():
    settings = config(tables={"table1": {"experiment": "denoise", "metrics": ["snr"]}})
    settings["corpora"]["digits"] = {"title": "Digits", "archive": "sc09", "samples": 2048}
    settings["corpora"]["street"] = {"title": "Street", "archive": "demand", "samples": 2048}
    settings["experiments"]["denoise"] |= {
        "corruption": {"kind": "environmental", "noise": "street"},
        "corpora": ["digits", "synthetic-piano"],
    }
    study = Study(settings)
    assert presentation.tables.table_setup(study, "table1")["origins"] == {
        "Digits": "resources/corpora/sc09.json",
        "Street": "resources/corpora/demand.json",
    }
    assert presentation.report.report_inputs(study)["origins"] == [
        "resources/corpora/demand.json",
        "resources/corpora/sc09.json",
    ]


# ------------------------------------------------------------------ figures


def test_figures_of_a_kind(study):
    assert presentation.figures.figures_of(study, "curves") == ["curves", "seconds"]
    assert presentation.figures.figures_of(study, "statistics") == ["figure2"]
    files = presentation.figures.figure_files(study)
    assert len(files) == (5 + 1) * 2 + 1  # the overview is the report's own
    assert "results/tiny/figures/overview.pdf" in files
    assert files[:2] == ["results/tiny/figures/curves.pdf", "results/tiny/figures/curves.png"]
    assert files[-1] == "results/tiny/figures/figure2.csv"


@pytest.mark.parametrize("kind", FIGURES)
def test_each_kind_is_drawn_by_a_module(kind):
    assert callable(importlib.import_module(presentation.figures.figure_module(kind)).draw)


def test_curves_take_the_fits_for_an_axis_of_seconds_alone(study):
    inputs = presentation.figures.curves_inputs(study, "curves")
    assert inputs == {"scores": presentation.tables.table_scores(study, "table1"), "fits": []}
    inputs = presentation.figures.curves_inputs(study, "seconds")
    assert inputs["scores"] == [
        *scores("denoise", "synthetic-speech", "conv", 3),
        *scores("denoise", "synthetic-piano", "conv", 1),
    ]
    assert inputs["fits"] == [
        *(f"{FITS}/conv/{chunk}/manifest.csv" for chunk in ("000", "001", "002")),
        "results/tiny/fits/denoise/synthetic-piano/conv/000/manifest.csv",
    ]
    assert presentation.figures.curves_setup(study, "curves") == {
        "against": ["clean"],
        "metric": "snr",
        "methods": ["observed", "conv"],
        "title": "denoise",
        "names": {"synthetic-piano": "piano", "synthetic-speech": "speech"},
    }
    setup = presentation.figures.curves_setup(study, "seconds")
    assert (setup["title"], setup["methods"]) == ("Speed", ["conv"])


def test_an_example_is_of_the_first_chunk_of_the_first_corpus(study):
    assert presentation.figures.example_inputs(study, "example") == {
        "clips": [
            "results/tiny/clips/synthetic-piano/000/manifest.csv",
            "results/tiny/clips/synthetic-drums/000/manifest.csv",
        ],
        "observations": [f"results/tiny/observations/separate/{PAIR}/000/manifest.csv"],
        "fits": [f"results/tiny/fits/separate/{PAIR}/conv/000/manifest.csv"],
    }
    assert presentation.figures.example_setup(study, "example") == {
        "task": "separate",
        "title": "separate",
        "sample_rate": 16000,
    }


def test_steps_are_of_priors_and_of_the_corpus_that_is_named(study):
    assert presentation.figures.steps_inputs(study, "steps") == {
        "clips": ["results/tiny/clips/synthetic-piano/000/manifest.csv"],
        "observations": ["results/tiny/observations/denoise/synthetic-piano/000/manifest.csv"],
        "snapshots": ["results/tiny/fits/denoise/synthetic-piano/conv/000/snapshots.npz"],
    }
    assert presentation.figures.steps_setup(study, "steps") == {
        "steps": [7, 50],
        "title": "denoise",
        "sample_rate": 16000,
    }


def test_statistics_are_of_all_clips(study):
    inputs = presentation.figures.statistics_inputs(study, "figure2")
    chunks = [f"synthetic-speech/{chunk}" for chunk in ("000", "001", "002")]
    chunks.append("synthetic-piano/000")
    assert inputs["clips"] == [f"results/tiny/clips/{chunk}/manifest.csv" for chunk in chunks]
    assert inputs["observations"] == [
        f"results/tiny/observations/denoise/{chunk}/manifest.csv" for chunk in chunks
    ]
    setup = presentation.figures.statistics_setup(study, "figure2")
    assert setup["clips"] == {"synthetic-speech": 5, "synthetic-piano": 2}
    assert setup["spectrogram"]["n_fft"] == 1022


# ------------------------------------------------------------------ report


def test_the_report_has_everything(study, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    inputs = presentation.report.report_inputs(study)
    assert inputs["tables"] == ["results/tiny/tables/table1.md", "results/tiny/tables/table4.md"]
    assert inputs["cost"] == ["results/tiny/tables/cost.csv"]
    assert len(inputs["figures"]) == 5
    assert len(inputs["scores"]) == (3 + 1 + 1) * 2
    assert inputs["claims"] == ["dap/papers/claims.csv"]
    assert "dap/reporting/templates/report.html.j2" in inputs["templates"]
    assert "dap/reporting/templates/player.js" in inputs["templates"]
    assert all(Path(path).is_file() for path in inputs["templates"])
    assert len(inputs["manifests"]) == 3 + 1 + 1
    # four clips of speech are in two chunks
    assert len(inputs["example_observations"]) == 2 + 1 + 1
    assert inputs["overview"] == ["results/tiny/figures/overview.png"]
    assert inputs["published"] == ["dap/papers/interspeech2021.csv"]
    # observed is no method to listen to beside the observation
    assert inputs["example_fits"][0] == f"{FITS}/conv/000/manifest.csv"
    assert len(inputs["example_fits"]) == 4


def test_what_the_report_says_of_the_study(study):
    setup = presentation.report.report_setup(study)
    assert setup["config"] is study.config
    assert setup["better"]["snr"] == "higher"
    denoise, separate = setup["experiments"]
    assert denoise["clips"] == {"synthetic-speech": 5, "synthetic-piano": 2}
    assert separate["parts"] == {PAIR: ["synthetic-piano", "synthetic-drums"]}
    assert denoise["fits"] == {"conv": {"iterations": 500}}
