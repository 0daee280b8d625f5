"""The audio files of a folder, links followed, and what systems leave beside them left out."""

import os
from collections import deque
from functools import cache
from pathlib import Path, PurePosixPath

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
        ValueError: `files` is no glob, or leads out of the folder.
    """
    parts = PurePosixPath(files).parts
    if any(part in ("/", "..") or ("**" in part and part != "**") for part in parts):
        raise ValueError("Invalid pattern: '**' has to be all of a part; '/' and '..' lead out")
    if not Path(folder).is_dir():
        raise DapError(f"folder {folder!r} does not exist")
    names = tuple(sorted(name for name in _audio(Path(folder)) if matches(name, files)))
    if not names:
        raise DapError(
            f"folder {folder!r} holds no audio that matches {files!r} "
            f"(allowed: {', '.join(SUFFIXES)}; hidden files and folders are left out)"
        )
    return names


def _audio(root: Path) -> list[str]:
    """All audio files below a folder, each once."""
    names: dict[Path, str] = {}  # by their real paths
    visited: set[Path] = set()  # folders by theirs, so that no loop is followed
    folders, linked, links = [root], deque[Path](), []
    while folders or linked:
        # what has a name of its own is listed by that: links come after all that is none
        folder = folders.pop() if folders else linked.popleft()
        real = _real(folder)
        if real in visited:
            continue
        visited.add(real)
        for path in _entries(folder):
            if path.is_dir():
                (linked if path.is_symlink() else folders).append(path)
            elif path.suffix.lower() in SUFFIXES and path.is_file():
                if path.is_symlink():
                    links.append(path)
                else:
                    names[real / path.name] = path.relative_to(root).as_posix()
    for path in sorted(links):
        names.setdefault(_real(path), path.relative_to(root).as_posix())
    return list(names.values())


def _real(path: Path) -> Path:
    # not Path.resolve, which raises on links that end in a circle
    return Path(os.path.realpath(path))


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, by name, but for what is hidden."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise DapError(f"folder {str(folder)!r} cannot be listed: {error.strerror}") from error
    return [
        path for path in paths if not path.name.startswith(".") and path.name.lower() not in SYSTEMS
    ]
