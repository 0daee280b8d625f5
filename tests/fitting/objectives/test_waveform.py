"""The waveform's objectives: losses and outputs by hand, and a fit of each task."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from corrupted import corrupted

from dap.errors import DapError
from dap.fitting.method import restore
from dap.fitting.objectives import fluctuation
from dap.fitting.objectives.waveform import WaveDenoise, WaveDequantize, WaveInpaint
from dap.metrics.level import snr
from dap.observation import Observation
from dap.options import FitOptions
from dap.plugins import plugins
from dap.restoration.api import restore as restore_recording
from dap.tasks import TASKS

FIT = FitOptions(
    iterations=30,
    learning_rate=3e-3,
    lr_step_size=0,
    width=0.1,
    snapshots=4,
    precision="float32",
)
SPECTROGRAM = {"n_fft": 254, "hop_length": 32, "window": "hann"}


def run(observation, task, method="wave-u-net", fit=FIT):
    return restore(
        method, task, observation, fit=fit, spectrogram=SPECTROGRAM, device="cpu", seed=1
    )


def test_the_input_is_uniform(tone):
    z = WaveDenoise(Observation(tone), "cpu").draw(0)
    assert z.shape == (1, 1, 4096)
    assert -1 <= z.min() < -0.99 < 0.99 < z.max() <= 1
    assert z.var().item() == pytest.approx(1 / 3, rel=0.1)


def test_denoising_by_hand():
    goal = WaveDenoise(Observation(np.array([0.5, -0.5, 1.5], np.float32)), "cpu")
    estimates = goal.estimates([torch.tensor([[0.0, -0.5, 1.0]])])
    assert goal.loss([], estimates, 0.5).item() == pytest.approx((0.25 + 0.25) / 3)
    assert goal.read_out(3 * estimates).tolist() == [[0.0, -1.0, 1.0]]


def test_inpainting_by_hand():
    mask = np.array([False, True, False, False])
    signal = np.array([0.2, 0.9, 0.4, 0.6], np.float32)  # what lies in a gap has no influence
    estimate = [torch.tensor([[0.1, 0.3, 0.4, 0.8]])]
    goal = WaveInpaint(Observation(signal, {"mask": mask}), "cpu")
    estimates = goal.estimates(estimate)
    assert goal.loss([], estimates, 0).item() == pytest.approx((0.01 + 0.04) / 3)
    raw, filled = goal.read_out(estimates)
    assert raw.tolist() == pytest.approx([0.1, 0.3, 0.4, 0.8])
    assert filled.tolist() == pytest.approx([0.2, 0.3, 0.4, 0.6])
    # a third sample of which the frames beside the gap kept half
    known = {"mask": mask, "gain": np.array([1, 0, 0.5, 1], np.float32)}
    goal = WaveInpaint(Observation(signal * known["gain"], known), "cpu")
    estimates = goal.estimates(estimate)
    assert goal.loss([], estimates, 0).item() == pytest.approx((0.01 + 0.04) / 3)
    # half of 0.4 was kept, the other half comes from the estimate
    assert goal.read_out(estimates)[1].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.6])


def test_what_whole_frames_keep_is_what_the_spectral_priors_see(tone):
    # with the true signal as the estimate, nothing is wrong, and the filled signal is the true one
    spectrogram = {"n_fft": 254, "hop_length": 32, "window": "hann"}
    observation = corrupted(
        "gaps", tone, spectrogram=spectrogram, seconds=(0.02, 0.03), per_second=4
    )
    goal = WaveInpaint(observation, "cpu")
    estimates = goal.estimates([torch.from_numpy(tone)[None]])
    assert goal.loss([], estimates, 0).item() < 1e-10
    np.testing.assert_allclose(goal.read_out(estimates)[1], tone, atol=1e-5)


@pytest.mark.parametrize(
    ("consistency", "loss"), [(0, 0.18 / 3), (1, 0.0225 / 3), (0.5, 0.10125 / 3)]
)
def test_dequantizing_by_hand(consistency, loss):
    known = {"lower": [0, 0.5, -0.5], "upper": [0.5, 1, 0]}
    known = {name: np.array(values, np.float32) for name, values in known.items()}
    signal = np.array([0.25, 0.75, -0.25], np.float32)
    goal = WaveDequantize(Observation(signal, known), "cpu", consistency=consistency)
    # the third is 0.4 from the level, and 0.15 from the cell
    estimates = goal.estimates([torch.tensor([[0.15, 0.85, 0.15]])])
    assert goal.loss([], estimates, 0).item() == pytest.approx(loss, rel=1e-5)
    raw, projected = goal.read_out(estimates)
    assert raw.tolist() == pytest.approx([0.15, 0.85, 0.15])
    assert projected.tolist() == pytest.approx([0.15, 0.85, 0])


def test_the_level_of_one_bit_by_hand():
    known = {"lower": [0, 0, -1], "upper": [1, 1, 0]}
    known = {name: np.array(values, np.float32) for name, values in known.items()}
    goal = WaveDequantize(Observation(known["upper"] - 0.5, known), "cpu", consistency=1)
    # all are in their cells, at a mean distance of 0.2 from what these touch, where 0.5 is theirs
    out = [torch.tensor([[0.1, 0.2, -0.3]])]
    assert goal.loss([], goal.estimates(out), 0).item() == pytest.approx(0.09, rel=1e-5)
    silence = [torch.zeros(1, 3)]
    assert goal.loss([], goal.estimates(silence), 0).item() == pytest.approx(0.25, rel=1e-5)


@pytest.mark.parametrize("task", ["denoise", "inpaint", "dequantize"])
def test_a_fit_of_each_task(task, tone, hiss):
    clean = 0.5 * tone[:2048]
    if task == "denoise":
        observation = Observation((clean + hiss[:2048]).astype(np.float32))
    elif task == "inpaint":
        mask = np.zeros(2048, bool)
        mask[900:1000] = True
        observation = Observation(np.where(mask, np.float32(0), clean), {"mask": mask})
    else:
        observation = corrupted("quantization", clean, bins=8)
    result = run(observation, task)
    outputs = TASKS[task].outputs
    assert result.selections["last"].shape == (len(outputs), 2048)
    assert result.snapshots.shape == (4, len(outputs), 2048)
    assert result.cost["engine"] == "pytorch"
    assert result.cost["parameters"] > 50_000
    assert result.losses[-1] < 0.3 * result.losses[0]
    assert snr(clean, result.selections["last"][0], 16000) > 3
    again = run(observation, task)
    np.testing.assert_array_equal(result.selections["last"], again.selections["last"])
    if task == "inpaint":
        np.testing.assert_array_equal(result.selections["last"][1][~mask], clean[~mask])
    if task == "dequantize":
        projected = result.selections["last"][1]
        assert (observation.known["lower"] <= projected).all()
        assert (projected <= observation.known["upper"]).all()


def test_he_s_initialisation_and_scaled_outputs(tone):
    # a waveform is not scaled: the preset `fast` fits, too
    fast = FitOptions.from_preset("fast", iterations=25, warmup=5, width=0.1, precision="float32")
    result = run(Observation(0.5 * tone[:2048]), "denoise", fit=fast)
    assert result.losses[-1] < 0.3 * result.losses[0]


def test_a_recording_too_short_for_the_network_is_refused():
    with pytest.raises(DapError, match="has 60 samples; wave-u-net needs at least 65"):
        run(Observation(np.zeros(60, np.float32)), "denoise")


def test_a_recording_is_denoised_and_other_tasks_are_refused(tone):
    fit = replace(FIT, iterations=49)
    restored = restore_recording(tone, 16000, method="dnp-lsa", fit=fit, device="cpu")
    assert restored.audio.shape == tone.shape
    assert not np.allclose(restored.audio, tone, atol=1e-4)
    with pytest.raises(DapError, match="dnp-lsa does not fill gaps"):
        restore_recording(tone, 16000, method="dnp-lsa", gaps=[(0.1, 0.12)], fit=fit)


@pytest.mark.parametrize("method", ["dnp-lsa", "dnp-wiener"])
def test_a_fit_that_would_give_the_recording_back_is_refused(method, tone):
    least = fluctuation.FIRST + 1  # two outputs, to compare
    assert plugins("priors")[method].metadata["least_iterations"] == least
    fit = replace(FIT, iterations=least - 1)
    words = f"iterations is {least - 1}: {method} needs at least {least}, and would give the"
    with pytest.raises(DapError, match=words):
        restore_recording(tone, 16000, method=method, fit=fit)
