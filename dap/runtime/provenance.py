"""Which code and machine made a product: versions, the commit, the processor."""

import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
PACKAGES = (
    *("torch", "numpy", "scipy", "librosa", "soundfile", "pandas", "pesq", "mir_eval"),
    *("pystoi", "pywavelets", "noisereduce", "scikit-learn", "soxr"),
)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    numbers = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            numbers[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            numbers[name] = "not installed"
    return numbers


def commit(root: Path) -> str:
    """The commit of the checkout at `root`, with "+changes" if tracked files differ from it."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown (not a git checkout)"


def made(threads: int) -> dict[str, int | str]:
    """What made an estimate, as a manifest says it: threads, processor, commit and versions."""
    return {
        "threads": threads,
        "cpu": machine()["cpu"],
        "commit": commit(PACKAGE.parent),
        "versions": json.dumps(versions()),
    }


def machine() -> dict[str, str]:
    """The machine's class: processor model, architecture, operating system; no host name."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return {"cpu": model, "architecture": platform.machine(), "system": platform.system()}
