"""Whatever `dap restore` is given: no traceback, no file of the user's changed, always a reason.

The options are those of the classical methods and the recordings short, so that an example takes
some milliseconds. They run in one process.
"""

import io
import logging
import os
import re
import tempfile
from contextlib import chdir
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dap.cli import main
from dap.commands.restore import EXIT_STATUS

STATUSES = {int(status) for status in re.findall(r"^ +([0-9])  ", EXIT_STATUS, re.MULTILINE)}
TEXTS = (
    "nan",
    "-nan",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "0",
    "1e-320",
    "",
    " ",
    "x",
    "٣",
    "\udce9",
    "-",
)
NUMBERS = st.one_of(
    st.sampled_from(TEXTS), st.integers().map(str), st.floats().map(str), st.just("9" * 5000)
)
METHODS = ("wavelet", "wavelet-universal", "wiener", "spectral-gate", "janssen", "cell-projection")
TIMES = st.one_of(
    st.sampled_from(TEXTS),
    st.floats(0, 0.3).map("{:.6f}".format),
    st.floats(0, 0.3).map("0:{:06.3f}".format),
    st.sampled_from(["1:07.1", "0:00:00.05", "0:61", "1e-2", "0.0932", "0.10001", "0.10002"]),
)
GAPS = st.one_of(
    st.tuples(TIMES, TIMES).map("-".join),
    st.tuples(st.floats(0, 0.1), st.floats(0, 0.02)).map(lambda s: f"{s[0]:.5f}-{sum(s):.5f}"),
    st.sampled_from(TEXTS),
)
# an option, and values that are meant for it, or not
OPTIONS = st.one_of(
    st.tuples(st.just("--gap"), GAPS),
    st.tuples(st.just("--dequantize"), st.one_of(NUMBERS, st.sampled_from(["2", "16", "256"]))),
    st.tuples(st.just("--amount"), st.one_of(NUMBERS, st.sampled_from(["0", "0.5", "1"]))),
    st.tuples(st.just("--detect-gaps")),
    st.tuples(st.just("--threads"), st.one_of(NUMBERS, st.just("1"))),
    st.tuples(
        st.sampled_from(
            ["--width", "--segment", "--seed", "--iterations", "--consistency", "--learning-rate"]
        ),
        NUMBERS,
    ),
    st.tuples(
        st.sampled_from(["--preset", "--selection", "--precision", "--device"]),
        st.sampled_from([*TEXTS, "fast", "last", "auto"]),
    ),
    st.tuples(st.sampled_from(["--force", "--nothing", "-x", "--", "--f\udce9"])),
    st.tuples(
        st.just("--keep-partial"), st.sampled_from(["in.wav", "old.wav", "new.wav", "kept.wav", ""])
    ),
)
INPUTS = (
    "in.wav",
    "./in.wav",
    "caf\udce9.wav",
    "-",
    "no.wav",
    "folder",
    "",
    "link.wav",
    "/dev/null",
)
OUTPUTS = (
    "new.wav", "old.wav", "in.wav", "folder/../in.wav", "hard.wav",
    "link.wav", "folder", "folder/new.wav", "no/new.wav", "new.mp3", "new.m4a", "new", "",
    "-", "一\udce9.wav",
    "a\n{b}.wav", f"{'x' * 251}.wav", f"{'x' * 252}.wav", "/dev/null", "/dev/full", "dangling.wav",
)  # fmt: skip


@cache
def recording(form, subtype, channels, samples, rate):
    """The bytes of a file with a tone and noise."""
    time = np.arange(samples) / rate
    noise = np.random.default_rng(0).normal(0, 0.02, (channels, samples))
    content = io.BytesIO()
    signal = (0.2 * np.sin(2 * np.pi * 440 * time) + noise).T
    soundfile.write(content, signal, rate, format=form, subtype=subtype)
    return content.getvalue()


WHOLE = st.builds(
    recording,
    form=st.sampled_from(["WAV", "WAV", "AIFF"]),
    subtype=st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE", "IMA_ADPCM"]),
    channels=st.integers(1, 2),
    samples=st.sampled_from([1500, 1500, 1024, 1023, 1, 0]),
    rate=st.sampled_from([8000, 16000, 44100]),
)


@st.composite
def contents(draw):
    """A recording, its header changed in some bytes, or cut."""
    content = bytearray(draw(WHOLE))
    for where, value in draw(
        st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), max_size=3)
    ):
        content[where % len(content)] = value
    is_cut = draw(st.integers(0, 3)) == 3
    return bytes(content[: draw(st.integers(0, len(content))) if is_cut else None])


def state(folder):
    """The files of a folder with their contents, links and folders by what they are."""
    return {
        os.fsencode(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else "folder"
        for path in folder.rglob("*")
    }


def check(content, arguments):
    """Run the command in a folder of files, and look at what it did."""
    with tempfile.TemporaryDirectory() as name, chdir(name):
        folder = Path(name)
        for file in ("in.wav", "caf\udce9.wav"):
            Path(file).write_bytes(content)
        Path("old.wav").write_bytes(b"an earlier result")
        Path("folder").mkdir()
        Path("hard.wav").hardlink_to("in.wav")
        Path("link.wav").symlink_to("in.wav")
        Path("dangling.wav").symlink_to("folder/new.wav")
        before = state(folder)
        source = Path(arguments[0])
        recorded = source.read_bytes() if source.is_file() else b""
        # a worker cannot send pytest's main process captured warnings that are no UTF-8
        with patch.object(logging.getLogger("dap"), "propagate", False):
            result = CliRunner().invoke(main, ["restore", *arguments], input=content)
        after = state(folder)
        assert (source.read_bytes() if source.is_file() else b"") == recorded
        unexpected = result.exception
        assert unexpected is None or isinstance(unexpected, SystemExit), result.exc_info
        assert result.exit_code in STATUSES
        assert "Traceback" not in result.output
        last = result.stderr.splitlines()[-1]
        changed = {path for path in before | after if before.get(path) != after.get(path)}
        if result.exit_code == 0:
            assert "restored" in last
            target = os.path.relpath(os.path.realpath(arguments[2]), os.path.realpath(folder))
            assert changed <= {os.fsencode(target)}
            assert b"old.wav" not in changed or "--force" in arguments
        else:
            assert last.startswith("Error: ")
            assert len(last) > len("Error: ")
            assert result.stdout_bytes == b""
            assert changed <= ({b"kept.wav", b"new.wav"} if "/dev/full" in arguments else set())


@pytest.fixture(autouse=True, scope="module")
def temporary(tmp_path_factory):
    """A folder for results that are kept."""
    folder = tmp_path_factory.mktemp("temporary")
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    yield folder
    tempfile.tempdir = before


# what a user means, to files of all kinds
MEANT = st.one_of(
    st.tuples(st.sampled_from(["wavelet", "wavelet-universal", "wiener"])),
    st.tuples(st.just("wavelet"), st.just("--amount"), st.sampled_from(["0", "0.7"])),
    st.tuples(st.just("janssen"), st.just("--gap"), GAPS),
    st.tuples(st.just("cell-projection"), st.just("--dequantize"), st.just("256")),
)
# and what comes to mind
ANY = st.builds(
    lambda method, options: [method, *(text for option in options for text in option)],
    st.sampled_from([*METHODS, "observed", "", "\udce9"]),
    st.lists(OPTIONS, max_size=3),
)
COMMANDS = st.builds(
    lambda source, target, force, options: [source, "-o", target, *force, "--method", *options],
    st.one_of(st.just("in.wav"), st.sampled_from(INPUTS)),
    st.one_of(st.just("new.wav"), st.sampled_from(OUTPUTS)),
    st.sampled_from([[], ["--force"]]),
    st.one_of(MEANT, MEANT, ANY),
)


def fuzz(examples):
    """A test of the command with so many examples."""
    options = settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    return options(given(st.one_of(WHOLE, contents()), COMMANDS)(check))


def test_whatever_it_is_given():
    fuzz(150)()


@pytest.mark.slow
def test_whatever_it_is_given_for_longer():
    fuzz(2000)()


def test_the_statuses_are_those_of_the_help():
    assert {0, 1, 2} <= STATUSES
    help_ = CliRunner().invoke(main, ["restore", "--help"]).stdout
    assert all(re.search(rf"^ +{status}  \w", help_, re.MULTILINE) for status in STATUSES)
