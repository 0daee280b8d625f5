"""Ids of clips, from the relative paths of recordings.

An id is part of the names of files, on whatever file system: letters, digits and marks of all
scripts, `.`, `_` and `-`, in at most 90 bytes of UTF-8. So two of them, with what a fit adds, stay
below the 255 bytes of a file's name.
"""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dap.errors import DapError, one_line

LONGEST = 84  # bytes, so that 90 are enough with the number of a window
UNSAFE = "\0"


def ids(files: Sequence[str]) -> dict[str, str]:
    """The ids of recordings, by their relative paths.

    A hash of the path is part of an id that would be another's, in the eyes of a file system that
    knows no case or writes accents otherwise; of one that was cut; and of a path that is no text.

    Args:
        files: all recordings of a corpus, since an id depends on which others there are.

    Raises:
        DapError: two paths are made to give the same id in spite of this.
    """
    plain = {file: _plain(file) for file in files}
    counts = Counter(map(folded, plain.values()))
    named = {
        file: name if counts[folded(name)] == 1 and _is_whole(file, name) else _hashed(file, name)
        for file, name in plain.items()
    }
    by_id: dict[str, str] = {}
    for file, name in named.items():
        other = by_id.setdefault(folded(name), file)
        if other != file:
            raise DapError(
                f"{one_line(other)} and {one_line(file)} give the same clip id, {name}: rename one"
            )
    return named


def window_id(file: str, window_index: int, named: dict[str, str], taken: set[str]) -> str:
    """The id of a clip: its recording's, and from the second of a recording on, its number.

    Args:
        named: from `ids`.
        taken: these ids, `folded`.
    """
    if window_index == 0:
        return named[file]
    clip = f"{named[file]}.{window_index}"
    return f"{_hashed(file, named[file])}.{window_index}" if folded(clip) in taken else clip


def as_text(file: str) -> str:
    r"""A path as text that can be written: bytes that are no UTF-8 as their numbers.

    >>> print(as_text("caf\udce9.wav"))
    caf\xe9.wav
    """
    return os.fsencode(file).decode(errors="backslashreplace")


def folded(name: str) -> str:
    """What is equal of two names that some file system takes for the same."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _plain(file: str) -> str:
    """A path as far as it is safe: without its suffix, each run of other characters as `_`."""
    stem = unicodedata.normalize("NFC", one_line(Path(file).with_suffix("").as_posix()))
    return re.sub(f"{UNSAFE}+", "_", "".join(c if _is_safe(c) else UNSAFE for c in stem))


def _is_safe(character: str) -> bool:
    # without marks, words of some scripts would lose their vowels
    return character.isalnum() or character in "._-" or unicodedata.category(character)[0] == "M"


def _is_whole(file: str, name: str) -> bool:
    """Whether a name stands for all of a path: it is not too long, and the path is text."""
    return len(name.encode()) <= LONGEST and file.isprintable()


def _hashed(file: str, name: str) -> str:
    digest = hashlib.sha256(os.fsencode(file)).hexdigest()[:8]
    start = name.encode()[: LONGEST - len(digest) - 1].decode(errors="ignore")
    return f"{start}-{digest}"
