"""The rules that stop a fit: their values by definition, and what a `Stop` makes of them."""

import math
from itertools import count

import pytest
import torch

from dap.fitting.stops import EVERY, PATIENCE, Stop
from dap.fitting.stops.discrepancy import Discrepancy
from dap.fitting.stops.variance import FIRST, LEAST, MovingVariance

OUTPUTS = torch.randn(60, 1, 2, 8, 4, generator=torch.Generator().manual_seed(0)) + 3


def test_moving_variance_is_that_of_the_paper():
    rule = MovingVariance()
    mean, variance = OUTPUTS[0].double(), 0.0
    for i, output in enumerate(OUTPUTS, 1):
        rule.update(i, output)
        if i > 1:
            change = output.double() - mean
            variance = 0.9 * (variance + 0.1 * float(change.square().mean()))
            mean = mean + 0.1 * change
        if i < FIRST:
            assert rule.value() == math.inf
    assert rule.value() == pytest.approx(variance / float(mean.square().mean()), rel=1e-5)
    assert not rule.over()


def test_the_variance_of_nothing_is_nothing():
    rule = MovingVariance()
    for i in range(1, FIRST + 1):
        rule.update(i, torch.zeros(1, 2, 4, 4))
    assert rule.value() == 0
    assert LEAST > 0


def follow(stop, values, signals=lambda: torch.zeros(1, 3)):
    """The iteration at which it is over, None if it never is; the values are read every few."""
    stop.rule = Listed(values)
    for i in range(1, EVERY * len(values) + 1):
        stop.update(i, OUTPUTS[0], signals)
        if stop.over:
            return i
    return None


class Listed:
    """A rule whose values are listed."""

    def __init__(self, values):
        self.values = list(values)

    def update(self, iteration, estimates):
        pass

    def value(self):
        return self.values.pop(0)

    def over(self):
        return False

    def state_dict(self):
        return {"values": list(self.values)}

    def load_state_dict(self, state):
        self.values = list(state["values"])


def test_what_is_kept_is_that_of_the_lowest_value():
    marks = count(1)
    stop = Stop(Listed([]))
    assert follow(stop, [5, 3, 4, 2, 6], lambda: torch.full((1, 3), float(next(marks)))) is None
    assert stop.iteration == 4 * EVERY
    # the signals are made where they are kept, and nowhere else
    assert stop.signals.tolist() == [[3.0] * 3]
    assert next(marks) == 4


@pytest.mark.parametrize(("best", "wait"), [(50, PATIENCE), (400, 200)])
def test_a_fit_is_over_when_nothing_better_has_come_for_long(best, wait):
    values = [1 + 1 / i for i in range(1, best // EVERY + 1)] + [9.0] * 100
    stop = Stop(Listed([]))
    assert follow(stop, values) == best + wait
    assert stop.iteration == best


def test_before_a_rule_can_tell_a_fit_goes_on():
    stop = Stop(Listed([]))
    assert follow(stop, [math.inf] * 200) is None
    assert (stop.iteration, stop.signals) == (0, None)


def test_a_saved_stop_goes_on_as_it_was():
    values = [3.0, 2.0, 4.0, 1.0, 5.0]
    stop = Stop(Listed(values))
    for i in range(1, 3 * EVERY + 1):
        stop.update(i, OUTPUTS[0], lambda: torch.ones(1, 2))
    other = Stop(Listed([]))
    other.load_state_dict(stop.state_dict())
    assert other.iteration == 2 * EVERY
    assert other.signals.tolist() == [[1.0, 1.0]]
    for i in range(3 * EVERY + 1, 5 * EVERY + 1):
        other.update(i, OUTPUTS[0], lambda: torch.zeros(1, 2))
    assert other.iteration == 4 * EVERY
    assert other.signals.tolist() == [[0.0, 0.0]]


def residuals(*values):
    """A rule of these residuals, re the noise, one for each reading."""
    left = iter(values)
    return Discrepancy(lambda estimates: torch.tensor(next(left)), 1.0)


def test_discrepancy_waits_for_the_noise_and_ends_below_it():
    rule = residuals(2.0, 1.1, 0.99, 1.05, 0.81, 0.79)
    for i in range(1, FIRST + 1):
        rule.update(i, OUTPUTS[i])
    assert [math.isinf(rule.value()) for _ in range(3)] == [True, True, False]
    # once it was below, a residual a little above does not matter
    assert [(rule.value() < 1, rule.over()) for _ in range(3)] == [
        (True, False), (True, False), (True, True),
    ]  # fmt: skip
