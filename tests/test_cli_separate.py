"""`dap separate`, as it is typed."""

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from small_trainings import RATE, hiss, tone, trained

from dap.cli import main
from dap.training.model import content


@pytest.fixture(scope="module")
def learned():
    return trained()


@pytest.fixture
def run(learned, tmp_path):
    result, configuration = learned
    soundfile.write(tmp_path / "mixture.wav", tone(700) + hiss(5), RATE, subtype="FLOAT")

    def do(*options, mixture="mixture.wav", target="target.wav", model=None):
        written = model or content(configuration, result.state, {})
        (tmp_path / "model.safetensors").write_bytes(written)
        paths = [str(tmp_path / mixture), str(tmp_path / target)]
        named = ["--model", str(tmp_path / "model.safetensors"), "--threads", "1"]
        return CliRunner().invoke(main, ["separate", paths[0], "-o", paths[1], *named, *options])

    return do


def test_target_and_rest_are_the_mixture(run, tmp_path):
    result = run("--rest", str(tmp_path / "rest.wav"))
    assert result.exit_code == 0, result.output
    assert "target.wav: 0.256 s, WAV FLOAT, 16000 Hz, one channel, tones by conv7" in result.output
    signals = {
        name: soundfile.read(tmp_path / f"{name}.wav", dtype="float32")[0]
        for name in ("mixture", "target", "rest")
    }
    assert len(signals["target"]) == len(signals["mixture"])
    assert np.abs(signals["target"] + signals["rest"] - signals["mixture"]).max() < 1e-5
    assert 0.01 < np.abs(signals["target"]).max() < np.abs(signals["mixture"]).max() + 0.1


def test_other_rates_and_channels_are_kept(run, tmp_path):
    stereo = np.stack([tone(700), hiss(5)], axis=1)
    soundfile.write(tmp_path / "stereo.wav", stereo, 2 * RATE, subtype="PCM_24")
    result = run("--rest", str(tmp_path / "rest.wav"), mixture="stereo.wav")
    assert result.exit_code == 0, result.output
    assert (
        "WAV PCM_24, 32000 Hz, stereo, tones by conv7 (separated as one channel at 16000 Hz)"
        in (result.output)
    )
    signals = [soundfile.read(tmp_path / f"{name}.wav")[0] for name in ("stereo", "target", "rest")]
    np.testing.assert_allclose(signals[1] + signals[2], signals[0], atol=2**-22)


def test_what_is_there_is_kept(run, tmp_path):
    (tmp_path / "target.wav").write_bytes(b"mine")
    result = run()
    assert result.exit_code == 1
    assert "is there already: name another file, or give --force" in result.output
    assert (tmp_path / "target.wav").read_bytes() == b"mine"
    assert run("--force").exit_code == 0
    assert run("--force", target="mixture.wav").exit_code == 2
    result = run("--force", "--rest", str(tmp_path / "target.wav"))
    assert result.exit_code == 2
    assert "--rest is the target itself: name another file" in result.output


def test_what_is_no_model_is_said_in_one_line(run, tmp_path):
    result = run(model=b"no model")
    assert result.exit_code == 1
    assert result.output.strip().splitlines()[-1].startswith("Error: ")
    assert "is no model" in result.output
    assert not (tmp_path / "target.wav").exists()


FIT = ("--method", "conv", "--iterations", "3", "--width", "0.05", "--device", "cpu")


def stems(tmp_path, *options, mixture="mixture.wav"):
    arguments = ["separate", str(tmp_path / mixture), *FIT, "--threads", "1", *options]
    return CliRunner().invoke(main, arguments)


def test_two_stems_without_a_model(tmp_path):
    stereo = np.stack([tone(700) + hiss(5), 0.5 * tone(700)], axis=1)
    soundfile.write(tmp_path / "mixture.flac", 0.5 * stereo, 2 * RATE)
    result = stems(tmp_path, mixture="mixture.flac")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "mixture.stems"
    assert sorted(path.name for path in folder.iterdir()) == ["mixture.1.flac", "mixture.2.flac"]
    assert "mixture.1.flac: 0.128 s, FLAC PCM_16, 32000 Hz, stereo, separated by conv" in (
        result.output
    )
    mixture, *sources = (
        soundfile.read(path)[0] for path in (tmp_path / "mixture.flac", *sorted(folder.iterdir()))
    )
    np.testing.assert_allclose(sum(sources), mixture, atol=4 / 2**15)
    assert all(source.any() for source in sources)
    result = stems(tmp_path, mixture="mixture.flac")
    assert result.exit_code == 1
    assert "mixture.1.flac is there already: name another folder, or give --force" in result.output
    assert stems(tmp_path, "--force", mixture="mixture.flac").exit_code == 0


def test_two_stems_by_a_classical_method(tmp_path):
    strikes = np.zeros(2 * RATE, np.float32)
    strikes[:: RATE // 4] = 0.5
    ringing = (0.2 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    soundfile.write(tmp_path / "mixture.wav", ringing + strikes, RATE, subtype="FLOAT")
    arguments = ["separate", str(tmp_path / "mixture.wav"), "--threads", "1"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "one channel, separated by hpss" in result.output
    found = [soundfile.read(tmp_path / f"mixture.stems/mixture.{k}.wav")[0] for k in (1, 2)]
    inner = slice(RATE // 4, -RATE // 4)
    for source, stem in zip((ringing, strikes), found, strict=True):
        error = np.square(source - stem)[inner].mean() / np.square(source)[inner].mean()
        assert error < 0.1
    for option in (("--iterations", "3"), ("--width", "0.5")):
        result = CliRunner().invoke(main, [*arguments, *option])
        assert result.exit_code == 2
        assert f"hpss is fitted to nothing, and takes no {option[0]}: name a prior" in result.output
        assert CliRunner().invoke(main, [*arguments, "--method", "auto", *option]).exit_code == 2


def test_a_silent_mixture_leaves_no_folder(tmp_path):
    soundfile.write(tmp_path / "mixture.wav", np.zeros(8000), RATE)
    arguments = ["separate", str(tmp_path / "mixture.wav"), "--threads", "1"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, "is silent" in result.output) == (1, True)
    assert not (tmp_path / "mixture.stems").exists()


def test_mistakes_in_what_is_asked_for(run, tmp_path):
    soundfile.write(tmp_path / "mixture.wav", tone(700), RATE)
    for arguments, message in {
        ("--rest", "rest.wav"): "--rest is of --model, which is not given",
        ("-o", "-"): "- is no folder, which two stems need",
        ("-o", str(tmp_path / "mixture.wav")): "mixture.wav is no folder",
        ("--method", "wiener"): "'wiener' is not one of auto, conv, ",
    }.items():
        result = stems(tmp_path, *arguments)
        assert result.exit_code == 2
        assert message in result.output
    result = run("--iterations", "3")
    assert result.exit_code == 2
    assert "a trained model takes no --iterations" in result.output
    assert not (tmp_path / "mixture.stems").exists()
