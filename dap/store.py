"""The files of a chunk: their names; written whole or not at all, and checked when they are read.

Snakemake sees that a file is there, and how old it is, not what is in it. So manifests hold the
sha256 of the files that they list, and beside a manifest, or another CSV, lies its seal,
`.<name>.sha256`, in the form of `sha256sum`. A file without a seal is taken as it is, so that
scores which were copied from elsewhere can be read.
"""

import csv
import hashlib
import io
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dap.audio import write
from dap.errors import DapError, UnwritableError, cause

MANIFEST = "manifest.csv"
ATTEMPTS = ".attempts.json"


def signal_file(clip: str) -> str:
    """A clean clip, or an observation."""
    return f"{clip}.wav"


def known_file(clip: str) -> str:
    """The arrays that a method may know of an observation."""
    return f"{clip}.npz"


def fit_name(clip: str, seed: int | str) -> str:
    """One initialisation of a clip; the names of all that a fit leaves begin with it."""
    return f"{clip}.s{seed}"


def estimate_file(fit: str, output: str, selection: str) -> str:
    """One output of a fit."""
    return f"{fit}.{output}.{selection}.wav"


def snapshot_arrays(fit: str) -> tuple[str, str]:
    """What the iterations and the signals of a fit's trajectory are called in their file."""
    return f"{fit}.iterations", f"{fit}.snapshots"


def finished_file(fit: str) -> str:
    """A fit that has ended, until its whole chunk has."""
    return f".{fit}.npz"


def checkpoint_file(fit: str) -> str:
    """The state of a fit that is under way."""
    return f".{fit}.checkpoint"


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Write a file so that a reader, or a kill, never finds half of it.

    Yields:
        where to write, in the same folder; it becomes `path` at the end.

    Raises:
        UnwritableError: the message names the file and the remedy.
    """
    # no number of a process: another machine's may be the same
    partial = path.with_name(f".{path.name}.{uuid.uuid4().int}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise UnwritableError(unwritable(path, error)) from error


def unwritable(path: Path | str, error: OSError) -> str:
    """Why a file cannot be written, and what to do about it."""
    return f"{path}: cannot be written ({cause(error)}, and try again)"


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all (`writing`)."""
    with writing(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all (`writing`)."""
    write_bytes(path, text.encode())


def seal(path: Path, *others: Path) -> None:
    """Write the sha256 of a file, and of others of its folder, beside it."""
    lines = [f"{sha256(file)}  {file.name}\n" for file in (path, *others)]
    write_text(seal_of(path), "".join(lines))


def seal_of(path: Path) -> Path:
    """Where the seal of a file is."""
    return path.with_name(f".{path.name}.sha256")


def verified(path: Path, sealed_by: Path | None = None) -> Path:
    """The path of a file, once its content has been checked against its seal.

    Args:
        sealed_by: the first file of the seal, where it is another.

    Raises:
        DapError: the file is missing or another; the message names it and the remedy.
    """
    first = sealed_by or path
    if not path.is_file():
        rest = f"delete {first} and run" if sealed_by else "run"
        raise DapError(f"{path}: is not there; {rest} Snakemake again to make it")
    if seal_of(first).is_file():
        lines = seal_of(first).read_text(encoding="utf-8", errors="replace").splitlines()
        digests = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        if digests.get(path.name, "") != sha256(path):
            raise DapError(
                f"{path}: is torn or was changed (its sha256 is not that of "
                f"{seal_of(first).name}); delete {first} and run Snakemake again"
            )
    return path


def write_rows(path: Path, rows: list[dict]) -> None:
    """Write dictionaries with equal keys as CSV, sealed; floats keep all their digits.

    A file of no rows has no names of columns either.
    """
    buffer = io.StringIO(newline="")
    names = list(rows[0]) if rows else []
    writer = csv.DictWriter(buffer, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, buffer.getvalue().encode())
    seal(path)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV as dictionaries of strings.

    Raises:
        DapError: the file is not there, or not the one that was written.
    """
    with verified(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write named arrays as a compressed npz."""
    buffer = io.BytesIO()
    # numpy's types let any of the names be `allow_pickle`
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read named arrays; nothing in the file is ever executed (`allow_pickle=False`)."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def read_intact(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file that an earlier job wrote; none if it is missing or torn."""
    try:
        return read_arrays(path)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
        return {}


def write_signal(path: Path, signal: np.ndarray, sample_rate: int) -> str:
    """Write (samples,) as WAV, whole or not at all; gives the file's sha256."""
    with writing(path) as partial:
        write(partial, signal, sample_rate)
        digest = sha256(partial)
    return digest


def checked(folder: Path, name: str, digest: str) -> Path:
    """The path of a chunk's file, once its content has been checked against the manifest.

    Raises:
        DapError: the file is missing or another; the message names it and the remedy.
    """
    path = folder / name
    remedy = f"delete {folder / MANIFEST} and run Snakemake again"
    if not path.is_file():
        raise DapError(f"{path}: is missing, though the manifest lists it; {remedy}")
    if sha256(path) != digest:
        raise DapError(
            f"{path}: is not the file that the manifest lists (sha256 differs); {remedy}"
        )
    return path


def read_checked_signal(folder: Path, name: str, digest: str) -> np.ndarray:
    """A chunk's WAV as float32 (samples,), checked against its manifest."""
    import soundfile

    signal, _ = soundfile.read(checked(folder, name, digest), dtype="float32")
    return signal


class Entry(NamedTuple):
    """A row of a chunk's manifest, and the folder that its files lie in."""

    folder: Path
    row: dict[str, str]

    def signal(self) -> np.ndarray:
        """The row's signal, float32 (samples,), checked."""
        return read_checked_signal(self.folder, self.row["file"], self.row["sha256"])

    def known(self) -> dict[str, np.ndarray]:
        """What is known of an observation, by name, checked; nothing where there is no file."""
        if not self.row["known"]:
            return {}
        return read_arrays(checked(self.folder, self.row["known"], self.row["known_sha256"]))


def read_entries(manifest: Path) -> list[Entry]:
    """The rows of a chunk's manifest.

    Raises:
        DapError: as `read_rows`.
    """
    return [Entry(manifest.parent, row) for row in read_rows(manifest)]


def discard_partial(folder: Path) -> None:
    """Delete what a killed job was about to write: files under the names that the writers use."""
    remove(path for path in folder.glob(".*") if path.suffix[1:].isdigit())


def remove(paths: Iterable[Path]) -> None:
    """Delete files that may or may not be there."""
    for path in paths:
        path.unlink(missing_ok=True)
