"""Where the products of a study's chunks lie: made here, or collected from elsewhere.

`dap collect` puts what other machines made below `collected/` in the folder of a study's results,
laid out as that folder is. No rule makes these files: a chunk that was collected is a source of
tables and figures, and is never fitted again.

Light on purpose: the Snakefile and every cluster job parse it.
"""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from dap.study.paths import PRODUCTS, Names, Paths, names


def recorded_chunks(root: Paths) -> dict[Names, Path]:
    """The chunks of a folder of results that are finished, and their records."""
    depth = PRODUCTS["records"].count("/")
    folder = Path(root.root, PRODUCTS["records"].partition("/")[0])
    paths = sorted(folder.glob("/".join(["*"] * (depth - 1) + ["*.json"])))
    return {names("records", path): path for path in paths}


class Places:
    """The places of one study's products.

    Args:
        own: the paths of what is made here.
        unfinished: whether only what is there already is shown.

    Attributes:
        elsewhere: the paths of what was collected.
    """

    def __init__(self, own: Paths, *, unfinished: bool = False):
        self.own, self.unfinished = own, unfinished
        self.elsewhere = own.collected

    @cached_property
    def collected(self) -> dict[Names, Path]:
        """The chunks that were collected, and their records."""
        return recorded_chunks(self.elsewhere)

    def of(self, chunk: Names) -> Paths:
        """The paths of what a method made of a chunk, and of its scores."""
        return self.elsewhere if chunk in self.collected else self.own

    def shown(self, chunks: Iterable[Names]) -> list[Names]:
        """Those of some chunks that tables show: all, or in an unfinished study those there are."""
        return [chunk for chunk in chunks if not self.unfinished or self.is_there(chunk)]

    def is_there(self, chunk: Names) -> bool:
        """Whether a chunk's fits and scores exist."""
        files = self.of(chunk).fits(*chunk), self.of(chunk).scores(*chunk)
        return all(Path(file).is_file() for file in files)

    def clips(self, corpus: str, chunk: str) -> str:
        """The manifest of clean clips."""
        return self._first(self.own.clips(corpus, chunk), self.elsewhere.clips(corpus, chunk))

    def observations(self, experiment: str, corpus: str, chunk: str) -> str:
        """The manifest of observations."""
        wanted = (experiment, corpus, chunk)
        return self._first(self.own.observations(*wanted), self.elsewhere.observations(*wanted))

    def _first(self, own: str, elsewhere: str) -> str:
        # what is made here has all of its sounds
        return elsewhere if not Path(own).is_file() and Path(elsewhere).is_file() else own
