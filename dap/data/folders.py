"""The audio files of a folder, links followed, and what systems leave beside them left out."""

import os
from functools import cache
from pathlib import Path

from dap.audio import SUFFIXES
from dap.data.known import matches
from dap.errors import DapError

# beside what begins with a dot: of archives made on macOS, of two kinds of NAS, of Windows, and of
# the root of a disk, which nobody may list
SYSTEMS = {"__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information"}
SYSTEMS |= {"lost+found"}


@cache
def listing(folder: str, files: str) -> tuple[str, ...]:
    """Relative paths of the audio files in `folder` that match the glob `files`, sorted.

    Hidden files and folders are left out. Links are followed; what is there by its own name and by
    a link to it, or by two links, is listed once, if it can be by its own name.

    Raises:
        DapError: the folder does not exist, cannot be listed, or holds no audio that matches.
    """
    if not Path(folder).is_dir():
        raise DapError(f"folder {folder!r} does not exist")
    names = tuple(sorted(name for name in _audio(folder) if matches(name, files)))
    if not names:
        raise DapError(
            f"folder {folder!r} holds no audio that matches {files!r} "
            f"(allowed: {', '.join(SUFFIXES)}; hidden files and folders are left out)"
        )
    return names


def _audio(folder: str) -> list[str]:
    """All audio files below a folder, each once."""
    names: dict[str, str] = {}  # by their real paths
    visited: set[str] = set()  # folders by theirs, so that no loop is followed
    folders, linked, links = [""], [], []
    while folders or linked:
        # what has a name of its own is listed by that: links come after all that is none
        below = folders.pop() if folders else linked.pop(0)
        path = os.path.join(folder, below)
        real = os.path.realpath(path)
        if real in visited:
            continue
        visited.add(real)
        for entry in _entries(path):
            name = f"{below}/{entry.name}" if below else entry.name
            if os.path.isdir(entry.path):
                (linked if entry.is_symlink() else folders).append(name)
            elif Path(name).suffix.lower() in SUFFIXES and os.path.isfile(entry.path):
                if entry.is_symlink():
                    links.append(name)
                else:
                    names[os.path.join(real, entry.name)] = name
    for name in sorted(links):
        names.setdefault(os.path.realpath(os.path.join(folder, name)), name)
    return list(names.values())


def _entries(path: str) -> list[os.DirEntry]:
    """What is in a folder, by name, but for what is hidden."""
    try:
        with os.scandir(path) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DapError(f"folder {path!r} cannot be listed: {error.strerror}") from error
    return [
        entry
        for entry in listed
        if not entry.name.startswith(".") and entry.name.lower() not in SYSTEMS
    ]
