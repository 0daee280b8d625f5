"""Restoring a recording of any length: read, restored and given out part by part."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from dap.crossfade import Joiner
from dap.data.corruptions.quantization import cells, inside
from dap.errors import DapError
from dap.files.comparison import FillingWatch, Power
from dap.files.partial import Partial
from dap.files.streams import Stream
from dap.files.survey import Survey
from dap.files.windows import windows
from dap.restoration.arguments import Settled
from dap.restoration.gaps import lost_samples
from dap.restoration.levels import Level, decibels_below, judge, judge_fillings, peak_of
from dap.restoration.segments import FADE_SECONDS, NOTHING_LEFT, restore_parts, segments, selected

# Of a method that fits nothing, up to this length the whole is one window. Two overlap by twice the
# reach, in which the noise tracker forgets where it began, and by a fade so long that a floor of
# noise that two windows leave differently is not heard to change
WINDOW_SECONDS, REACH_SECONDS, WINDOW_FADE_SECONDS = 60.0, 2.0, 2.0
MOST_WINDOW_SAMPLES = 60 * 48000
# methods that take the noise from so many samples at the recording's start: each window gets them
NOISE_FIRST = {"wiener": 1024}
# of Narayanaswamy et al. 2021, whatever the rate
SPECTROGRAM = {"n_fft": 1022, "hop_length": 64, "window": "hann"}


@dataclass(frozen=True)
class Layout:
    """How a recording is divided.

    Attributes:
        parts: starts and ends in samples, rising, each overlapping the next.
        fade, reach: samples, as for `dap.crossfade.Joiner`.
        active: the indexes of the parts that something is done to.
    """

    parts: tuple[tuple[int, int], ...]
    fade: int
    reach: int
    active: tuple[int, ...]

    @classmethod
    def of(cls, found: Survey, settled: Settled, segment_seconds: float) -> "Layout":
        """The layout for a method: a prior's segments, or windows.

        Raises:
            DapError: a gap leaves nothing of a part.
        """
        rate = found.sample_rate
        if settled.method.kind == "prior":
            fade, reach = round(FADE_SECONDS * rate), 0
            length = round(min(segment_seconds * rate, found.samples))
            parts = segments(found.samples, length, fade)
        else:
            fade, reach = round(WINDOW_FADE_SECONDS * rate), round(REACH_SECONDS * rate)
            length = min(round(WINDOW_SECONDS * rate), MOST_WINDOW_SAMPLES)
            parts = windows(found.samples, length, 2 * reach + fade, found.gaps)
        active = tuple(range(len(parts)))
        if found.gaps:
            lost = [lost_samples(found.gaps, *part) for part in parts]
            if any(each.all() for each in lost):
                raise DapError(NOTHING_LEFT)
            active = tuple(index for index in active if lost[index].any())
        return cls(tuple(parts), fade, reach, active)


class Restorer:
    """Restores a recording from its blocks, in memory that does not grow with its length.

    A recording of one part comes out as `dap.restore` gives it, to the bit, and so does one of any
    length that a prior is fitted to.

    Args:
        found: of the recording.
        settled: the arguments of `dap.restore`.
        bins: of the quantizer that is undone.
        at_once: how many segments are fitted, and then kept; windows are restored one by one.
        store: where finished parts are kept.
        store_name: what their names begin with there.
        report: called with the share that is done, from 0 to 1.
    """

    def __init__(
        self,
        found: Survey,
        layout: Layout,
        settled: Settled,
        *,
        bins: int | None = None,
        seed: int = 0,
        device: str = "auto",
        at_once: int = 1,
        store: Partial | None = None,
        store_name: str = "1",
        report: Callable[[float], None] | None = None,
    ):
        self.found, self.layout, self.settled = found, layout, settled
        self.bins, self.seed, self.device = bins, seed, device
        self.at_once, self.store, self.store_name = at_once, store, store_name
        self.report = report
        self.active = frozenset(layout.active)
        self.sounding = [index for index in range(found.channels) if not found.silent[index]]
        self.lead = np.zeros((0, found.channels), np.float32)
        self.unrestored: list[tuple[int, int]] = []
        self.learned = False
        self._done: dict[tuple[int, int], float] = {}  # shares, by channel and part

    def blocks(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """The restored recording, (samples, channels) at a time, as many samples as came.

        Args:
            blocks: (samples, channels) each.

        Raises:
            DapError: a fit diverged; no fit learned anything; a method leaves silence. What was
                given out by then is not to be used.
        """
        channels = [_Channel(self, index) for index in range(self.found.channels)]
        stream = Stream(blocks)
        for group in self._groups():
            origin, end = self.layout.parts[group[0]][0], self.layout.parts[group[-1]][1]
            held = stream.span(origin, end)
            if len(held) < end - origin:
                raise DapError("the recording has become shorter while it was restored: try again")
            if not origin:
                self.lead = held[: NOISE_FIRST.get(self.settled.method.name, 0)].copy()
            yield np.stack(
                [each.restored(group, held[:, each.index], origin) for each in channels], axis=-1
            )
        if self.sounding and not self.learned:
            raise DapError(
                f"no fit learned anything in {self.settled.fit.iterations} iterations, and nothing "
                "is restored: take more iterations or a lower learning rate, or all of the "
                "recording is noise"
            )
        for each in channels:
            each.judge()

    def _groups(self) -> list[list[int]]:
        """Parts that are restored beside each other; none has fewer than `at_once`, if there are.

        So each fit has the same threads, and the same bits, as in one call for all.
        """
        at_once = self.at_once if self.settled.method.kind == "prior" else 1
        count = max(1, len(self.layout.parts) // at_once)
        return [list(map(int, each)) for each in _split(len(self.layout.parts), count)]

    def tell(self, channel: int, index: int, share: float) -> None:
        """Report how far a part is."""
        if self.report:
            self._done[channel, index] = share
            total = len(self.sounding) * len(self.layout.active)
            self.report(sum(self._done.values()) / total)


def _split(count: int, groups: int) -> list[range]:
    edges = np.linspace(0, count, groups + 1).round().astype(int)
    return [range(first, last) for first, last in pairwise(edges)]


class _Channel:
    """One channel of a recording, while it is restored."""

    def __init__(self, run: Restorer, index: int):
        self.run, self.index = run, index
        self.joiner = Joiner(run.layout.parts, run.layout.fade, run.layout.reach)
        self.changed = 0  # up to this sample
        self.before, self.after = Power(), Power()
        self.watch = FillingWatch(run.found, index) if run.found.gaps else None
        self.name = f" of channel {index + 1}" if run.found.channels > 1 else ""

    def restored(self, group: Sequence[int], signal: np.ndarray, origin: int) -> np.ndarray:
        """The next samples of the result, up to where the next group starts.

        Args:
            group: the indexes of parts.
            signal: (samples,) from the sample `origin` on, where the group starts.
        """
        parts, found = self.run.layout.parts, self.run.found
        last = group[-1] + 1 == len(parts)
        samples = (parts[group[-1]][1] if last else parts[group[-1] + 1][0]) - origin
        recorded = signal[:samples]
        lost = lost_samples(found.gaps, origin, origin + samples)
        if found.silent[self.index]:
            level = found.offsets[self.index]
            return np.where(lost, signal.dtype.type(level), recorded)
        estimates = self._estimates(group, signal, origin)
        joined, changed = np.zeros(samples), np.zeros(samples, bool)
        first = 0
        for index in group:
            start, end = parts[index]
            if index in estimates:
                self.changed = end
            piece = self.joiner.add(estimates.get(index, signal[start - origin : end - origin]))
            span = slice(first, first + len(piece))
            joined[span] = piece
            changed[span] = np.arange(span.start, span.stop) + origin < self.changed
            first = span.stop
        joined = joined.astype(signal.dtype)
        if self.run.bins:
            joined = np.clip(joined, *inside(*self._bounds(recorded)))
        if found.gaps:
            changed &= lost
        result = np.where(changed, joined, recorded)
        self.before.add(recorded)
        self.after.add(result)
        if self.watch:
            self.watch.add(recorded, result)
        return result

    def judge(self) -> None:
        """Warn of a result that is far quieter than the recording.

        Raises:
            DapError: nothing is left.
        """
        if self.run.found.silent[self.index]:
            return
        what = self.name.removeprefix(" of ") or "the recording"
        method = self.run.settled.method.name
        if self.watch:
            judge_fillings(self.watch.filled, self.watch.quiet, what, method)
        else:
            judge(decibels_below(self.before.deviation(), self.after.deviation()), what, method)

    def _bounds(self, signal: np.ndarray) -> np.ndarray:
        quantizer = self.run.found.quantizers[self.index]
        assert self.run.bins
        return np.stack(cells(signal, self.run.bins, quantizer)[1:])

    def _estimates(
        self, group: Sequence[int], signal: np.ndarray, origin: int
    ) -> dict[int, np.ndarray]:
        """The estimates of those parts that are not left as they were."""
        run = self.run
        active = [index for index in group if index in run.active]
        stored = {index: run.store.load(self._file(index)) for index in active} if run.store else {}
        fresh = [index for index in active if not stored.get(index)]
        done = self._restored(fresh, signal, origin) if fresh else {}
        for index in fresh:
            if run.store:
                run.store.save(self._file(index), done[index])
        estimates = {}
        for index in active:
            outcome = done.get(index) or stored[index]
            run.learned |= bool(outcome["learned"])
            if bool(outcome["unrestored"]):
                run.unrestored.append((self.index, index))
            else:
                estimates[index] = outcome["signal"]
            run.tell(self.index, index, 1.0)
        return estimates

    def _file(self, index: int) -> str:
        return f"{self.run.store_name}-{self.index + 1}-{index:06d}"

    def _restored(
        self, group: Sequence[int], signal: np.ndarray, origin: int
    ) -> dict[int, dict[str, np.ndarray]]:
        """What becomes of parts, for `Partial`."""
        run, found = self.run, self.run.found
        fitted = run.settled.method.kind == "prior"
        parts = {index: run.layout.parts[index] for index in group}
        whole, lead = signal, 0
        if origin and len(run.lead):
            lead = len(run.lead)
            whole, origin = np.concatenate([run.lead[:, self.index], signal]), origin - lead
            parts = {index: (start - lead, end) for index, (start, end) in parts.items()}
        done = restore_parts(
            whole,
            parts,
            found.sample_rate,
            method=run.settled.method.name,
            fit=run.settled.fit,
            spectrogram=SPECTROGRAM,
            mask=lost_samples(found.gaps, origin, origin + len(whole)) if found.gaps else None,
            bounds=self._bounds(whole) if run.bins else None,
            level=self._level
            if not fitted and len(run.layout.parts) > 1 and not run.bins
            else None,
            origin=origin,
            seed=run.seed,
            device=run.device,
            channel=self.name,
            report=self._report if fitted else None,
        )
        choose = partial(selected, run.settled.selection)
        outcomes = {}
        for index in group:
            start, end = parts[index]
            recorded = whole[start - origin : end - origin]
            estimate = done.signal(index, recorded, choose)[lead:]
            unrestored = index in done.unrestored
            outcomes[index] = {
                # what is fitted is cross-faded before it is rounded, as in a recording of one part
                "signal": estimate if fitted else estimate.astype(signal.dtype),
                "unrestored": np.array(unrestored),
                "learned": np.array(not unrestored),
            }
        return outcomes

    def _level(self, part: np.ndarray) -> Level:
        """The recording's level, for a window of it: what a method makes of it does not jump."""
        found = self.run.found
        if part.min() == part.max():
            return Level(float(part[0]), 0.0, np.zeros(len(part)))
        scale = found.peaks[self.index] / peak_of(self.run.settled.method.name)
        return Level(float(found.offsets[self.index]), float(scale), np.zeros(len(part)))

    def _report(self, index: int, iteration: int, loss: float) -> None:
        # at the end of a fit its part is told of with the others of its group
        self.run.tell(self.index, index, min(iteration / self.run.settled.fit.iterations, 1.0))
