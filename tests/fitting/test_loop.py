from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from dap.errors import DapError
from dap.fitting.initialisation import start
from dap.fitting.loop import fit, grid, rate, size
from dap.fitting.objectives.tasks import objective
from dap.metrics.level import snr
from dap.nn.dilated_unet import design
from dap.nn.harmonic_unet import harmonic
from dap.observation import Observation
from dap.options import FitOptions, defaults
from dap.stft import STFT
from dap.tasks import TASKS

TRANSFORM = STFT(254, 32, "hann")  # 128 bins, a quarter of the studies'
OPTIONS = FitOptions(
    iterations=12,
    learning_rate=5e-3,
    lr_step_size=0,
    lr_gamma=0.1,
    warmup=0,
    cooldown=0.0,
    initialisation="pytorch",
    output_scale=0.0,
    snapshots=5,
    snapshot_at=(),
    ema_decay=0.9,
    precision="float32",
)
BUILD = partial(design, dilation=None, dense=True, width=0.1)
SEPARATION = {name: defaults()[name] for name in TASKS["separate"].options}


@pytest.fixture
def noisy(tone, hiss):
    return tone[:2048] + 2 * hiss[:2048]


@pytest.fixture
def denoising(noisy):
    return objective("denoise", Observation(noisy), TRANSFORM, "cpu", {})


@pytest.mark.parametrize(
    ("iterations", "snapshots", "points"),
    [
        (2000, 1, [2000]),
        (100, 3, [1, 10, 100]),
        (5, 40, [1, 2, 3, 4, 5]),  # never one twice
        (1, 40, [1]),
        (2000, 4, [1, 13, 159, 2000]),
    ],
)
def test_grid(iterations, snapshots, points):
    assert grid(iterations, snapshots).tolist() == points


@pytest.mark.parametrize(
    ("iterations", "snapshots", "at", "points"),
    [
        (100, 3, [50], [1, 10, 50, 100]),
        (100, 3, [7, 10, 5], [1, 5, 7, 10, 100]),  # in order, never one twice
        (1000, 1, [50, 200, 1000], [50, 200, 1000]),
    ],
)
def test_grid_with_given_iterations(iterations, snapshots, at, points):
    grid_points = grid(iterations, snapshots, at)
    assert grid_points.tolist() == points
    assert grid_points.dtype.kind == "i"


def test_stepped_rates():
    options = replace(OPTIONS, learning_rate=1e-3, lr_step_size=500, lr_gamma=0.1)
    rates = [rate(options, i) for i in (1, 499, 500, 999, 1000, 1500, 1999, 2000)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-6, 1e-6, 1e-7])
    assert rate(replace(options, lr_step_size=0), 2000) == 1e-3


def test_the_steps_are_those_of_a_scheduler_that_steps_before_the_optimiser():
    weight = nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.Adam([weight], lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimiser, step_size=3, gamma=0.1)
    optimiser.step()  # without a gradient it does nothing, but without it the scheduler warns
    options = replace(OPTIONS, learning_rate=1e-3, lr_step_size=3, lr_gamma=0.1)
    for i in range(1, 10):
        scheduler.step()
        assert rate(options, i) == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-12)


def test_warm_up_and_annealing():
    options = replace(OPTIONS, learning_rate=1.0, iterations=100, warmup=20, cooldown=0.4)
    rates = [rate(options, i) for i in (1, 10, 20, 60, 61, 81, 100)]
    assert rates == pytest.approx([0.05, 0.5, 1, 1, 1, 0.5, 0.025])


def test_initialisation_after_he():
    goal = objective("denoise", Observation(np.zeros(1000, np.float32)), TRANSFORM, "cpu", {})
    build = partial(design, dilation=None, dense=True, width=1.0)
    (network,), (z,) = start(build, goal, 1, "cpu", "he")
    for name, fan_in, factor in (("up2.conv2.0", 315 * 9, 2), ("up2.transition", 385, 1)):
        layer = network.get_submodule(name)
        assert layer.weight.var().item() == pytest.approx(factor / fan_in, rel=0.03)
        assert not layer.bias.any()
    # of normalised features the decoder keeps the level, of which PyTorch's default loses most
    (plain,), (same,) = start(build, goal, 1, "cpu")
    assert z.shape == same.shape
    with torch.no_grad():
        levels = [net(z)[0].std(dim=(1, 2)).mean().item() for net in (network, plain)]
    assert levels[0] > 3 * levels[1]


def test_outputs_are_scaled_by_the_observation(denoising):
    level = denoising.target.square().mean().sqrt().item()
    plain = fit(BUILD, denoising, replace(OPTIONS, iterations=1), seed=5, device="cpu")
    options = replace(OPTIONS, iterations=1, output_scale=0.5)
    scaled = fit(BUILD, denoising, options, seed=5, device="cpu")
    np.testing.assert_allclose(scaled.last, 0.5 * level * plain.last, rtol=1e-4, atol=1e-7)
    # a mask is none of it
    assert objective(
        "separate", Observation(np.zeros(1000, np.float32)), TRANSFORM, "cpu", SEPARATION
    ).spectral == (True, True, False)


def test_the_rate_is_that_of_its_iteration(denoising):
    # a rate of zero from the 4th step on: iterates 4, 5, ... see the same parameters
    stopped = replace(OPTIONS, lr_step_size=4, lr_gamma=1e-30, snapshots=40)
    losses = fit(BUILD, denoising, stopped, seed=1, device="cpu").losses
    assert len(set(losses[:4])) == 4
    assert len(set(losses[3:])) == 1


def test_equal_bits_over_two_runs(denoising):
    runs = [fit(BUILD, denoising, OPTIONS, seed=5, device="cpu") for _ in range(2)]
    for name in ("losses", "snapshots", "last", "average", "iterations"):
        np.testing.assert_array_equal(getattr(runs[0], name), getattr(runs[1], name))
    other = fit(BUILD, denoising, OPTIONS, seed=6, device="cpu")
    assert not np.array_equal(other.losses, runs[0].losses)


def test_loss_path(denoising):
    losses = fit(BUILD, denoising, OPTIONS, seed=5, device="cpu").losses
    # the first depends on the initialisation alone; rounding errors grow with the iterations
    assert losses[0] == pytest.approx(7.89988, rel=1e-4)
    assert losses[[2, 5, 11]] == pytest.approx([7.8202, 7.6818, 7.6173], rel=5e-3)


def test_trajectory(denoising):
    seen = []

    def report(iteration, loss):
        seen.append((iteration, loss))

    trajectory = fit(BUILD, denoising, OPTIONS, seed=5, device="cpu", report=report)
    assert trajectory.iterations.tolist() == [1, 2, 3, 6, 12]
    assert trajectory.snapshots.shape == (5, 1, 2048)
    assert trajectory.last.shape == trajectory.average.shape == (1, 2048)
    for array in (trajectory.snapshots, trajectory.last, trajectory.average, trajectory.losses):
        assert array.dtype == np.float32
    np.testing.assert_array_equal(trajectory.last, trajectory.snapshots[-1])
    assert seen == [(i, trajectory.losses[i - 1]) for i in trajectory.iterations]
    assert trajectory.seconds > 0
    # iteration 1 is the untrained network
    networks, inputs = start(BUILD, denoising, 5, "cpu")
    untrained = denoising.read_out(networks[0](inputs[0])[..., :128, :65].detach())
    np.testing.assert_allclose(trajectory.snapshots[0], untrained, rtol=0, atol=1e-6)


def test_snapshots_where_they_were_asked_for(denoising):
    trajectory = fit(BUILD, denoising, replace(OPTIONS, snapshot_at=(4, 6)), seed=5, device="cpu")
    plain = fit(BUILD, denoising, OPTIONS, seed=5, device="cpu")
    assert trajectory.iterations.tolist() == [1, 2, 3, 4, 6, 12]
    np.testing.assert_array_equal(trajectory.snapshots[[0, 1, 2, 4, 5]], plain.snapshots)


def test_average_of_the_outputs(denoising):
    options = replace(OPTIONS, iterations=4, snapshots=40, ema_decay=0.5)
    trajectory = fit(BUILD, denoising, options, seed=5, device="cpu")
    weights = np.array([1, 2, 4, 8]) / 15
    expected = np.tensordot(weights, trajectory.snapshots, axes=1)
    np.testing.assert_allclose(trajectory.average, expected, rtol=0, atol=1e-6)


def test_start_has_one_network_and_noise_each():
    goal = objective(
        "separate", Observation(np.zeros(1000, np.float32)), TRANSFORM, "cpu", SEPARATION
    )
    networks, inputs = start(BUILD, goal, 1, "cpu")
    assert [net.final.out_channels for net in networks] == [2, 2, 1]
    # 32 frames and 128 bins are multiples of 4 already; of 33 frames there are 36
    assert [z.shape for z in inputs] == [(1, 2, 128, 32)] * 3
    assert not torch.equal(inputs[0], inputs[1])
    z = torch.cat(inputs).flatten()
    assert z.mean().item() == pytest.approx(0, abs=0.03)
    assert z.std().item() == pytest.approx(1, abs=0.02)
    longer = objective("denoise", Observation(np.zeros(1024, np.float32)), TRANSFORM, "cpu", {})
    assert start(BUILD, longer, 1, "cpu")[1][0].shape == (1, 2, 128, 36)


def test_divergence_is_named(denoising):
    options = replace(OPTIONS, learning_rate=1e30)
    with pytest.raises(
        DapError,
        match=r"diverged: its loss is (nan|inf) at iteration 2 \(seed 77\); lower `learning",
    ):
        fit(BUILD, denoising, options, seed=77, device="cpu")


def test_the_global_random_state_is_left_alone(denoising):
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = fit(BUILD, denoising, OPTIONS, seed=5, device="cpu").losses
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    torch.rand(3)  # and has no influence
    again = fit(BUILD, denoising, OPTIONS, seed=5, device="cpu").losses
    np.testing.assert_array_equal(again, first)


def test_a_sinusoid_in_noise_is_restored(tone, noisy, denoising):
    options = replace(OPTIONS, iterations=120)
    trajectory = fit(BUILD, denoising, options, seed=1, device="cpu")
    observed = snr(tone[:2048], noisy, 16000)
    assert observed == pytest.approx(5, abs=0.3)
    for estimate in (trajectory.last[0], trajectory.average[0]):
        assert snr(tone[:2048], estimate, 16000) > observed + 5
    assert trajectory.losses[-10:].mean() < trajectory.losses[:10].mean() / 2


def test_size_of_one_convolution():
    goal = objective("denoise", Observation(np.zeros(1000, np.float32)), TRANSFORM, "cpu", {})

    def build(out_channels):
        return nn.Conv2d(2, out_channels, 3, padding=1)

    parameters, gflop = size(build, goal)
    assert parameters == 2 * (2 * 9 + 1)
    # forward, and the same once more for the weights' gradient; z needs none
    assert gflop * 1e9 == 2 * (2 * 9 * 2) * 128 * 32 * 2


def test_size_of_harmonic_convolutions_by_hand():
    goal = objective("denoise", Observation(np.zeros(1000, np.float32)), TRANSFORM, "cpu", {})
    parameters, gflop = size(partial(harmonic, anchors=7, mixing="matrix", width=1.0), goal)
    pixels = 128 * 32
    layers = [(2, 2, 1), (2, 35, 1), (35, 35, 4), (35, 70, 4), (70, 70, 16), (70, 70, 16)]
    layers += [(140, 140, 4), (140, 35, 4), (70, 70, 1), (70, 35, 1)]
    # the two products of a layer; what is sampled and filtered between them is not counted
    products = [(7 * i * o, 7 * o * o, pixels / by) for i, o, by in layers]
    forward = 2 * (sum((a + b) * size for a, b, size in products) + 35 * 2 * pixels)
    first = 2 * products[0][0] * pixels  # z has no gradient
    assert gflop * 1e9 == pytest.approx(3 * forward - first, rel=1e-9)
    held = [7 * i * o + 7 * o + 7 * o * o + o for i, o, _ in layers]
    assert parameters == sum(held) + 35 * 2 + 2


def test_size_of_a_design_by_hand():
    goal = objective("denoise", Observation(np.zeros(1000, np.float32)), TRANSFORM, "cpu", {})
    parameters, gflop = size(partial(design, dilation=1, dense=False, width=1.0), goal)
    assert parameters == 651_107
    fine = 2 * 35 * 9 + 35 * 35 * (9 + 1)  # down1
    fine += 70 * 35 * 9 + (35 + 35) * 35 * 9 + 35 * 35 * (9 + 1) + 35 * 2  # reduce1, up1, final
    middle = 35 * 70 * 9 + 70 * 70 * (9 + 1)
    middle += 140 * 70 * 9 + (70 + 70) * 70 * 9 + 70 * 70 * (9 + 1)
    coarse = 70 * 140 * 9 + 140 * 140 * (9 + 1)
    forward = 2 * 128 * 32 * (fine + middle / 4 + coarse / 16)
    first = 2 * 128 * 32 * 2 * 35 * 9  # the input's gradient, which nobody asks for
    assert gflop * 1e9 == pytest.approx(3 * forward - first, rel=1e-9)
