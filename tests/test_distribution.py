"""A wheel and an sdist, which work where there is no checkout."""

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

import dap
from dap.study.outputs import published

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("distribution")]
NAME = "deep_audio_priors"

RESTORE = """
import sys
from pathlib import Path
import dap, soundfile
assert Path(dap.__file__).is_relative_to(sys.prefix), dap.__file__
assert dap.__version__ == {version!r}
noisy, sample_rate = soundfile.read("noisy.wav")
fit = dap.FitOptions(iterations=150, learning_rate=0.005, width=0.1)
result = dap.restore(noisy, sample_rate, method="conv", fit=fit, device="cpu", threads=1)
assert result.audio.shape == noisy.shape
soundfile.write("python.wav", result.audio, sample_rate, subtype="FLOAT")
print(*(method.name for method in dap.methods()))
"""
LOAD = """
from dap.reporting.report import PackageLoader
from dap.study.outputs import published
from dap.study.schema import schema
assert schema()["$defs"]["fit"]["properties"]["iterations"]["default"] == 2000
assert "report.html.j2" in PackageLoader("dap.reporting").list_templates()
print(*(len(published(name)) for name in ("interspeech2021", "iclr2020", "claims")))
"""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The sdist, and the wheel that is built of it."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(
        ROOT / "dap", source / "dap", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    made = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", made, source]
    subprocess.run(command, check=True, capture_output=True)
    return made / f"{NAME}-{dap.__version__}.tar.gz", made / (
        f"{NAME}-{dap.__version__}-py3-none-any.whl"
    )


@pytest.fixture(scope="module")
def installed(distributions, tmp_path_factory):
    """The programs of an environment with the wheel, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", *options, distributions[1]],
        check=True,
    )
    # a line of a .pth file is a folder, whose own .pth files (of an editable dap) are not read
    packages = sysconfig.get_path("purelib", vars={"base": str(folder)})
    (Path(packages) / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return folder / "bin"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder, but for half a second of a tone in noise."""
    folder = tmp_path_factory.mktemp("empty")
    noise = np.random.default_rng(0).normal(0, 0.05, 8000)
    noisy = 0.3 * np.sin(np.arange(8000) / 6) + noise
    soundfile.write(folder / "noisy.wav", noisy, 16000, subtype="FLOAT")
    return folder


def run(folder, *command):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_files_of_the_package_are_in_both(distributions):
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "dap").rglob("*")
        if path.is_file() and path.suffix not in (".md", ".pyc")
    }
    assert {"dap/py.typed", "dap/__init__.pyi", "dap/study/schema.yaml"} <= sources
    with tarfile.open(distributions[0]) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    assert sources <= inside
    assert {"LICENSE", "README.md", "pyproject.toml"} <= inside
    with zipfile.ZipFile(distributions[1]) as wheel:
        inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == sources


def test_the_command_restores(installed, folder):
    assert run(folder, installed / "dap", "--version").strip().endswith(dap.__version__)
    said = run(folder, installed / "dap", "--help")
    assert "Restore audio with classical methods and untrained networks" in said
    options = ["--method", "conv", "--preset", "paper", "--iterations", "150"]
    options += ["--learning-rate", "0.005", "--width", "0.1", "--device", "cpu"]
    run(folder, installed / "dap", "restore", "noisy.wav", "-o", "command.wav", *options)
    assert soundfile.info(folder / "command.wav").frames == 8000


def test_python_restores(installed, folder):
    names = run(folder, installed / "python", "-c", RESTORE.format(version=dap.__version__)).split()
    assert names == [method.name for method in dap.methods()]
    assert np.isfinite(soundfile.read(folder / "python.wav")[0]).all()


def test_the_schema_and_the_published_numbers_are_there(installed, folder):
    counts = run(folder, installed / "python", "-c", LOAD).split()
    names = ("interspeech2021", "iclr2020", "claims")
    assert counts == [str(len(published(name))) for name in names]
