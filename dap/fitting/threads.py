"""Several fits at a time on one CPU, each in a thread of its own.

A narrow network does not fill two cores, and two of them, a core each, do. The compiled layers and
PyTorch let go of Python's lock while they compute.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Event, Lock
from typing import Any

from dap.errors import DapError
from dap.fitting.interleave import Fit


def run_in_threads(starts: Sequence[Callable[[], Fit]], count: int) -> Iterator[tuple[int, Any]]:
    """Run fits, in their order, `count` at a time, and divide PyTorch's threads among them.

    Where the caller goes no further, be it by Ctrl-C, those under way end after their iteration.

    Args:
        starts: functions that begin a fit, one for each.
        count: fits at a time, at least 1.

    Yields:
        the index of a fit that ended, and what it returned or the DapError that it raised, which
        harms no other. Any other error is raised.
    """
    import torch

    threads = torch.get_num_threads()
    abandoned = Event()

    def run(start: Callable[[], Fit]) -> Any:
        fit = start()
        try:
            next(fit)
            seconds = 0.0
            while not abandoned.is_set():
                begun = time.perf_counter()
                fit.send(seconds)
                seconds = time.perf_counter() - begun
        except StopIteration as end:
            return end.value
        except DapError as error:
            return error

    pool = ThreadPoolExecutor(
        count, initializer=torch.set_num_threads, initargs=(max(1, threads // count),)
    )
    try:
        futures = {pool.submit(run, start): index for index, start in enumerate(starts)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        abandoned.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # what threads to come begin with was set by the pool's


def one_at_a_time(function: Callable[..., None]) -> Callable[..., None]:
    """The function, which calls from several threads enter in turn."""
    lock = Lock()

    def locked(*arguments: Any) -> None:
        with lock:
            function(*arguments)

    return locked


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """PyTorch with this number of threads, then with the number that it had."""
    if count is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
