"""The files of a chunk: written whole or not at all, and checked when they are read."""

import csv
import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dap.audio import write
from dap.errors import DapError


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a kill, never finds half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def write_rows(path: Path, rows: list[dict]) -> None:
    """Write dictionaries with equal keys as CSV; floats keep all their digits."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, buffer.getvalue().encode())


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV as dictionaries of strings.

    Raises:
        DapError: the file is not there.
    """
    if not path.is_file():
        raise DapError(f"{path}: is not there; run Snakemake again to make it")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays as a compressed npz."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read named arrays; nothing in the file is ever executed (`allow_pickle=False`)."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def write_signal(path: Path, signal: np.ndarray, sample_rate: int) -> str:
    """Write (samples,) as WAV, whole or not at all; gives the file's sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    write(partial, signal, sample_rate)
    digest = sha256(partial)
    partial.replace(path)
    return digest


def checked(folder: Path, name: str, digest: str) -> Path:
    """The path of a chunk's file, once its content has been found to be what the manifest says.

    Raises:
        DapError: the file is missing or another; the message names it and the remedy.
    """
    path = folder / name
    remedy = f"delete {folder / 'manifest.csv'} and run Snakemake again"
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


def discard_partial(folder: Path) -> None:
    """Delete what a killed job was about to write: files under the names that the writers use."""
    remove(path for path in folder.glob(".*") if path.suffix[1:].isdigit())


def remove(paths: Iterable[Path]) -> None:
    """Delete files that may or may not be there."""
    for path in paths:
        path.unlink(missing_ok=True)
