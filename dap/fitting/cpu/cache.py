"""The library of the compiled layers on disk: compiled on first use, kept, and checked.

A library that was cut, or changed since, would end a process by a signal where it is loaded. So its
name holds the digest of its content, after that of all that it was compiled from.
"""

import atexit
import hashlib
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dap.cache import cache_folder


def compiled(compiler: str, flags: Sequence[str], sources: Path) -> Path:
    """The library of a folder's C sources, from the cache or compiled into it.

    One whose content is not what its name says is removed, and compiled again.

    Args:
        compiler: its path.
        flags: of the compiler.
        sources: the folder; `kernels.c` includes what else is in it.

    Returns:
        its path, in the cache, or in a temporary folder of this process where the cache cannot be
        written.

    Raises:
        OSError: nothing can be written anywhere.
        subprocess.CalledProcessError: the compiler failed.
    """
    name = _fingerprint(compiler, flags, sources)
    try:
        folder = cache_folder()
        for path in sorted(folder.glob(f"{name}-*.so")):
            if _intact(path):
                return path
            _remove(path)
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder))
    except (OSError, RuntimeError):  # no home, or none that can be written
        folder = scratch = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    made = scratch / f"{name}.new"
    try:
        command = [compiler, *flags, "-o", str(made), str(sources / "kernels.c"), "-lm"]
        subprocess.run(command, check=True, capture_output=True, text=True, errors="replace")
        path = folder / f"{name}-{_digest(made)}.so"
        made.replace(path)  # two jobs may compile at once: each moves a whole file
    finally:
        if scratch != folder:
            shutil.rmtree(scratch, ignore_errors=True)
    return path


def _fingerprint(compiler: str, flags: Sequence[str], sources: Path) -> str:
    """Hash of all that the compiled code depends on: nodes of a cluster share a home."""
    version = subprocess.run(
        [compiler, "--version"], capture_output=True, text=True, errors="replace", check=False
    )
    cpuinfo = Path("/proc/cpuinfo")
    cpu = platform.processor()
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        cpu = "".join([line for line in lines if line.startswith(("flags", "Features"))][:1])
    parts = [version.stdout, platform.machine(), cpu, *flags]
    parts += [path.read_text(encoding="utf-8") for path in sorted(sources.glob("*.[ch]"))]
    content = "\0".join(parts).encode(errors="surrogateescape")
    return hashlib.sha256(content).hexdigest()[:24]


def _intact(path: Path) -> bool:
    """Whether a library's content is the one that its name tells of."""
    try:
        return path.stem.rpartition("-")[2] == _digest(path)
    except OSError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:24]


def _remove(path: Path) -> None:
    """Remove what is no library, if this user may: another one is compiled whatever it is."""
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
