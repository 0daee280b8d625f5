"""What a change makes Snakemake do again, on real runs: that, and nothing else."""

import shutil

import pytest

pytestmark = pytest.mark.slow

SPEECH = "denoise/synthetic-speech"
# the table follows all scores, the curves too; the example shows the first clip's fits
AFTER_SCORES = {"tables/table1", "figures/curves", "provenance", "report"}
AFTER_FITS = {*AFTER_SCORES, "tables/cost"}


def fit_and_score(*methods, chunk="000"):
    made = {f"{'baseline' if m == 'observed' else 'fit'}/{SPEECH}/{m}/{chunk}" for m in methods}
    return made | {f"score/{SPEECH}/{method}/{chunk}" for method in methods}


def test_first_run(original):
    everything = {
        "clips/synthetic-speech/000",
        f"observations/{SPEECH}/000",
        *fit_and_score("observed", "conv", "dilated"),
        *AFTER_FITS,
        "figures/example",
    }
    logs = original.results / "logs"
    assert {str(p.relative_to(logs).with_suffix("")) for p in logs.rglob("*.log")} == everything
    assert not (original.folder / ".snakemake" / "owner.json").exists()


def test_second_run(finished):
    done = finished.snakemake()
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout


def test_more_clips(finished):
    finished.change(clips=8)
    assert finished.run() == {
        "clips/synthetic-speech/001",
        f"observations/{SPEECH}/001",
        *fit_and_score("observed", "conv", "dilated", chunk="001"),
        *AFTER_FITS,
    }


def test_a_metric_is_touched(finished):
    tables = finished.files("tables/table1.*")
    finished.append("dap/metrics/level.py", "# touched")
    scores = {f"score/{SPEECH}/{method}/000" for method in ("observed", "conv", "dilated")}
    assert finished.run() == scores | AFTER_SCORES
    assert finished.files("tables/table1.*") == tables


def test_a_prior_is_touched(finished):
    # what is appended speaks up, which shows that jobs import the dap of their own checkout
    finished.append(
        "dap/priors/dilated.py", 'import logging; logging.getLogger("dap").info("touched")'
    )
    assert finished.run() == fit_and_score("dilated") | AFTER_FITS | {"figures/example"}
    log = finished.results / "logs" / "fit" / SPEECH / "dilated" / "000.log"
    assert "touched" in log.read_text()


@pytest.mark.parametrize(
    ("file", "ran"),
    [
        ("dap/reporting/typeset.py", {"tables/table1", "tables/cost", "provenance", "report"}),
        ("dap/reporting/figures/curves.py", {"figures/curves", "figures/example", "report"}),
    ],
)
def test_a_layout_is_touched(finished, file, ran):
    finished.append(file, "# touched")
    assert finished.run() == ran


def test_the_layout_of_the_report_is_touched(finished, count_jobs):
    finished.append("dap/reporting/templates/report.html.j2", "<!-- touched -->")
    assert count_jobs(finished.snakemake("-n").stdout) == {"report": 1, "all": 1}


def test_a_method_is_added(finished):
    experiment = {
        "corruption": {"kind": "gaussian", "std": 0.2},
        "corpora": ["synthetic-speech"],
        "methods": ["observed", "conv", "dilated", "dilated-exp"],
        "metrics": ["snr", "psnr"],
    }
    finished.change(experiments={"denoise": experiment})
    assert finished.run() == fit_and_score("dilated-exp") | AFTER_FITS | {"figures/example"}


def test_one_method_is_fitted_otherwise(finished):
    experiment = {
        "corruption": {"kind": "gaussian", "std": 0.2},
        "corpora": ["synthetic-speech"],
        "methods": ["observed", "conv", "dilated"],
        "metrics": ["snr", "psnr"],
        "fits": {"dilated": {"iterations": 2}},
    }
    finished.change(experiments={"denoise": experiment})
    assert finished.run() == fit_and_score("dilated") | AFTER_FITS | {"figures/example"}
    condition = "; dilated: 2 iterations from a rate of 0.005, width 0.05. The published"
    assert condition in (finished.results / "tables" / "table1.md").read_text()


def test_what_was_deleted_is_made_again(finished):
    before = finished.files("tables/table1.*") | finished.files("fits/**/*.wav")
    fits, scores = finished.results / "fits" / SPEECH, finished.results / "scores" / SPEECH
    (fits / "conv" / "000" / "manifest.csv").unlink()
    shutil.rmtree(fits / "observed" / "000")
    (scores / "dilated" / "000.csv").unlink()
    assert finished.run() == {
        *fit_and_score("conv", "observed"),
        f"score/{SPEECH}/dilated/000",
        *AFTER_FITS,
        "figures/example",
    }
    assert finished.files("tables/table1.*") | finished.files("fits/**/*.wav") == before
