"""A fit that a rule follows: what is kept of it, and where it ends."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from dap.fitting.loop import Trajectory, fit, grid
from dap.fitting.objectives.tasks import objective
from dap.fitting.stops import EVERY, Stop
from dap.nn.dilated_unet import design
from dap.observation import Observation
from dap.options import FitOptions
from dap.stft import STFT

TRANSFORM = STFT(254, 32, "hann")
OPTIONS = FitOptions(
    iterations=40, learning_rate=5e-3, lr_step_size=0, snapshots=5, ema_decay=0.9,
    precision="float32",
)  # fmt: skip
BUILD = partial(design, dilation=None, dense=True, width=0.1)
BEST, OVER = 15, 30


class Scheduled:
    """A rule that finds iteration `BEST` best, and the fit over at `OVER`."""

    iteration = 0

    def update(self, iteration, estimates):
        self.iteration = iteration

    def value(self):
        return abs(self.iteration - BEST)

    def over(self):
        return self.iteration >= OVER

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


@pytest.fixture
def denoising(tone, hiss):
    noisy = tone[:2048] + 2 * hiss[:2048]
    return objective("denoise", Observation(noisy), TRANSFORM, "cpu", {})


def run(goal, rule=None, **options) -> Trajectory:
    stop = Stop(rule) if rule else None
    return fit(BUILD, goal, replace(OPTIONS, **options), seed=1, device="cpu", stop=stop)


def test_a_fit_that_is_followed_is_the_same(denoising):
    plain, followed = run(denoising), run(denoising, Scheduled())
    assert (plain.stop, plain.stopped) == (None, 40)
    for name in ("last", "average", "losses", "snapshots", "iterations"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(followed, name))


def test_what_is_kept_is_the_average_at_the_best_iteration(denoising):
    followed = run(denoising, Scheduled())
    assert followed.stopped == BEST
    np.testing.assert_array_equal(followed.stop, run(denoising, iterations=BEST).average)


def test_a_fit_ends_where_the_rule_says(denoising):
    ended = run(denoising, Scheduled(), end_at_stop=True)
    short = run(denoising, iterations=OVER)
    assert len(ended.losses) == OVER
    assert ended.stopped == BEST
    for name in ("last", "average", "losses"):
        np.testing.assert_array_equal(getattr(ended, name), getattr(short, name))
    before = [i for i in grid(40, 5) if i < OVER]
    assert ended.iterations.tolist() == [*before, OVER]
    np.testing.assert_array_equal(ended.snapshots[-1], ended.last)


def test_a_rule_that_finds_nothing_takes_the_end(denoising):
    class Never(Scheduled):
        def value(self):
            return float("inf")

    ended = run(denoising, Never(), end_at_stop=True)
    assert (ended.stopped, len(ended.losses)) == (OVER, OVER)
    np.testing.assert_array_equal(ended.stop, ended.average)


def test_a_stop_follows_one_fit_and_is_as_new_for_the_next(denoising):
    stop = Stop(Scheduled())
    results = [
        fit(BUILD, denoising, OPTIONS, seed=seed, device="cpu", stop=stop) for seed in (1, 2)
    ]
    assert [result.stopped for result in results] == [BEST, BEST]
    assert stop.iteration == 0
    assert EVERY == 5
