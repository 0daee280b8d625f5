"""Every file of docs/examples is run: as a study with plugins, and as a distribution."""

import subprocess
import sys
import tomllib
from functools import partial

import numpy as np
import pytest
import soundfile
import torch
import yaml
from corrupted import corrupted
from pages import EXAMPLES, ROOT, blocks, write_examples

from dap.data.clips import synthesise
from dap.data.known import locate
from dap.fitting.method import restore
from dap.observation import Observation
from dap.options import FitOptions
from dap.plugins import PREFIX, VARIABLE, plugin
from dap.scoring.evaluate import score
from dap.scoring.pool import Case, score_all
from dap.study.study import Study

PAGE = "docs/extending.md"
NAMES = {
    "priors": "my-prior",
    "metrics": "peak_error",
    "baselines": "moving-average",
    "corruptions": "hum",
    "synthetic": "chirps",
    "archives": "my-corpus",
}


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """The study of the page, checked where its plugins are; they are known from then on."""
    write_examples(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "")  # and as it was at the end
    yield Study(yaml.safe_load((EXAMPLES / "study.yaml").read_text()))
    for name in [name for name in sys.modules if name.startswith(PREFIX)]:
        del sys.modules[name]


def test_the_page_shows_all_files_and_nothing_else():
    files = [path for path in EXAMPLES.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    shown = [text for _, text in blocks(PAGE)]
    included = {f'--8<-- "{path.relative_to(ROOT).as_posix()}"\n' for path in files}
    assert len(included) == len(NAMES) + 2
    assert sorted(shown) == sorted(included)


def test_the_study_names_one_of_each_kind(listed, tmp_path):
    experiment = listed.experiments["hum"]
    assert experiment.corruption == {"level": 0.2, "mains": 50, "kind": "hum"}
    for kind, name in NAMES.items():
        assert plugin(kind, name).path.parent == tmp_path / "my_plugins"


@pytest.mark.usefixtures("listed")
def test_each_does_what_it_says(tone, tmp_path):
    observation = corrupted("hum", tone, level=0.25, mains=60)
    assert np.abs(observation.signal - tone).max() == pytest.approx(0.25, abs=1e-3)
    assert observation.metadata["snr_db"] == pytest.approx(6.0, abs=0.1)

    chirp = synthesise("chirps", np.random.default_rng(0), 4000, 16000)
    assert (chirp.shape, chirp.dtype) == ((4000,), np.float32)

    run = partial(restore, task="denoise", observation=Observation(tone), seed=0, device="cpu")
    spectrogram = {"n_fft": 254, "hop_length": 32, "window": "hann"}
    fit = FitOptions(iterations=2, snapshots=2, precision="float32")
    smooth = run("moving-average", fit=fit, spectrogram=spectrogram).selections["last"]
    assert smooth[0, 100] == pytest.approx(tone[98:103].mean(), abs=1e-6)
    fitted = run("my-prior", fit=fit, spectrogram=spectrogram)
    assert fitted.selections["last"].shape == (1, len(tone))
    assert fitted.cost["parameters"] == (2 * 35 + 35 * 35 + 35 * 2) * 9 + 35 + 35 + 2
    assert plugin("priors", "my-prior").load().build(width=0.5, network="code")(
        torch.zeros(1, 2, 8, 4)
    ).shape == (1, 2, 8, 4)

    (row,) = score(
        tone[np.newaxis],
        {"last": smooth},
        np.empty(0, int),
        np.empty((0, 1, len(tone))),
        task="denoise",
        metrics=["peak_error"],
        wanted=["last"],
        sources=[""],
        sample_rate=16000,
        last_iteration=0,
    )
    assert row["value"] == pytest.approx(np.abs(tone - smooth[0]).max())

    (tmp_path / "a.tar.gz").touch()
    assert locate("my-corpus", str(tmp_path)).archives == (str(tmp_path / "a.tar.gz"),)


# forks, and joblib's processes, which import anew
@pytest.mark.parametrize("platform", ["linux", pytest.param("darwin", marks=pytest.mark.slow)])
@pytest.mark.usefixtures("listed")
def test_processes_that_score_know_the_plugins(platform, monkeypatch, tone):
    monkeypatch.setattr(sys, "platform", platform)
    nothing = np.empty(0, int), np.empty((0, 1, len(tone)))
    cases = [
        Case(clip, 0, tone[np.newaxis], {"last": part * tone[np.newaxis]}, *nothing, [""], 0)
        for clip, part in (("a", 0.5), ("b", 0.9))
    ]
    setup = {"task": "denoise", "metrics": ["peak_error"], "wanted": ["last"]}
    rows = score_all(cases, processes=2, sample_rate=16000, **setup)
    peak = np.abs(tone).max()
    assert [row["value"] for (row,) in rows] == pytest.approx([0.5 * peak, 0.1 * peak])


@pytest.fixture
def installed(tmp_path):
    """A folder for sys.path with what an installer makes of the page's pyproject.toml."""
    write_examples(tmp_path)
    project = tomllib.loads((EXAMPLES / "pyproject.toml").read_text())["project"]
    info = tmp_path / "my_dap_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return tmp_path


def python(folder, *arguments):
    environment = {"PYTHONPATH": f"{folder}:{ROOT}", "PATH": "", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, cwd=folder
    )


def test_an_installed_distribution_is_found_without_being_imported(installed):
    (installed / "my_plugins" / "__init__.py").write_text("raise SystemExit('imported')\n")
    code = "\n".join(
        [
            "from dap.plugins import plugin",
            f"names = {NAMES!r}",
            "for kind, name in names.items(): print(plugin(kind, name).module)",
            "plugin('metrics', 'peak_error').load()",
        ]
    )
    done = python(installed, "-c", code)
    modules = [path.stem for path in sorted((installed / "my_plugins").glob("my_*.py"))]
    assert sorted(done.stdout.split()) == [f"my_plugins.{module}" for module in modules]
    assert done.stderr == "imported\n"


def test_an_entry_point_that_leads_nowhere(installed):
    (installed / "my_plugins" / "my_metric.py").unlink()
    done = python(installed, "-c", "from dap.plugins import plugins; plugins('metrics')")
    assert (
        "DapError: the installed package my-dap-plugins names the module my_plugins.my_metric in "
        "its entry points dap.metrics, and there is none"
    ) in done.stderr


@pytest.mark.slow
def test_an_installed_method_restores_a_recording(installed, tone):
    command = ["-c", "from dap.cli import main; main()", "restore"]
    soundfile.write(installed / "in.wav", tone, 16000, subtype="FLOAT")
    for method in ("moving-average", "my-prior"):
        options = ["--iterations", "200", "--learning-rate", "0.02"] if method == "my-prior" else []
        arguments = ["in.wav", "-o", f"{method}.wav", "--method", method]
        done = python(installed, *command, *arguments, *options)
        assert f"restored by {method}" in done.stderr
        assert soundfile.info(installed / f"{method}.wav").frames == len(tone)
