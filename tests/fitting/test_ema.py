import pytest
import torch

from dap.fitting.ema import MovingAverage


def test_average_by_hand():
    average = MovingAverage(0.5)
    averages = []
    for value in (1.0, 2.0, 4.0):
        average.update(torch.tensor([value, -value]))
        averages.append(average.value())
    # 1; (1/4 + 2/2) / (3/4); (1/8 + 2/4 + 4/2) / (7/8)
    torch.testing.assert_close(averages[0], torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(averages[1], torch.tensor([5 / 3, -5 / 3]))
    torch.testing.assert_close(averages[2], torch.tensor([3.0, -3.0]))


@pytest.mark.parametrize("decay", [0.0, 0.9, 0.999])
def test_the_average_is_not_biased_towards_its_start(decay):
    average = MovingAverage(decay)
    for _ in range(7):
        average.update(torch.full((2, 3), 5.0))
        torch.testing.assert_close(average.value(), torch.full((2, 3), 5.0))


def test_the_average_keeps_what_it_was_given():
    estimates = torch.tensor([1.0, 2.0])
    average = MovingAverage(0.9)
    average.update(estimates)
    average.update(estimates)
    torch.testing.assert_close(estimates, torch.tensor([1.0, 2.0]), rtol=0, atol=0)
