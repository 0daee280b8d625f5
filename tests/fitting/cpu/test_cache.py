"""Where the compiled layers lie; here, a library of one function stands for them."""

import ctypes
import os
import shutil
import subprocess

import pytest

from dap.fitting.cpu import cache

FLAGS = ["-shared", "-fPIC"]
COMPILER = shutil.which("cc") or shutil.which("gcc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """An empty cache."""
    folder = tmp_path / "home"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def sources(tmp_path):
    """A folder of C sources."""
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "kernels.c").write_text("int answer(void) { return 42; }\n")
    return folder


def answer(path):
    return ctypes.CDLL(str(path)).answer()


def test_compiled_once_and_kept(sources, home):
    made = cache.compiled(COMPILER, FLAGS, sources)
    before = made.stat().st_mtime_ns
    assert answer(made) == 42
    assert cache.compiled(COMPILER, FLAGS, sources) == made
    assert list((home / "dap").iterdir()) == [made]
    assert made.stat().st_mtime_ns == before


def test_other_sources_and_flags_are_other_libraries(sources):
    paths = {cache.compiled(COMPILER, FLAGS, sources)}
    paths.add(cache.compiled(COMPILER, [*FLAGS, "-O1"], sources))
    (sources / "kernels.c").write_text("int answer(void) { return 43; }\n")
    paths.add(cache.compiled(COMPILER, FLAGS, sources))
    assert len({path.name.partition("-")[0] for path in paths}) == 3


def folder_in_place(path):
    path.unlink()
    (path / "inside").mkdir(parents=True)


def lost_link(path):
    path.unlink()
    path.symlink_to("nowhere")


# a process that loads the first two dies of a bus error
BROKEN = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "cut to a page": lambda path: os.truncate(path, 4096),
    "empty": lambda path: path.write_bytes(b""),
    "foreign": lambda path: path.write_bytes(b"\x7fELF of another machine" * 400),
    "one bit": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x01"),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "a folder": folder_in_place,
    "a link to nothing": lost_link,
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_library_that_was_changed_is_compiled_again(how, sources, home):
    made = cache.compiled(COMPILER, FLAGS, sources)
    whole = made.read_bytes()
    BROKEN[how](made)
    again = cache.compiled(COMPILER, FLAGS, sources)
    assert answer(again) == 42
    assert again.read_bytes() == whole
    assert list((home / "dap").iterdir()) == [again]


def test_a_library_under_another_s_name_is_not_taken(sources, home):
    made = cache.compiled(COMPILER, FLAGS, sources)
    name = made.name.partition("-")[0]
    (sources / "kernels.c").write_text("int answer(void) { return 43; }\n")
    other = cache.compiled(COMPILER, FLAGS, sources)
    made.write_bytes(other.read_bytes())
    (sources / "kernels.c").write_text("int answer(void) { return 42; }\n")
    again = cache.compiled(COMPILER, FLAGS, sources)
    assert answer(again) == 42
    assert again.name.startswith(name)


def no_home():
    raise RuntimeError("Could not determine home directory.")


def test_without_a_home_it_is_compiled_for_this_process(sources, home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert answer(cache.compiled(COMPILER, FLAGS, sources)) == 42
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("pathlib.Path.home", no_home)  # of a user without a name
    assert answer(cache.compiled(COMPILER, FLAGS, sources)) == 42
    assert not home.exists()


def test_a_compiler_that_fails_leaves_nothing(sources, home):
    (sources / "kernels.c").write_text("no C")
    with pytest.raises(subprocess.CalledProcessError):
        cache.compiled(COMPILER, FLAGS, sources)
    assert list((home / "dap").iterdir()) == []
