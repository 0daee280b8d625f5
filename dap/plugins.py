"""What plugins exist, known without importing them.

A plugin (a prior, a metric, a baseline, a corruption, a corpus) is one module, which says what it
offers in a top-level literal, for example `METRICS = {"snr": {"unit": "dB"}}`. The literal is read
from the source, so that the Snakefile, parsed again by every cluster job, knows all names without
importing torch.

Plugins are found in three places: in the package's own folders; in distributions that are installed
beside it, by their entry points; and in the files and folders that a study lists under `plugins`.
Those are known to a process, and to those that it starts, by an environment variable (`use`).
"""

import ast
import hashlib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from dap.errors import DapError, PluginError
from dap.tasks import TASKS

ROOT = Path(__file__).resolve().parent
# the files and folders of a study's `plugins`, separated as those of PATH are
VARIABLE = "DAP_PLUGINS"
# of the package that stands for a folder among these
PREFIX = "dap_plugins_"
# a name is part of files' names
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# what the metadata may say under these keys, one of them or a list
CHOICES = {
    "better": ("higher", "lower"),
    "domain": ("waveform",),
    "task": TASKS,
    "tasks": TASKS,
}
# how libraries say that the memory is full: a job is tried again with more, and no plugin is blamed
MEMORY_IS_FULL = ("out of memory", "alloc_failed", "can't allocate memory")


@dataclass(frozen=True)
class Kind:
    """A kind of plugin.

    Attributes:
        noun: what one is called in messages.
        variable: the literal's name.
        folder: where the package's own modules of the kind are, below `dap`.
        group: the entry points' group.
        required: keys of each name's metadata.
        optional: further keys.
    """

    noun: str
    variable: str
    folder: str
    group: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


KINDS = {
    "priors": Kind(
        "prior",
        "PRIORS",
        "priors",
        "dap.priors",
        ("title",),
        ("tasks", "domain", "least_iterations", "published", "fit"),
    ),
    "metrics": Kind(
        "metric",
        "METRICS",
        "metrics",
        "dap.metrics",
        ("label", "unit", "better"),
        ("speech", "whole", "joint", "sample_rates"),
    ),
    "baselines": Kind(
        "baseline",
        "BASELINES",
        "baselines",
        "dap.baselines",
        ("title", "tasks"),
        ("corruptions", "published", "sample_rates", "speech", "peak", "weights"),
    ),
    "corruptions": Kind(
        "corruption",
        "CORRUPTIONS",
        "data/corruptions",
        "dap.corruptions",
        ("task", "options"),
        ("allOf",),
    ),
    "synthetic": Kind("synthetic corpus", "SYNTHETIC", "data/synthetic", "dap.corpora", ("title",)),
    "archives": Kind(
        "known corpus",
        "ARCHIVES",
        "data/corpora",
        "dap.corpora",
        ("title", "licence", "citation", "size", "sources"),
        ("why_no_archive", "rendered"),
    ),
}


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
            _literal(file, kind.variable) for file in _files(path) for kind in KINDS.values()
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


def shown(path: Path) -> str:
    """A file as it is named in messages: relative to the working directory or to the package's."""
    bases = [ROOT.parent]
    with suppress(FileNotFoundError):  # the working directory was deleted
        bases.insert(0, Path.cwd())
    for base in bases:
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return str(path)


# ---------------------------------------------------------------------- finding


@cache
def _plugins(kind: str, paths: str) -> dict[str, Plugin]:
    offered: dict[str, Plugin] = {}
    for module, path in _modules(KINDS[kind], paths):
        for name, metadata in _checked(path, KINDS[kind]).items():
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


# ---------------------------------------------------------------------- reading


def _checked(path: Path, kind: Kind) -> dict[str, dict]:
    """What a file offers of a kind."""
    offered = _literal(path, kind.variable)
    for name, metadata in offered.items():
        where = f"{shown(path)}: {kind.variable}"
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise DapError(f"{where}: {name!r} is no name of letters, digits, '.', '_' and '-'")
        if not isinstance(metadata, dict):
            raise DapError(f"{where}: {name} has {metadata!r}: must be a dictionary")
        missing = [key for key in kind.required if key not in metadata]
        unknown = [key for key in metadata if key not in (*kind.required, *kind.optional)]
        if missing or unknown:
            raise DapError(
                f"{where}: {name} "
                + (f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown)}")
                + f"; needed: {', '.join(kind.required)}"
                + (f"; allowed: {', '.join(kind.optional)}" if kind.optional else "")
            )
        for key, choices in CHOICES.items():
            values = metadata.get(key, [])
            for value in values if isinstance(values, list) else [values]:
                if value not in choices:
                    raise DapError(
                        f"{where}: {name}.{key} is {value!r}; allowed: {', '.join(choices)}"
                    )
        least = metadata.get("least_iterations", 1)
        if type(least) is not int or least < 1:
            raise DapError(
                f"{where}: {name}.least_iterations is {least!r}: must be a whole number of at "
                "least 1"
            )
        _check_fits(f"{where}: {name}.fit", metadata.get("fit", {}))
    return offered


def _check_fits(where: str, fits: object) -> None:
    """Refuse what are no fit options by task."""
    if not isinstance(fits, dict) or not all(isinstance(fit, dict) for fit in fits.values()):
        raise DapError(f"{where} is {fits!r}: must be options of a fit, by task")
    for task in fits:
        if task not in TASKS:
            raise DapError(f"{where}: there is no task {task!r}: there are {', '.join(TASKS)}")


def _literal(path: Path, variable: str) -> dict:
    """The value that a file's top level gives a name; nothing where it gives none."""
    try:
        nodes = ast.parse(path.read_bytes(), filename=str(path)).body
    except (OSError, SyntaxError, ValueError) as error:
        raise DapError(f"{shown(path)}: cannot be read as Python: {error}") from error
    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=content):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as content):
                names = [name]
            case _:
                continue
        if variable not in names:
            continue
        try:
            value = ast.literal_eval(content)
        except (TypeError, ValueError) as error:
            raise DapError(
                f"{shown(path)}: {variable} has to be written out, since it is read without "
                "running the file: no names, calls or operators"
            ) from error
        if not isinstance(value, dict):
            raise DapError(f"{shown(path)}: {variable} is {value!r}: must be a dictionary")
        return value
    return {}
