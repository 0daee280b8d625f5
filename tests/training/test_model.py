"""Models in files: what they say, what is refused, and that they separate."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save
from small_trainings import SAMPLES, configuration, hiss, tone, trained

from dap.decibels import snr_db
from dap.errors import DapError
from dap.training.model import KEY, Separator, content, load, require


@pytest.fixture(scope="module")
def learned():
    return trained(steps=50, validation_every=25, width=0.2)


@pytest.fixture
def path(learned, tmp_path):
    result, described = learned
    path = tmp_path / "model.safetensors"
    path.write_bytes(content(described, result.state, {"seed": 3}))
    return path


def test_a_model_comes_back_as_it_was(learned, path):
    model = load(path)
    result, described = learned
    assert model.configuration == described
    assert model.made == {"seed": 3}
    state = model.net.state_dict()
    assert all(torch.equal(state[name], result.state[name]) for name in result.state)
    require(path, model, described)


def test_equal_models_are_equal_files(learned):
    result, described = learned
    assert content(described, result.state, {"a": 1, "b": 2}) == content(
        described, result.state, {"b": 2, "a": 1}
    )


@pytest.mark.parametrize("samples", [SAMPLES // 3, SAMPLES, 5 * SAMPLES + 77])
def test_it_separates_what_it_was_trained_on(path, samples):
    target, rest = tone(730, samples), hiss(99, samples)
    estimates = Separator(load(path), precision="float32")(target + rest)
    assert estimates.shape == (2, samples)
    assert estimates.dtype == np.float32
    # the two are the mixture
    assert np.abs(estimates.sum(axis=0) - target - rest).max() < 1e-5
    gain = snr_db(target, target - estimates[0]) - snr_db(target, rest)
    assert gain > 2


def test_a_model_of_another_configuration_is_refused(path):
    model = load(path)
    for change, said in (
        ({"width": 0.5}, r"its width is 0\.2, and the study's 0\.5"),
        ({"method": "harmonic"}, "its method is 'conv7', and the study's 'harmonic'"),
        ({"heard": ("hiss", "drums")}, "its heard is"),
        ({"sample_rate": 8000}, "its sample_rate is 16000"),
    ):
        with pytest.raises(DapError, match=said):
            require(path, model, replace(configuration(width=0.2), **change))


def test_what_is_no_model_is_refused(learned, path, tmp_path):
    result, _ = learned
    older = save(result.state, metadata={KEY: json.dumps({"format": "dap model 0"})})
    with pytest.raises(DapError, match=r"gone.safetensors: cannot be read"):
        load(tmp_path / "gone.safetensors")
    wrong = tmp_path / "wrong.safetensors"
    for bytes_, said in (
        (b"RIFF" * 100, "is no model"),
        (path.read_bytes()[:-10], "is no model"),
        (save(result.state), "is no model of dap, or one of another version"),
        (older, "'dap model 0'"),
    ):
        wrong.write_bytes(bytes_)
        with pytest.raises(DapError, match=said):
            load(wrong)


def test_tensors_of_another_network_are_refused(learned, tmp_path):
    result, described = learned
    path = tmp_path / "model.safetensors"
    path.write_bytes(content(replace(described, width=0.1), result.state, {}))
    with pytest.raises(DapError, match=r"its tensors are not those of conv7 of width 0\.1"):
        load(path)
    path.write_bytes(content(replace(described, method="gone"), result.state, {}))
    with pytest.raises(DapError, match="gone"):
        load(path)
