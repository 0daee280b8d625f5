import threading
import time
from functools import partial

import pytest
import torch
from small_fits import BUILD, OPTIONS, assert_same, goal, run

from dap.errors import DapError
from dap.fitting.loop import steps
from dap.fitting.threads import one_at_a_time, run_in_threads

WAIT = 20.0  # seconds; a test that waits so long has failed


@pytest.fixture(autouse=True)
def threads():
    """PyTorch with four threads, until the end of a test."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def counting(length, log=None, error=None):
    """Begins a fit of so many iterations, which notes PyTorch's threads in each of them."""
    log = [] if log is None else log
    yield
    for _ in range(length):
        log.append(torch.get_num_threads())
        yield
    if error:
        raise error
    return log


@pytest.mark.parametrize(("count", "each"), [(1, 4), (2, 2), (3, 1), (8, 1)])
def test_threads_are_divided_among_the_fits(count, each):
    fits = [partial(counting, length) for length in (3, 0, 2)]
    assert dict(run_in_threads(fits, count)) == {0: [each] * 3, 1: [], 2: [each] * 2}
    assert torch.get_num_threads() == 4
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [4]


def test_as_many_at_a_time_as_asked_for():
    meeting = threading.Barrier(2)

    def meet():
        yield
        meeting.wait(WAIT)
        yield
        return "met"

    assert dict(run_in_threads([meet] * 4, 2)) == dict.fromkeys(range(4), "met")


def test_what_a_fit_raises_for_the_user_is_its_result():
    error = DapError("the fit diverged")
    fits = [partial(counting, 2, error=error), partial(counting, 1)]
    assert dict(run_in_threads(fits, 2)) == {0: error, 1: [2]}


def test_any_other_error_is_raised_and_ends_the_others():
    endless, begun = [], threading.Event()

    def full():
        yield
        assert begun.wait(WAIT)
        raise MemoryError

    def going_on():
        yield
        while True:
            begun.set()
            endless.append(1)
            yield

    with pytest.raises(MemoryError):
        list(run_in_threads([full, going_on, going_on], 2))
    count = len(endless)
    time.sleep(0.05)
    assert len(endless) == count
    assert torch.get_num_threads() == 4


def test_fits_end_where_the_caller_goes_no_further():
    names = {thread.name for thread in threading.enumerate()}
    results = run_in_threads([partial(counting, 1), partial(counting, 10**9)], 2)
    assert next(results)[0] == 0
    results.close()
    assert {thread.name for thread in threading.enumerate()} == names


@pytest.mark.parametrize("task", ["denoise", "separate"])
def test_fits_in_threads_give_the_bits_of_fits_alone(task, tones):
    torch.set_num_threads(1)
    fits = [
        partial(steps, BUILD, goal(task, tone), OPTIONS, seed=3, device="cpu") for tone in tones
    ]
    trajectories = dict(run_in_threads(fits, 3))
    for index, tone in enumerate(tones):
        assert_same(trajectories[index], run(task, tone))


def test_calls_from_threads_enter_in_turn():
    inside, most = [], []

    def slow(index):
        inside.append(index)
        most.append(len(inside))
        time.sleep(0.002)
        inside.remove(index)

    function = one_at_a_time(slow)
    threads = [threading.Thread(target=function, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
