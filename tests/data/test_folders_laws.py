"""Any tree of folders, files and links is listed: each recording once, no loop, no other error."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap.audio import SUFFIXES
from dap.data.catalogue import draws
from dap.data.folders import listing
from dap.errors import DapError

FOLDERS = ("a", "B", "b", "ein {x}", "é", "e\u0301", ".git", "__MACOSX", "caf\udce9")
FILES = (
    "a.wav",
    "A.WAV",
    "a.flac",
    "a b.wav",
    "a_b.wav",
    "._a.wav",
    "Thumbs.db",
    "{x}.ogg",
    "é.wav",
)
NAMES = st.sampled_from(FOLDERS + FILES)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: Path(*parts))
LINKS = st.tuples(PATHS, st.one_of(st.just(Path()), PATHS, st.just(Path("gone"))))


def build(root, files, links):
    """What can be made of it: what stands in the way of something else wins."""
    for path in files:
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            continue
    for path, target in links:
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).symlink_to(root / target)
        except (FileExistsError, NotADirectoryError, OSError):
            continue


def reachable(root):
    """The real paths of the recordings below a folder, by a plain walk along all links."""
    real, visited, waiting = set(), set(), [root]
    while waiting:
        folder = waiting.pop()
        if os.path.realpath(folder) in visited:
            continue
        visited.add(os.path.realpath(folder))
        for path in folder.iterdir():
            if path.name.startswith(".") or path.name == "__MACOSX":
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.is_file() and path.name.lower().endswith(SUFFIXES):
                real.add(os.path.realpath(path))
    return real


def check(files, links):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, files, links)
        before = sorted(map(str, root.rglob("*")))
        expected = reachable(root)
        if not expected:
            with pytest.raises(DapError, match="holds no audio"):
                listing(folder, "**/*")
        else:
            names = listing(folder, "**/*")
            assert list(names) == sorted(names)
            assert {os.path.realpath(root / name) for name in names} == expected
            assert len(names) == len(expected)
            entry = {"folder": folder, "files": "**/*"}
            clips = [draw.clip for draw in draws("mine", entry, 0, len(names))]
            assert len({clip.casefold() for clip in clips}) == len(names)
            assert all(clip.encode() for clip in clips)  # no surrogates
        assert sorted(map(str, root.rglob("*"))) == before


@given(st.lists(PATHS, max_size=8), st.lists(LINKS, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_tree_is_listed(files, links):
    check(files, links)


@pytest.mark.slow
@given(st.lists(PATHS, max_size=12), st.lists(LINKS, max_size=6))
@settings(max_examples=2000, deadline=None)
def test_many_trees_are_listed(files, links):
    check(files, links)
