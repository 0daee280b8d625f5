"""The command, as it is typed."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from dap.cli import main
from dap.data.corruptions.quantization import cells

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def tone():
    time = np.arange(6000) / 16000
    return (0.25 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def test_the_command_takes_classical_methods(tone, tmp_path):
    damaged, restored = tmp_path / "damaged.wav", tmp_path / "restored.wav"
    soundfile.write(damaged, tone, 16000)
    arguments = ["restore", str(damaged), str(restored), "--method"]
    assert CliRunner().invoke(main, [*arguments, "wavelet"]).exit_code == 0
    assert soundfile.info(restored).frames == len(tone)
    result = CliRunner().invoke(main, [*arguments, "janssen"])
    assert result.exit_code == 1
    assert "janssen does not denoise" in result.output
    for method in ("observed", "nmf", "wiener-known"):
        assert CliRunner().invoke(main, [*arguments, method]).exit_code == 2
    result = CliRunner().invoke(main, [*arguments, "wiener", "--seed", "3", "--iterations", "5"])
    assert result.exit_code == 2
    assert "wiener is fitted to nothing, and takes no --iterations, --seed" in result.output


def test_files_that_the_command_does_not_write(tone, tmp_path):
    damaged = tmp_path / "damaged.wav"
    soundfile.write(damaged, tone, 16000)
    before = damaged.read_bytes()
    same = tmp_path / "other" / ".." / "damaged.wav"
    (tmp_path / "other").mkdir()
    for target, error in {
        damaged: "is the recording itself",
        same: "is the recording itself",
        tmp_path / "out.mp3": "will be a WAV file",
    }.items():
        result = CliRunner().invoke(
            main, ["restore", str(damaged), str(target), "--method", "wavelet"]
        )
        assert result.exit_code == 2
        assert error in result.output
    assert damaged.read_bytes() == before
    assert not (tmp_path / "out.mp3").exists()


def test_the_command_dequantizes_an_eight_bit_file(tone, tmp_path):
    damaged, restored = tmp_path / "damaged.wav", tmp_path / "restored.wav"
    soundfile.write(damaged, tone, 16000, subtype="PCM_U8")
    options = ["--iterations", "2", "--width", "0.05", "--method", "conv", "--consistency", "0.5"]
    command = ["restore", str(damaged), str(restored), "--dequantize"]
    result = CliRunner().invoke(main, [*command, "256", *options])
    assert result.exit_code == 0, result.output
    before, after = (soundfile.read(path, dtype="float32")[0] for path in (damaged, restored))
    assert 0 < np.abs(before - after).max() <= 0.5 / 128 + 1e-7
    result = CliRunner().invoke(main, [*command, "64", *options])
    assert result.exit_code == 1
    assert "not the levels of a quantizer of 64 bins" in result.output
    result = CliRunner().invoke(main, [*command, "256", "--gap", "0.1-0.2"])
    assert result.exit_code == 2
    assert "exclude each other" in result.output
    result = CliRunner().invoke(main, ["restore", str(damaged), str(restored), *options])
    assert result.exit_code == 2
    assert "--consistency is of --dequantize" in result.output


def test_the_command_writes_a_file_of_the_same_length(tone, tmp_path):
    damaged, restored = tmp_path / "damaged.flac", tmp_path / "restored.wav"
    stereo = np.stack([tone, tone], axis=1)
    soundfile.write(damaged, stereo, 32000)
    options = ["--iterations", "2", "--width", "0.05", "--method", "conv"]
    result = CliRunner().invoke(main, ["restore", str(damaged), str(restored), *options])
    assert result.exit_code == 0, result.output
    signal, rate = soundfile.read(restored)
    assert (len(signal), rate) == (3000, 16000)
    assert np.isfinite(signal).all()
    said = "0.188 s, 16000 Hz, one channel, restored by conv (the mean of 2 channels, resampled"
    assert f"{restored}: {said} from 32000 Hz)" in result.output


def test_a_missing_folder_is_found_before_the_fit(tone, tmp_path):
    soundfile.write(tmp_path / "a.wav", tone, 16000)
    target = tmp_path / "nowhere" / "b.wav"
    result = CliRunner().invoke(main, ["restore", str(tmp_path / "a.wav"), str(target)])
    assert result.exit_code == 1
    assert "nowhere" in result.output


def test_the_command_says_what_is_wrong(tmp_path):
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(4000), 16000)
    result = CliRunner().invoke(main, ["restore", str(silent), str(tmp_path / "out.wav")])
    assert result.exit_code == 1
    assert "silent.wav: is silent" in result.output
    result = CliRunner().invoke(main, ["restore", str(silent), "out.wav", "--gap", "half"])
    assert result.exit_code == 2
    assert "START-END" in result.output
    result = CliRunner().invoke(main, ["restore", str(silent), "out.wav", "--gap", "0.2-0.1"])
    assert result.exit_code == 2
    assert "'0.2-0.1' ends before it starts" in result.output


@pytest.fixture
def recordings(tone, hiss, tmp_path, monkeypatch):
    """A folder with the recordings that the README speaks of."""
    monkeypatch.chdir(tmp_path)
    long = np.tile(tone, 4)
    for name, signal in {
        "noisy": tone[:2000] + hiss[:2000],
        "dropout": long,
        "coarse": cells(tone, 16, "mid-rise")[0],
    }.items():
        soundfile.write(f"{name}.wav", signal, 16000, subtype="FLOAT")
    return tmp_path


@pytest.mark.parametrize("command", re.findall(r"^dap (.*)$", README, re.MULTILINE))
def test_the_commands_of_the_readme(command, recordings):
    arguments = shlex.split(command)
    if "-h" not in arguments and "--method" not in arguments:
        arguments += ["--iterations", "2", "--width", "0.05", "--method", "conv"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "-h" in arguments or (recordings / arguments[2]).is_file()


def test_the_program_of_the_readme(recordings, capsys):
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert program.count("width=0.25") == 1
    exec(program.replace("width=0.25", "width=0.03, iterations=3, method='conv'"), {})
    assert soundfile.info("restored.wav").frames == 2000
    assert "[1, 2, 3]" in capsys.readouterr().out


def test_short_and_long_names_of_the_help():
    for command in ([], ["restore"]):
        short, long = (CliRunner().invoke(main, [*command, name]) for name in ("-h", "--help"))
        assert short.output == long.output
        assert short.exit_code == 0
    said = " ".join(short.output.split())
    assert "--iterations INTEGER RANGE [default: 2000 (paper), 200 (fast)] [x>=1]" in said
    assert "[default: 0.001 (paper), 0.0015 (fast)] [x>0]" in said
    assert "[default: 0] [0<=x<=1]" in said
