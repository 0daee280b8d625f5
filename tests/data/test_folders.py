"""Which files of a folder are recordings: links, loops, and what systems leave behind."""

import os

import pytest

from dap.data.catalogue import draws
from dap.data.folders import listing
from dap.errors import DapError


@pytest.fixture(autouse=True)
def _fresh():
    listing.cache_clear()


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def listed(root, files="**/*"):
    listing.cache_clear()
    return list(listing(str(root), files))


def test_what_is_hidden_is_left_out(tmp_path):
    touch(
        tmp_path, "a.wav", "b/c.wav", "._a.wav", ".hidden.wav", "b/._c.wav", ".git/d.wav",
        "__MACOSX/a.wav", "b/__MACOSX/._c.wav", "@eaDir/a.wav", "Thumbs.db", ".DS_Store",
        "desktop.ini",
    )  # fmt: skip
    assert listed(tmp_path) == ["a.wav", "b/c.wav"]
    # a folder that is given is not hidden, whatever it is called
    assert listed(tmp_path / ".git") == ["d.wav"]


def test_nothing_but_hidden_files(tmp_path):
    touch(tmp_path, "._a.wav")
    with pytest.raises(DapError, match=r"holds no audio.*hidden files and folders are left out"):
        listing(str(tmp_path), "**/*")


def test_links_are_followed(tmp_path):
    touch(tmp_path, "here/a.wav", "there/b.wav", "there/deep/c.wav", "alone.wav")
    here = tmp_path / "here"
    (here / "linked").symlink_to(tmp_path / "there")
    (here / "single.wav").symlink_to(tmp_path / "alone.wav")
    (here / "broken.wav").symlink_to(tmp_path / "gone.wav")
    assert listed(here) == ["a.wav", "linked/b.wav", "linked/deep/c.wav", "single.wav"]
    assert listed(here, "linked/*.wav") == ["linked/b.wav"]
    (tmp_path / "to").symlink_to(here)
    assert listed(tmp_path / "to") == listed(here)


def test_each_recording_once_and_by_its_own_name(tmp_path):
    touch(tmp_path, "m/a.wav", "m/b.wav")
    (tmp_path / "a-link").symlink_to(tmp_path / "m")
    (tmp_path / "z-link").symlink_to(tmp_path / "m")
    (tmp_path / "m" / "0.wav").symlink_to("a.wav")
    assert listed(tmp_path) == ["m/a.wav", "m/b.wav"]


def test_of_two_links_the_first(tmp_path):
    touch(tmp_path, "there/x.wav", "there/y.wav")
    here = tmp_path / "here"
    here.mkdir()
    for name in ("q", "p"):
        (here / name).symlink_to(tmp_path / "there")
        (here / f"{name}.wav").symlink_to(tmp_path / "elsewhere.wav")
    touch(tmp_path, "elsewhere.wav")
    assert listed(here) == ["p.wav", "p/x.wav", "p/y.wav"]


@pytest.mark.parametrize("target", [".", "..", "loop", "../..", "sub/back"])
def test_loops(tmp_path, target):
    root = tmp_path / "up" / "root"
    touch(root, "a.wav", "sub/b.wav")
    (root / "loop").symlink_to(target)
    (root / "sub" / "back").symlink_to("..")
    assert {"a.wav", "sub/b.wav"} == set(listed(root))


def test_globs(tmp_path):
    touch(tmp_path, "a.wav", "x/a.wav", "x/y/a.wav", "x/y/b.flac", "x[1]/c.wav")
    assert listed(tmp_path, "*") == ["a.wav"]
    assert listed(tmp_path, "**/*.flac") == ["x/y/b.flac"]
    assert listed(tmp_path, "x/**/*") == ["x/a.wav", "x/y/a.wav", "x/y/b.flac"]
    assert listed(tmp_path, "x/*/[ab].*") == ["x/y/a.wav", "x/y/b.flac"]
    assert listed(tmp_path, "x[[]1]/*") == ["x[1]/c.wav"]
    assert listed(tmp_path, "./a.wav") == ["a.wav"]


@pytest.mark.parametrize("files", ["a**", "**a/*", "../*", "/tmp/*", "x/../*"])
def test_what_is_no_glob_of_the_folder(tmp_path, files):
    with pytest.raises(ValueError, match="Invalid pattern"):
        listing(str(tmp_path), files)


def test_pipes_and_folders_are_no_recordings(tmp_path):
    touch(tmp_path, "a.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    assert listed(tmp_path) == ["a.wav"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_nobody_may_list(tmp_path):
    touch(tmp_path, "a.wav", "closed/b.wav")
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(DapError, match=r"closed.*cannot be listed: Permission denied"):
            listed(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_braces_and_quotes_are_letters_like_others(tmp_path):
    root = tmp_path / "my {recordings} 'x' \"y\""
    names = ["{a}.wav", "b {corpus}.wav", "it's.wav", 'q".wav', "*.wav", "[z].wav"]
    touch(root, *names)
    assert listed(root) == sorted(names)
    drawn = draws("c", {"folder": str(root), "files": "*"}, 1, 6)
    assert {draw.file for draw in drawn} == set(names)
