"""Several fits at a time on one GPU, which a single one of them does not fill.

A fit is a generator (`dap.fitting.loop.steps`). One thread advances all that are under way by one
iteration after the other, each fit on a separate CUDA stream.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dap.errors import DapError

# yields when it is ready and after each iteration, is then sent the seconds of wall time that the
# iteration took (its share, beside other fits), and returns its result
Fit = Generator[None, float, Any]
# rounds between two starts: by then a fit has taken all the memory that it ever takes
SETTLE = 6
# free memory that another fit needs to be started, in sizes of the largest so far
MARGIN = 1.5


class MemoryGate:
    """Whether a GPU's memory holds one more fit; asked once before each fit but the first."""

    def __init__(self) -> None:
        self.free = _free()[1]
        self.largest = 0

    def __call__(self) -> bool:
        """Whether one more fits; what was allocated since the last call is the size of a fit."""
        # the memory of an eager iteration is in PyTorch's cache when the iteration has ended
        uncached, free = _free()
        self.largest = max(self.largest, self.free - uncached)
        self.free = free
        return free > MARGIN * self.largest


def _free() -> tuple[int, int]:
    """Bytes that are free on the GPU, before and after PyTorch has returned what it caches."""
    import torch

    torch.cuda.synchronize()
    uncached = torch.cuda.mem_get_info()[0]
    torch.cuda.empty_cache()
    return uncached, torch.cuda.mem_get_info()[0]


def run_interleaved(
    starts: Sequence[Callable[[], Fit]],
    limit: int = 1,
    *,
    device: str = "cpu",
    gate: Callable[[], bool] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Run fits, in their order, up to `limit` at a time.

    A fit that finds the GPU's memory full is abandoned, and started again when another has ended.
    From then on, no more fits run at a time than ran without it. If it was alone, PyTorch's error
    is raised.

    Args:
        starts: functions that begin a fit, one for each.
        limit: fits at a time, on a GPU; one fills a CPU.
        gate: asked before a fit is started beside others; if it says no, it is asked again when one
            has ended. By default the `MemoryGate` of the GPU.

    Yields:
        the index of a fit that ended, and what it returned or the DapError that it raised, which
        harms no other.
    """
    make_context: Callable[[], AbstractContextManager] = nullcontext
    if device.startswith("cuda"):
        make_context = side_stream
        gate = gate or MemoryGate()
    waiting = deque(enumerate(starts))
    under_way: dict[int, tuple[Fit, AbstractContextManager]] = {}

    def advance(index: int, seconds: float | None) -> list[tuple[int, Any]]:
        nonlocal limit
        fit, context = under_way[index]
        result: Any
        try:
            with context:
                next(fit) if seconds is None else fit.send(seconds)
        except StopIteration as end:
            result = end.value
        except DapError as error:
            result = error.with_traceback(None)  # which would keep the fit's memory alive
            result.__cause__ = result.__context__ = None  # as theirs would
        except RuntimeError as error:
            if len(under_way) == 1 or not _is_full(error):
                raise
            del under_way[index]
            waiting.appendleft((index, starts[index]))
            limit = len(under_way)
            return []
        else:
            return []
        del under_way[index]
        return [(index, result)]

    rounds, share, full = 0, 0.0, False
    while waiting or under_way:
        begun = time.perf_counter()
        may_join = rounds >= SETTLE and len(under_way) < limit and not full
        if waiting and (may_join or not under_way):
            full = bool(under_way and gate and not gate())
            if not full:
                index, start = waiting.popleft()
                under_way[index] = start(), make_context()
                rounds = 0
                start_begun = time.perf_counter()
                yield from advance(index, None)
                begun += time.perf_counter() - start_begun  # no part of an iteration
        count, ended = len(under_way), []
        for index in list(under_way):
            ended += advance(index, share)
        share = (time.perf_counter() - begun) / max(count, 1)
        rounds += 1
        if ended:
            full = False
        yield from ended


def _is_full(error: RuntimeError) -> bool:
    """Whether the GPU's memory is full; its libraries say so in different words."""
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in ("out of memory", "ALLOC_FAILED"))


def at_most(asked: int, device: str) -> int:
    """How many fits a device runs at a time, of the number asked for: one fills a CPU."""
    return asked if device.startswith("cuda") else 1


def side_stream() -> AbstractContextManager:
    """A context whose work runs on a new CUDA stream, after all that was launched before."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    return torch.cuda.stream(stream)
