"""Joining the parts of a study that were made on several machines, or in several sittings.

A part is a folder of results with records of its finished chunks (`dap.runtime.record`), or a copy
of what they name, packed into an archive. All of it is checked before anything is written: each
file against its record, and the records against each other.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dap.errors import DapError
from dap.runtime.archive import packed, unpacked
from dap.store import read_rows, seal_of, sha256, write_bytes
from dap.study.paths import COLLECTED, PRODUCTS, Names, Paths
from dap.study.places import recorded_chunks
from dap.study.records import Agreement, chunk_of, read_record

# of a part that was packed: all of its records, so that half a copy is seen
INDEX = "part.json"
TOPS = ("clips", "observations", "fits", "scores", "records")
REMEDY = "only parts of one setup, one code and one set of observations add up: leave one out"
# how a sitting is begun, for messages
MAKE = "run `snakemake --config part=1/1` there, which makes nothing again that is finished"


@dataclass(frozen=True)
class Chunk:
    """A finished chunk of a part.

    Attributes:
        source: the part's name, for messages.
        root: the folder that the record's files lie in.
        record: as `dap.study.records.read_record` gives it.
        path: of the record.
    """

    source: str
    root: Path
    record: Mapping[str, Any]
    path: Path

    @property
    def names(self) -> Names:
        """What the chunk is."""
        return chunk_of(self.record)

    @property
    def scores(self) -> Path:
        """Its scores."""
        return Path(Paths(str(self.root)).scores(*self.names))

    def files(self) -> Iterator[tuple[str, Path]]:
        """All files of the chunk, below the folder; those of the record last."""
        for name in self.record["files"]:
            yield name, self.root / name
        for path in (seal_of(self.path), self.path):
            yield path.relative_to(self.root).as_posix(), path


@dataclass(frozen=True)
class Joined:
    """What was joined, or packed.

    Attributes:
        chunks: all that are new.
        repeats: how many were there already, the same to the bit.
        cpus: how many of all chunks were made on each kind of CPU, those of the target included.
    """

    study: str
    chunks: list[Chunk]
    repeats: int
    cpus: dict[str, int]


def collect(parts: Iterable[str | Path], into: Path) -> Joined:
    """Join parts into the folder of a study's results, `results/STUDY`.

    What is joined lies below `collected/` there, the record of each chunk last: a chunk that was
    half written by a kill is none, and is joined when the command is given again.

    Args:
        parts: folders and archives.

    Raises:
        DapError: a part is damaged or none, or of another study, or they differ in setup, code,
            clips or observations, or have other numbers for the same clip; the message names file
            and key, and nothing was joined.
        UnwritableError: a file cannot be written.
    """
    with ExitStack() as stack:
        present = list(_chunks(str(into), into))
        found = _found(parts, stack)
        joined = _joined(present, found)
        if into.resolve().name != joined.study:
            raise DapError(
                f"{into}: the parts are of the study {joined.study}, whose results lie in a folder "
                f"of that name: --into results/{joined.study}"
            )
        for chunk in joined.chunks:
            for name, path in chunk.files():
                write_bytes(into / COLLECTED / name, path.read_bytes())
        return joined


def export(parts: Iterable[str | Path], archive: Path) -> Joined:
    """Pack what was made in some folders into one archive, whose name says its form.

    Of a folder of results that others were collected into, what was made there is packed alone.

    Raises:
        DapError, UnwritableError: as `collect`.
    """
    with ExitStack() as stack:
        made = [chunk for chunk in _found(parts, stack) if chunk.root.name != COLLECTED]
        if not made:
            raise DapError(f"{archive}: all that is finished there was collected from elsewhere")
        joined = _joined([], made)
        files = {name: path for chunk in joined.chunks for name, path in chunk.files()}
        records = [chunk.path.relative_to(chunk.root).as_posix() for chunk in joined.chunks]
        index = json.dumps({"records": sorted(records)}, indent=1) + "\n"
        packed(archive, {INDEX: index.encode(), **files})
        return joined


def _found(parts: Iterable[str | Path], stack: ExitStack) -> list[Chunk]:
    """The chunks of all parts; archives are unpacked until the stack is closed."""
    folders = {str(part): stack.enter_context(unpacked(Path(part))) for part in parts}
    return [chunk for name, folder in folders.items() for chunk in _part(name, folder)]


def _joined(present: list[Chunk], found: list[Chunk]) -> Joined:
    """What is new among the chunks that were found, once all agree."""
    agreement, files = Agreement(REMEDY), _Files()
    unique: dict[Names, Chunk] = {}
    for chunk in [*present, *found]:
        agreement.add(chunk.record, f"{chunk.source} ({'/'.join(chunk.names)})")
        _require_same(unique.setdefault(chunk.names, chunk), chunk)
        if unique[chunk.names] is chunk:
            files.add(chunk)
    there = {chunk.names for chunk in present}
    new = [chunk for names, chunk in unique.items() if names not in there]
    study = found[0].record["setup"]["study"]["study"]
    cpus = Counter(chunk.record["cpu"] for chunk in unique.values())
    return Joined(study, new, len(found) - len(new), dict(cpus))


def _part(name: str, folder: Path) -> list[Chunk]:
    """The chunks of a part, each file of which was checked."""
    listed = _index(name, folder)
    chunks = list(_chunks(name, folder))
    for missing in sorted(listed - {chunk.path.relative_to(folder).as_posix() for chunk in chunks}):
        raise DapError(f"{name}: {missing} is not there, though {INDEX} lists it: copy all of it")
    if not chunks:
        raise DapError(f"{name}: has no record of a finished chunk, so it is no part: {MAKE}")
    return chunks


def _index(name: str, folder: Path) -> set[str]:
    """The records that a packed part is to have; none of a folder of results."""
    path = folder / INDEX
    if not path.is_file():
        return set()
    try:
        return set(json.loads(path.read_text(encoding="utf-8"))["records"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DapError(f"{name}: {INDEX} is damaged: copy it anew") from error


def _chunks(name: str, folder: Path) -> Iterator[Chunk]:
    """The chunks of a folder of results, made there or collected."""
    own = Paths(str(folder))
    for paths in (own, own.collected):
        for names, path in recorded_chunks(paths).items():
            chunk = Chunk(name, Path(paths.root), read_record(path), path)
            if chunk.names != names:
                raise DapError(f"{path}: is of {'/'.join(chunk.names)}: it was moved or renamed")
            _check_files(chunk)
            yield chunk


def _check_files(chunk: Chunk) -> None:
    """Refuse a chunk of which a file is missing, or another than was recorded."""
    needed = {PRODUCTS[kind].format(**chunk.names._asdict()) for kind in ("fits", "scores")}
    for name in sorted({*chunk.record["files"], *needed}):
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or pure.parts[0] not in TOPS:
            raise DapError(f"{chunk.path}: lists {name}, which is no product of a study")
        path = chunk.root / name
        if not path.is_file():
            raise DapError(f"{path}: is not there, though {chunk.path.name} lists it: copy it anew")
        if sha256(path) != chunk.record["files"].get(name):
            raise DapError(
                f"{path}: is torn or was changed (its sha256 is not that of {chunk.path}): copy it "
                "anew, or delete the record to leave the chunk out"
            )


class _Files:
    """The files of all chunks, several of which may share one, by their names below the folder."""

    def __init__(self) -> None:
        self._digests: dict[str, tuple[str, Chunk]] = {}
        self._observed: dict[str, Chunk] = {}

    def add(self, chunk: Chunk) -> None:
        """Add those of a chunk; refuse one that has another content, or a clip, in another."""
        for name, digest in chunk.record["files"].items():
            known, first = self._digests.setdefault(name, (digest, chunk))
            if known != digest:
                raise DapError(
                    f"{chunk.source}: {name} is another than in {first.source}: the two were made "
                    "of different recordings or numbers of clips; leave one of them out"
                )
        for name in chunk.record["data"]:
            first = self._observed.setdefault(name, chunk)
            if name.startswith("observations/") and first.names.chunk != chunk.names.chunk:
                raise DapError(
                    f"{chunk.source}: {name} is in chunk {chunk.names.chunk}, and in "
                    f"{first.names.chunk} of {first.source}: the two were made of different "
                    "recordings or numbers of clips; leave one of them out"
                )


def _require_same(first: Chunk, second: Chunk) -> None:
    """Refuse a chunk that is there already with other numbers."""
    one, two = read_rows(first.scores), read_rows(second.scores)
    if one == two:
        return
    differing = next((pair for pair in zip(one, two, strict=False) if pair[0] != pair[1]), None)
    where = f"{second.source}: {'/'.join(second.names)}"
    remedy = "one chunk cannot count twice: leave one of them out"
    if differing is None:
        raise DapError(f"{where} has {len(two)} scores, and {len(one)} in {first.source}: {remedy}")
    clip, metric, selection = (differing[1][key] for key in ("clip", "metric", "selection"))
    values = [row["value"] for row in differing]
    raise DapError(
        f"{where}: clip {clip} has other numbers than in {first.source} ({metric} of {selection}: "
        f"{values[1]} and {values[0]}; made on {second.record['cpu']} and {first.record['cpu']}): "
        f"{remedy}"
    )
