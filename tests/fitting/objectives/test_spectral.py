import numpy as np
import pytest
import torch
from corrupted import corrupted
from scipy.signal import butter, sosfilt
from small_objectives import SAMPLES, TRANSFORM, loss, noise

from dap.errors import DapError
from dap.fitting.objectives.spectral import FLOOR, Denoise, Dequantize, Inpaint
from dap.fitting.objectives.tasks import objective
from dap.fitting.objectives.waveform import objective as waveform_objective
from dap.fitting.stops.rules import stopping
from dap.observation import LEAST_GAIN, Observation, untouched_frames
from dap.options import defaults
from dap.plugins import plugin
from dap.stft import STFT
from dap.tasks import TASKS


@pytest.fixture
def signal() -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.5, 0.5, SAMPLES).astype(np.float32)


@pytest.fixture
def target(signal) -> torch.Tensor:
    return TRANSFORM.analyse(torch.from_numpy(signal))


def test_denoising_is_the_mean_squared_error(signal, target):
    goal = Denoise(Observation(signal), TRANSFORM, "cpu")
    out = noise(2, 9, 11)
    expected = np.mean((out.numpy().astype(np.float64) - target.numpy()) ** 2)
    assert loss(goal, [out]).item() == pytest.approx(expected, rel=1e-6)
    assert loss(goal, [target + 0.5]).item() == pytest.approx(0.25)
    assert loss(goal, [target]).item() == 0
    assert goal.estimates([out]).shape == (1, 2, 9, 11)


def test_a_network_is_fed_the_estimate_of_a_baseline(signal):
    goal = Denoise(Observation(signal), TRANSFORM, "cpu", input="observed")
    spectrogram = TRANSFORM.analyse(torch.from_numpy(signal))
    bins, frames = spectrogram.shape[1:]
    fed = goal.draw(0)
    assert fed.shape == Denoise(Observation(signal), TRANSFORM, "cpu").draw(0).shape
    assert fed.square().mean().item() == pytest.approx(1)
    scale = fed[0, 0, 0, 0] / spectrogram[0, 0, 0]
    torch.testing.assert_close(fed[0, :, :bins, :frames], scale * spectrogram)
    assert not fed[0, :, bins:].any()
    assert not fed[0, :, :, frames:].any()
    # what the network is compared with is the observation still
    torch.testing.assert_close(goal.target, spectrogram)
    with torch.device("meta"):
        assert goal.draw(0).is_meta  # where FLOPs are counted


def test_silence_may_be_fed():
    goal = Denoise(Observation(np.zeros(SAMPLES, np.float32)), TRANSFORM, "cpu", input="wavelet")
    assert not goal.draw(0).any()


def test_errors_are_weighted_by_the_noise_that_is_there():
    # noise of 20 dB more below 1 kHz, and a tone far above it
    rng = np.random.default_rng(0)
    low = sosfilt(butter(8, 1000, fs=16000, output="sos"), rng.normal(0, 0.1, 16000))
    tone = 0.5 * np.sin(2 * np.pi * 4000 * np.arange(16000) / 16000)
    signal = (tone + low + rng.normal(0, 0.01, 16000)).astype(np.float32)
    transform = STFT(510, 64, "hann")
    goal = Denoise(Observation(signal), transform, "cpu", weighting="noise")
    assert goal.weights.shape == goal.target.shape[1:]
    assert float(goal.weights.mean()) == pytest.approx(1, abs=1e-5)
    weights = goal.weights.mean(dim=1)  # (bins,), 31 Hz apart
    power = goal.target.square().sum(dim=0).mean(dim=1)
    floor = FLOOR * float(power.mean())
    noise = [float(power[part].mean()) for part in (slice(4, 28), slice(40, 120))]
    expected = (noise[1] + floor) / (noise[0] + floor)
    ratio = float(weights[4:28].mean() / weights[40:120].mean())
    assert ratio == pytest.approx(expected, rel=0.3)
    assert ratio < 0.8
    # by definition, and what the clean signal would leave
    estimates = torch.zeros_like(goal.target)[None]
    loss = (goal.weights * goal.target.square()).mean()
    assert goal.loss([], estimates, 0.5) == pytest.approx(float(loss), rel=1e-6)
    clean = transform.analyse(torch.from_numpy(tone.astype(np.float32)))[None]
    # the noise is found low, rather than high
    assert 0.5 < goal.clean_loss / float(goal.loss([], clean, 0.5)) < 1
    rule = stopping("discrepancy", "denoise", Observation(signal), goal, transform).rule
    assert rule.noise == goal.clean_loss
    assert float(rule.residual(clean)) == pytest.approx(float(goal.loss([], clean, 0.5)))


def test_silence_has_equal_weights():
    silence = Observation(np.zeros(4000, np.float32))
    goal = Denoise(silence, STFT(510, 64, "hann"), "cpu", weighting="noise")
    torch.testing.assert_close(goal.weights, torch.ones_like(goal.weights))
    assert goal.clean_loss == 0


def test_a_waveform_has_no_bins_to_weight(signal):
    options = {"input": "noise", "weighting": "noise"}
    with pytest.raises(DapError, match="weighting is 'noise': priors of waveforms have no bins"):
        waveform_objective("wave-u-net", "denoise", Observation(signal), "cpu", options)


@pytest.mark.parametrize(
    ("name", "words"), [("janssen", "input is 'janssen', which does not denoise"), ("no", "'no'")]
)
def test_what_a_network_cannot_be_fed(signal, name, words):
    with pytest.raises(DapError, match=words):
        Denoise(Observation(signal), TRANSFORM, "cpu", input=name)


@pytest.mark.parametrize(
    ("task", "baseline"), [("inpaint", "janssen"), ("dequantize", "cell-projection")]
)
def test_each_task_has_baselines_to_be_fed(task, baseline):
    tone = 0.5 * np.sin(np.arange(2048) / 5).astype(np.float32)
    if task == "inpaint":
        short = {"seconds": (0.01, 0.02), "domain": "samples"}
        coarse = {"n_fft": 254, "hop_length": 32, "window": "hann"}
        observation = corrupted("gaps", tone, spectrogram=coarse, **short)
    else:
        observation = corrupted("quantization", tone)
    transform = STFT(254, 32, "hann")
    options = {name: defaults()[name] for name in TASKS[task].options} | {"input": baseline}
    goal = objective(task, observation, transform, "cpu", options)
    module = plugin("baselines", baseline).load()
    estimate = module.restore(observation, TASKS[task].outputs)[0]
    spectrogram = transform.analyse(torch.from_numpy(estimate))
    fed = goal.draw(0)[0, :, : spectrogram.shape[1], : spectrogram.shape[2]]
    same = fed * (spectrogram.norm() / fed.norm())
    torch.testing.assert_close(same, spectrogram, rtol=1e-4, atol=1e-3)


def test_a_waveform_is_made_of_noise_alone(signal):
    for task in ("denoise", "inpaint", "dequantize"):
        options = {name: defaults()[name] for name in TASKS[task].options} | {"input": "observed"}
        with pytest.raises(DapError, match="priors of waveforms are fed noise alone"):
            waveform_objective("wave-u-net", task, Observation(signal), "cpu", options)


def test_estimates_are_clipped(signal, target):
    goal = Denoise(Observation(signal), TRANSFORM, "cpu")
    estimate = goal.read_out(goal.estimates([3 * target]))
    expected = np.clip(3 * signal, -1, 1)[np.newaxis]
    assert np.abs(expected).max() == 1
    np.testing.assert_allclose(estimate, expected, rtol=0, atol=1e-6)


def gapped(signal, target, domain) -> Observation:
    mask = np.zeros(SAMPLES, bool)
    mask[14:22] = True
    observed = np.ones(11, bool)
    if domain == "frames":
        observed[4:6] = False
        rest = target * torch.from_numpy(observed)
        known = {"mask": mask, "observed_frames": observed, "spectrogram": rest.numpy()}
        return Observation(TRANSFORM.synthesise(rest, SAMPLES).numpy(), known)
    observed[2:8] = False  # frames reach 8 samples to both sides of 4 t
    known = {"mask": mask, "observed_frames": observed}
    return Observation(np.where(mask, np.float32(0), signal), known)


@pytest.mark.parametrize("domain", ["frames", "samples"])
def test_inpainting_looks_at_observed_frames_alone(signal, target, domain):
    observation = gapped(signal, target, domain)
    goal = Inpaint(observation, TRANSFORM, "cpu")
    observed = torch.from_numpy(observation.known["observed_frames"])
    out = noise(2, 9, 11)
    error = (out - target)[..., observed].numpy().astype(np.float64)
    assert loss(goal, [out]).item() == pytest.approx(np.mean(error**2), rel=1e-5)
    other = torch.where(observed, out, 1e6)
    assert loss(goal, [other]).item() == loss(goal, [out]).item()
    # the true spectrogram is a perfect fit: nothing of the gap leaks into the observed frames
    assert loss(goal, [target]).item() < 1e-12


@pytest.mark.parametrize("domain", ["frames", "samples"])
def test_only_gaps_are_filled(signal, target, domain):
    observation = gapped(signal, target, domain)
    goal = Inpaint(observation, TRANSFORM, "cpu")
    mask, observed = (observation.known[name] for name in ("mask", "observed_frames"))
    out = 0.1 * noise(2, 9, 11)
    raw, filled = goal.read_out(goal.estimates([out])).numpy()
    np.testing.assert_allclose(raw, TRANSFORM.synthesise(out, SAMPLES).clamp(-1, 1), atol=1e-6)
    if domain == "samples":
        np.testing.assert_array_equal(filled[~mask], signal[~mask])
        np.testing.assert_array_equal(filled[mask], raw[mask])
    else:
        mixed = torch.where(torch.from_numpy(observed), target, out)
        expected = TRANSFORM.synthesise(mixed, SAMPLES).clamp(-1, 1)
        np.testing.assert_allclose(filled, expected, rtol=0, atol=1e-6)
        # where no window of a lost frame reaches, it is the clean signal
        np.testing.assert_allclose(filled[:8], signal[:8], rtol=0, atol=1e-6)
        np.testing.assert_allclose(filled[28:], signal[28:], rtol=0, atol=1e-6)
    whole = goal.read_out(goal.estimates([target])).numpy()
    np.testing.assert_allclose(whole, np.stack((signal, signal)), rtol=0, atol=1e-6)


def test_frames_that_were_lost_are_lost_samples_of_another_transform(signal, target):
    both = torch.stack((target, TRANSFORM.analyse(torch.ones(SAMPLES))))
    both[..., 2:8] = 0
    seen, gain = TRANSFORM.synthesise(both, SAMPLES).numpy()
    known = {"mask": np.zeros(SAMPLES, bool), "spectrogram": both[0].numpy(), "gain": gain}
    lost = Observation(seen, known)
    finer = STFT(16, 2, "hann")
    goal = Inpaint(lost, finer, "cpu")
    # no other window sees these, but for its very edge: that of frame t covers 4 t - 8 to 4 t + 8
    known, gone = gain >= LEAST_GAIN, gain < LEAST_GAIN
    assert np.flatnonzero(gone).tolist() == list(range(11, 26))
    np.testing.assert_allclose(goal.signal[known], signal[known], rtol=0, atol=1e-5)
    expected = untouched_frames(gone, 16, 2)
    assert not expected.all()
    np.testing.assert_array_equal(goal.observed, expected)
    truth = finer.analyse(torch.from_numpy(signal))
    assert loss(goal, [truth]).item() < 1e-10
    raw, filled = goal.read_out(goal.estimates([0 * truth]))
    assert not raw.any()
    np.testing.assert_array_equal(filled[gone], 0)
    np.testing.assert_allclose(filled[known], signal[known], rtol=0, atol=1e-5)


@pytest.fixture
def quantized(signal) -> Observation:
    return corrupted("quantization", signal)


def dequantize(quantized, consistency, transform=TRANSFORM) -> Dequantize:
    return Dequantize(quantized, transform, "cpu", consistency=consistency)


def test_dequantizing_with_the_plain_loss_is_denoising(quantized):
    out = noise(2, 9, 11)
    plain = loss(Denoise(quantized, TRANSFORM, "cpu"), [out])
    assert loss(dequantize(quantized, 0.0), [out]).item() == plain.item()


def test_signals_in_their_cells_cost_nothing(signal, target, quantized):
    # the clean signal itself is as good as the quantized one; the plain loss takes it for wrong
    assert loss(dequantize(quantized, 1.0), [target]).item() < 1e-10
    assert loss(dequantize(quantized, 0.0), [target]).item() > 1e-3
    inside = 0.95 * quantized.known["upper"] + 0.05 * quantized.known["lower"]
    out = TRANSFORM.analyse(torch.from_numpy(inside))
    assert loss(dequantize(quantized, 1.0), [out]).item() < 1e-10


def test_distance_to_the_cells_by_hand(signal, quantized):
    far = signal + np.where(np.arange(SAMPLES) % 2, 0.3, 0).astype(np.float32)
    out = TRANSFORM.analyse(torch.from_numpy(far))
    over = np.maximum(far.astype(np.float64) - quantized.known["upper"], 0)
    energy = np.square(np.hanning(17)[:-1]).sum() / 2
    expected = energy * np.mean(over**2)
    assert expected > 0.01
    assert loss(dequantize(quantized, 1.0), [out]).item() == pytest.approx(expected, rel=1e-4)
    plain = loss(dequantize(quantized, 0.0), [out]).item()
    mixed = loss(dequantize(quantized, 0.25), [out]).item()
    assert mixed == pytest.approx(0.25 * expected + 0.75 * plain, rel=1e-4)


@pytest.mark.parametrize("window", ["hann", "rectangular"])
def test_both_losses_of_dequantizing_are_of_one_scale(window):
    # of two cells as wide as can be resolved, the distance to a cell is that to its level
    transform = STFT(256, 64, window)
    zeros = np.zeros(20_000, np.float32)
    narrow = Observation(zeros, {"lower": zeros, "upper": zeros})
    error = np.random.default_rng(0).normal(0, 0.1, 20_000).astype(np.float32)
    out = transform.analyse(torch.from_numpy(error))
    plain, cells = (loss(dequantize(narrow, share, transform), [out]) for share in (0.0, 1.0))
    assert cells.item() == pytest.approx(plain.item(), rel=0.02)  # padding at the clip's ends


def test_silence_is_not_in_the_cells_of_one_bit(signal):
    coarse = corrupted("quantization", signal, bins=2)
    silence = TRANSFORM.analyse(torch.zeros(SAMPLES))
    cost = loss(dequantize(coarse, 1.0), [silence]).item()
    energy = np.square(np.hanning(17)[:-1]).sum() / 2
    assert cost == pytest.approx(0.25 * energy, rel=1e-4)  # of a mean distance of 1 / 2
    level = TRANSFORM.analyse(torch.from_numpy(coarse.signal))
    assert loss(dequantize(coarse, 1.0), [level]).item() < 1e-8


def test_what_is_read_out_of_dequantizing(quantized):
    goal = dequantize(quantized, 0.0)
    out = noise(2, 9, 11)
    raw, projected = goal.read_out(goal.estimates([out])).numpy()
    np.testing.assert_allclose(raw, TRANSFORM.synthesise(out, SAMPLES).clamp(-1, 1), atol=1e-6)
    lower, upper = quantized.known["lower"], quantized.known["upper"]
    np.testing.assert_array_equal(projected, np.clip(raw, lower, upper))
    assert (np.abs(raw - projected) > 0).mean() > 0.5
    again = corrupted("quantization", projected * 0.9999 + quantized.signal * 0.0001)
    np.testing.assert_array_equal(again.signal, quantized.signal)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_gradients_reach_every_network(signal, target, task, zero):
    observation = Observation(signal)
    if task == "inpaint":
        observation = gapped(signal, target, "frames")
    if task == "dequantize":
        observation = corrupted("quantization", signal)
    options = defaults() | {"consistency": 0.5}
    options = {name: options[name] for name in TASKS[task].options}
    goal = objective(task, observation, TRANSFORM, "cpu", options)
    outs = [noise(channels, 9, 11, seed=channels, grad=True) for channels in goal.networks]
    if zero:  # where magnitudes have no slope, a gradient must still be a number
        outs = [torch.zeros_like(out, requires_grad=True) for out in outs]
    loss(goal, outs, 1.0).backward()
    for out in outs:
        assert out.grad.isfinite().all()
    if not zero:
        assert all(out.grad.abs().max() > 1e-6 for out in outs)
    assert len(TASKS[task].outputs) == len(goal.read_out(goal.estimates(outs).detach()))
