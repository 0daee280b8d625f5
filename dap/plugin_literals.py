"""What the modules of plugins say of themselves: literals, read from the source and checked.

`METRICS = {"snr": {"unit": "dB"}}` says that a module has a metric `snr`. `dap.plugins` finds such
modules, and loads them.
"""

import ast
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dap.errors import DapError
from dap.tasks import TASKS

ROOT = Path(__file__).resolve().parent
# a name is part of files' names
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# what the metadata may say under these keys, one of them or a list
CHOICES = {
    "better": ("higher", "lower"),
    "domain": ("waveform",),
    "task": TASKS,
    "tasks": TASKS,
}


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


def offered_in(path: Path, kind: Kind) -> dict[str, dict]:
    """What a file offers of a kind: the metadata of each name.

    Raises:
        DapError: the file cannot be read, or says what it may not.
    """
    offered = literal(path, kind.variable)
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


def literal(path: Path, variable: str) -> dict:
    """The value that a file's top level gives a name; nothing where it gives none.

    Raises:
        DapError: the file is no Python, or the value no dictionary that is written out.
    """
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


def shown(path: Path) -> str:
    """A file as it is named in messages: relative to the working directory or to the package's."""
    bases = [ROOT.parent]
    with suppress(FileNotFoundError):  # the working directory was deleted
        bases.insert(0, Path.cwd())
    for base in bases:
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return str(path)
