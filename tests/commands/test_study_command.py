"""`dap study check` and `dap study list`."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from checkout import ROOT, STUDY, Checkout, jobs
from click.testing import CliRunner

from dap.cli import main
from dap.plugins import VARIABLE
from dap.study import outline


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder, but for the tiny study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "")
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["study", *arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-n"],
        ["--configfile=study.yaml", "--config", "clips=3", "seed=4", "--cores", "1"],
        ["--configfiles", "study.yaml", str(ROOT / "config.yaml"), "--cores", "1", "all"],
        ["--config", "part=1/2"],
        ["--config", "hours=0.5"],
    ],
)
@pytest.mark.usefixtures("folder")
def test_nothing_is_said_where_nothing_is_wrong(arguments):
    done = run("check", "--quick", "study.yaml", *arguments)
    assert (done.exit_code, done.output) == (0, "")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.yaml", None, "gone.yaml: cannot be read: No such file or directory"),
        (".", None, ".: cannot be read: Is a directory"),
        (
            "a.yaml",
            STUDY.encode("utf-16"),
            "a.yaml: is not UTF-8 (byte 0): save it in that encoding",
        ),
        ("a.yaml", "title: caf\xe9".encode("latin-1"), "a.yaml: is not UTF-8 (byte 10): save it"),
        ("a.yaml", b"", "a.yaml: holds no keys: a study is a mapping, such as `study: NAME`"),
        ("a.yaml", b"- a", "a.yaml: holds no keys: a study is a mapping, such as `study: NAME`"),
        ("a.yaml", b"seed: 1\nseed: 2", "a.yaml, line 2: the key 'seed' is there twice, on lines"),
        ("a.yaml", b"seed: 010", "a.yaml, line 1: 010 is read as a number of base 8 or 60"),
        ("a.yaml", b"study: a", "the study: 'corpora' is a required property"),
        (
            "a.yaml",
            STUDY.replace("dilated]", "dilatd]").encode(),
            "experiments.denoise.methods: unknown name 'dilatd'; allowed: cell-projection,",
        ),
    ],
)
@pytest.mark.parametrize("as_argument", [False, True])
def test_what_is_wrong_with_a_study(folder, name, content, message, as_argument):
    if content is not None:
        (folder / name).write_bytes(content)
    given = ["study.yaml", "--configfile", name] if as_argument else [name]
    done = run("check", "--quick", *given)
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {message}")
    assert len(done.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["clips=0"], "clips: 0 is less than the minimum of 1"),
        (["clips"], "--config: Invalid config definition"),
        (["part=3/2"], "part is '3/2': must be K/N"),
        (["hours=x"], "hours is 'x': must be a number of hours"),
        (["unfinished=true"], "results/tiny: has no scores yet, so no table"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_wrong_with_an_override(entries, message):
    done = run("check", "--quick", "study.yaml", "--config", *entries)
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {message}")


def test_the_working_folder(folder):
    (folder / ".snakemake").touch()
    done = run("check", "--quick", "study.yaml")
    assert done.exit_code == 1
    assert done.output == "Error: .snakemake: is no folder, and must be one: move it away\n"


def test_the_workflow_is_needed(monkeypatch, tmp_path):
    monkeypatch.setattr(outline, "CHECKOUT", tmp_path)
    for command in (["list"], ["check", str(ROOT / "config.yaml")]):
        done = run(*command)
        assert done.exit_code == 1
        assert f"{tmp_path} has no Snakefile: studies are run from a checkout" in done.output


def test_the_studies_that_come_with_the_project():
    done = run("list")
    assert done.exit_code == 0, done.output
    listed = dict(re.findall(r"^(\S+\.yaml)\n  (.+)$", done.output, re.MULTILINE))
    paths = [ROOT / "config.yaml", *(ROOT / "workflow" / "studies").glob("*.yaml")]
    assert {Path(name).name for name in listed} == {path.name for path in paths}
    assert "Deep audio priors in miniature" in listed.values()
    assert "  52 fits of 120 to 200 iterations, width 0.25; up to 33 MB of results" in done.output
    assert "  1,860 fits of 2,000 to 20,000 iterations, width 1; up to 7.8 GB" in done.output
    assert "  9 trainings of 250 steps, width 0.15;" in done.output
    assert "  needs ljspeech, mirror=PATH, music, the weights of dfl" in done.output


def test_a_plan_says_what_snakemake_refuses(folder):
    (folder / "study.yaml").write_text(STUDY)
    done = run("check", "study.yaml", "no_such_target")
    assert done.exit_code == 1
    assert done.output.startswith("Error: snakemake --dry-run: ")
    assert "no_such_target" in done.output


def check(checkout, *arguments):
    command = [sys.executable, "-m", "dap", "study", "check", *arguments]
    environment = os.environ | {"PYTHONPATH": str(checkout.folder)}
    done = subprocess.run(
        command, cwd=checkout.folder, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split(":", 1) for line in done.stdout.splitlines() if ": " in line)


@pytest.mark.slow
def test_a_plan_before_and_after_the_run(tmp_path):
    checkout = Checkout.make(tmp_path)
    planned = check(checkout, "study.yaml", "--cores", "2")
    assert planned["fits"].strip() == "8 are missing of 8"
    assert planned["download"].strip() == "none"
    assert re.match(r" +\d[\d.e-]* hours on .+, 2 at a time, 1 thread each$", planned["time"])
    counted = {rule: int(n) for n, rule in re.findall(r"(\d+) (\w+)", planned["jobs"])}
    dry = checkout.snakemake("-n", "--quiet", "rules").stdout
    assert Counter(counted) == jobs(dry) - Counter(all=1)
    assert counted["fit"] == 2

    checkout.run()
    made = check(checkout, "study.yaml")
    assert made["fits"].strip() == "0 are missing of 8"
    assert made["jobs"].strip() == "none"
    assert made["time"].strip().startswith("0 hours")

    sounds = [*checkout.results.glob("*/**/*.wav"), *checkout.results.glob("fits/**/*.npz")]
    taken = sum(path.stat().st_size for path in sounds)
    most = int(re.search(r"up to (\d+) kB", planned["disk"])[1]) * 1000
    assert 0.5 * most < taken < 1.1 * most  # WAVs have headers of some bytes
