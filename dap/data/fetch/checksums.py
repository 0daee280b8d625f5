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
    running = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
    with path.open("rb") as file:
        while block := file.read(2**20):
            for digest in running.values():
                digest.update(block)
    return {kind: digest.hexdigest() for kind, digest in running.items()}


def verify(
    path: Path, archive: dict, *, lock: Path, mirror_lock: Path | None = None, log: logging.Logger
) -> dict[str, str]:
    """Check an archive against its published checksum, or else against a lock file.

    A lock file is one line, as sha256sum writes it.

    Args:
        path: the archive.
        archive: file, and sha256 or md5 where one is published.
        lock: the lock file of an archive without a published checksum. Where there is none, this
            is the first download, and it is written.
        mirror_lock: a lock file beside an archive of the user's own mirror. It comes before `lock`,
            and lets an archive pass whose checksum is not the published one: with a warning, and
            never as the published one.

    Returns:
        sha256 and checked: against what, in words.

    Raises:
        ChecksumError: it is another; the message has the file, both sums and the remedy.
        DapError: a lock file cannot be read.
    """
    sums = digests(path)
    mirrored = False
    if mirror_lock is not None and mirror_lock.is_file():
        lock, mirrored = mirror_lock, True
    expected = _read(lock) if lock.is_file() else None
    for kind in ("sha256", "md5"):
        published = archive.get(kind)
        if not published:
            continue
        if sums[kind] == published:
            checked = f"{kind}, as published"
            break
        if mirrored and sums["sha256"] == expected:
            checked = f"sha256, as {lock.name} states; NOT the published archive"
            log.warning("%s: is not the published archive, but the one that %s states", path, lock)
            break
        another = f"; or state its sha256 in {mirror_lock}, if it is meant to be another"
        raise ChecksumError(
            f"{path}: its {kind} is {sums[kind]}, and {published} is published: it is damaged or "
            "another file; delete it, or replace it by the published one"
            + (another if mirror_lock else "")
        )
    else:
        if expected is None:
            lock.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(lock, f"{sums['sha256']}  {archive['file']}\n".encode())
            checked = "sha256, noted at this first download: none is published"
        elif sums["sha256"] == expected:
            checked = "sha256, as at the first download: none is published"
            if mirrored:
                checked = f"sha256, as {lock.name} states: none is published"
        else:
            raise ChecksumError(
                f"{path}: its sha256 is {sums['sha256']}, and the first download's was {expected} "
                f"({lock}): it is damaged, or its publisher has changed it; delete it, and the "
                "lock file too if the change is to be taken over"
            )
    log.info("%s: verified by %s", path, checked)
    return {"sha256": sums["sha256"], "checked": checked}


def _read(lock: Path) -> str:
    words = lock.read_text(encoding="utf-8", errors="replace").split()
    if not words or len(words[0]) != 64 or set(words[0].lower()) - set("0123456789abcdef"):
        raise DapError(
            f"{lock}: does not begin with a sha256 of 64 digits; put it right, or delete it"
        )
    return words[0].lower()
