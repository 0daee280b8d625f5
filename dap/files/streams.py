"""Signals that come in blocks, (samples, channels) each: taken by place, and joined."""

import math
from collections.abc import Iterator

import numpy as np

from dap.files.blocks import resampled
from dap.restoration.detection import LONGEST_SECONDS, find_gaps
from dap.restoration.runs import SILENCE_SECONDS, digital_silence

SEARCHED_SECONDS = 60.0


class Stream:
    """The samples of blocks by their place, of which no more are held than are still needed."""

    def __init__(self, blocks: Iterator[np.ndarray]):
        self._blocks = blocks
        self._held: list[np.ndarray] = []
        self._origin = 0

    def span(self, start: int, end: int) -> np.ndarray:
        """Samples from `start` to `end`, (samples, channels); fewer where the signal ends before.

        What is before `start` is not to be asked for again.
        """
        held = sum(map(len, self._held))
        while not self._held or self._origin + held < end:
            block = next(self._blocks, None)
            if block is None:
                break
            self._held.append(block)
            held += len(block)
        if not self._held:
            return np.zeros((0, 1))
        whole = np.concatenate(self._held) if len(self._held) > 1 else self._held[0]
        self._held = [whole[start - self._origin :]]
        self._origin = start
        return self._held[0][: end - start]


def with_low_band(
    whole: Iterator[np.ndarray],
    low: Iterator[np.ndarray],
    rate: int,
    band_rate: int,
    channels: int,
) -> Iterator[np.ndarray]:
    """Blocks whose low band is another's, to the bit as by `dap.restoration.bands`.

    Args:
        whole: at `rate`.
        low: at `band_rate`, of the same sound.
    """
    held: list[np.ndarray] = []

    def noted() -> Iterator[np.ndarray]:
        for block in whole:
            held.append(block)
            yield block

    def changes() -> Iterator[np.ndarray]:
        lows, place = Stream(low), 0
        for block in resampled(noted(), rate, band_rate, channels):
            yield lows.span(place, place + len(block)) - block
            place += len(block)

    def waiting() -> Iterator[np.ndarray]:
        while held:
            yield held.pop(0)

    signal, place = Stream(waiting()), 0
    for change in resampled(changes(), band_rate, rate, channels):
        block = signal.span(place, place + len(change))
        yield block + change[: len(block)]
        place += len(block)


def kept(
    recorded: Iterator[np.ndarray],
    restored: Iterator[np.ndarray],
    rate: int,
    *,
    amount: float,
    silence: bool,
) -> Iterator[np.ndarray]:
    """Restored blocks, as much of them as is asked for.

    Args:
        recorded: blocks of the recording, however long each is.
        rate: in Hz.
        amount: from 0, the recording as it is, to 1.
        silence: keep digital silence as it is (`dap.restoration.runs.digital_silence`).
    """
    if amount == 1 and not silence:
        yield from restored
        return
    # what lies in a run is seen by so many samples around it
    margin = math.ceil(SILENCE_SECONDS * rate)
    source, start = Stream(recorded), 0
    for block in restored:
        end, first = start + len(block), max(0, start - margin)
        around = source.span(first, end + margin)
        x = around[start - first : end - first]
        if amount < 1:
            block = (x + amount * (block - x)).astype(x.dtype)
        if silence:
            silent = [digital_silence(channel, rate) for channel in around.T]
            block = np.where(np.stack(silent, axis=-1)[start - first : end - first], x, block)
        yield block
        start = end


def found_gaps(blocks: Iterator[np.ndarray], rate: int) -> list[tuple[float, float]]:
    """The gaps that `dap.find_gaps` finds, minute by minute of a long recording.

    Args:
        rate: in Hz.

    Returns:
        (start, end) in seconds, rising.
    """
    stream, minute = Stream(blocks), round(SEARCHED_SECONDS * rate)
    beside = round(2 * LONGEST_SECONDS * rate)
    found: list[tuple[float, float]] = []
    start, samples = 0, minute + beside
    while True:
        first = max(0, start - beside)
        part = stream.span(first, start + samples)
        last = first + len(part) < start + samples
        for begin, end in find_gaps(part, rate) if len(part) else ():
            place = first + round(begin * rate)
            if start <= place < start + minute or (last and place >= start):
                found.append((place / rate, (first + round(end * rate)) / rate))
        if last:
            return found
        start += minute
