"""The command in a process of its own: streams, names, what it imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[1]
DAP = (sys.executable, "-m", "dap")
RESTORE = (*DAP, "restore")
WAVELET = ("--method", "wavelet")
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with in.wav, half a second, and what wavelets make of it, expected.wav."""
    folder = tmp_path_factory.mktemp("files")
    time = np.arange(8000) / 16000
    noise = np.random.default_rng(0).normal(0, 0.02, 8000)
    soundfile.write(folder / "in.wav", 0.2 * np.sin(2 * np.pi * 440 * time) + noise, 16000)
    run(*RESTORE, "in.wav", "-o", "expected.wav", *WAVELET, cwd=folder)
    return folder


def run(*command, status=0, env=None, **options):
    """Run a command; its standard output and the lines of its standard error."""
    options = {"capture_output": True} | options
    done = subprocess.run(command, env=ENVIRONMENT | (env or {}), timeout=120, **options)
    lines = (done.stderr or b"").decode("utf-8", "surrogateescape").splitlines()
    assert (done.returncode, "Traceback" in "\n".join(lines)) == (status, False), lines
    return done.stdout, lines


def shell(line, folder, status=0, **options):
    """The lines of standard error of a line for bash, where `restore` is the command."""
    function = (
        f'restore() {{ "{sys.executable}" -m dap restore "$1" -o "${{@:2}}" --method wavelet; }}'
    )
    return run(
        "bash", "-o", "pipefail", "-c", f"{function}; {line}", status=status, cwd=folder, **options
    )[1]


WAYS = {
    "a redirection": "restore - - <in.wav >{}",
    "a pipe on either side": "cat in.wav | restore - - | cat >{}",
    "names of the streams": "cat in.wav | restore /dev/stdin /dev/stdout >{}",
    "a process on either side": "restore <(cat in.wav) >(cat >{}) && sleep 0.3",
    "a named pipe": "mkfifo {0}.fifo; cat in.wav >{0}.fifo & restore {0}.fifo {0}",
    "descriptors": "restore /dev/fd/8 /dev/fd/9 8<in.wav 9>{}",
    "the file itself": "restore in.wav {}",
}


@pytest.mark.parametrize("way", WAYS)
def test_streams(way, files):
    path = files / f"{way.replace(' ', '-')}.wav"
    (line,) = shell(WAYS[way].format(path.name), files)
    assert line.endswith(": 0.500 s, WAV PCM_16, 16000 Hz, one channel, restored by wavelet")
    assert path.read_bytes() == (files / "expected.wav").read_bytes()


@pytest.mark.parametrize(
    ("line", "message", "status"),
    [
        ("echo hello | restore - x.wav", "standard input: cannot be read as audio", 1),
        ("restore - x.wav </dev/null", "standard input: is a terminal or a device", 1),
        ("restore - x.wav <&-", "standard input: cannot be opened: it is closed", 1),
        ("restore /dev/fd/77 x.wav", "'/dev/fd/77' does not exist", 2),
        ("restore /dev/zero x.wav", "/dev/zero: is a terminal or a device", 1),
        ("restore in.wav /dev/stdin </dev/null", "standard input: is open for reading alone", 1),
        ("ulimit -f 8; restore - x.wav <in.wav", "there is no room for a copy in ", 1),
        ("restore in.wav - >&-", "standard output: cannot be opened: it is closed", 1),
        ("restore in.wav /dev/full", "/dev/full: cannot be written: the disk is full", 1),
        ("restore in.wav - >/dev/full", "standard output: cannot be written: the disk is full", 1),
        ("restore in.wav - | true", "standard output: cannot be written: what should read it", 1),
        ("cp in.wav y.wav; restore - y.wav --force <y.wav", "y.wav is the recording itself", 2),
        ("cp in.wav y.wav; restore y.wav - >>y.wav", "standard output is the recording", 2),
        ("ulimit -f 8; restore in.wav x.wav", "x.wav: cannot be written: the disk is full", 1),
    ],
)
def test_streams_that_lead_nowhere(line, message, status, files):
    lines = shell(line, files, status, env={"TMPDIR": str(files)})
    assert message in lines[-1]
    assert not (files / "x.wav").exists()
    if (files / "y.wav").exists():
        assert (files / "y.wav").read_bytes() == (files / "in.wav").read_bytes()
    for path in files.glob("restored-*"):  # the result of what could not be written
        assert path.read_bytes() == (files / "expected.wav").read_bytes()
        path.unlink()
    assert not list(files.glob("dap-*"))


def test_a_terminal_is_neither_read_nor_written(files):
    leader, follower = os.openpty()
    try:
        _, lines = run(*RESTORE, "-", "-o", "x.wav", *WAVELET, status=1, cwd=files, stdin=follower)
        assert lines[-1].startswith("Error: standard input: is a terminal")
        options = {"stdout": follower, "stderr": subprocess.PIPE, "capture_output": False}
        _, lines = run(*RESTORE, "in.wav", "-o", "-", *WAVELET, status=1, cwd=files, **options)
        assert lines == ["Error: standard output: is a terminal: name a file, or pipe it on"]
    finally:
        os.close(leader)
        os.close(follower)


# which learns something at once
FIT = ("--method", "wave-u-net", "--iterations", "5", "--learning-rate", "0.03")
FIT += ("--width", "0.05", "--device", "cpu")


@pytest.mark.parametrize("method", [WAVELET, FIT], ids=["wavelet", "wave-u-net"])
def test_without_a_working_folder_and_standard_error(method, files, tmp_path):
    (tmp_path / "gone").mkdir()
    output = tmp_path / "out.wav"
    line = 'cd gone && rmdir ../gone && "$@" 2>&-'
    run("bash", "-c", line, "-", *RESTORE, files / "in.wav", "-o", output, *method, cwd=tmp_path)
    assert soundfile.info(output).frames == 8000
    assert [path.name for path in tmp_path.iterdir()] == ["out.wav"]


def test_names_in_a_folder_that_is_gone(files, tmp_path):
    (tmp_path / "gone").mkdir()
    line = 'cd gone && rmdir ../gone && "$@"'
    in_it = ("bash", "-c", line, "-", *RESTORE, files / "in.wav", "-o", "out.wav", *WAVELET)
    _, (line,) = run(*in_it, cwd=tmp_path, status=1)
    assert line.startswith("Error: out.wav: cannot be written: the working folder was deleted")


LOCALES = {
    "UTF-8": {"LC_ALL": "C.UTF-8"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("locale", LOCALES)
def test_names_in_another_encoding(locale, files, tmp_path):
    name, output = (
        str(tmp_path / os.fsdecode(raw)) for raw in (b"caf\xe9\n.wav", b"\xe4\xb8\x80.wav")
    )
    env = LOCALES[locale]
    try:
        Path(name).write_bytes((files / "in.wav").read_bytes())
    except OSError:
        pytest.skip("this file system takes no such name")
    _, (line,) = run(*RESTORE, name, "-o", output, *WAVELET, env=env)
    assert line.endswith(".wav: 0.500 s, WAV PCM_16, 16000 Hz, one channel, restored by wavelet")
    assert Path(output).read_bytes() == (files / "expected.wav").read_bytes()
    _, lines = run(*RESTORE, name, "-o", name, *WAVELET, env=env, status=2)
    assert lines[-1] == rf"Error: {tmp_path}/caf\xe9 .wav is the recording itself: " + (
        "name another file"
    )
    Path(name).write_bytes(b"no sound")
    _, (line,) = run(*RESTORE, name, "-o", output, "--force", *WAVELET, env=env, status=1)
    assert line.startswith(rf"Error: {tmp_path}/caf\xe9 .wav: cannot be read as audio")


IMPORTED = """
import json, sys
from dap.cli import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)))
"""
CLASSICAL = {
    "wavelet": (),
    "wavelet-universal": (),
    "wiener": (),
    "wiener-tracked": (),
    "auto": (),
    "spectral-gate": (),
    "janssen": ("--gap", "0.1-0.12"),
    "cell-projection": ("--dequantize", "256"),
}


@pytest.mark.parametrize("method", CLASSICAL)
def test_a_classical_method_needs_no_pytorch(method, files, tmp_path):
    output = tmp_path / "out.wav"
    recording = files / "in.wav"
    if method == "cell-projection":
        recording = tmp_path / "coarse.wav"
        soundfile.write(recording, soundfile.read(files / "in.wav")[0], 16000, subtype="PCM_U8")
    options = ("--method", method, *CLASSICAL[method])
    out, _ = run(sys.executable, "-c", IMPORTED, "restore", recording, "-o", output, *options)
    assert not {"torch", "matplotlib", "pandas"} & set(json.loads(out.splitlines()[-1]))
    assert soundfile.info(output).frames == 8000


@pytest.mark.parametrize(
    "arguments",
    [
        ["in.wav", "--width", "9"],
        ["in.wav", "--method", "janssen"],
        ["in.wav", "--method", "wavelet", "--seed", "1"],
        ["in.wav", "-o", "out.m4a"],
        ["in.wav", "-o", "in.wav"],
        ["-h"],
    ],
)
def test_options_are_checked_before_anything_heavy_is_imported(arguments, files):
    status = 0 if arguments == ["-h"] else 2
    command = (sys.executable, "-c", IMPORTED, "restore", *arguments)
    out, _ = run(*command, cwd=files, status=status)
    imported = set(json.loads(out.splitlines()[-1]))
    assert not {"torch", "scipy", "soundfile", "soxr", "pywt"} & imported


def test_the_module_is_the_command():
    out, _ = run(*DAP, "--help")
    assert out.startswith(b"Usage: dap [OPTIONS] COMMAND")
    out, _ = run(*DAP, "--version")
    assert out.startswith(b"dap, version ")


def test_a_list_whose_reader_is_gone():
    read, write = os.pipe()
    os.close(read)
    try:
        options = {"stdout": write, "stderr": subprocess.PIPE, "capture_output": False}
        assert run(*DAP, "methods", status=1, **options) == (None, [])
    finally:
        os.close(write)
