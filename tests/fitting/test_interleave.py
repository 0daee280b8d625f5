import os
import signal
from functools import partial

import numpy as np
import pytest
import torch
from small_fits import BUILD, OPTIONS, assert_same, goal, run

from dap.errors import DapError, InterruptedFitError
from dap.fitting import interleave as packing
from dap.fitting.interleave import SETTLE, MemoryGate, run_interleaved
from dap.fitting.loop import fit, steps
from dap.runtime.checkpoints import Checkpoint, Termination


def counting(name, length, log, error=None):
    """What begins a fit of so many iterations, which notes them."""
    return partial(_counting, name, length, log, error)


def _counting(name, length, log, error):
    log.append((name, "ready"))
    yield
    for i in range(1, length + 1):
        log.append((name, i))
        if error and i == length:
            raise error
        yield
    return f"{name} done"


def test_one_at_a_time_and_in_order():
    log = []
    fits = [counting(name, 2, log) for name in "abc"]
    assert list(run_interleaved(fits)) == [(0, "a done"), (1, "b done"), (2, "c done")]
    assert log == [(name, step) for name in "abc" for step in ("ready", 1, 2)]


def test_no_more_at_a_time_than_asked_for():
    log = []
    fits = [counting(name, 3 * SETTLE, log) for name in "abc"]
    outcomes = list(run_interleaved(fits, 2))
    assert outcomes == [(0, "a done"), (1, "b done"), (2, "c done")]
    # the second starts when the first has settled, the third when the first has ended
    assert log.index(("b", "ready")) == log.index(("a", SETTLE)) + 1
    assert log.index(("a", SETTLE + 1)) == log.index(("b", "ready")) + 1
    assert log.index(("b", 1)) == log.index(("a", SETTLE + 1)) + 1
    assert log.index(("c", "ready")) == log.index(("b", 2 * SETTLE + 1)) + 1


def test_where_there_is_no_room_a_fit_waits_for_the_end_of_another():
    log, asked = [], []

    def gate():
        asked.append(len(log))
        return len(asked) > 1

    fits = [counting(name, 4 * SETTLE, log) for name in "abc"]
    assert len(list(run_interleaved(fits, 3, gate=gate))) == 3
    # asked once, then not before a's end; b is started without a question, being alone
    assert log.index(("b", "ready")) == 1 + 4 * SETTLE
    assert asked == [1 + SETTLE, log.index(("b", SETTLE)) + 1]
    assert log.index(("c", "ready")) == asked[1]


def test_an_error_harms_no_other_fit():
    log = []
    error = DapError("diverged")
    fits = [counting("a", 20, log), counting("b", 2, log, error), counting("c", 20, log)]
    assert list(run_interleaved(fits, 3)) == [(1, error), (0, "a done"), (2, "c done")]


def test_an_error_before_the_first_iteration():
    def wrong():
        raise DapError("nothing to fit")
        yield

    assert [str(error) for _, error in run_interleaved([wrong])] == ["nothing to fit"]


def test_what_is_no_error_of_a_users_stops_all():
    fits = [counting("a", 20, []), counting("b", 2, [], ZeroDivisionError())]
    with pytest.raises(ZeroDivisionError):
        list(run_interleaved(fits, 2))


@pytest.mark.parametrize(
    "full",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
    ids=["allocator", "driver", "library"],
)
def test_one_that_finds_the_memory_full_is_begun_anew_when_another_has_ended(full):
    log = []

    def greedy(name, length):
        log.append((name, "ready"))
        yield
        for i in range(1, length + 1):
            log.append((name, i))
            if i == 2 and log.count((name, 2)) == 1:
                raise full
            yield
        return f"{name} done"

    fits = [
        counting("a", 3 * SETTLE, log),
        partial(greedy, "b", 3),
        counting("c", 2 * SETTLE, log),
        counting("d", 2, log),
    ]
    outcomes = list(run_interleaved(fits, 3))
    assert sorted(outcomes) == [(k, f"{name} done") for k, name in enumerate("abcd")]
    assert log.count(("b", 1)) == 2
    # in its turn, after a's end, and from then on alone, as a was without it
    again = len(log) - log[::-1].index(("b", "ready")) - 1
    assert log.index(("a", 3 * SETTLE)) < again < log.index(("c", "ready"))
    assert log.index(("b", 3)) < log.index(("c", "ready"))
    assert log.index(("c", 2 * SETTLE)) < log.index(("d", "ready"))


def test_one_that_finds_the_memory_full_alone_stops_all():
    full = torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(torch.OutOfMemoryError):
        list(run_interleaved([counting("a", 2, [], full), counting("b", 2, [])], 2))


def test_other_errors_of_pytorchs_are_not_taken_for_full_memory():
    fits = [counting("a", 20, []), counting("b", 2, [], RuntimeError("no kernel image"))]
    with pytest.raises(RuntimeError, match="no kernel image"):
        list(run_interleaved(fits, 2))


def test_nothing_to_do():
    assert list(run_interleaved([], 4)) == []


def test_fits_beside_each_other_share_the_wall_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(packing.time, "perf_counter", lambda: now[0])

    def timed(iterations, setup):
        now[0] += setup  # no part of the loop
        yield
        spent = 0.0
        for _ in range(iterations):
            now[0] += 1.0
            spent += yield
        return spent

    ((_, alone),) = run_interleaved([partial(timed, 5, 100.0)])
    assert alone == 5.0
    fits = [partial(timed, length, 100.0) for length in (2 * SETTLE, SETTLE)]
    durations = dict(run_interleaved(fits, 2))
    # together they take the wall time that there was
    assert durations == {0: 2.0 * SETTLE, 1: 1.0 * SETTLE}


def test_room_is_for_one_more_as_large_as_the_largest(monkeypatch):
    # bytes before and after the cache is given back: one takes 10, another 30; then one has ended
    free = iter([(75, 80), (70, 72), (42, 44), (60, 61)])
    monkeypatch.setattr(packing, "_free", lambda: next(free))
    gate = MemoryGate()
    assert gate()  # 72 > 1.5 x 10
    assert not gate()  # 44 < 1.5 x 30
    assert gate()  # 61


@pytest.mark.parametrize("task", ["denoise", "separate"])
def test_fits_in_turn_give_the_bits_of_fits_alone(tones, task):
    fits = [
        partial(steps, BUILD, goal(task, tone), OPTIONS, seed=3, device="cpu") for tone in tones
    ]
    trajectories = dict(run_interleaved(fits, 3))
    for index, tone in enumerate(tones):
        assert_same(trajectories[index], run(task, tone))


def test_sigterm_while_fits_are_under_way(tmp_path, tones):
    said = []
    before = signal.getsignal(signal.SIGTERM)

    def fits(termination=None):
        for k, tone in enumerate(tones):
            keeper = Checkpoint(tmp_path / str(k), "a" * 64, 1000, said.append, termination)

            def report(iteration, loss, k=k):
                if termination and (k, iteration) == (1, 3):
                    os.kill(os.getpid(), signal.SIGTERM)

            arguments = {"seed": 3, "device": "cpu", "checkpoint": keeper, "report": report}
            yield partial(steps, BUILD, goal("denoise", tone), OPTIONS, **arguments)

    try:
        with Termination() as termination:
            errors = dict(run_interleaved(list(fits(termination)), 2))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert all(isinstance(error, InterruptedFitError) for error in errors.values())
    assert [(tmp_path / str(k)).exists() for k in range(3)] == [True, True, True]
    trajectories = dict(run_interleaved(list(fits()), 3))
    assert said == [f"taken up after iteration {done} of 14" for done in (10, 3, 1)]
    for index, tone in enumerate(tones):
        assert_same(trajectories[index], run("denoise", tone))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("task", ["denoise", "separate"])
def test_on_a_gpu_replays_and_neighbours_change_nothing(task, tones, tmp_path):
    def fits():
        for k, tone in enumerate(tones):
            keeper = Checkpoint(tmp_path / f"{task}{k}", "a" * 64, 1000, print)
            target = goal(task, tone, "cuda")
            yield partial(steps, BUILD, target, OPTIONS, seed=3, device="cuda", checkpoint=keeper)

    trajectories = dict(run_interleaved(list(fits()), 3, device="cuda"))
    for index, tone in enumerate(tones):
        plain = goal(task, tone, "cuda")
        plain.recordable = False
        eager = fit(BUILD, plain, OPTIONS, seed=3, device="cuda")
        assert (trajectories[index].engine, eager.engine) == ("cuda-graph", "pytorch")
        np.testing.assert_allclose(trajectories[index].losses, eager.losses, rtol=1e-3)
        np.testing.assert_allclose(trajectories[index].average, eager.average, atol=1e-3)
