"""What a change makes Snakemake do again, on real runs: that, and nothing else."""

import os
import re
import shutil

import pytest
from edits import change, substitute

from dap.plugin_literals import KINDS

pytestmark = pytest.mark.slow

LOCAL = ["--workflow-profile", "workflow/profiles/local"]
LAYER = {"dap.nn.dilated_unet"}
# of a new plugin of each kind
METADATA = {
    "priors": {"title": "new"},
    "metrics": {"label": "new", "unit": "dB", "better": "higher"},
    "baselines": {"title": "new", "tasks": ["denoise"]},
    "corruptions": {"task": "denoise", "options": {}},
    "synthetic": {"title": "new"},
    "archives": {"title": "new", "licence": "", "citation": "", "size": "", "sources": []},
}
SPEECH = "denoise/synthetic-speech"
# the table follows all scores, the curves too; the example shows the first clip's fits
AFTER_SCORES = {"tables/table1", "figures/curves", "figures/overview", "provenance", "report"}
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


def test_what_changes_no_number_makes_nothing_again(finished):
    dap = finished.folder / "dap"
    finished.append("dap/nn/dilated_unet.py", "# a comment")
    finished.append("dap/fitting/cpu/layers.h", "/* a comment */")
    finished.append("workflow/scripts/fit.py", "# a comment")
    for module in ("fitting/loop", "scoring/evaluate", "data/clips", "reporting/tables"):
        substitute(dap / f"{module}.py", r'^"""', '"""Another docstring. ')
    substitute(dap / "fitting/loop.py", r'(raise DapError\(\s*f?")', r"\1another text: ")
    substitute(dap / "fitting/method.py", r'(raise DapError\(\s*f?")', r"\1another text: ")
    substitute(dap / "runtime/chunk.py", r'(log\.info\(\s*f?")', r"\1another text: ")
    change(dap / "fitting/method.py", "fitting", 'log.info("a line of the log")')
    change(dap / "runtime/progress.py", "Progress", "LENGTH = 60")
    change(dap / "nn/wave_unet.py", "WaveUNet.forward")  # of no prior of this study
    # a fresh checkout's files are newer than all products
    for path in (*dap.rglob("*.*"), *finished.folder.glob("workflow/**/*.*")):
        os.utime(path)
    for profile in ((), LOCAL):
        done = finished.snakemake("-n", *profile)
        assert "Nothing to be done" in done.stdout, done.stdout


def test_new_plugins_beside_the_others_make_no_fit_again(finished, count_jobs):
    for name, kind in KINDS.items():
        source = f'{kind.variable} = {{"new-{name}": {METADATA[name]!r}}}\n'
        (finished.folder / "dap" / kind.folder / "new.py").write_text(source)
    # the report says which direction of a metric is better, for all there are
    planned = finished.snakemake("-n").stdout
    assert count_jobs(planned) == {"report": 1, "all": 1}, planned


def test_a_metric_is_edited(finished):
    tables = finished.files("tables/table1.*")
    change(finished.folder / "dap/metrics/level.py", "psnr")
    scores = {f"score/{SPEECH}/{method}/000" for method in ("observed", "conv", "dilated")}
    assert finished.run() == scores | AFTER_SCORES
    assert finished.files("tables/table1.*") == tables


def test_a_prior_is_edited(finished):
    change(finished.folder / "dap/priors/dilated.py", "build")
    assert finished.run() == fit_and_score("dilated") | AFTER_FITS | {"figures/example"}


def test_a_layer_is_edited(finished):
    # what is added speaks up, which shows that jobs import the dap of their own checkout
    speaking = 'assert not __import__("logging").getLogger("dap").info("edited")'
    change(finished.folder / "dap/nn/dilated_unet.py", "DilatedUNet.forward", speaking)
    planned = finished.snakemake("-n").stdout
    reasons = re.findall("Params have changed since last execution: (.*)", planned)
    assert len(reasons) == 2
    assert all(set(re.findall(r"\bdap[./][\w./]+", reason)) == LAYER for reason in reasons)
    assert finished.run() == fit_and_score("conv", "dilated") | AFTER_FITS | {"figures/example"}
    log = finished.results / "logs" / "fit" / SPEECH / "dilated" / "000.log"
    assert "edited" in log.read_text()


def test_a_raised_format_makes_all_again(finished, count_jobs):
    everything = count_jobs(finished.snakemake("-n", "--forceall").stdout)
    code_hash = finished.folder / "dap/study/code_hash.py"
    substitute(code_hash, r"\nFORMAT = (\d+)", r"\nFORMAT = 1\1")
    assert count_jobs(finished.snakemake("-n").stdout) == everything


@pytest.mark.parametrize(
    ("file", "name", "ran"),
    [
        ("dap/reporting/typeset.py", "to_latex", {"tables/table1", "provenance", "report"}),
        ("dap/reporting/figures/overview.py", "draw", {"figures/overview", "report"}),
        ("dap/reporting/figures/curves.py", "draw", {"figures/curves", "report"}),
        ("dap/reporting/figures/example.py", "draw", {"figures/example", "report"}),
    ],
)
def test_a_layout_is_edited(finished, file, name, ran):
    change(finished.folder / file, name)
    assert finished.run() == ran


def test_the_layout_of_the_report_is_edited(finished, count_jobs):
    finished.append("dap/reporting/templates/report.html.j2", "<!-- edited -->")
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
