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
        return CliRunner().invoke(main, ["separate", *paths, *named, *options])

    return do


def test_target_and_rest_are_the_mixture(run, tmp_path):
    result = run("--rest", str(tmp_path / "rest.wav"))
    assert result.exit_code == 0, result.output
    assert "target.wav: 0.256 s, 16000 Hz, one channel, tones by conv7" in result.output
    signals = {
        name: soundfile.read(tmp_path / f"{name}.wav", dtype="float32")[0]
        for name in ("mixture", "target", "rest")
    }
    assert len(signals["target"]) == len(signals["mixture"])
    assert np.abs(signals["target"] + signals["rest"] - signals["mixture"]).max() < 1e-5
    assert 0.01 < np.abs(signals["target"]).max() < np.abs(signals["mixture"]).max() + 0.1


def test_other_rates_and_channels_are_told(run, tmp_path):
    stereo = np.stack([tone(700), hiss(5)], axis=1)
    soundfile.write(tmp_path / "stereo.wav", stereo, 2 * RATE)
    result = run(mixture="stereo.wav")
    assert result.exit_code == 0, result.output
    assert "(the mean of 2 channels, resampled from 32000 Hz)" in result.output
    assert soundfile.info(tmp_path / "target.wav").frames == 2048


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
    assert "--rest is TARGET itself: name another file" in result.output


def test_what_is_no_model_is_said_in_one_line(run, tmp_path):
    result = run(model=b"no model")
    assert result.exit_code == 1
    assert result.output.strip().splitlines()[-1].startswith("Error: ")
    assert "is no model" in result.output
    assert not (tmp_path / "target.wav").exists()
