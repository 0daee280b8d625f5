"""Trained weights: which files a method has, where they lie, and how they come there.

A baseline that is trained says so in its literal, under `weights`: `by` and `on` (who trained it,
and on what sound), `licence`, `citation`, and `files`, each with file, url, bytes and sha256.

In a workflow a rule has them in `resources/weights/<method>/`, downloaded or from the mirror.
Without one they are in the folder that DAP_WEIGHTS names, or in the user's cache, downloaded on
first use.

Light on purpose: the Snakefile and every cluster job parse it.
"""

import logging
import os
from pathlib import Path

from dap.cache import cache_folder
from dap.data.known import RESOURCES
from dap.errors import DapError
from dap.plugin_literals import shown
from dap.plugins import plugin, plugins
from dap.store import sha256, write_bytes

VARIABLE = "DAP_WEIGHTS"
FOLDER = f"{RESOURCES}/weights"
KEYS = ("by", "on", "licence", "citation", "files")
KEYS_OF_FILE = ("file", "url", "bytes", "sha256")

log = logging.getLogger("dap")


def declared(method: str) -> dict | None:
    """What a method says of its weights; None of one that is not trained.

    Raises:
        DapError: it lacks something.
    """
    offer = plugins("baselines").get(method)
    if offer is None or "weights" not in offer.metadata:
        return None
    weights = offer.metadata["weights"]
    lacking = [key for key in KEYS if key not in weights]
    for file in weights.get("files", []):
        lacking += [f"files.{key}" for key in KEYS_OF_FILE if key not in file]
    if lacking:
        raise DapError(
            f"{shown(offer.path)}: BASELINES: {method}.weights lacks {', '.join(lacking)}"
        )
    return weights


def receipt_file(method: str) -> str:
    """The JSON that says that a method's weights are there, in a workflow."""
    return f"{FOLDER}/{method}.json"


def mirrored(method: str, mirror: str) -> list[str]:
    """The files of a method's weights in a mirror: in it, or in its folder of the method's name.

    Raises:
        DapError: they are not there.
    """
    found = _found(Path(mirror), method)
    if found is None:
        raise DapError(f"mirror {mirror!r} has none of {_named(method)}")
    return [str(found / file["file"]) for file in _files(method)]


def provide(method: str, mirror: list[str], log: logging.Logger) -> list[dict]:
    """Have a method's weights in its folder of this workflow, verified.

    Args:
        mirror: the files in the mirror, which are copied; none to download.

    Returns:
        for each file its path, url, sha256, and what it was checked against.

    Raises:
        DapError: they cannot be had, or are not those that are published.
    """
    from dap.data.fetch.checksums import verify
    from dap.data.fetch.download import fetch

    folder = Path(FOLDER) / method
    if not mirror:
        return fetch([_source(method)], folder, log)[1]
    rows = []
    for file, path in zip(_files(method), map(Path, mirror), strict=True):
        verification = verify(path, file, lock=folder / f"{file['file']}.sha256", log=log)
        write_bytes(folder / file["file"], path.read_bytes())
        rows.append({"file": str(path), "url": file["url"], **verification})
    return rows


def folder(method: str) -> Path:
    """Where a method's weights lie, verified; where nothing says, in the cache, downloaded once.

    Raises:
        DapError: they are not where DAP_WEIGHTS says, or are others, or cannot be downloaded; the
            message has the remedy.
    """
    place = os.environ.get(VARIABLE)
    if place:
        found = _found(Path(place), method)
        if found is None:
            raise DapError(f"{VARIABLE} is {place!r}, which has none of {_named(method)}")
    else:
        found = _cached(method)
    for file in _files(method):
        path = found / file["file"]
        if (digest := sha256(path)) != file["sha256"]:
            raise DapError(
                f"{path}: its sha256 is {digest}, and {file['sha256']} is published: it is damaged "
                "or another file; delete it, or replace it by the published one"
            )
    return found


def _cached(method: str) -> Path:
    instead = f"set {VARIABLE} to a folder that holds it"
    try:
        path = cache_folder() / "weights" / method
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise DapError(
            f"the trained weights of {method} cannot be kept in the cache: {error}; {instead}"
        ) from error
    if _found(path, method) is None:
        from dap.data.fetch.download import fetch

        log.warning(
            "the trained weights of %s (%.1f MB) are downloaded into %s, this once",
            method,
            sum(file["bytes"] for file in _files(method)) / 1e6,
            path,
        )
        fetch([_source(method)], path, log, instead=instead)
    return path


def _found(root: Path, method: str) -> Path | None:
    """The folder of all files of a method's weights."""
    names = [file["file"] for file in _files(method)]
    folders = (root / method, root)
    return next((path for path in folders if all((path / name).is_file() for name in names)), None)


def _files(method: str) -> list[dict]:
    weights = declared(method)
    if weights is None:
        raise DapError(f"{method} ({shown(plugin('baselines', method).path)}) names no weights")
    return weights["files"]


def _source(method: str) -> dict:
    return {"archives": [file | {"packed": False} for file in _files(method)]}


def _named(method: str) -> str:
    """The files in words, and whence they come."""
    files = _files(method)
    names = " and ".join(file["file"] for file in files)
    return f"{names}, the weights of {method} ({', '.join(file['url'] for file in files)})"
