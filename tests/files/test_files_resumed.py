"""Long files: refused where they take too long, stopped at any point, and gone on with."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import dap
from dap.cli import main
from dap.errors import DapError
from dap.files import restorer
from dap.files.estimate import Estimate, TooLongError

ROOT = Path(__file__).resolve().parents[1]
RATE = 8000
# of whole windows: 20 s are 7 of them
WINDOWS = {"WINDOW_SECONDS": 4.0, "REACH_SECONDS": 0.5, "WINDOW_FADE_SECONDS": 0.25}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with 20 s of noisy tones, in.wav; windows are short."""
    monkeypatch.chdir(tmp_path)
    t = np.arange(20 * RATE) / RATE
    noise = np.random.default_rng(0).normal(0, 0.02, (len(t), 2))
    tones = 0.2 * np.sin(2 * np.pi * 330 * t) * np.sin(2 * np.pi * 0.3 * t)
    soundfile.write("in.wav", tones[:, np.newaxis] + noise, RATE, subtype="PCM_16")
    for name, value in WINDOWS.items():
        monkeypatch.setattr(restorer, name, value)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def run(*arguments):
    return CliRunner().invoke(main, ["restore", "in.wav", "-o", "out.wav", *arguments])


class StoppedError(Exception):
    pass


def stop_after(parts, monkeypatch, error=StoppedError):
    """Have the run be stopped once so many windows, of two channels, are kept."""
    save = dap.files.partial.Partial.save
    left = [parts]

    def saved(store, name, arrays):
        save(store, name, arrays)
        left[0] -= 1
        if not left[0]:
            raise error

    monkeypatch.setattr("dap.files.partial.Partial.save", saved)


def calls(monkeypatch):
    """How often a method is run."""
    counted = []
    run = restorer.restore_parts

    def count(recording, parts, *arguments, **options):
        counted.append(len(parts))
        return run(recording, parts, *arguments, **options)

    monkeypatch.setattr("dap.files.restorer.restore_parts", count)
    return counted


@pytest.mark.parametrize("parts", [1, 2, 7, 13, 14])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(parts, folder, monkeypatch):
    dap.restore_file("in.wav", "whole.wav")
    with monkeypatch.context() as patched:
        stop_after(parts, patched)
        with pytest.raises(StoppedError):
            dap.restore_file("in.wav", "out.wav")
    assert names(folder) == ["in.wav", "out.wav.partial", "whole.wav"]
    assert len(list(Path("out.wav.partial").glob("*.npz"))) == parts
    counted = calls(monkeypatch)
    dap.restore_file("in.wav", "out.wav", resume=True)
    assert sum(counted) == 14 - parts
    assert Path("out.wav").read_bytes() == Path("whole.wav").read_bytes()
    assert names(folder) == ["in.wav", "out.wav", "whole.wav"]


@pytest.mark.usefixtures("few_iterations")
def test_so_does_one_of_fits(folder, monkeypatch):
    x, rate = soundfile.read("in.wav")
    soundfile.write("in.wav", x[:RATE, 0], rate, subtype="FLOAT")
    options = {"method": "conv", "iterations": 2, "width": 0.05, "segment_seconds": 0.25}
    options |= {"device": "cpu", "threads": 1}
    dap.restore_file("in.wav", "whole.wav", **options)
    with monkeypatch.context() as patched:
        stop_after(2, patched)
        with pytest.raises(StoppedError):
            dap.restore_file("in.wav", "out.wav", **options)
    dap.restore_file("in.wav", "out.wav", resume=True, **options)
    assert Path("out.wav").read_bytes() == Path("whole.wav").read_bytes()


# a pause after each window, so that a signal comes before the last one; what a shell starts in the
# background ignores SIGINT, and so would what it starts
KILLED = """
import signal, sys, time
from dap.files import restorer
from dap.files.partial import Partial
from dap.cli import main
for name, value in {windows}.items():
    setattr(restorer, name, value)
save = Partial.save
def slowly(*arguments):
    save(*arguments)
    time.sleep({pause})
Partial.save = slowly
signal.signal(signal.SIGINT, signal.default_int_handler)
main(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_killed(number, folder):
    Path("out.wav").write_bytes(b"an earlier result")

    def command(pause):
        program = (sys.executable, "-c", KILLED.format(windows=WINDOWS, pause=pause))
        return *program, "restore", "in.wav", "-o", "out.wav", "--force"

    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command(2), env=environment, stderr=subprocess.PIPE, text=True)
    kept = folder / "out.wav.partial"
    until = time.monotonic() + 100
    while not (kept.is_dir() and len(list(kept.glob("*.npz"))) >= 2) and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=100)
    assert process.returncode != 0
    assert Path("out.wav").read_bytes() == b"an earlier result"
    if number != signal.SIGKILL:
        assert "stopped; what is done lies in" in said
        assert "give --resume to go on from there" in said
        assert [name for name in names(folder) if name.startswith(".")] == []
    resumed = (*command(0), "--resume")
    done = subprocess.run(resumed, env=environment, capture_output=True, check=True)
    assert b"restored by wiener-tracked" in done.stderr
    dap.restore_file("in.wav", "whole.wav", seed=2021)
    assert Path("out.wav").read_bytes() == Path("whole.wav").read_bytes()
    assert not kept.exists()


def test_a_changed_recording_or_option_is_not_gone_on_with(folder, monkeypatch):
    with monkeypatch.context() as patched:
        stop_after(3, patched, KeyboardInterrupt)
        assert run("--amount", "0.5").exit_code == 1
    before = {path.name: path.read_bytes() for path in Path("out.wav.partial").iterdir()}
    # how much is taken off is done afterwards
    assert len(before) == 4
    result = run("--resume", "--method", "wavelet")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: out.wav.partial is of another run")
    assert "not the same are the method;" in line
    with pytest.raises(dap.DapError, match="not the same are the options;"):
        dap.restore_file("in.wav", "out.wav", seed=3, resume=True)
    with monkeypatch.context() as patched:
        patched.setattr("dap.files.jobs.versions", lambda: "dap 0.2")
        assert "not the same are the version;" in run("--resume").stderr
    content = bytearray(Path("in.wav").read_bytes())
    content[5000] ^= 1
    Path("in.wav").write_bytes(content)
    assert "not the same are the recording;" in run("--resume").stderr
    assert {path.name: path.read_bytes() for path in Path("out.wav.partial").iterdir()} == before
    content[5000] ^= 1
    Path("in.wav").write_bytes(content)
    assert run("--resume").exit_code == 0


def test_another_number_of_cores_goes_on_with_what_no_thread_settles(folder, monkeypatch):
    with monkeypatch.context() as patched:
        stop_after(1, patched)
        assert isinstance(run("--threads", "3").exception, StoppedError)
    assert run("--threads", "1", "--resume").exit_code == 0


def test_a_part_that_is_torn_is_done_again(folder, monkeypatch):
    dap.restore_file("in.wav", "whole.wav")
    with monkeypatch.context() as patched:
        stop_after(5, patched)
        with pytest.raises(StoppedError):
            dap.restore_file("in.wav", "out.wav")
    torn = sorted(Path("out.wav.partial").glob("*.npz"))[2]
    torn.write_bytes(torn.read_bytes()[:-1000])
    counted = calls(monkeypatch)
    dap.restore_file("in.wav", "out.wav", resume=True)
    assert sum(counted) == 14 - 4
    assert Path("out.wav").read_bytes() == Path("whole.wav").read_bytes()


def test_without_resume_an_earlier_run_is_said_and_deleted(folder, monkeypatch, caplog):
    with monkeypatch.context() as patched:
        stop_after(3, patched)
        with pytest.raises(StoppedError):
            dap.restore_file("in.wav", "out.wav")
    with caplog.at_level(logging.WARNING, "dap"):
        dap.restore_file("in.wav", "out.wav")
    assert "holds what a run that was stopped had done" in caplog.text
    assert names(folder) == ["in.wav", "out.wav"]


def test_resume_without_an_earlier_run_begins_at_the_start(folder):
    assert run("--resume").exit_code == 0
    assert names(folder) == ["in.wav", "out.wav"]


def test_a_short_file_leaves_nothing_to_go_on_with(folder, monkeypatch):
    x, rate = soundfile.read("in.wav")
    soundfile.write("in.wav", x[: 3 * RATE], rate)
    monkeypatch.setattr("dap.files.partial.Partial.save", None)
    dap.restore_file("in.wav", "out.wav")
    assert names(folder) == ["in.wav", "out.wav"]


def test_what_takes_too_long_is_refused_and_what_is_faster_named(folder, monkeypatch):
    seconds = {"dap-best": 5400.0, "wiener-tracked": 42.0}

    def estimated(found, layout, settled, **_):
        return Estimate(seconds[settled.method.name] * settled.fit.width, at_most=False)

    monkeypatch.setattr("dap.files.jobs.estimate", estimated)
    monkeypatch.setattr("dap.files.estimate.estimate", estimated)
    result = run("--effort", "best")
    assert result.exit_code == 4
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: in.wav: it would take about ")
    assert "more than --max-minutes 10 allows: --effort quick takes about 42 s; --width " in line
    assert "to do it all the same, give --max-minutes " in line
    assert names(folder) == ["in.wav"]
    with pytest.raises(TooLongError, match="more than max_minutes=1 allows: effort='quick' takes"):
        dap.restore_file("in.wav", "out.wav", effort="best", max_minutes=1)
    result = run("--method", "wiener-tracked", "--max-minutes", "0.5")
    assert result.exit_code == 4
    assert "the first 14 s of it would take no longer" in result.stderr
    # and it is told where it is not too long
    assert run().stderr.startswith("in.wav: about 42 s\n")


def test_progress_rises_to_the_whole(folder):
    told = []
    result = dap.restore_file("in.wav", progress=lambda done, whole: told.append((done, whole)))
    assert result.path == "in.restored.wav"
    done, whole = np.array(told).T
    assert (np.diff(done) > 0).all()
    assert done[-1] == pytest.approx(20)
    assert set(whole) == {20}


def test_one_that_is_damaged_in_its_middle_is_restored_up_to_there(folder):
    x, rate = soundfile.read("in.wav")
    soundfile.write("in.flac", x, rate)
    content = bytearray(Path("in.flac").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = bytes(20_000)
    Path("in.flac").write_bytes(content)
    result = CliRunner().invoke(main, ["restore", "in.flac", "-o", "out.flac"])
    assert result.exit_code == 0, result.output
    assert "in.flac: is cut or damaged: its first " in result.stderr
    assert 5 * RATE < soundfile.info("out.flac").frames < 12 * RATE


def test_one_that_holds_no_numbers_in_its_middle_is_refused_before(folder):
    x, rate = soundfile.read("in.wav")
    x[10 * RATE, 1] = np.nan
    soundfile.write("in.wav", x, rate, subtype="FLOAT")
    result = run()
    assert result.exit_code == 1
    assert result.stderr == "Error: in.wav: holds samples that are not finite numbers\n"
    assert names(folder) == ["in.wav"]


def test_marks_are_words_and_the_options_json(folder, monkeypatch):
    stop_after(1, monkeypatch)
    with pytest.raises(StoppedError):
        dap.restore_file("in.wav", "out.wav")
    marks = json.loads(Path("out.wav.partial/marks.json").read_text())
    assert sorted(marks) == ["the method", "the options", "the recording", "the version"]
    assert json.loads(marks["the options"])[0]["iterations"] == 200


def test_a_fit_that_diverges_says_so_and_leaves_no_target(folder, monkeypatch):
    def diverged(*_, **__):
        raise DapError("the fit diverged")

    monkeypatch.setattr("dap.files.restorer.restore_parts", diverged)
    result = run()
    assert result.stderr.splitlines()[-1] == "Error: the fit diverged"
    assert names(folder) == ["in.wav"]
