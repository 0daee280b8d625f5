"""What plugins exist, known without importing them.

A plugin (a prior, a metric, a baseline, a corruption, a corpus) is one module, which says what it
offers in a top-level literal, for example `METRICS = {"snr": {"unit": "dB"}}`. The literal is read
from the source, so that the Snakefile, parsed again by every cluster job, knows all names without
importing torch.
"""

import ast
import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from dap.errors import DapError

ROOT = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Kind:
    """A kind of plugin.

    Attributes:
        noun: what one is called in messages.
        variable: the literal's name.
        folder: where the package's own modules of the kind are, below `dap`.
    """

    noun: str
    variable: str
    folder: str


KINDS = {
    "priors": Kind("prior", "PRIORS", "priors"),
    "metrics": Kind("metric", "METRICS", "metrics"),
    "baselines": Kind("baseline", "BASELINES", "baselines"),
    "corruptions": Kind("corruption", "CORRUPTIONS", "data/corruptions"),
    "synthetic": Kind("synthetic corpus", "SYNTHETIC", "data/synthetic"),
    "archives": Kind("known corpus", "ARCHIVES", "data/corpora"),
}


@dataclass(frozen=True)
class Plugin:
    """One name that a plugin module offers.

    Attributes:
        name: as a study has it.
        module: the module's dotted name.
        path: the module's file.
        metadata: what the literal has under the name.
    """

    name: str
    module: str
    path: Path
    metadata: dict

    def load(self) -> ModuleType:
        """Import the module that offers this name."""
        return importlib.import_module(self.module)


@cache
def plugins(kind: str) -> dict[str, Plugin]:
    """All plugins of a kind of `KINDS`, by name.

    Raises:
        DapError: two modules offer the same name.
    """
    variable, folder = KINDS[kind].variable, KINDS[kind].folder
    offered: dict[str, Plugin] = {}
    for path in sorted((ROOT / folder).glob("*.py")):
        module = ".".join(("dap", *folder.split("/"), path.stem))
        for name, metadata in _literal(path, variable).items():
            if name in offered:
                raise DapError(
                    f"the {KINDS[kind].noun} {name!r} is offered twice: by {offered[name].path} "
                    f"and by {path}"
                )
            offered[name] = Plugin(name, module, path, metadata)
    return offered


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


def _literal(path: Path, variable: str) -> dict:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == variable for target in node.targets
        ):
            return ast.literal_eval(node.value)
    return {}
