"""Where the products of a study lie, and what a product is of, by its path.

Light on purpose: the Snakefile and every cluster job parse it. The names of the files beside a
manifest, and how they are read back, are in `dap.store`; those of the known corpora in
`dap.data.known`.
"""

import errno
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dap.errors import UnwritableError
from dap.store import MANIFEST, Entry, read_entries, unwritable

RESULTS = "results"
COLLECTED = "collected"
FIRST = "000"  # the chunk whose first clip is shown
# the wildcards of the jobs that make a study's products
CLIPS = ("{corpus}", "{chunk}")
OBSERVATIONS = ("{experiment}", "{corpus}", "{chunk}")
FITS = ("{experiment}", "{corpus}", "{method}", "{chunk}")
MODELS = ("{experiment}", "{corpus}", "{method}", "{index}")
# below the folder of a study's results
PRODUCTS = {
    "clips": "/".join(("clips", *CLIPS, MANIFEST)),
    "observations": "/".join(("observations", *OBSERVATIONS, MANIFEST)),
    "fits": "/".join(("fits", *FITS, MANIFEST)),
    "losses": "/".join(("fits", *FITS, "losses.csv")),
    "snapshots": "/".join(("fits", *FITS, "snapshots.npz")),
    "model": "/".join(("models", *MODELS, "model.safetensors")),
    "learning": "/".join(("models", *MODELS, "learning.csv")),
    "card": "/".join(("models", *MODELS, "card.md")),
    "scores": "/".join(("scores", *FITS)) + ".csv",
    "records": "/".join(("records", *FITS)) + ".json",
    "table": "tables/{name}.{form}",
    "figure": "figures/{name}.{form}",
}


class Names(NamedTuple):
    """What a product is of; "" for what it does not depend on."""

    experiment: str = ""
    corpus: str = ""
    method: str = ""
    chunk: str = ""


def names(product: str, path: str | Path) -> Names:
    """What a product is of, by its path: the inverse of the methods of `Paths`.

    Args:
        product: "clips", "observations", "fits", "losses", "snapshots", "scores" or "records".

    Raises:
        ValueError: no such product has this path.
    """
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(PRODUCTS[product]))
    match = re.search(rf"(?:^|/){pattern}$", Path(path).as_posix())
    if match is None:
        raise ValueError(f"{path} is none of {product}, which lie at {PRODUCTS[product]}")
    return Names(**match.groupdict())


def require_folders(*folders: str | Path) -> None:
    """Refuse folders that cannot be made, or that nothing can be written into.

    Raises:
        UnwritableError: the message names what stands in the way, and the remedy.
    """
    for folder in map(Path, folders):
        for part in (folder, *folder.parents):
            if not (part.exists() or part.is_symlink()):
                continue
            if not part.is_dir():
                raise UnwritableError(f"{part}: is no folder, and must be one: move it away")
            if not os.access(part, os.W_OK | os.X_OK):
                raise UnwritableError(unwritable(part, OSError(errno.EACCES, "")))
            break


def clean_clips(manifests: Iterable[Path]) -> dict[str, Entry]:
    """The clips that some manifests list, by "corpus/clip"."""
    return {
        f"{names('clips', manifest).corpus}/{entry.row['clip']}": entry
        for manifest in manifests
        for entry in read_entries(manifest)
    }


@dataclass(frozen=True)
class Paths:
    """The paths of one study's products.

    The methods take the values of all wildcards, in the order of the path; without any, the path
    has Snakemake's wildcards, such as {corpus}. A value may be a wildcard, too.

    Attributes:
        root: the folder of the results.
    """

    root: str

    @classmethod
    def of(cls, study: str) -> "Paths":
        """The paths of a study, by its name."""
        return cls(f"{RESULTS}/{study}")

    def clips(self, *values: str) -> str:
        """The manifest of clean clips, of corpus and chunk."""
        return self._path("clips", values)

    def observations(self, *values: str) -> str:
        """The manifest of observations, of experiment, corpus and chunk."""
        return self._path("observations", values)

    def fits(self, *values: str) -> str:
        """The manifest of a prior's fits or of a baseline, of experiment, corpus, method, chunk."""
        return self._path("fits", values)

    def losses(self, *values: str) -> str:
        """The losses of a prior's fits, of experiment, corpus, method and chunk."""
        return self._path("losses", values)

    def snapshots(self, *values: str) -> str:
        """The trajectories of a prior's fits, of experiment, corpus, method and chunk."""
        return self._path("snapshots", values)

    def model(self, *values: str) -> str:
        """A trained model, of experiment, corpus, method and index of the initialisation."""
        return self._path("model", values)

    def learning(self, *values: str) -> str:
        """The learning curves of a model, of the same."""
        return self._path("learning", values)

    def card(self, *values: str) -> str:
        """What a model was made of and how well it does, of the same."""
        return self._path("card", values)

    def scores(self, *values: str) -> str:
        """The scores, of experiment, corpus, method and chunk."""
        return self._path("scores", values)

    def records(self, *values: str) -> str:
        """What a finished chunk was made of, of experiment, corpus, method and chunk."""
        return self._path("records", values)

    def timings(self, machine: str) -> str:
        """What short fits took on a kind of machine."""
        return f"{self.root}/timings/{machine}.json"

    @property
    def collected(self) -> "Paths":
        """The paths of what was made elsewhere, and collected."""
        return Paths(f"{self.root}/{COLLECTED}")

    def table(self, *values: str) -> str:
        """What stands beside the tables, or is one: of name and form, such as "csv"."""
        return self._path("table", values)

    def figure(self, *values: str) -> str:
        """A figure, of name and form, such as "pdf"."""
        return self._path("figure", values)

    @property
    def folders(self) -> list[str]:
        """The folder of the results, and those in it."""
        products = {template.partition("/")[0] for template in PRODUCTS.values()}
        below = sorted(products | {"logs", "benchmarks"})
        return [self.root, *(f"{self.root}/{name}" for name in below)]

    @property
    def report(self) -> str:
        """The report."""
        return f"{self.root}/report.html"

    @property
    def summary(self) -> str:
        """What was found, as Markdown."""
        return f"{self.root}/summary.md"

    def log(self, *names: str) -> str:
        """The log of a job, by the rule's name and the job's wildcards."""
        return f"{self.root}/logs/{'/'.join(names)}.log"

    def benchmark(self, *names: str) -> str:
        """What a job took, by the rule's name and the job's wildcards."""
        return f"{self.root}/benchmarks/{'/'.join(names)}.tsv"

    def _path(self, product: str, values: tuple[str, ...]) -> str:
        template = PRODUCTS[product]
        if values:
            wildcards = re.findall(r"\{(\w+)\}", template)
            template = template.format(**dict(zip(wildcards, values, strict=True)))
        return f"{self.root}/{template}"
