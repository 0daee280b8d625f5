"""What `make demo` finds out before Snakemake would fail with a traceback."""

import shutil
import subprocess
import sys

import pytest
from checkout import STUDY


def check(checkout, *arguments):
    command = [sys.executable, "workflow/check.py", *arguments]
    return subprocess.run(command, cwd=checkout.folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-n", "--configfile", "study.yaml"],
        ["--configfile=study.yaml", "--config", "clips=3", "all"],
        ["--configfiles", "study.yaml", "config.yaml", "--cores", "1"],
    ],
)
def test_nothing_is_said_where_nothing_is_wrong(sources, arguments):
    done = check(sources, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.yaml", None, "gone.yaml: cannot be read: No such file or directory"),
        ("dap", None, "dap: cannot be read: Is a directory"),
        (
            "a.yaml",
            STUDY.encode("utf-16"),
            "a.yaml: is not UTF-8 (byte 0): save it in that encoding",
        ),
        ("a.yaml", "title: caf\xe9".encode("latin-1"), "a.yaml: is not UTF-8 (byte 10): save it"),
        ("a.yaml", b"", "a.yaml: holds no keys: a study is a mapping, such as `study: NAME`"),
        ("a.yaml", b"- a", "a.yaml: holds no keys: a study is a mapping, such as `study: NAME`"),
        ("a.yaml", b"seed: 1\nseed: 2", "a.yaml, line 2: the key 'seed' is there twice, on lines"),
        ("a.yaml", b"seed: 010", "a.yaml, line 1: 010 is read as a number of base 8 or 60"),
    ],
)
def test_the_first_file_that_is_wrong(fresh, name, content, message):
    if content is not None:
        (fresh.folder / name).write_bytes(content)
    done = check(fresh, "--configfile", "study.yaml", name)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {message}")
    assert len(done.stderr.splitlines()) == 1


def test_the_working_folder(fresh):
    shutil.rmtree(fresh.folder / ".snakemake", ignore_errors=True)
    (fresh.folder / ".snakemake").touch()
    done = check(fresh)
    assert done.returncode == 1
    assert done.stderr == "Error: .snakemake: is no folder, and must be one: move it away\n"


def test_a_note_of_the_owner_that_was_cut(fresh):
    (fresh.folder / ".snakemake").mkdir(exist_ok=True)
    (fresh.folder / ".snakemake" / "owner.json").write_text('{"host": "a')
    done = fresh.owner()
    assert done.returncode == 1
    assert "process (unreadable) on (unreadable): that machine cannot be looked at" in done.stdout
    assert not done.stderr
