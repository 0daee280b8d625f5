"""Recordings out of an archive, which is taken for hostile.

Only the regular files that a study can use are written, under names that are checked here, and
never with the archive's own modes, owners or links. One bad member refuses the whole archive.
"""

import bz2
import gzip
import lzma
import posixpath
import re
import shutil
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Protocol

from filelock import FileLock

from dap.data.folders import SYSTEMS
from dap.data.known import is_usable
from dap.errors import DapError

BLOCK_BYTES = 2**18
# no header is longer: one that is would fill the memory
HEADER_BYTES = 2**20
LONGEST_NAME = 255  # bytes, of every file system in use
# what the readers of archives raise on bytes that make no sense
DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


def unpack(archives: list[Path], source: dict, target: Path) -> list[dict]:
    """Unpack the recordings of a known corpus into the new folder `target`.

    They come into a hidden folder beside it, which is renamed at the end, so that a kill leaves
    nothing that looks finished. What `target` held before is replaced.

    Args:
        source: root, members, most_members and most_bytes, as in `dap.data.known`.

    Returns:
        The index, in the order of names: file, below the root, and bytes.

    Raises:
        DapError: an archive is damaged, hostile, beyond the bounds or without recordings.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    with FileLock(target.with_name(f".{target.name}.lock")):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            rows = []
            seen: set[str] = set()
            for archive in archives:
                recordings = list(_unpack(archive, source, partial, seen))
                if not recordings:
                    raise DapError(
                        f"{archive}: holds no recording of {source['root'] or '.'}/ that matches "
                        f"{' or '.join(source['members'])}; it is another archive"
                    )
                rows += recordings
            shutil.rmtree(target, ignore_errors=True)
            partial.replace(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return sorted(rows, key=lambda row: row["file"])


def index_folder(folder: Path, source: dict) -> list[dict]:
    """The index of recordings that lie unpacked in a folder; none is opened, nor what is hidden.

    Raises:
        DapError: there is none, or the name of one cannot be written down.
    """
    paths = {
        path.relative_to(folder).as_posix(): path
        for glob in source["members"]
        for path in folder.glob(glob)
    }
    rows = [
        {"file": name, "bytes": path.stat().st_size}
        for name, path in sorted(paths.items())
        if is_usable(name, source) and not _is_hidden(name) and path.is_file()
    ]
    for row in rows:
        try:
            f"{row['file']}".encode()
        except UnicodeEncodeError as error:
            raise DapError(f"{folder}: {row['file']!r} is no name in UTF-8: rename it") from error
    if not rows:
        raise DapError(
            f"{folder}: holds no recording that matches {' or '.join(source['members'])}"
        )
    return rows


def _is_hidden(name: str) -> bool:
    """Whether a file lies in a folder that nobody put recordings into."""
    folders = PurePosixPath(name).parts[:-1]
    return any(part.startswith(".") or part.lower() in SYSTEMS for part in folders)


@dataclass(frozen=True)
class Member:
    """A file in an archive: its name as the archive has it, its size in bytes, what it is.

    `handle` is what the archive's library knows it by.
    """

    name: str
    size: int
    handle: Any
    # not a regular file, in words
    special: str = ""
    folder: bool = False


def _unpack(archive: Path, source: dict, target: Path, seen: set[str]) -> Iterator[dict]:
    with _refusing(archive), archive.open("rb") as raw, _opened(raw, source) as opened:
        count = total = 0
        for member in opened.members():
            count, total = count + 1, total + member.size
            _check(member)
            if count > source["most_members"]:
                raise DapError(f"holds more than {source['most_members']} members")
            if total > source["most_bytes"]:
                raise DapError(f"expands beyond {source['most_bytes']} bytes")
            if member.folder:
                continue
            whole = posixpath.normpath(member.name)
            root = source["root"]
            name = posixpath.relpath(whole, root) if root else whole
            if name.startswith("../") or not is_usable(name, source):
                continue
            if member.special:
                raise DapError(f"{member.name!r} is {member.special}, not a recording")
            _check_name(member.name, name, seen)
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(member) as content, path.open("xb") as file:
                shutil.copyfileobj(content, file, BLOCK_BYTES)
                written = file.tell()
            if written != member.size:
                raise DapError(f"{member.name!r} ends after {written} of {member.size} bytes")
            yield {"file": name, "bytes": written}
        opened.finish()


def _check(member: Member) -> None:
    """Refuse what no archive of recordings has, used or not."""
    name = member.name
    parts = re.split(r"[/\\]", name)
    if not name or "\0" in name:
        raise DapError(f"{name!r} is no name")
    if name[0] in "/\\" or re.match("[A-Za-z]:", name):
        raise DapError(f"{name!r} has an absolute path")
    if ".." in parts:
        raise DapError(f"{name!r} leads out of the folder")
    if member.size < 0:
        raise DapError(f"{name!r} has a size of {member.size} bytes")
    if member.special.startswith("a device"):
        raise DapError(f"{name!r} is {member.special}")
    if isinstance(member.handle, tarfile.TarInfo) and (
        member.handle.issym() or member.handle.islnk()
    ):
        link = member.handle.linkname
        base = posixpath.dirname(name) if member.handle.issym() else ""
        end = posixpath.normpath(posixpath.join(base, link))
        if link.startswith(("/", "\\")) or end == ".." or end.startswith("../"):
            raise DapError(f"{name!r} is a link out of the folder, to {link!r}")


def _check_name(full: str, name: str, seen: set[str]) -> None:
    """Refuse a used file's name that a file system could not hold, or would hold twice."""
    if (
        not name.isprintable() or "\\" in name
    ):  # surrogates, from other encodings, are not printable
        raise DapError(f"{full!r} is not a name that every file system can hold")
    if any(len(part.encode()) > LONGEST_NAME for part in PurePosixPath(name).parts):
        raise DapError(f"{full[:40]!r}... has a name of more than {LONGEST_NAME} bytes")
    key = unicodedata.normalize("NFC", name).casefold()
    if key in seen:
        raise DapError(f"{full!r} is there twice, or differs from another in case or accents alone")
    seen.add(key)


class _Tar:
    """A tar archive, read once from its beginning to its end."""

    def __init__(self, raw: BinaryIO, source: dict):
        beginning = raw.read(3)
        raw.seek(0)
        opener = gzip.open if beginning.startswith(b"\x1f\x8b") else bz2.open
        self.stream = _Bounded(opener(raw), source["most_bytes"] + 4096 * source["most_members"])
        # tarfile needs no more of a file than this to read it forwards; its stub says all of IO
        self.tar = tarfile.open(fileobj=self.stream, mode="r:")  # type: ignore[call-overload] # noqa: SIM115

    def members(self) -> Iterator[Member]:
        for info in self.tar:
            special = ""
            if info.issym() or info.islnk():
                special = "a link"
            elif info.issparse():
                special = "a sparse file"
            elif info.isdev():
                special = "a device or a pipe"
            yield Member(info.name, info.size, info, special, info.isdir())

    def open(self, member: Member) -> IO[bytes]:
        return self.tar.extractfile(member.handle)

    def finish(self) -> None:
        """See that nothing but padding follows, up to the end that carries the checksum."""
        while block := self.stream.read(BLOCK_BYTES):
            if block.strip(b"\0"):
                raise DapError("has a damaged header, or something after its end")

    def close(self) -> None:
        self.tar.close()


class _Zip:
    """A zip archive."""

    def __init__(self, raw: BinaryIO, source: dict):
        self.zip = zipfile.ZipFile(raw)

    def members(self) -> Iterator[Member]:
        for info in self.zip.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            special = ""
            if kind == stat.S_IFLNK:
                special = "a link"
            elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                special = "a device or a pipe"
            elif info.flag_bits & 1:
                special = "encrypted"
            yield Member(info.orig_filename, info.file_size, info, special, info.is_dir())

    def open(self, member: Member) -> IO[bytes]:
        return self.zip.open(member.handle)

    def finish(self) -> None:
        """Nothing: each file was checked against its own checksum."""

    def close(self) -> None:
        self.zip.close()


@contextmanager
def _opened(raw: BinaryIO, source: dict) -> Iterator[_Tar | _Zip]:
    beginning = raw.read(4)
    raw.seek(0)
    if not beginning.startswith((b"\x1f\x8b", b"BZh", b"PK")):
        raise DapError(f"begins with {beginning!r}, and is neither tar.gz, tar.bz2 nor zip")
    opened = (_Zip if beginning.startswith(b"PK") else _Tar)(raw, source)
    try:
        yield opened
    finally:
        opened.close()


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Bounded:
    """What tarfile reads from: forwards alone, never much at once, and never beyond a bound."""

    def __init__(self, file: _Readable, most: int):
        self.file, self.most, self.position = file, most, 0

    def read(self, size: int) -> bytes:
        if not 0 <= size <= HEADER_BYTES:
            raise DapError(f"has a header of {size} bytes, which would fill the memory")
        block = self.file.read(size)
        self.position += len(block)
        if self.position > self.most:
            raise DapError(f"expands beyond {self.most} bytes")
        return block

    def tell(self) -> int:
        return self.position

    def seek(self, position: int) -> None:
        if position < self.position:
            raise DapError("has a member that ends before it begins")
        while self.position < position:
            if not self.read(min(BLOCK_BYTES, position - self.position)):
                raise EOFError("it ends early")


@contextmanager
def _refusing(archive: Path) -> Iterator[None]:
    """Name the archive in whatever is wrong with it."""
    try:
        yield
    except DapError as error:
        raise DapError(f"{archive}: refused: {error}") from error
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk, not the archive
            raise DapError(f"{archive}: cannot be unpacked: {error}") from error
        raise DapError(
            f"{archive}: cannot be unpacked, it is damaged ({error}); delete it and its lock file, "
            "if it has one, and run Snakemake with --forcerun download"
        ) from error
