"""`dap restore` of folders, what it finds, and what the shell completes."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from dap.cli import main
from dap.files import restorer

RATE = 16000


@pytest.fixture
def recordings(tmp_path, monkeypatch, tone, hiss):
    """The working folder, with a folder of recordings, of which one is no sound."""
    monkeypatch.chdir(tmp_path)
    noisy = tone + hiss[:4096]
    for name in ("in/a.wav", "in/b/c.flac", "in/d.ogg"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(name, noisy, RATE)
    for name in ("in/e.wav", "in/notes.txt", "in/.hidden.wav"):
        Path(name).write_bytes(b"no sound")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["restore", *arguments, "--method", "wavelet"])


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_folder(recordings):
    result = run("in")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[-1] == "in.restored: 3 restored, 1 failed"
    assert "Error: in/e.wav: cannot be read as audio: Format not recognised" in lines
    assert files(recordings / "in.restored") == ["a.wav", "b/c.flac", "d.ogg"]
    before = {path: path.stat().st_mtime_ns for path in recordings.rglob("in.restored/*")}
    Path("in/e.wav").unlink()
    result = run("in/")  # what is there stays
    assert (result.exit_code, result.stderr) == (0, "in.restored: 3 there already\n")
    assert before == {path: path.stat().st_mtime_ns for path in before}
    result = run("in", "--force", "-o", "in/results")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (0, "in/results: 3 restored")
    # its results are no recordings, whatever its name
    Path("link").symlink_to("in")
    for results in ("in/results", "in/../in/results", "link/results"):
        result = run("in", "--force", "-o", results)
        assert result.stderr.splitlines()[-1] == f"{results}: 3 restored"


def test_the_results_of_the_working_folder_lie_beside_it(recordings, monkeypatch):
    Path("in/e.wav").unlink()
    monkeypatch.chdir("in/b")
    for here, count in ((".", 1), ("..", 4)):
        assert f"restored: {count} restored" in run(here).stderr.splitlines()[-1]
    assert files(recordings / "in/b.restored") == ["c.flac"]
    # those of the first are recordings to the second
    assert files(recordings / "in.restored") == ["a.wav", "b.restored/c.flac", "b/c.flac", "d.ogg"]


def test_formats_that_are_not_written_become_wav(recordings, monkeypatch):
    Path("in/e.wav").unlink()
    for name in ("in/talk.m4a", "in/d.m4a", "in/d.wav"):
        Path(name).write_bytes(Path("in/a.wav").read_bytes())
    assert run("in").exit_code == 0
    assert files(recordings / "in.restored") == [
        "a.wav", "b/c.flac", "d.m4a.wav", "d.ogg", "d.wav", "talk.wav",
    ]  # fmt: skip


def test_mistakes_with_folders(recordings):
    Path("empty").mkdir()
    for arguments, message, status in (
        (["in", "-o", "in"], "in is the recordings' folder itself: name another one", 2),
        (["in", "-o", "-"], "- is no folder, as results of a folder need", 2),
        (["in", "-o", "in/a.wav"], "in/a.wav is no folder", 2),
        (["in", "--keep-partial", "x.wav"], "--keep-partial is of one file", 2),
        (["empty"], "empty: no audio file in it: name another folder", 1),
    ):
        result = run(*arguments)
        assert (message in result.stderr, result.exit_code) == (True, status)
    assert files(recordings / "in") == [
        ".hidden.wav", "a.wav", "b/c.flac", "d.ogg", "e.wav", "notes.txt",
    ]  # fmt: skip


def test_a_stop_ends_a_folder_and_leaves_what_is_whole(recordings, monkeypatch):
    restore, calls = restorer.restore_parts, []

    def stopped(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return restore(*arguments, **options)

    monkeypatch.setattr("dap.files.restorer.restore_parts", stopped)
    result = run("in")
    assert result.exit_code == 1
    assert "Aborted!" in result.stderr
    assert files(recordings / "in.restored") == ["a.wav"]


def test_full_memory_ends_one_file_alone(recordings, monkeypatch):
    restore, calls = restorer.restore_parts, []

    def full(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            raise MemoryError
        return restore(*arguments, **options)

    monkeypatch.setattr("dap.files.restorer.restore_parts", full)
    result = run("in")
    assert "Error: in/a.wav: the memory is full: take shorter segments" in result.stderr
    assert "in.restored: 2 restored, 2 failed" in result.stderr


def test_gaps_that_are_found(recordings, voice):
    damaged = voice.copy()
    damaged[4100:4200] = 0
    soundfile.write("gaps.wav", damaged, RATE)
    command = ["restore", "gaps.wav", "--detect-gaps"]
    result = CliRunner().invoke(main, [*command, "--gap", "0.5-0.51"])
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [
        "gaps.wav: gaps found: 0.2562-0.2625 s",
        "gaps.restored.wav: 2.000 s, WAV PCM_16, 16000 Hz, one channel, restored by janssen",
    ]
    before, after = (soundfile.read(f"gaps{name}.wav")[0] for name in ("", ".restored"))
    changed = np.flatnonzero(before != after)
    assert set(changed) <= {*range(4100, 4200), *range(8000, 8160)}
    assert len(changed) > 200
    result = CliRunner().invoke(main, ["restore", "in/a.wav", "--detect-gaps"])
    assert (result.exit_code, result.stderr) == (
        1, "Error: in/a.wav: no gap was found: name it by --gap START-END\n",
    )  # fmt: skip
    for options, message in {
        ("--dequantize", "16"): "--gap and --dequantize exclude each other",
        ("--amount", "0.5"): "--amount is not of gaps",
    }.items():
        result = CliRunner().invoke(main, [*command, *options])
        assert (message in result.stderr, result.exit_code) == (True, 2)


def test_a_pipe_has_no_name_for_a_result(recordings):
    result = CliRunner().invoke(main, ["restore", "-"], input=Path("in/a.wav").read_bytes())
    assert result.exit_code == 2
    assert "standard input has no name that a result's could be made of: name it by -o" in (
        result.stderr
    )


def test_helps_are_short():
    lines = CliRunner().invoke(main, ["--help"]).output.splitlines()
    assert len(lines) < 24
    said = CliRunner().invoke(main, ["restore", "--help"]).output
    common, fitting = said.split("Of a fitted network:")
    assert "--amount" in common
    assert "--iterations" not in common
    assert "--iterations" in fitting


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("dap re", ["plain,restore"]),
        ("dap restore --method wiener-t", ["plain,wiener-tracked"]),
        ("dap restore --eff", ["plain,--effort"]),
        ("dap restore --effort q", ["plain,quick"]),
        ("dap separate --method dap", ["plain,dap-best"]),
    ],
)
def test_the_shell_completes(words, completed):
    env = {
        "_DAP_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    result = CliRunner().invoke(main, [], prog_name="dap", env=env)
    assert result.output.split() == completed


def test_the_script_for_the_shell():
    env = {"_DAP_COMPLETE": "bash_source"}
    result = CliRunner().invoke(main, [], prog_name="dap", env=env)
    assert "_DAP_COMPLETE=bash_complete" in result.output
    assert "complete " in result.output


def test_an_empty_name_is_none(recordings):
    result = run("in/a.wav", "-o", "")
    assert result.exit_code == 2
    assert "an empty name: name a file or a folder, or leave it out" in result.output
    assert not list(recordings.rglob("*restored*"))
