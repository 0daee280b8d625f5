"""What the command does to files: it replaces none by mistake, and leaves no half of one."""

import errno
import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from dap.cli import main
from dap.files import restorer
from dap.files.form import SUFFIXES, Form

WAVELET = ("--method", "wavelet")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a recording in.wav and an earlier result out.wav; and a folder for
    temporary files."""
    monkeypatch.chdir(tmp_path)
    time = np.arange(4000) / 16000
    soundfile.write("in.wav", 0.25 * np.sin(2 * np.pi * 440 * time), 16000)
    Path("out.wav").write_bytes(b"an earlier result")
    Path("temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path


def contents(folder):
    """Of every file, whatever its name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def run(damaged, output, *options):
    arguments = map(str, (damaged, "-o", output, *options))
    return CliRunner().invoke(main, ["restore", *arguments, *WAVELET])


def refused(folder, *arguments):
    """The last line of a command that changes nothing, and its exit status."""
    before = contents(folder)
    result = run(*arguments)
    assert contents(folder) == before
    return result.stderr.splitlines()[-1], result.exit_code


LINKS = {
    "a hard link": lambda: os.link("in.wav", "same.wav"),
    "a link": lambda: Path("same.wav").symlink_to("in.wav"),
    "a link to a hard link": lambda: (os.link("in.wav", "b"), Path("same.wav").symlink_to("b")),
    "a folder that is a link": lambda: (
        Path("sub").symlink_to("."),
        Path("same.wav").symlink_to("sub/in.wav"),
    ),
}


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("how", LINKS)
def test_the_recording_itself_is_no_output(how, force, folder):
    LINKS[how]()
    expected = ("Error: same.wav is the recording itself: name another file", 2)
    assert refused(folder, "in.wav", "same.wav", *force) == expected
    line, status = refused(folder, "same.wav", "in.wav", *force)
    assert (line, status) == ("Error: in.wav is the recording itself: name another file", 2)


@pytest.mark.parametrize("name", ["in.wav", "./in.wav", "temporary/../in.wav"])
def test_nor_under_another_of_its_names(name, folder):
    for output in (name, folder / name):
        line, status = refused(folder, "in.wav", output, "--force")
        assert (line.endswith("is the recording itself: name another file"), status) == (True, 2)
    line, status = refused(folder, "in.wav", "new.wav", "--keep-partial", name, "--force")
    assert (line, status) == (f"Error: {name} is the recording itself: name another file", 2)


def test_where_case_does_not_count_another_case_is_the_recording(folder, monkeypatch):
    look = os.stat

    def blind(path, *arguments, **options):
        path = os.fspath(path).lower() if isinstance(path, (str, os.PathLike)) else path
        return look(path, *arguments, **options)

    monkeypatch.setattr("os.stat", blind)
    assert refused(folder, "in.wav", "IN.WAV", "--force") == (
        "Error: IN.WAV is the recording itself: name another file", 2,
    )  # fmt: skip


def test_a_file_that_is_there_is_replaced_with_force_alone(folder):
    expected = "Error: out.wav is there already: name another file, or give --force"
    assert refused(folder, "in.wav", "out.wav") == (expected, 1)
    line, _ = refused(folder, "in.wav", "new.wav", "--keep-partial", "out.wav")
    assert line == expected
    Path("out.wav").chmod(0o640)
    assert run("in.wav", "out.wav", "--force").exit_code == 0
    assert soundfile.info("out.wav").frames == 4000
    assert Path("out.wav").stat().st_mode & 0o777 == 0o640
    assert names(folder) == ["in.wav", "out.wav", "temporary"]


def test_a_second_take_is_not_overwritten_by_a_pattern(folder):
    Path("out.wav").rename("take2.wav")
    Path("in.wav").rename("take1.wav")
    line, status = refused(folder, "take1.wav", "take2.wav")
    assert ("take2.wav is there already" in line, status) == (True, 1)


def test_a_new_file_has_the_mode_that_files_have_here(folder):
    before = os.umask(0o027)
    try:
        assert run("in.wav", "new.wav").exit_code == 0
    finally:
        os.umask(before)
    assert Path("new.wav").stat().st_mode & 0o777 == 0o640


def test_links_are_written_through(folder):
    Path("deep").mkdir()
    Path("link.wav").symlink_to("deep/new.wav")
    Path("other.wav").symlink_to("out.wav")
    assert run("in.wav", "link.wav").exit_code == 0
    assert run("in.wav", "other.wav").exit_code == 1
    assert run("in.wav", "other.wav", "--force").exit_code == 0
    assert Path("link.wav").is_symlink()
    assert Path("other.wav").is_symlink()
    assert Path("deep/new.wav").read_bytes() == Path("out.wav").read_bytes()


@pytest.mark.parametrize(
    ("output", "message", "status"),
    [
        ("nowhere/new.wav", "the folder {folder}/nowhere of nowhere/new.wav does not exist", 1),
        ("in.wav/new.wav", "the folder {folder}/in.wav of in.wav/new.wav does not exist", 1),
        ("lost.wav", "the folder {folder}/gone of lost.wav does not exist", 1),
        ("round.wav", "round.wav: cannot be opened: Too many levels of symbolic links", 1),
        (f"{'x' * 300}.wav", f"{'x' * 300}.wav: cannot be opened: File name too long", 1),
        ("temporary", "temporary: is a folder: name a file", 1),
        ("new.m4a", f"new.m4a: no .m4a file can be written: name it {', '.join(SUFFIXES)}", 2),
    ],
)
def test_what_cannot_be_written_is_said_before_the_fit(
    output, message, status, folder, monkeypatch
):
    monkeypatch.setattr("dap.files.restore.begun_job", None)  # nor is it read
    Path("lost.wav").symlink_to("gone/x.wav")
    Path("round.wav").symlink_to("round.wav")
    error = f"Error: {message.format(folder=os.path.realpath(folder))}"
    assert refused(folder, "in.wav", output) == (error, status)
    if output != "temporary":
        assert refused(folder, "in.wav", "new.wav", "--keep-partial", output) == (error, status)


def failing(name, number, monkeypatch):
    """Has a function of `os` fail."""

    def fail(*arguments, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"os.{name}", fail)


def test_a_folder_that_cannot_be_written_is_found_before_the_fit(folder, monkeypatch):
    # whatever it is that forbids it: bits of permission do not bind root
    monkeypatch.setattr("dap.files.restore.begun_job", None)
    failing("open", errno.EROFS, monkeypatch)
    monkeypatch.setattr("io.open", os.open)
    expected = "cannot be written: this user may not write there, or it is mounted read-only"
    line, status = refused_without_reading(folder, "new.wav")
    assert (expected in line, status) == (True, 1)
    line, status = refused_without_reading(folder, "out.wav", "--force")
    assert (expected in line, status) == (True, 1)


def refused_without_reading(folder, *arguments):
    result = run("in.wav", *arguments)
    assert names(folder) == ["in.wav", "out.wav", "temporary"]
    return result.stderr.splitlines()[-1], result.exit_code


@pytest.mark.skipif(os.geteuid() == 0, reason="bits of permission do not bind root")
def test_bits_of_permission(folder):
    Path("out.wav").chmod(0o400)
    assert "out.wav: cannot be written" in refused(folder, "in.wav", "out.wav", "--force")[0]
    folder.chmod(0o500)
    try:
        assert "new.wav: cannot be written" in refused(folder, "in.wav", "new.wav")[0]
    finally:
        folder.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="nobody can tell")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_found_before_the_fit(number, folder, monkeypatch):
    monkeypatch.setattr("dap.files.restorer.restore_parts", None)
    failing("posix_fallocate", number, monkeypatch)
    line, status = refused(folder, "in.wav", "out.wav", "--force")
    assert line == (
        "Error: out.wav: cannot be written: the disk is full, or the quota used up: free some space"
    )
    assert status == 1


FAILURES = {
    "the disk is full": ("fsync", errno.ENOSPC),
    "the disk fails": ("fsync", errno.EIO),
    "it may not be replaced": ("replace", errno.EPERM),
    "it is mounted there": ("replace", errno.EBUSY),
}


@pytest.mark.parametrize("output", ["out.wav", "new.wav"])
@pytest.mark.parametrize("how", FAILURES)
def test_a_result_that_cannot_be_written_is_kept(how, output, folder, monkeypatch):
    before = contents(folder)
    expected = run("in.wav", "-").stdout_bytes
    failing(*FAILURES[how], monkeypatch)
    result = run("in.wav", output, "--force")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    (path,) = re.findall(rf"^Error: {output}: cannot be written: .*; the result is in (.*)$", line)
    assert Path(path).parent == folder / "temporary"
    assert contents(folder) == before | {os.path.relpath(path): expected}


def test_a_result_is_kept_where_the_user_says(folder, monkeypatch):
    expected = run("in.wav", "-").stdout_bytes
    works = os.replace

    def fail(source, target):
        if Path(target).name == "out.wav":
            raise OSError(errno.EIO, "Input/output error")
        works(source, target)

    monkeypatch.setattr("os.replace", fail)
    result = run("in.wav", "out.wav", "--force", "--keep-partial", "spare.wav")
    assert result.stderr == (
        "Error: out.wav: cannot be written: Input/output error: put that right; the result is in "
        "spare.wav\n"
    )
    assert Path("spare.wav").read_bytes() == expected
    assert Path("out.wav").read_bytes() == b"an earlier result"
    assert run("in.wav", "new.wav", "--keep-partial", "new.wav").exit_code == 2


def test_a_result_that_nothing_takes_is_lost_in_words(folder, monkeypatch):
    before = contents(folder)
    failing("replace", errno.EIO, monkeypatch)
    monkeypatch.setattr("tempfile.mkstemp", os.replace)
    result = run("in.wav", "out.wav", "--force")
    assert result.stderr.endswith("; the result is lost: no folder takes it\n")
    assert contents(folder) == before


def test_a_file_that_came_to_be_meanwhile_is_not_replaced(folder, monkeypatch):
    restore = restorer.restore_parts

    def slow(*arguments, **options):
        Path("new.wav").write_bytes(b"another's")
        return restore(*arguments, **options)

    monkeypatch.setattr("dap.files.restorer.restore_parts", slow)
    result = run("in.wav", "new.wav")
    assert result.exit_code == 1
    assert "a file of this name has come to be" in result.stderr
    assert Path("new.wav").read_bytes() == b"another's"
    (rescued,) = Path("temporary").iterdir()
    assert soundfile.info(rescued).frames == 4000


def test_a_stop_leaves_no_half_of_a_file(folder, monkeypatch):
    def stop(descriptor):
        raise KeyboardInterrupt

    before = contents(folder)
    monkeypatch.setattr("os.fsync", stop)
    assert run("in.wav", "out.wav", "--force").exit_code == 1
    assert contents(folder) == before


def test_what_a_wav_does_not_hold_is_an_rf64(folder, monkeypatch):
    monkeypatch.setattr("dap.files.form.MOST_WAV_BYTES", 2 * 3999)
    result = run("in.wav", "new.wav")
    assert result.stderr.startswith(
        "new.wav: 0.250 s, RF64 PCM_16, 16000 Hz, one channel (from WAV "
    )
    assert Form.of(Path("new.wav")).container == "RF64"


@pytest.mark.parametrize(
    ("damaged", "output", "words"),
    [
        ("in.raw", "new.wav", "in.raw: no header says the rate and the type of raw samples"),
        ("in.wav", "new/", "new/: is the name of a folder that is not there: name a file"),
        ("cd.wav", "new.opus", "new.opus: no .opus file of 1 channels at 44100 Hz can be written"),
    ],
)
def test_names_that_ask_for_what_cannot_be(damaged, output, words, folder):
    Path("in.raw").write_bytes(bytes(1000))
    soundfile.write("cd.wav", np.random.default_rng(0).normal(0, 0.1, 8000), 44100)
    line, status = refused(folder, damaged, output)
    assert words in line
    assert status in (1, 2)


def test_the_size_that_is_looked_for_is_that_of_the_samples(folder, monkeypatch):
    sizes = []
    monkeypatch.setattr("dap.files.endpoints._reserve", lambda _, size: sizes.append(size))
    for name in ("new.wav", "new.flac"):
        assert run("in.wav", name).exit_code == 0
    assert sizes == [0, 8000, 0, 0]
    assert 8000 < Path("new.wav").stat().st_size < 8100
