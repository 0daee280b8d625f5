"""Archives made in memory: of sound that compresses as little as sound does."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable

import numpy as np

SOUND = np.random.default_rng(0).bytes(3000)
SOURCE = {"root": "sc09/test", "members": ["*.wav"], "most_members": 50, "most_bytes": 100_000}


def info(
    name: str, content: bytes = SOUND, kind: bytes = tarfile.REGTYPE, link: str = "", **attributes
) -> tuple[tarfile.TarInfo, bytes]:
    """A member of a tar archive, and its content."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    member.size = len(content) if kind == tarfile.REGTYPE else 0
    for key, value in attributes.items():
        setattr(member, key, value)
    return member, content


def tar(
    *members: tuple[tarfile.TarInfo, bytes], pack: Callable[[bytes], bytes] = gzip.compress
) -> bytes:
    """A packed tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return pack(buffer.getvalue())


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], **options) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return buffer.getvalue()
