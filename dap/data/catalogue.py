"""Which recordings a corpus has, and in what order clips are drawn from them.

Nothing here opens a recording. A corpus is the study's entry for it: `synthetic: speech`; or
`folder: PATH` and `files: GLOB`; or, for a known corpus, these and `index: CSV`, which lists the
folder once it is there.
"""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from dap.data.folders import listing
from dap.data.known import matches
from dap.data.names import as_text, folded, ids, window_id
from dap.errors import DapError, named
from dap.seeds import derive


@dataclass(frozen=True)
class Draw:
    """One clip to be made.

    Attributes:
        clip: its stable id, unique in the corpus and fit to be a file name.
        file: the recording's path relative to the corpus's folder; "" in a synthetic corpus.
        window_index: how many clips were drawn from the same recording before.
    """

    clip: str
    file: str
    window_index: int

    def as_dict(self) -> dict:
        """As a plain dictionary."""
        return asdict(self)


def draws(
    corpus: str, entry: dict, seed: int, count: int, usable: Sequence[str] | None = None
) -> list[Draw]:
    """The first `count` clips of a corpus; the order does not change when more are asked for.

    Recordings are in the order of `ordered`. When all have given a clip, the order starts again and
    each gives another window (window 1, 2, ...).

    Args:
        usable: those of the recordings that can be used, in their order; all by default.

    Raises:
        DapError: the folder is missing or holds no audio.
    """
    if "synthetic" in entry:
        return [Draw(f"{entry['synthetic']}-{index:05d}", "", 0) for index in range(count)]
    with named(f"corpus {corpus}"):
        clips = ids(recordings(entry))
    taken = set(map(folded, clips.values()))
    files = ordered(corpus, entry, seed) if usable is None else usable
    return [
        Draw(window_id(file, window, clips, taken), file, window)
        for window, file in (
            (index // len(files), files[index % len(files)]) for index in range(count)
        )
    ]


def ordered(corpus: str, entry: dict, seed: int) -> list[str]:
    """A corpus's recordings in the order in which they are drawn: by a hash of seed and path."""
    return sorted(recordings(entry), key=lambda file: derive(seed, "order", corpus, as_text(file)))


def pick(entry: dict, seed: int, *names: str) -> list[str]:
    """The recordings of a folder, from one on that is drawn by seed and names.

    The first is meant (the noise for a clip); the others are for where it cannot be used.
    """
    files = recordings(entry)
    first = derive(seed, *names) % len(files)
    return files[first:] + files[:first]


def recordings(entry: dict) -> list[str]:
    """Relative paths of a corpus's recordings, sorted, from its index or else from its folder.

    Raises:
        DapError: there is none.
    """
    if "index" in entry:
        return list(_indexed(entry["index"], entry["files"]))
    return sorted(listing(entry["folder"], entry["files"]))


def recording_path(entry: dict, file: str) -> Path:
    """The path of one of a corpus's recordings.

    Raises:
        DapError: it is not of the size that the index lists, if there is one.
    """
    path = Path(entry["folder"]) / file
    if "index" in entry:
        listed = _indexed(entry["index"], entry["files"])[file]
        size = path.stat().st_size if path.is_file() else 0
        if size != listed:
            raise DapError(
                f"{path}: has {size} bytes, and {listed} in {entry['index']}; delete that list, "
                "and run Snakemake again to unpack the corpus anew"
            )
    return path


@cache
def _indexed(index: str, files: str) -> dict[str, int]:
    """The bytes of each recording that an index lists, in the order of names."""
    with Path(index).open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if matches(row["file"], files)]
    if not rows:
        raise DapError(f"{index}: lists no recording that matches {files!r}")
    return {row["file"]: int(row["bytes"]) for row in sorted(rows, key=lambda row: row["file"])}
