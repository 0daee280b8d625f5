"""What plugins exist, known without importing them.

A plugin (a prior, a metric, a synthetic corpus, a baseline) is one module in its package, and says
what it offers in a top-level literal, for example `METRICS = {"snr": {"unit": "dB"}}`. The literal
is read from the source, so that the Snakefile, parsed again by every cluster job, knows all names
without importing torch.
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
class Plugin:
    """One name that a plugin module offers, and what the module says of it."""

    name: str
    module: str  # dotted name, importable
    metadata: dict

    def load(self) -> ModuleType:
        """Import the module that offers this name."""
        return importlib.import_module(self.module)


@cache
def plugins(package: str, variable: str) -> dict[str, Plugin]:
    """All that the modules of `dap.<package>` offer under the literal `variable`, by name.

    Args:
        package: a package of dap, with "/" between levels: "priors", "metrics", "corpora".
        variable: the literal's name: "PRIORS", "METRICS", "SYNTHETIC".

    Raises:
        DapError: two modules offer the same name.
    """
    found: dict[str, Plugin] = {}
    for path in sorted((ROOT / package).glob("*.py")):
        module = ".".join(("dap", *package.split("/"), path.stem))
        for name, metadata in _literal(path, variable).items():
            if name in found:
                raise DapError(f"{name} is offered twice: by {found[name].module} and by {module}")
            found[name] = Plugin(name, module, metadata)
    return found


def plugin(package: str, variable: str, name: str) -> Plugin:
    """The plugin called `name`.

    Raises:
        DapError: there is none; the message lists those that there are.
    """
    known = plugins(package, variable)
    if name not in known:
        raise DapError(f"unknown {package} name {name!r}: there are {', '.join(sorted(known))}")
    return known[name]


@cache
def declared(module: str, variable: str) -> dict:
    """A top-level literal of one module of dap, `declared("data/corruptions", "CORRUPTIONS")`."""
    return _literal((ROOT / module).with_suffix(".py"), variable)


def _literal(path: Path, variable: str) -> dict:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == variable for target in node.targets
        ):
            return ast.literal_eval(node.value)
    return {}
