"""How long a restoration takes, told from a short piece of the recording before it begins."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from dap.data.corruptions.quantization import cells
from dap.errors import DapError
from dap.files.restorer import SPECTROGRAM, Layout
from dap.files.survey import Survey
from dap.fitting.interleave import Fit
from dap.fitting.method import resolve_device
from dap.restoration.arguments import Settled
from dap.restoration.choice import AUTO, choose, fit_options, method_for
from dap.restoration.segments import AT_ONCE, restore_parts

# what lasts no longer than this in any case is not measured
SHORT_SAMPLES, SHORT_ITERATIONS = 60 * 16000, 60
# a fit's iterations are measured for so long, from the second one on
MEASURED_SECONDS, MEASURED_ITERATIONS = 2.0, 20
LONG_SECONDS = 8.0  # the first one tells enough where it takes so long
# of a method that fits nothing: a first piece, for what is loaded, then longer ones
FIRST_SECONDS, PIECE_SECONDS, ENOUGH_SECONDS = 0.25, (1.0, 4.0, 16.0), 0.7
AROUND_GAP_SECONDS = 0.3
# a gap so much longer than another takes a measurement of its own
LONGER = 1.5
# finished work is kept about so often
KEPT_SECONDS, MOST_AT_ONCE = 120.0, 32
SHORTEST_SHARE_SECONDS = 10.0  # of a recording, that is worth restoring alone


@dataclass(frozen=True)
class Estimate:
    """How long a restoration will take.

    Attributes:
        seconds: of the whole; 0 where it is obviously short.
        at_most: whether a rule may end fits sooner.
        at_once: how many parts are best restored before they are kept.
    """

    seconds: float
    at_most: bool = False
    at_once: int = 1

    def __str__(self) -> str:
        return ("up to about " if self.at_most else "about ") + duration(self.seconds)


class TooLongError(DapError):
    """A restoration would take longer than it may.

    Args:
        estimate: of how long.
        limit: in minutes.
        recording: how long that is, in seconds.
        faster: what is faster, as an argument of `dap.restore` and its value, and how long it
            takes, in words.
    """

    def __init__(
        self,
        estimate: Estimate,
        limit: float,
        recording: float,
        faster: Iterable[tuple[str, Any, str]],
    ):
        self.estimate, self.limit, self.faster = estimate, limit, tuple(faster)
        self.share = recording * limit * 60 / estimate.seconds
        super().__init__(self.told(lambda name, value: f"{name}={value!r}"))

    def told(self, option: Callable[[str, Any], str]) -> str:
        """The message, with arguments in the words that the user knows them by."""
        others = [f"{option(name, value)} takes {time}" for name, value, time in self.faster]
        if self.share > SHORTEST_SHARE_SECONDS:
            others.append(f"the first {duration(self.share)} of it would take no longer than that")
        enough = int(np.ceil(self.estimate.seconds / 60 * 1.25))
        others.append(f"to do it all the same, give {option('max_minutes', enough)}")
        return (
            f"it would take {self.estimate}, more than {option('max_minutes', self.limit)} allows: "
            f"{'; '.join(others)}"
        )


def duration(seconds: float) -> str:
    """A time in words, to two digits or so.

    >>> [duration(seconds) for seconds in (0.4, 42, 100, 4000, 100000)]
    ['1 s', '42 s', '1 min 40 s', '1 h 7 min', '27 h 47 min']
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def estimate(
    found: Survey,
    layout: Layout,
    settled: Settled,
    *,
    bins: int | None = None,
    device: str = "auto",
) -> Estimate:
    """Measure a few iterations of a prior, or another method on a short piece.

    Raises:
        DapError: as `dap.restore`.
    """
    if settled.method.kind == "prior":
        return _of_fits(found, layout, settled, bins, resolve_device(device))
    if not layout.active:
        return Estimate(0)
    channels = found.channels - int(found.silent.sum())
    if found.gaps:
        lengths = [end - start for start, end in found.gaps]
        if sum(lengths) * channels <= SHORT_SAMPLES / 60:
            return Estimate(0)
        return Estimate(channels * _of_gaps(found, settled, np.sort(lengths)))
    samples = channels * sum(end - start for start, end in layout.parts)
    if samples <= SHORT_SAMPLES:
        return Estimate(0)
    return Estimate(samples * _of_a_sample(found, settled, bins))


def faster(
    found: Survey,
    settled: Settled,
    now: Estimate,
    *,
    whole: Survey,
    beside: float,
    asked: str,
    bins: int | None,
    device: str,
    segment_seconds: float,
) -> list[tuple[str, Any, str]]:
    """What is faster than a restoration that takes too long, for `TooLongError`.

    Args:
        found: of the recording, at the rate that the method works at.
        now: of the method alone.
        whole: of the recording, at its own rate.
        beside: seconds that another method takes for the band above.
        asked: the method as it was asked for, a name or "auto".
    """
    others: list[tuple[str, Any, str]] = []
    quick = choose(settled.task, "quick")
    if quick != settled.method.name:
        method = method_for(quick, settled.task)
        other = replace(settled, method=method, fit=fit_options(quick, settled.task))
        layout = Layout.of(whole, other, segment_seconds)
        name, value = ("effort", "quick") if asked == AUTO else ("method", quick)
        others.append((name, value, str(estimate(whole, layout, other, bins=bins))))
    if settled.method.kind == "prior":
        width = settled.fit.width / 2
        other = replace(settled, fit=replace(settled.fit, width=width))
        layout = Layout.of(found, other, segment_seconds)
        narrow = estimate(found, layout, other, bins=bins, device=device)
        if 0 < narrow.seconds < now.seconds:
            narrow = replace(narrow, seconds=narrow.seconds + beside)
            others.append(("width", width, str(narrow)))
    return others


def _of_fits(
    found: Survey, layout: Layout, settled: Settled, bins: int | None, device: str
) -> Estimate:
    channels = found.channels - int(found.silent.sum())
    count, iterations = len(layout.active), settled.fit.iterations
    beside = AT_ONCE
    if device == "cpu":
        import torch

        beside = torch.get_num_threads()
    if count * channels * iterations <= SHORT_ITERATIONS:
        return Estimate(0, at_once=2 * beside)
    beside = min(beside, len(layout.parts))
    start, end = layout.parts[0]
    piece = np.resize(found.excerpt, end - start)
    times: list[list[float]] = []

    def wrap(begin: Callable[..., Fit]) -> Callable[..., Fit]:
        times.append([])
        log = times[-1]
        return lambda **options: _limited(begin(**options), log)

    pieces = {index: (index * len(piece), (index + 1) * len(piece)) for index in range(beside)}
    with suppress(_EnoughError):
        _run(found, settled, np.tile(piece, beside), pieces, bins, wrap=wrap, device=device)
    steps = [np.diff(log[1:]) if len(log) > 2 else np.diff(log) for log in times if len(log) > 1]
    if not steps:  # the fits were over at once
        return Estimate(0, at_once=2 * beside)
    fit_seconds = float(np.mean([each.mean() for each in steps])) * iterations
    rounds = -(-count // beside) * channels
    ends = settled.fit.end_at_stop and settled.fit.stop != "none"
    kept = int(np.clip(KEPT_SECONDS / fit_seconds, 1, MOST_AT_ONCE / beside))
    return Estimate(fit_seconds * rounds, ends, beside * kept)


class _EnoughError(Exception):
    """A fit was measured, and is not gone on with."""


def _limited(fit: Fit, log: list[float]) -> Fit:
    """A fit's first iterations, whose times are noted."""
    next(fit)
    log.append(perf_counter())
    seconds = yield
    while True:
        try:
            fit.send(seconds)
        except StopIteration as end:
            return end.value
        log.append(perf_counter())
        over = len(log) > 2 and log[-1] - log[1] >= MEASURED_SECONDS
        if over or log[-1] - log[0] >= LONG_SECONDS or len(log) > 2 + MEASURED_ITERATIONS:
            raise _EnoughError
        seconds = yield


def _of_a_sample(found: Survey, settled: Settled, bins: int | None) -> float:
    """Seconds that a method takes for a sample."""
    _timed(found, settled, bins, FIRST_SECONDS)
    for seconds in PIECE_SECONDS:
        samples, taken = _timed(found, settled, bins, seconds)
        if taken >= ENOUGH_SECONDS:
            break
    return taken / samples


def _timed(found: Survey, settled: Settled, bins: int | None, seconds: float) -> tuple[int, float]:
    piece = np.resize(found.excerpt, round(seconds * found.sample_rate))
    begun = perf_counter()
    _run(found, settled, piece, {0: (0, len(piece))}, bins)
    return len(piece), perf_counter() - begun


def _of_gaps(found: Survey, settled: Settled, lengths: np.ndarray) -> float:
    """Seconds that a method takes for gaps, whose lengths rise."""
    median, longest = int(lengths[len(lengths) // 2]), int(lengths[-1])
    measured = [median] if longest <= LONGER * median else [median, longest]
    around = round(AROUND_GAP_SECONDS * found.sample_rate)
    times = []
    for length in [measured[0], *measured]:  # the first one for what is loaded
        piece = np.resize(found.excerpt, length + 2 * around)
        mask = np.zeros(len(piece), bool)
        mask[around:-around] = True
        begun = perf_counter()
        _run(found, settled, piece, {0: (0, len(piece))}, None, mask=mask)
        times.append(perf_counter() - begun)
    return float(np.exp(np.interp(np.log(lengths), np.log(measured), np.log(times[1:]))).sum())


def _run(
    found: Survey,
    settled: Settled,
    signal: np.ndarray,
    parts: dict[int, tuple[int, int]],
    bins: int | None,
    *,
    mask: np.ndarray | None = None,
    device: str = "cpu",
    **options: Any,
) -> None:
    """Run the method on pieces of the excerpt, as on the recording, and drop the results."""
    if found.gaps and mask is None:
        mask = np.zeros(len(signal), bool)
        for start, end in parts.values():
            middle, reach = (start + end) // 2, (end - start) // 40
            mask[middle - reach : middle + reach] = True
    bounds = None
    if bins:
        quantizer = next(filter(None, found.quantizers))  # of a channel with sound
        bounds = np.stack(cells(signal, bins, quantizer)[1:])
    restore_parts(
        signal,
        parts,
        found.sample_rate,
        method=settled.method.name,
        fit=settled.fit,
        spectrogram=SPECTROGRAM,
        mask=mask if found.gaps else None,
        bounds=bounds,
        device=device,
        **options,
    )
