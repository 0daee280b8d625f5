"""Which code makes a rule's numbers, and digests of it, by which its products are made again.

Snakemake does not see that a function of an imported module has changed. So a rule has a digest of
each module that computes something for it among its parameters: one that changes makes the products
again, and Snakemake's reason names the module.

What counts is followed by name, from the rule's script and the plugins that it loads: a function
counts the functions, classes and constants that it names, in its module and in those that it
imports from (`dap.study.code_names`). Of these the syntax counts without comments, docstrings,
annotations, and what is only told to people: texts of errors, lines of the log
(`dap.study.code_syntax`). C sources count without their comments.

What stores, checks, retries and reports does not count, though what it calls does (`OUTSIDE`). When
a change of it changes the form of a product, `FORMAT` is raised by hand, which makes all products
again; a test fails where that was forgotten.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from dap.study.code_names import Sources
from dap.study.code_syntax import c_code

PACKAGE = Path(__file__).resolve().parents[1]
FORMAT = 1
# modules, and single names of modules, that make no number
OUTSIDE = (
    "dap.audio.write",  # the form of a file
    "dap.cli",
    "dap.errors",
    "dap.fitting.gpu.devices",  # which GPU a fit has
    "dap.fitting.interleave",  # whose iteration is next
    "dap.plugins",  # a rule says which it loads
    "dap.runtime",
    "dap.store",
    "dap.study",
    "dap.tasks.TASKS",  # what a rule needs of its task is among its parameters
)
# The module that runs the C sources of its folder; one with a module's name counts with that alone.
RUNS_C = "dap.fitting.cpu.network"


class Code:
    """The package's code; every source is read once.

    Args:
        package: the folder of `dap`.
        outside: as `OUTSIDE`.
    """

    def __init__(self, package: Path = PACKAGE, outside: Iterable[str] = OUTSIDE):
        self.root = package.parent
        self.sources = Sources(package, outside)
        self._of_c: dict[Path, str] = {}

    def digests(self, *starts: str) -> dict[str, str]:
        """Digests of all that computes for a rule, by the names of modules and files.

        Args:
            starts: the rule's script, by its path in the checkout, and the plugins that it loads,
                by the dotted names of their modules, or by paths.
        """
        result = {}
        for name, counting in self.sources.reached(starts).items():
            result[name] = _digest("\n".join(self.sources.module(name).texts(counting)))
            for path in self._c_sources(name):
                if path not in self._of_c:
                    self._of_c[path] = _digest(c_code(path.read_text(encoding="utf-8")))
                result[path.relative_to(self.root).as_posix()] = self._of_c[path]
        return dict(sorted(result.items()))

    def _c_sources(self, name: str) -> list[Path]:
        if not self.sources.has(name):
            return []
        path = self.sources.path(name)
        stems = {source.stem for source in path.parent.glob("*.py")}
        return [
            source
            for source in sorted(path.parent.glob("*.[ch]"))
            if source.stem == path.stem or (name == RUNS_C and source.stem not in stems)
        ]


def parameters(
    of: Callable[[Any], Mapping[str, str]], possible: Iterable[Any]
) -> dict[str, Callable[[Any], str | None]]:
    """The parameters of a rule, one for each module or file that may count for one of its jobs.

    Snakemake's reason shows the values that differ, without their names. So a value has its
    module's name before the digest; where a module does not count for a job, it is None.

    Args:
        of: the digests that count for a job, by its wildcards.
        possible: wildcards of jobs, which together count all that any job does.
    """

    def parameter(name: str) -> Callable[[Any], str | None]:
        def value(wildcards: Any) -> str | None:
            digest = of(wildcards).get(name)
            return f"{name} {digest}" if digest else None

        return value

    names = sorted({name for wildcards in possible for name in of(wildcards)})
    form = {"format": lambda wildcards: f"format {FORMAT}"}
    return form | {name: parameter(name) for name in names}


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:12]
