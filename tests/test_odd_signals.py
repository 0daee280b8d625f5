"""What every method and every metric does with what it cannot do much with.

A stated value, or an error that says why: never a warning, and never a NaN that its docstring does
not announce.
"""

import inspect
from dataclasses import replace

import numpy as np
import pytest
from corrupted import corrupted
from small_fits import observe

from dap.errors import DapError
from dap.fitting.method import is_prior, restore
from dap.observation import Observation
from dap.options import FitOptions
from dap.plugins import plugins
from dap.tasks import TASKS

RATES = (8000, 16000)
LENGTH = 2048
SCORED = 8192  # STOI needs 0.4 s
SPECTROGRAM = {"n_fft": 126, "hop_length": 63, "window": "hann"}
PRIORS, BASELINES = plugins("priors"), plugins("baselines")
METRICS = plugins("metrics")
# variants of `harmonic`, whose layers take most of this test's time
SLOW = ("harmonic-groups", "harmonic-single", "harmonic-unmixed", "harmonic-unmixed-wide")
CASES = [
    pytest.param(method, task, marks=[pytest.mark.slow] if method in SLOW else [])
    for method, plugin in (PRIORS | BASELINES).items()
    if "weights" not in plugin.metadata  # which are downloaded: tests/baselines/test_dfl.py
    for task in plugin.metadata.get("tasks", TASKS)
]
SIGNALS = {
    "shorter than a frame": lambda hiss: hiss[:100],
    "one sample": lambda hiss: hiss[:1],
    "digital silence": np.zeros_like,
    "clipped": lambda hiss: np.clip(20 * hiss, -1, 1),
    "constant": lambda hiss: np.full(len(hiss), 0.5),
}


def refused(method: str, task: str, observation: Observation) -> bool:
    """Whether there is too little for a network or its loss."""
    samples = len(observation.signal)
    if not is_prior(method):
        return False
    if PRIORS[method].metadata.get("domain") == "waveform":
        return samples < 65 or (task == "inpaint" and observation.known["mask"].all())
    if task == "inpaint":
        return not observation.known["observed_frames"].any()
    return task == "separate" and samples // SPECTROGRAM["hop_length"] + 1 < 8


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", SIGNALS)
@pytest.mark.parametrize(("method", "task"), CASES)
def test_methods(method, task, kind, hiss):
    signal = SIGNALS[kind](hiss[:LENGTH])
    fit = FitOptions(iterations=2, width=0.03, snapshots=2, precision="float32")
    options = {"fit": fit, "spectrogram": SPECTROGRAM, "device": "cpu", "seed": 1}
    for rate in RATES[:1] if is_prior(method) else RATES:  # priors do not know the rate
        observation = observe(signal, task, rate)
        if method == "ideal-mask":
            sources = [0.5 * signal.astype(np.float32)] * 2
            known = corrupted("mixture-known", *sources, spectrogram=SPECTROGRAM).known
            observation = replace(observation, known=known)
        if refused(method, task, observation):
            with pytest.raises(DapError, match=f"{len(signal)} samples"):
                restore(method, task, observation, **options)
            continue
        restored = restore(method, task, observation, **options)
        estimates = [*restored.selections.values(), *restored.snapshots]
        assert estimates
        for estimate in estimates:
            assert estimate.shape == (len(TASKS[task].outputs), len(signal))
            assert estimate.dtype == np.float32
            assert np.isfinite(estimate).all()
        if task == "dequantize" and method != "observed":
            last = restored.selections["last"][-1]
            assert (observation.known["lower"] <= last).all()
            assert (last <= observation.known["upper"]).all()


def scores(name: str, reference: np.ndarray, estimate: np.ndarray, rate: int) -> list[float]:
    if METRICS[name].metadata.get("joint"):
        references = np.stack((reference, np.roll(reference, 7)))
        estimates = np.stack((estimate, np.roll(estimate, 7)))
        return list(getattr(METRICS[name].load(), name)(references, estimates, rate))
    return [getattr(METRICS[name].load(), name)(reference, estimate, rate)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", SIGNALS)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", METRICS)
def test_metrics(name, rate, kind, hiss, capfd):
    hiss = hiss[:SCORED].astype(np.float64)
    bad = SIGNALS[kind](hiss)
    good = hiss[: len(bad)]
    metadata = METRICS[name].metadata
    document = " ".join(inspect.getdoc(getattr(METRICS[name].load(), name)).split())
    # what a metric refers to is part of what it states
    refers = [other for other in METRICS if f"as `{other}`" in document or f"`{other}`" in document]
    document += " ".join(inspect.getdoc(getattr(METRICS[o].load(), o)) or "" for o in refers)
    for reference, estimate in ((good, bad), (bad, good), (bad, bad)):
        if rate not in metadata.get("sample_rates", [rate]):
            with pytest.raises(ValueError, match=f"Hz: it is {rate}"):
                scores(name, reference, estimate, rate)
            continue
        values = scores(name, reference, estimate, rate)
        assert all(isinstance(value, float) for value in values)
        if np.isnan(values).any():
            assert "NaN" in document
            # of a signal that is there, whole and long enough, every metric has a value
            quiet = not (reference.any() and estimate.any())
            short = len(bad) <= 100
            assert quiet or short or may_be_nan(name, kind), (kind, values)
    assert capfd.readouterr() == ("", "")


def may_be_nan(name: str, kind: str) -> bool:
    """A constant has no utterance, and its delays are all one signal."""
    whole = METRICS[name].metadata
    return kind == "constant" and (whole.get("speech") or whole.get("joint"))
