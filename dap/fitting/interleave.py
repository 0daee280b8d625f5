"""Several fits at a time on one GPU, which a single one of them does not fill.

A fit is a generator (`dap.fitting.loop.steps`): one thread advances all that are under way by an
iteration each, in turn, every one on a CUDA stream of its own.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dap.errors import DapError

# yields when it is ready and after each iteration, is then sent the seconds of wall time that the
# iteration took (its share, beside others), and returns what came of it
Fit = Generator[None, float, Any]
# rounds between two starts: by then a fit has taken all the memory that it ever takes
SETTLE = 6
# free memory with which another fit is started, in sizes of the largest so far
MARGIN = 1.5


class Room:
    """Whether a GPU's memory holds one more fit; to be asked once before each but the first."""

    def __init__(self) -> None:
        self.free = _free()[1]
        self.largest = 0

    def __call__(self) -> bool:
        """What was taken since it was asked last is the size of a fit."""
        # an eager iteration's memory is in the cache between two of them
        held, free = _free()
        self.largest = max(self.largest, self.free - held)
        self.free = free
        return free > MARGIN * self.largest


def _free() -> tuple[int, int]:
    """Bytes that are free on the GPU, before and after PyTorch has given back what it caches."""
    import torch

    torch.cuda.synchronize()
    held = torch.cuda.mem_get_info()[0]
    torch.cuda.empty_cache()
    return held, torch.cuda.mem_get_info()[0]


def in_turn(
    begin: Sequence[Callable[[], Fit]],
    most: int = 1,
    *,
    device: str = "cpu",
    room: Callable[[], bool] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Run fits, in their order, up to `most` at a time.

    One that finds the GPU's memory full is given up, and begun anew when another has ended; from
    then on no more are beside each other than were without it. Alone, it raises PyTorch's error.

    Args:
        begin: makes a fit, one each.
        most: on a GPU; one fills a CPU.
        room: asked before a fit is started beside others; if it says no, it is asked again when one
            has ended. The GPU's `Room` by default.

    Yields:
        the index of a fit that ended, and what it returned or the DapError that it raised, which
        harms no other.
    """
    stream: Callable[[], AbstractContextManager] = nullcontext
    if device.startswith("cuda"):
        stream = side_stream
        room = room or Room()
    waiting = deque(enumerate(begin))
    under_way: dict[int, tuple[Fit, AbstractContextManager]] = {}

    def advance(index: int, seconds: float | None) -> list[tuple[int, Any]]:
        nonlocal most
        fit, place = under_way[index]
        try:
            with place:
                next(fit) if seconds is None else fit.send(seconds)
        except StopIteration as end:
            found = end.value
        except DapError as error:
            found = error.with_traceback(None)  # which would keep the fit's memory
            found.__cause__ = found.__context__ = None  # so would theirs
        except RuntimeError as error:
            if len(under_way) == 1 or not _is_full(error):
                raise
            del under_way[index]
            waiting.appendleft((index, begin[index]))
            most = len(under_way)
            return []
        else:
            return []
        del under_way[index]
        return [(index, found)]

    rounds, share, full = 0, 0.0, False
    while waiting or under_way:
        begun = time.perf_counter()
        beside = rounds >= SETTLE and len(under_way) < most and not full
        if waiting and (beside or not under_way):
            full = bool(under_way and room and not room())
            if not full:
                index, start = waiting.popleft()
                under_way[index] = start(), stream()
                rounds = 0
                starts = time.perf_counter()
                yield from advance(index, None)
                begun += time.perf_counter() - starts  # no part of an iteration
        count, ended = len(under_way), []
        for index in list(under_way):
            ended += advance(index, share)
        share = (time.perf_counter() - begun) / max(count, 1)
        rounds += 1
        if ended:
            full = False
        yield from ended


def _is_full(error: RuntimeError) -> bool:
    """Whether the GPU's memory is full; its libraries say so in words of their own."""
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in ("out of memory", "ALLOC_FAILED"))


def at_most(asked: int, device: str) -> int:
    """How many fits a device runs at a time, if so many are asked for: one fills a CPU."""
    return asked if device.startswith("cuda") else 1


def side_stream() -> AbstractContextManager:
    """A context whose work is done on a stream of its own, after what was begun before."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    return torch.cuda.stream(stream)
