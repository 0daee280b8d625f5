"""Archives of parts: .tar.zst, .tar.xz and .tar.gz."""

import io
import lzma
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dap.errors import DapError, extra
from dap.store import write_bytes

MODES = {".tar.gz": "gz", ".tar.xz": "xz", ".tar.zst": ""}
LEVEL = 19  # of zstd: parts are small, and kept


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is an archive."""
    return any(path.name.endswith(suffix) for suffix in MODES)


def require_archive(path: Path) -> None:
    """Refuse a name that says no form of an archive.

    Raises:
        DapError: it has none of the suffixes.
    """
    if not is_archive(path):
        raise DapError(f"{path}: must be named .tar.zst, .tar.xz or .tar.gz")


def packed(target: Path, files: Mapping[str, bytes | Path]) -> None:
    """Write an archive, whole or not at all; equal files give equal bytes.

    Args:
        files: contents, or files that have them, by their names in the archive.

    Raises:
        DapError: its name says no form of an archive.
        UnwritableError: it cannot be written.
    """
    require_archive(target)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in sorted(files.items()):
            data = content if isinstance(content, bytes) else content.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    write_bytes(target, _compressed(target, buffer.getvalue()))


def _compressed(target: Path, tar: bytes) -> bytes:
    if target.name.endswith(".tar.xz"):
        return lzma.compress(tar)
    if target.name.endswith(".tar.gz"):
        compressor = zlib.compressobj(9, wbits=31)  # with gzip's header, and no time in it
        return compressor.compress(tar) + compressor.flush()
    with extra("workflow"):
        import zstandard

    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(tar)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A folder with the content of an archive, for a while; a folder is given as it is.

    Raises:
        DapError: it is neither, or damaged.
    """
    if path.is_dir():
        yield path
        return
    if not (path.is_file() and is_archive(path)):
        raise DapError(f"{path}: is neither a folder nor an archive ({', '.join(MODES)})")
    with tempfile.TemporaryDirectory(prefix="dap-part-") as folder:
        try:
            with tarfile.open(fileobj=io.BytesIO(_plain(path)), mode="r:") as tar:
                tar.extractall(folder, filter="data")
        except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, ValueError) as error:
            raise DapError(f"{path}: is damaged, or only half of it: copy it anew") from error
        yield Path(folder)


def _plain(path: Path) -> bytes:
    """The tar in an archive; ValueError, or the library's error, where it is damaged."""
    content = path.read_bytes()
    if path.name.endswith(".tar.xz"):
        return lzma.decompress(content)
    if path.name.endswith(".tar.gz"):
        return zlib.decompress(content, wbits=31)
    with extra("workflow"):
        import zstandard

    try:
        with zstandard.ZstdDecompressor().stream_reader(content) as reader:
            tar = reader.read()
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    if len(tar) % tarfile.BLOCKSIZE or not tar:
        raise ValueError("the archive ends before its end")
    return tar
