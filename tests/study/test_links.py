"""Paths with braces are inputs of rules by links to them."""

import os

import pytest

from dap.errors import UnwritableError
from dap.study.links import input_path


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", ["a/b.wav", "/a b/#1 %s.wav", "a}b.wav", "../一.wav"])
def test_other_paths_are_left_as_they_are(path, tmp_path):
    assert input_path(path) == path
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["{x}.wav", "{{x}}.wav", "a{1,2}b {c}.wav"])
def test_a_link_has_the_content_and_the_time(tmp_path, name):
    folder = tmp_path / "takes {1}"
    folder.mkdir()
    (folder / name).write_text("sound")
    os.utime(folder / name, (1e9, 1e9))
    for path in (f"takes {{1}}/{name}", str(folder / name)):
        link = tmp_path / input_path(path)
        assert link.read_text() == "sound"
        assert link.lstat().st_mtime == 1e9
        assert "{" not in input_path(path)
        assert link.suffix == ".wav"
        # as it is, and the same for the same path
        before = link.lstat()
        assert tmp_path / input_path(path) == link
        assert link.lstat() == before
    assert input_path("{a}/b.wav") != input_path("{c}/b.wav")


def test_a_link_follows_a_checkout_that_was_moved(tmp_path, monkeypatch):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "{x}").write_text(folder)
    monkeypatch.chdir(tmp_path / "one")
    link = input_path("{x}")
    (tmp_path / "one" / "resources").rename(tmp_path / "two" / "resources")
    monkeypatch.chdir(tmp_path / "two")
    assert input_path("{x}") == link
    assert (tmp_path / "two" / link).read_text() == "two"


def test_what_is_not_there_and_where_nothing_can_be_written(tmp_path):
    assert not (tmp_path / input_path("{gone}")).exists()
    (tmp_path / "resources").rename(tmp_path / "moved")
    (tmp_path / "resources").touch()
    with pytest.raises(UnwritableError, match=r"resources/links/.*: cannot be written"):
        input_path("{gone}")
