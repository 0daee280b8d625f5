"""What plugins exist, known without importing them.

A plugin (a prior, a metric, a baseline, a corruption, a corpus) is one module, which says what it
offers in a top-level literal. That is read from the source (`dap.plugin_literals`), so that the
Snakefile, parsed again by every cluster job, knows all names without importing torch.

Plugins are found in three places: in the package's own folders; in distributions that are installed
beside it, by their entry points; and in the files and folders that a study lists under `plugins`.
Those are known to a process, and to those that it starts, by an environment variable (`use`).
"""

import hashlib
import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from dap.errors import DapError, PluginError
from dap.plugin_literals import KINDS, ROOT, Kind, literal, offered_in, shown

# the files and folders of a study's `plugins`, separated as those of PATH are
VARIABLE = "DAP_PLUGINS"
# of the package that stands for a folder among these
PREFIX = "dap_plugins_"
# how libraries say that the memory is full: a job is tried again with more, and no plugin is blamed
MEMORY_IS_FULL = ("out of memory", "alloc_failed", "can't allocate memory")


@dataclass(frozen=True)
class Plugin:
    """One name that a plugin module offers.

    Attributes:
        name: as a study has it.
        module: the module's dotted name, the same on every machine that runs the study.
        path: the module's file.
        metadata: what the literal has under the name.
    """

    name: str
    module: str
    path: Path
    metadata: dict

    def load(self) -> ModuleType:
        """Import the module that offers this name."""
        package, _, _ = self.module.rpartition(".")
        if package.startswith(PREFIX) and package not in sys.modules:
            # an empty package, so that the module can import what lies beside it: from .x import y
            spec = ModuleSpec(package, None, is_package=True)
            spec.submodule_search_locations = [str(self.path.parent)]
            sys.modules[package] = module_from_spec(spec)
        return importlib.import_module(self.module)

    @contextmanager
    def running(self) -> Iterator[ModuleType]:
        """The imported module, to call its functions inside of the `with` statement.

        Raises:
            PluginError: there, or at the import, something was raised that is no `DapError` and no
                lack of memory; the message names the plugin and its file.
        """
        try:
            yield self.load()
        except (DapError, MemoryError):
            raise
        except Exception as error:
            if any(words in str(error).lower() for words in MEMORY_IS_FULL):
                raise
            raise PluginError(
                f"{self.name} ({shown(self.path)}): {type(error).__name__}: {error}",
                traceback.format_exc(),
            ) from error


def use(paths: Sequence[str]) -> None:
    """Have the plugins of some files and folders found, by this process and those that it starts.

    They take the place of those of an earlier call.

    Args:
        paths: relative ones are relative to the working directory.

    Raises:
        DapError: one is not there, or offers nothing.
    """
    os.environ[VARIABLE] = os.pathsep.join(paths)
    if paths:
        _plugins.cache_clear()  # their files may have changed
    for path in paths:
        if os.pathsep in path:
            raise DapError(f"plugins: {path} has a {os.pathsep!r} in its name: rename it")
        _check_path(path)
        if not any(
            literal(file, kind.variable) for file in _files(path) for kind in KINDS.values()
        ):
            literals = ", ".join(kind.variable for kind in KINDS.values())
            raise DapError(f"plugins: {path} offers nothing: none of {literals} is in it")


def plugins(kind: str) -> dict[str, Plugin]:
    """All plugins of a kind of `KINDS`, by name.

    Raises:
        DapError: two files offer the same name, or one cannot be read, or says what it may not.
    """
    return _plugins(kind, os.environ.get(VARIABLE, ""))


def plugin(kind: str, name: str) -> Plugin:
    """The plugin of a kind that is called `name`.

    Raises:
        DapError: there is none; the message lists those that there are.
    """
    offered = plugins(kind)
    if name not in offered:
        noun = KINDS[kind].noun
        raise DapError(f"unknown {noun} {name!r}: there are {', '.join(sorted(offered))}")
    return offered[name]


def methods() -> dict[str, Plugin]:
    """Priors and baselines, by name.

    Raises:
        DapError: a prior and a baseline have the same name.
    """
    priors, baselines = plugins("priors"), plugins("baselines")
    for name in sorted(priors.keys() & baselines.keys()):
        files = f"{shown(priors[name].path)} and the baseline of {shown(baselines[name].path)}"
        raise DapError(f"{name!r} is the prior of {files}: one must be called otherwise")
    return priors | baselines


def own_fit(method: str, task: str) -> dict[str, Any]:
    """The fit options that a prior brings for a task, as a study's `fit` section has them.

    A study's `fit` does not change them, its `fits` do; most priors bring none.
    """
    offer = plugins("priors").get(method)
    return dict(offer.metadata.get("fit", {}).get(task, {})) if offer else {}


def source(module: str) -> Path | None:
    """The file of a module, found without importing it; None where there is no such module.

    Args:
        module: dotted name of a plugin, or of a module that one imports from its own package.
    """
    first, _, rest = module.partition(".")
    if first.startswith(PREFIX):
        for entry in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
            folder = _folder(entry)
            if _package(folder) == first and "." not in rest:
                path = _absolute(folder) / f"{rest}.py"
                return path if path.is_file() else None
        return None
    origin, folders = None, None
    for depth in range(1, module.count(".") + 2):
        name = ".".join(module.split(".")[:depth])
        finders = (getattr(finder, "find_spec", None) for finder in sys.meta_path)
        specs = (find(name, folders) for find in finders if find)
        spec = next(filter(None, specs), None)
        if spec is None:
            return None
        origin, folders = spec.origin, spec.submodule_search_locations
    return Path(origin) if origin and origin.endswith(".py") else None


# ---------------------------------------------------------------------- finding


@cache
def _plugins(kind: str, paths: str) -> dict[str, Plugin]:
    offered: dict[str, Plugin] = {}
    for module, path in _modules(KINDS[kind], paths):
        for name, metadata in offered_in(path, KINDS[kind]).items():
            other = offered.setdefault(name, Plugin(name, module, path, metadata))
            # a file may be found twice, such as by its name and in its folder
            if not other.path.samefile(path):
                raise DapError(
                    f"the {KINDS[kind].noun} {name!r} is offered twice: by {shown(other.path)} "
                    f"and by {shown(path)}; rename one"
                )
    return offered


def _modules(kind: Kind, paths: str) -> Iterator[tuple[str, Path]]:
    """Names and files of the modules that may offer plugins of a kind."""
    for path in sorted((ROOT / kind.folder).glob("*.py")):
        yield ".".join(("dap", *kind.folder.split("/"), path.stem)), path
    for entry in sorted(entry_points(group=kind.group)):
        file = source(entry.module)
        if file is None:
            package = entry.dist.name if entry.dist else "(unknown)"
            raise DapError(
                f"the installed package {package} names the module {entry.module} in its "
                f"entry points {kind.group}, and there is none: install it again, or remove it"
            )
        yield entry.module, file
    for listed in filter(None, paths.split(os.pathsep)):
        for path in _files(listed):
            yield f"{_package(_folder(listed))}.{path.stem}", path


def _files(listed: str) -> list[Path]:
    """The files of one entry of a study's `plugins`."""
    path = _absolute(listed)
    if path.is_dir():
        return sorted(path.glob("*.py"))
    if not path.is_file():
        raise DapError(
            f"plugins: {listed} does not exist (from the working directory {Path.cwd()})"
        )
    if path.suffix != ".py":
        raise DapError(f"plugins: {listed} is no Python file: its name must end with .py")
    return [path]


def _folder(listed: str) -> str:
    return listed if _absolute(listed).is_dir() else os.path.dirname(listed)  # noqa: PTH120, text


def _absolute(listed: str) -> Path:
    return Path(listed).expanduser().absolute()


def _check_path(listed: str) -> None:
    try:
        _absolute(listed).stat()
    except FileNotFoundError:
        return  # a message of its own
    except (OSError, RuntimeError, ValueError) as error:
        # a name that is too long, the home of nobody, a character that no name can have
        reason = getattr(error, "strerror", None) or error
        raise DapError(f"plugins: {listed} cannot be looked for: {reason}") from error


def _package(folder: str) -> str:
    """The name of the package that stands for a folder; it moves with the study."""
    return PREFIX + hashlib.sha256(os.path.normpath(folder).encode()).hexdigest()[:8]
