"""Laws of a fit's schedule, of its snapshots and of the moving average, in closed form."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_fits import OPTIONS
from strategies import SEEDS

from dap.fitting.ema import MovingAverage
from dap.fitting.loop import FitOptions, grid, rate

SCHEDULES = st.builds(
    replace,
    st.just(OPTIONS),
    iterations=st.integers(1, 400),
    learning_rate=st.floats(1e-5, 1.0),
    lr_step_size=st.integers(0, 100),
    lr_gamma=st.floats(0.05, 1.0),
    warmup=st.integers(0, 50),
    cooldown=st.floats(0, 1),
)


def rates(options: FitOptions) -> np.ndarray:
    """(iterations,)."""
    return np.array([rate(options, i) for i in range(1, options.iterations + 1)])


@given(SCHEDULES)
def test_the_rate_is_positive_and_never_above_the_one_asked_for(options):
    learning_rates = rates(options)
    assert (learning_rates > 0).all()
    assert learning_rates.max() <= options.learning_rate
    # once it is warm it never rises again
    assert (np.diff(learning_rates[max(0, options.warmup - 1) :]) <= 0).all()


@given(SCHEDULES)
def test_the_rate_is_the_product_of_its_parts(options):
    plain = replace(options, lr_step_size=0, warmup=0, cooldown=0.0)
    alone = [
        replace(plain, lr_step_size=options.lr_step_size),
        replace(plain, warmup=options.warmup),
        replace(plain, cooldown=options.cooldown),
    ]
    factors = np.prod([rates(part) / options.learning_rate for part in alone], axis=0)
    np.testing.assert_allclose(rates(options), options.learning_rate * factors, rtol=1e-12)
    np.testing.assert_array_equal(rates(plain), options.learning_rate)


@given(SCHEDULES)
def test_each_part_of_the_rate(options):
    plain = replace(options, lr_step_size=0, warmup=0, cooldown=0.0, learning_rate=1.0)
    i = np.arange(1, options.iterations + 1)
    warm = rates(replace(plain, warmup=options.warmup))
    np.testing.assert_allclose(warm, np.minimum(1, i / max(options.warmup, 1)))
    if options.lr_step_size:
        stepped = rates(replace(plain, lr_step_size=options.lr_step_size))
        before = np.r_[1, stepped]  # the rate that the optimiser has before each iteration
        falls = np.flatnonzero(np.diff(before)) + 1  # iterations that are the first of a lower one
        if options.lr_gamma < 1:
            every = options.lr_step_size
            np.testing.assert_array_equal(falls, np.arange(every, options.iterations + 1, every))
        np.testing.assert_allclose(before[falls] / before[falls - 1], options.lr_gamma)
    cooled = rates(replace(plain, cooldown=options.cooldown))
    length = options.iterations * options.cooldown
    falling = cooled < 1
    assert falling.sum() <= length
    # to what would be 0 one iteration after the last
    np.testing.assert_allclose(cooled[falling], (options.iterations + 1 - i[falling]) / length)


@given(st.integers(1, 5000), st.integers(1, 40), st.data())
def test_snapshots_are_few_in_order_and_end_with_the_last(iterations, snapshots, data):
    asked = data.draw(st.lists(st.integers(1, iterations), max_size=5, unique=True))
    points = grid(iterations, snapshots, asked)
    assert points[-1] == iterations
    assert points[0] >= 1
    assert (np.diff(points) > 0).all()
    assert set(asked) <= set(points)
    assert len(points) <= snapshots + len(asked)
    if snapshots > 1:
        assert points[0] == 1
    if snapshots >= iterations > 1 and snapshots > 1:
        assert {1, 2} <= set(points)


@given(st.floats(0, 0.999), st.integers(1, 30), SEEDS)
def test_the_average_is_that_of_its_weights(decay, count, seed):
    values = np.random.default_rng(seed).uniform(-1, 1, (count, 7))
    average = MovingAverage(decay)
    for value in values:
        average.update(torch.from_numpy(value))
    weights = decay ** np.arange(count - 1, -1, -1.0)
    expected = (weights / weights.sum()) @ values
    np.testing.assert_allclose(average.value(), expected, rtol=0, atol=1e-12)


@given(st.floats(0, 0.999), st.integers(2, 20), SEEDS, st.data())
def test_an_average_taken_up_goes_on(decay, count, seed, data):
    values = torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (count, 7)))
    whole, first, second = (MovingAverage(decay) for _ in range(3))
    stop = data.draw(st.integers(1, count - 1))
    for value in values:
        whole.update(value)
    for value in values[:stop]:
        first.update(value)
    second.load_state_dict(first.state_dict())
    for value in values[stop:]:
        second.update(value)
    assert torch.equal(second.value(), whole.value())


@pytest.mark.parametrize("cooldown", [0.25, 0.4, 1.0])
def test_the_cooldown_begins_where_its_share_does(cooldown):
    options = replace(OPTIONS, iterations=20, lr_step_size=0, warmup=0, cooldown=cooldown)
    assert (rates(options) < options.learning_rate).sum() == round(20 * cooldown) - 1
