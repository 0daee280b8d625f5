"""Whether an archive is the one that it should be."""

import hashlib
import logging
from pathlib import Path

from dap.errors import DapError
from dap.store import write_bytes


class ChecksumError(DapError):
    """A file is not the one that it should be."""


def digests(path: Path) -> dict[str, str]:
    """Hexadecimal sha256 and md5 of a file, read once."""
    found = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
    with path.open("rb") as file:
        while block := file.read(2**20):
            for digest in found.values():
                digest.update(block)
    return {kind: digest.hexdigest() for kind, digest in found.items()}


def verify(
    path: Path, archive: dict, *, noted: Path, stated: Path | None = None, log: logging.Logger
) -> dict[str, str]:
    """Check an archive against its published checksum, or else against a lock file.

    A lock file is one line, as sha256sum writes it.

    Args:
        path: the archive.
        archive: file, and sha256 or md5 where one is published.
        noted: the lock file of an archive without a published checksum. Where there is none, this
            is the first download, and it is written.
        stated: a lock file beside an archive of the user's own mirror. It comes before `noted`, and
            lets an archive pass whose checksum is not the published one: with a warning, and never
            as the published one.

    Returns:
        sha256 and checked: against what, in words.

    Raises:
        ChecksumError: it is another; the message has the file, both sums and the remedy.
        DapError: a lock file cannot be read.
    """
    found = digests(path)
    lock = stated if stated and stated.is_file() else noted
    expected = _read(lock) if lock.is_file() else None
    for kind in ("sha256", "md5"):
        published = archive.get(kind)
        if not published:
            continue
        if found[kind] == published:
            checked = f"{kind}, as published"
            break
        if lock is stated and found["sha256"] == expected:
            checked = f"sha256, as {stated.name} states; NOT the published archive"
            log.warning("%s: is not the published archive, but the one that %s states", path, lock)
            break
        own = f"; or state its sha256 in {stated}, if it is meant to be another" if stated else ""
        raise ChecksumError(
            f"{path}: its {kind} is {found[kind]}, and {published} is published: it is damaged or "
            f"another file; delete it, or replace it by the published one{own}"
        )
    else:
        if expected is None:
            noted.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(noted, f"{found['sha256']}  {archive['file']}\n".encode())
            checked = "sha256, noted at this first download: none is published"
        elif found["sha256"] == expected:
            checked = "sha256, as at the first download: none is published"
            if lock is stated:
                checked = f"sha256, as {stated.name} states: none is published"
        else:
            raise ChecksumError(
                f"{path}: its sha256 is {found['sha256']}, and the first download's was {expected} "
                f"({lock}): it is damaged, or its publisher has changed it; delete it, and the "
                "lock file too if the change is to be taken over"
            )
    log.info("%s: verified by %s", path, checked)
    return {"sha256": found["sha256"], "checked": checked}


def _read(lock: Path) -> str:
    words = lock.read_text(encoding="utf-8", errors="replace").split()
    if not words or len(words[0]) != 64 or set(words[0].lower()) - set("0123456789abcdef"):
        raise DapError(
            f"{lock}: does not begin with a sha256 of 64 digits; put it right, or delete it"
        )
    return words[0].lower()
