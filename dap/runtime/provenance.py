"""Which code made a product: a hash of the sources it depends on, versions, and the commit."""

import ast
import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

from dap import plugins

PACKAGE = Path(__file__).resolve().parents[1]
PACKAGES = ("torch", "numpy", "scipy", "librosa", "soundfile", "pandas", "pesq", "mir_eval")
PACKAGES += ("pystoi", "pywavelets", "noisereduce", "scikit-learn", "soxr")


def source_hash(script: Path, modules: Iterable[str] = ()) -> str:
    """Hash of a script and of all modules of dap that it, or one of `modules`, imports.

    Snakemake does not see that an imported package has changed; a rule that carries this hash as a
    parameter is run again when a module that it depends on changes, and only then. Imports are
    found in the syntax tree, transitively; plugins, which are imported by name at run time, are
    named in `modules`.
    """
    paths = {script.resolve()}
    for path in [script.resolve(), *(_path(module) for module in modules)]:
        paths |= _closure(path)
    # compiled sources belong to the package that compiles them
    paths |= {source for path in paths for source in path.parent.glob("*.[ch]")}
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.as_posix()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _path(module: str) -> Path:
    if module.partition(".")[0] != PACKAGE.name:
        return plugins.source(module)
    base = PACKAGE.joinpath(*module.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@cache
def _imports(path: Path) -> frozenset[Path]:
    """The files of dap that one file imports, wherever in the file the import stands."""
    names = set()
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 1:  # a plugin's neighbours
            stems = [node.module] if node.module else [alias.name for alias in node.names]
            found.update(path.parent / f"{stem}.py" for stem in stems)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    for name in names:
        parts = name.split(".")
        if parts[0] == "dap":
            # the packages on the way down run too; a name that is no file is an attribute
            found.update(_path(".".join(parts[:depth])) for depth in range(1, len(parts) + 1))
    return frozenset(path for path in found if path.is_file())


def _closure(start: Path) -> set[Path]:
    seen, todo = set(), [start]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo.extend(_imports(path))
    return seen


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


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
