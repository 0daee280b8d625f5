from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from corrupted import corrupted

from dap.errors import DapError
from dap.fitting.method import Restored, fingerprint, is_prior, restore
from dap.observation import Observation
from dap.options import FitOptions
from dap.store import read_arrays, write_arrays
from dap.tasks import TASKS

SPECTROGRAM = {"n_fft": 254, "hop_length": 32, "window": "hann"}
FIT = FitOptions(iterations=3, snapshots=2, width=0.03)


def observation(task, tone) -> Observation:
    if task == "dequantize":
        return corrupted("quantization", tone)
    if task != "inpaint":
        return Observation(tone)
    options = {"seconds": (0.02, 0.04), "per_second": 4.0, "spectrogram": SPECTROGRAM}
    return corrupted("gaps", tone, seed=1, **options)


def restored(method, task, tone, **options):
    defaults = {"fit": FIT, "spectrogram": SPECTROGRAM, "device": "cpu", "seed": 1}
    return restore(method, task, observation(task, tone), **defaults | options)


@pytest.mark.parametrize("task", TASKS)
def test_observed_does_nothing(task, tone):
    restoration = restored("observed", task, tone)
    signal = observation(task, tone).signal
    outputs = len(TASKS[task].outputs)
    assert list(restoration.selections) == ["last"]
    np.testing.assert_array_equal(restoration.selections["last"], np.stack([signal] * outputs))
    assert (restoration.cost["iterations"], restoration.cost["parameters"]) == (0, 0)
    assert restoration.snapshots.shape == (0, outputs, 4096)
    assert len(restoration.iterations) == len(restoration.losses) == 0
    assert not is_prior("observed")


@pytest.mark.parametrize(
    ("method", "task"), [("wiener", "denoise"), ("janssen", "inpaint"), ("nmf", "separate")]
)
def test_a_baseline_restores(method, task, tone):
    restoration = restored(method, task, tone)
    outputs = TASKS[task].outputs
    assert restoration.selections["last"].shape == (len(outputs), 4096)
    assert not np.array_equal(restoration.selections["last"][0], observation(task, tone).signal)
    assert restoration.cost["seconds"] > 0
    assert restoration.cost["iterations"] == 0


@pytest.mark.parametrize("task", TASKS)
def test_a_prior_is_fitted(task, tone):
    restoration = restored(
        "conv", task, tone, device="auto" if not torch.cuda.is_available() else "cpu"
    )
    outputs = len(TASKS[task].outputs)
    assert set(restoration.selections) == {"last", "average", "stop"}
    assert {array.shape for array in restoration.selections.values()} == {(outputs, 4096)}
    assert restoration.iterations.tolist() == [1, 3]
    assert restoration.snapshots.shape == (2, outputs, 4096)
    assert restoration.losses.shape == (3,)
    assert restoration.cost["device"] == "cpu"
    assert restoration.cost["iterations"] == 3
    assert restoration.cost["gflop"] > 0
    assert is_prior("conv")


def test_options_reach_the_network(tone):
    base = restored("conv", "denoise", tone)
    text = restored("conv", "denoise", tone, fit=replace(FIT, network="text"))
    wide = restored("conv", "denoise", tone, fit=replace(FIT, width=0.06))
    parameters = [restoration.cost["parameters"] for restoration in (base, text, wide)]
    assert len(set(parameters)) == 3
    again, other = (restored("conv", "denoise", tone, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(again.losses, base.losses)
    assert not np.array_equal(other.losses, base.losses)


@pytest.mark.parametrize("method", ["conv", "observed"])
def test_arrays_round_trip(method, tone, tmp_path):
    restoration = restored(method, "denoise", tone)
    write_arrays(tmp_path / "a.npz", restoration.arrays())
    back = Restored.from_arrays(read_arrays(tmp_path / "a.npz"))
    assert back.cost == restoration.cost
    assert back.selections.keys() == restoration.selections.keys()
    pairs = [
        (back.selections[name], restoration.selections[name]) for name in restoration.selections
    ]
    names = ("iterations", "snapshots", "losses")
    for one, other in pairs + [(getattr(back, name), getattr(restoration, name)) for name in names]:
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_fingerprint():
    fit = asdict(FIT)
    parts = {"setup": {"fit": fit, "spectrogram": SPECTROGRAM}, "code": "ab", "seed": 1}
    mark = fingerprint(**parts)
    assert len(mark) == 64
    assert fingerprint(**dict(reversed(parts.items()))) == mark
    others = [
        parts | {"code": "ac"},
        parts | {"seed": 2},
        parts | {"threads": 2},
        parts | {"setup": {"fit": fit | {"width": 0.5}, "spectrogram": SPECTROGRAM}},
        parts | {"setup": {"fit": fit, "spectrogram": SPECTROGRAM | {"hop_length": 64}}},
    ]
    assert len({mark, *(fingerprint(**other) for other in others)}) == 1 + len(others)


def test_no_gpu(tone, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DapError, match="device is cuda, and PyTorch finds no GPU here; set device"):
        restored("conv", "denoise", tone, device="cuda")
    assert restored("observed", "denoise", tone, device="cuda").cost["device"] == "cpu"


def test_unknown_method(tone):
    with pytest.raises(DapError, match="unknown baseline 'nothing'"):
        restored("nothing", "denoise", tone)
