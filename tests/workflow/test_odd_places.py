"""Checkouts, recordings and studies in places with odd names; files where folders have to be."""

import csv
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import yaml
from checkout import Checkout

from dap.store import read_rows

pytestmark = pytest.mark.slow

ODD = "od{d} {{x}} {a,b} %s %(a)s #1 \"q\" 's' 一é $HOME `ls` & ;* {recordings}"
PLUGIN = """\
METRICS = {"half": {"label": "half", "unit": "", "better": "higher"}}


def half(*_):
    return 0.5
"""
STUDY = """\
study: tiny
clips: 2
fit: {iterations: 2, snapshots: 1, width: 0.05}
corpora:
  mine: {title: "{x} 100 % #1", folder: "{recordings}/takes {1}", samples: 2048}
  noise: {title: noise, folder: "{recordings}/noise", samples: 2048}
experiments:
  denoise:
    corruption: {kind: environmental, noise: noise}
    corpora: [mine]
    methods: [observed, conv]
    metrics: [snr, half]
tables:
  table1: {experiment: denoise, metrics: [snr, half]}
"""


def snakemake(checkout, *arguments):
    """Run Snakemake with no study but those that the arguments name."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=checkout.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )


def put_recordings(folder):
    """Two corpora, a plugin, and a study of them, whose path is returned."""
    rng = np.random.default_rng(0)
    for corpus in ("takes {1}", "noise"):
        (folder / corpus).mkdir(parents=True)
        for name in ("one", "two"):
            soundfile.write(folder / corpus / f"{name}.wav", rng.normal(0, 0.1, 4000), 16000)
    plugin = folder / "plug{in} #1.py"
    plugin.write_text(PLUGIN)
    study = yaml.safe_load(STUDY) | {"plugins": [str(plugin)]}
    path = folder / "stu{d}y %s #1 é.yaml"
    path.write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
    return path


def test_odd_names_everywhere(sources, tmp_path):
    checkout = sources.copy(tmp_path / ODD)
    study = put_recordings(checkout.folder / ODD)
    command = ("--config", f"recordings={study.parent}")
    name = str(study.relative_to(checkout.folder))
    assert "report" in {log.rpartition("/")[2] for log in checkout.run(*command, study=name)}
    with (checkout.results / "tables" / "table1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["mean"] for row in rows if row["metric"] == "half"} == {"0.5"}
    clips = read_rows(checkout.results / "clips" / "mine" / "000" / "manifest.csv")
    assert len(clips) == 2
    # there is nothing to do, until a recording changes
    assert checkout.run(*command, study=name) == set()
    soundfile.write(study.parent / "takes {1}" / "one.wav", np.sin(np.arange(4000)), 16000)
    assert "clips/mine/000" in checkout.run(*command, study=name)


def test_a_linked_snakefile(sources, tmp_path):
    (tmp_path / "Snakefile").symlink_to(sources.folder / "Snakefile")
    shutil.copy(sources.folder / "study.yaml", tmp_path)
    target = "results/tiny/scores/denoise/synthetic-speech/observed/000.csv"
    done = Checkout(tmp_path).snakemake(target)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / target).is_file()
    assert not (sources.folder / "results").exists()


def test_a_checkout_whose_name_parts_a_search_path(sources, tmp_path):
    refused = sources.copy(tmp_path / "a:b").snakemake("-n")
    assert refused.returncode != 0
    assert "a:b: has a ':' in its name" in refused.stdout
    assert "Traceback" not in refused.stdout


@pytest.mark.parametrize("part", ["results", "results/tiny", "results/tiny/fits", ".snakemake"])
def test_a_file_where_a_folder_has_to_be(fresh, part):
    shutil.rmtree(fresh.folder / ".snakemake", ignore_errors=True)
    (fresh.folder / part).parent.mkdir(parents=True, exist_ok=True)
    (fresh.folder / part).touch()
    refused = fresh.snakemake()
    assert refused.returncode != 0
    assert f"\n{part}: is no folder, and must be one: move it away" in refused.stdout
    assert "Traceback" not in refused.stdout


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("clips: 1\nclips: 2", [], "more.yaml, line 2: the key 'clips' is there twice, on lines 1"),
        ("clips: 010", [], "more.yaml, line 1: 010 is read as a number of base 8 or 60"),
        ("study: true", [], "study: True is not of type 'string': put it in quotes"),
        ("clips: 1", ["clips=1.5"], "clips: 1.5 is not of type 'integer'"),
        ("clips: 1", ["fit={width: nan}"], "fit.width is nan: must be a finite number"),
    ],
)
def test_each_file_of_a_run_is_checked(fresh, content, arguments, message):
    (fresh.folder / "more.yaml").write_text(content)
    config = ["--config", *arguments] if arguments else []
    refused = snakemake(fresh, "-n", "--configfile", "study.yaml", "more.yaml", *config)
    assert refused.returncode != 0
    assert message in refused.stdout
    assert "Traceback" not in refused.stdout


def test_the_study_of_the_checkout_is_checked(fresh):
    fresh.append("config.yaml", "clips: 3")
    refused = snakemake(fresh, "-n")
    assert refused.returncode != 0
    assert re.search(r"\nconfig\.yaml, line \d+: the key 'clips' is there twice", refused.stdout)


def test_whole_numbers_on_the_command_line(fresh):
    done = snakemake(fresh, "-n", "--config", "clips=2e0", "seed=1.0", "fit={iterations: 1e1}")
    assert done.returncode == 0, done.stdout
