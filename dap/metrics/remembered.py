"""A cache of scores that are needed more than once.

CSIG, CBAK and COVL share PESQ, LLR and WSS with each other and with the metrics of those names. The
oracle is a snapshot that was scored with the trajectory, and it is often the last iterate, too.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np

# values are a few numbers each, and no trajectory has more estimates than this
MOST = 256
_cache: OrderedDict[tuple, Any] = OrderedDict()

Value = TypeVar("Value")


def once(name: tuple, signals: tuple[np.ndarray, ...], compute: Callable[[], Value]) -> Value:
    """`compute()`, or its earlier result for the same name and bitwise equal signals."""
    key = (*name, *(_digest(np.asarray(signal)) for signal in signals))
    if key in _cache:
        _cache.move_to_end(key)
        return _cache[key]
    value = compute()
    _cache[key] = value
    if len(_cache) > MOST:
        _cache.popitem(last=False)
    return value


def forget() -> None:
    """Empty the cache, so that timings measure the computation."""
    _cache.clear()


def remembered(metric: Callable[..., float]) -> Callable[..., float]:
    """The metric (reference, estimate, sample_rate, where) with its values cached.

    Neither errors nor values of a part of the signals (`where`) are cached.
    """

    @wraps(metric)
    def cached(
        reference: np.ndarray,
        estimate: np.ndarray,
        sample_rate: int,
        where: np.ndarray | None = None,
    ) -> float:
        if where is not None:
            return metric(reference, estimate, sample_rate, where)
        name = (metric.__module__, metric.__name__, sample_rate)
        return once(name, (reference, estimate), lambda: metric(reference, estimate, sample_rate))

    return cached


def _digest(signal: np.ndarray) -> tuple:
    content = np.ascontiguousarray(signal)
    return content.dtype.str, content.shape, blake2b(content.data, digest_size=16).digest()
