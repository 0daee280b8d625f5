"""The pip lock, the conda environment and the container say the same versions."""

import importlib.util
import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import dap

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "envs" / "requirements.lock").read_text()
PINS = [Requirement(line) for line in LOCK.splitlines() if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

LINUX = {"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux"}
PLATFORMS = {
    "linux-x86_64": LINUX,
    "linux-aarch64": LINUX | {"platform_machine": "aarch64"},
    "macos-arm64": {
        "sys_platform": "darwin",
        "platform_machine": "arm64",
        "platform_system": "Darwin",
    },
}


@pytest.fixture(scope="module")
def lock():
    spec = importlib.util.spec_from_file_location("envs_lock", ROOT / "envs" / "lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(platform, python="3.11"):
    """Pinned versions by name, where the markers hold."""
    environment = PLATFORMS[platform] | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
    }
    held = [pin for pin in PINS if not pin.marker or pin.marker.evaluate(environment)]
    specifiers = {normal(pin.name): str(pin.specifier) for pin in held}
    assert len(specifiers) == len(held), "a package is pinned twice"
    return specifiers


def test_conda_says_what_the_lock_says(lock):
    text = (ROOT / "envs" / "conda.yaml").read_text()
    assert text == lock.conda(LOCK)
    dependencies = yaml.safe_load(text)["dependencies"]
    assert f"python={lock.PYTHON}" in dependencies
    pins = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    assert [str(Requirement(pin)) for pin in pins] == [str(pin) for pin in PINS]


def test_the_container_installs_the_lock(lock):
    lines = (ROOT / "envs" / "Dockerfile").read_text().splitlines()
    assert any(re.match(rf"FROM python:{re.escape(lock.PYTHON)}(\D|$)", line) for line in lines)
    installs = [line for line in lines if re.search(r"\bpip install\b", line)]
    assert any("-r envs/requirements.lock" in line for line in installs)
    # nothing else brings packages in
    rest = [line for line in installs if "-r envs/requirements.lock" not in line]
    assert all("--no-deps" in line and "--no-build-isolation" in line for line in rest)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_platform_gets_one_exact_version_of_each(platform, python):
    specifiers = versions(platform, python)
    assert all(re.fullmatch(r"==[^*,]+", pin) for pin in specifiers.values())
    assert specifiers["torch"] == "==2.11.0"
    assert specifiers["torchvision"] == "==0.26.0"


def test_the_gpu_build_is_for_linux_alone():
    def gpu(platform):
        return {name for name in versions(platform) if re.match("nvidia-|triton|cuda-", name)}

    assert {"nvidia-cudnn-cu13", "triton"} <= gpu("linux-x86_64")
    assert not gpu("macos-arm64")
    # the lock is for all platforms at once, not for the one that it was made on
    assert any(pin.marker == Marker("sys_platform == 'linux'") for pin in PINS)


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == dap.__version__


def test_every_extra_is_in_the_lock():
    extras = PROJECT["optional-dependencies"]
    (every,) = map(Requirement, extras["all"])
    assert every.extras == extras.keys() - {"all", "dev"}
    assert "deep-audio-priors[all]" in extras["dev"]  # which is what the lock is made of


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_ranges_admit_the_locked_versions(platform):
    specifiers = versions(platform)
    dependencies = chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for requirement in map(Requirement, dependencies):
        if requirement.name == PROJECT["name"]:
            assert requirement.extras <= PROJECT["optional-dependencies"].keys()
            continue
        version = specifiers[normal(requirement.name)].removeprefix("==")
        assert requirement.specifier.contains(version), requirement
    assert SpecifierSet(PROJECT["requires-python"]).contains("3.11")
    assert not SpecifierSet(PROJECT["requires-python"]).contains("3.10")
