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
FORMAT = 3
# modules, and single names of modules, that make no number
OUTSIDE = (
    "dap.audio.write",  # the form of a file
    "dap.cache",
    "dap.cli",
    "dap.data.fetch",  # the checksums of what it fetches are in what asks for it
    "dap.data.skipped",  # what tables say of recordings that gave no clip
    "dap.data.weights",
    "dap.errors",
    "dap.fitting.cpu.cache",  # where the compiled layers lie
    "dap.fitting.gpu.devices",  # which GPU a fit has
    "dap.fitting.interleave",  # whose iteration is next
    "dap.options.PRESETS",  # all options of a fit are among its rule's parameters
    "dap.plugin_literals",
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
        self._of_c: dict[str, dict[str, str]] = {}
        self._of_part: dict[tuple[str, frozenset[int | str]], str] = {}

    def digests(self, *starts: str) -> dict[str, str]:
        """Digests of all that computes for a rule, by the names of modules and files.

        Args:
            starts: the rule's script, by its path in the checkout, and the plugins that it loads,
                by the dotted names of their modules, or by paths.
        """
        result: dict[str, str] = {}
        for part in self.sources.reached(starts).items():
            name, counting = part
            if part not in self._of_part:
                texts = self.sources.module(name).texts(counting)
                self._of_part[part] = _digest("\n".join(texts))
            if name not in self._of_c:
                self._of_c[name] = {
                    path.relative_to(self.root).as_posix(): _digest(c_code(path.read_text("utf-8")))
                    for path in self._c_sources(name)
                }
            result |= {name: self._of_part[part]} | self._of_c[name]
        return dict(sorted(result.items()))

    def _c_sources(self, name: str) -> list[Path]:
        if not (self.sources.has(name) and name.startswith(f"{self.sources.package.name}.")):
            return []
        path = self.sources.path(name)
        stems = {source.stem for source in path.parent.glob("*.py")}
        return [
            source
            for source in sorted(path.parent.glob("*.[ch]"))
            if source.stem == path.stem or (name == RUNS_C and source.stem not in stems)
        ]


def parameters(
    digests_of: Callable[[Any], Mapping[str, str]], names: Iterable[str]
) -> dict[str, Callable[[Any], str]]:
    """The parameters of a rule: the format, and one for each module or file.

    Snakemake compares the sets of values, and its reason shows those that differ, without their
    names. So a value has its module's name before the digest. Where a module does not count for a
    job, it is the format again, which changes nothing.

    Args:
        digests_of: the digests that count for a job, by its wildcards.
        names: all that count for any of the rule's jobs.
    """
    form = f"format {FORMAT}"

    def parameter(name: str) -> Callable[[Any], str]:
        def value(wildcards: Any) -> str:
            digest = digests_of(wildcards).get(name)
            return f"{name} {digest}" if digest else form

        return value

    return {"format": lambda wildcards: form} | {name: parameter(name) for name in sorted(names)}


def recorded(params: Mapping[str, Any]) -> list[str]:
    """What `parameters` gave one job, by its script: its format, and the digests that count."""
    return sorted(value for name, value in params.items() if f"{value}".startswith(f"{name} "))


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:12]
