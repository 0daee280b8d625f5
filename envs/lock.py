"""Resolve the pinned environment: pyproject.toml -> requirements.lock -> conda.yaml.

Run by `make lock`. The lock holds for Linux, macOS and Windows on x86-64 and arm64, by markers; on
Linux x86-64 it is the GPU build of PyTorch. The container recipe installs the lock itself.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PYTHON = "3.11"
HEADER = """\
# Made by `make lock` from requirements.lock: the same versions, for `snakemake --sdm conda`.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python={python}
  - pip
  - c-compiler  # PESQ is compiled on install
  - pip:
"""


def compile_lock(target: Path) -> None:
    """Let uv resolve all packages for every platform at once."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"]
    options = ["--python-version", PYTHON, "--extra", "dev", "--no-annotate", "--no-header"]
    project = FOLDER.parent / "pyproject.toml"
    subprocess.run([*command, *options, str(project), "--output-file", str(target)], check=True)


def conda(lock: str) -> str:
    """The conda environment of a lock: the same lines, quoted, since markers hold quotes."""
    pins = [line for line in lock.splitlines() if line and not line.startswith("#")]
    return HEADER.format(python=PYTHON) + "".join(f'      - "{pin}"\n' for pin in pins)


if __name__ == "__main__":
    path = FOLDER / "requirements.lock"
    compile_lock(path)
    (FOLDER / "conda.yaml").write_text(conda(path.read_text(encoding="utf-8")), encoding="utf-8")
