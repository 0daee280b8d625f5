import math

import numpy as np
import pytest
import torch
from small_objectives import SAMPLES, TRANSFORM, loss, noise

from dap.errors import DapError
from dap.fitting.objectives.separation import (
    DEAD,
    Separate,
    SeparateMagnitudes,
    exclusion,
    normalised,
)
from dap.observation import Observation
from dap.stft import STFT

WEIGHTS = {"reconstruction": "complex", "smoothness": 0.0, "exclusion": 0.0, "binarity": 0.0}
VARIANTS = (Separate, SeparateMagnitudes)


@pytest.fixture
def signal() -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.5, 0.5, SAMPLES).astype(np.float32)


@pytest.fixture
def mixture(signal):
    def make(variant=Separate, gain=1.0, **weights) -> Separate:
        return variant(Observation(gain * signal), TRANSFORM, "cpu", **WEIGHTS | weights)

    return make


@pytest.fixture
def outs():
    """Outputs of the three networks of each variant."""
    return {
        variant: [noise(n, 9, 11, seed=k) for k, n in enumerate(variant.networks)]
        for variant in VARIANTS
    }


def double(tensor: torch.Tensor) -> np.ndarray:
    return tensor.numpy().astype(np.float64)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(logits - logits.mean()) / (logits.std() + 1)))


def test_two_channel_sources_are_masked_bin_by_bin(mixture, outs):
    first, second, logits = outs[Separate]
    mask = sigmoid(double(logits))
    expected = np.stack((mask * double(first), (1 - mask) * double(second)))
    estimates = mixture().estimates(outs[Separate])
    np.testing.assert_allclose(estimates, expected, rtol=0, atol=1e-6)


def test_magnitudes_have_the_phase_of_the_mixture_and_a_mask_a_frame(mixture, outs):
    goal = mixture(SeparateMagnitudes)
    first, second, logits = (double(out)[0] for out in outs[SeparateMagnitudes])
    mask = sigmoid(logits.mean(axis=0))
    spectrum = double(goal.target)
    phase = spectrum / np.hypot(*spectrum)
    expected = np.stack((mask * np.abs(first) * phase, (1 - mask) * np.abs(second) * phase))
    estimates = goal.estimates(outs[SeparateMagnitudes])
    np.testing.assert_allclose(estimates, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_mixture_is_scaled_and_estimates_are_scaled_back(mixture, outs, variant):
    # the same networks' outputs, of a mixture of an eighth of the level: an eighth of the sources
    loud, soft = mixture(variant), mixture(variant, gain=0.125)
    assert loud.target.square().mean().item() == pytest.approx(1)
    assert loss(soft, outs[variant]).item() == pytest.approx(loss(loud, outs[variant]).item())
    quiet = [0.01 * out for out in outs[variant]]
    signals = loud.read_out(loud.estimates(quiet))
    assert signals.shape == (2, SAMPLES)
    np.testing.assert_allclose(soft.read_out(soft.estimates(quiet)), signals / 8, atol=1e-7)
    assert not mixture(variant, gain=0.0).target.any()


def test_no_logits_saturate_the_mask():
    logits = noise(1, 9, 11)
    for scale in (1e-3, 1.0, 8400.0):  # 8,400 is what a fit without normalisation came to
        assert normalised(scale * logits).square().mean() < 1
        assert normalised(scale * logits).abs().max() < 4
    flat = torch.full((1, 9, 11), 3.0, requires_grad=True)
    normalised(flat).sum().backward()
    assert flat.grad.isfinite().all()


@pytest.mark.parametrize(
    ("reconstruction", "expected"),
    [("complex", lambda e, x: np.abs(e - x).mean()), ("l2", lambda e, x: ((e - x) ** 2).mean()),
     ("magnitude", lambda e, x: np.abs(np.hypot(*e) - np.hypot(*x)).mean())],
)  # fmt: skip
@pytest.mark.parametrize("variant", VARIANTS)
def test_reconstruction_by_hand(mixture, outs, variant, reconstruction, expected):
    goal = mixture(variant, reconstruction=reconstruction)
    total = double(goal.estimates(outs[variant])).sum(axis=0)
    value = loss(goal, outs[variant]).item()
    assert value == pytest.approx(expected(total, double(goal.target)), rel=1e-4)
    # one signal for both: m s + (1 - m) s = s, whatever the mask
    source = goal.target if variant is Separate else goal.magnitude[None]
    assert loss(goal, [source, source, outs[variant][2]]).item() < 1e-5


@pytest.mark.parametrize("variant", VARIANTS)
def test_smoothness_by_hand(mixture, outs, variant):
    plain, smooth = (mixture(variant, smoothness=weight) for weight in (0.0, 2.0))
    # of the sources before the mask: |s1| and |s2|
    magnitudes = [np.sqrt((double(out) ** 2).sum(axis=0)) for out in outs[variant][:2]]
    change = sum(np.abs(np.diff(magnitude, axis=1)).mean() for magnitude in magnitudes)
    difference = loss(smooth, outs[variant]).item() - loss(plain, outs[variant]).item()
    assert difference == pytest.approx(2.0 * change, rel=1e-5)


def test_binarity_counts_in_the_last_tenth_alone(mixture):
    goal = mixture(binarity=0.01)
    # half of the logits at +1, half at -1: a mask of sigmoid(+-1 / 2)
    logits = torch.ones(1, 9, 10)
    logits[..., ::2] = -1
    goal.target = goal.target[..., :10]
    goal.magnitude = goal.magnitude[..., :10]
    outs = [goal.target, goal.target, logits]
    distance = 1 / (1 + math.exp(-0.5)) - 0.5
    for i in range(1, 91):
        assert loss(goal, outs, i / 100).item() < 1e-5
    for i in range(91, 101):
        # on each of the two masks, m and 1 - m
        assert loss(goal, outs, i / 100).item() == pytest.approx(2 * 0.01 / distance, rel=1e-3)
    flat = [goal.target, goal.target, torch.zeros(1, 9, 10)]
    assert loss(goal, flat, 1.0).item() == pytest.approx(2 * 0.01 / 1e-6, rel=1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
def test_terms_add_up_to_the_loss(mixture, outs, variant):
    goal = mixture(variant, smoothness=0.5, exclusion=2.0, binarity=0.01)
    value = loss(goal, outs[variant], 1.0).item()
    terms = goal.last_terms()
    assert list(terms) == ["reconstruction", "smoothness", "exclusion", "binarity"]
    assert sum(terms.values()) == pytest.approx(value, rel=1e-6)
    assert terms["smoothness"] > terms["exclusion"] > 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_dead_source_is_a_failure(mixture, outs, variant):
    goal = mixture(variant)
    loss(goal, outs[variant])
    magnitudes = [np.sqrt((double(out) ** 2).sum(axis=0)) for out in outs[variant][:2]]
    levels = [magnitude.std(ddof=1) for magnitude in magnitudes]
    np.testing.assert_allclose(goal.levels, levels, rtol=1e-5)
    assert not goal.failed()
    assert goal.warnings() == []
    first, second, logits = outs[variant]
    for dead, failed in [
        (0.9 * DEAD / levels[0] * first, True),  # next to nothing
        (1.1 * DEAD / levels[0] * first, False),
        (torch.zeros_like(first), True),
        (torch.full_like(first, 0.7), True),  # the biases of a network of dead rectifiers
    ]:
        for pair in ((dead, second), (second, dead)):
            loss(goal, [*pair, logits])
            assert goal.failed() is failed
            assert [text[:16] for text in goal.warnings()] == ["a source is dead"] * failed


def test_a_saturated_mask_is_noticed(mixture, outs, monkeypatch):
    goal = mixture()
    loss(goal, outs[Separate])
    assert goal.saturation == 0
    # without the normalisation, logits of this size leave the sigmoid no slope in most bins
    monkeypatch.setattr("dap.fitting.objectives.separation.normalised", lambda logits: logits)
    logits = 1000 * outs[Separate][2]
    loss(goal, [*outs[Separate][:2], logits])
    assert goal.saturation == pytest.approx((logits.abs() > 6.9).float().mean().item(), abs=1e-6)
    assert goal.saturation > 0.9
    assert goal.warnings() == ["100% of the mask is saturated"]


def test_what_tian_feeds_the_mask(mixture):
    goal = mixture(SeparateMagnitudes)
    torch.manual_seed(0)
    source, mask = goal.draw(0), goal.draw(2)
    assert source.shape == mask.shape == (1, 2, 12, 12)
    assert source.std() == pytest.approx(1, abs=0.15)
    assert mask.min() >= 0
    assert 0.045 < mask.max() <= 1 / 20
    # 2,000 of their 5,000 iterations
    assert [list(goal.redrawn(i / 5000)) for i in (1, 2000, 2001, 5000)] == [[], [], [2], [2]]


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_network_is_fed_its_own_estimate(signal, variant):
    goal = variant(Observation(signal), TRANSFORM, "cpu", input="observed", **WEIGHTS)
    mixture = TRANSFORM.analyse(torch.from_numpy(signal))  # which "observed" gives for each source
    magnitudes = mixture.norm(dim=0).expand_as(mixture)
    for network, given in enumerate((mixture, mixture, magnitudes)):
        fed = goal.draw(network)
        assert fed.square().mean() == pytest.approx(1)
        inside = fed[0, :, :9, :11]
        torch.testing.assert_close(
            inside * (given.norm() / inside.norm()), given, rtol=1e-4, atol=1e-5
        )


def test_too_short_a_mixture(signal):
    with pytest.raises(DapError, match="9 bins and 3 frames; separation needs 8 of each"):
        Separate(Observation(signal[:8]), STFT(16, 4, "hann"), "cpu", **WEIGHTS)


def test_exclusion_of_what_does_not_overlap():
    bars = torch.zeros(2, 16, 16)
    bars[0, :8] = torch.rand(8, 16, generator=torch.Generator().manual_seed(1))
    floor = 2 * 1e-12**0.25 / 18
    assert exclusion(bars, 3).item() == pytest.approx(floor, rel=1e-3)
    bars[1, 12:, ::2] = 1.0  # changes elsewhere, at both scales
    assert exclusion(bars, 2).item() == pytest.approx(floor, rel=1e-3)


def test_exclusion_by_hand():
    magnitudes = noise(2, 6, 5).abs()
    first, second = magnitudes.numpy().astype(np.float64)
    terms = []
    for axis in (0, 1):
        # tanh(x / 2), as 2 sigmoid(x) - 1
        a, b = (2 / (1 + np.exp(-np.diff(part, axis=axis))) - 1 for part in (first, second))
        terms.append(np.mean((a * b) ** 2) ** 0.25)
    coarse = exclusion(magnitudes, 1).item()
    assert coarse == pytest.approx(np.sum(terms) / 18, rel=1e-5)
    # constant over 2 x 2, so the second scale is the first one of the smaller picture
    doubled = magnitudes.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    fine = exclusion(doubled, 1).item()
    assert exclusion(doubled, 2).item() == pytest.approx((fine + coarse) / 2, rel=1e-5)


def test_exclusion_grows_with_the_overlap():
    same = noise(1, 16, 16).abs().repeat(2, 1, 1)
    shifted = torch.stack((same[0], same[0].roll(5, dims=0)))
    assert exclusion(same, 3) > exclusion(shifted, 3) > 0.01
