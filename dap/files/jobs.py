"""The restoration of one file of any length: looked at, estimated, and done block by block."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dap.errors import UnusableError
from dap.files.blocks import BlockReader, resampled
from dap.files.estimate import Estimate, TooLongError, estimate, faster
from dap.files.partial import Partial, versions
from dap.files.restorer import Layout, Restorer
from dap.files.streams import kept, with_low_band
from dap.files.survey import Survey, survey
from dap.fitting.threads import torch_threads
from dap.options import FitOptions
from dap.restoration.arguments import SHORTEST_SAMPLES, Settled, settle
from dap.restoration.choice import AUTO, CHOSEN, band_rate
from dap.store import sha256
from dap.tasks import TASKS

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("dap")


@dataclass(frozen=True)
class Band:
    """What one method restores of a recording: all of it, or a band.

    Attributes:
        found: of the recording, at the band's rate.
        estimate: of how long it takes.
    """

    settled: Settled
    found: Survey
    layout: Layout
    estimate: Estimate


class Job:
    """The restoration of one file, about to begin (`begun_job`).

    Attributes:
        found: of the recording.
        bands: that the method restores, and, where that is not all, the one above.
        estimate: of how long all takes.
        how: the method in words.
        unrestored: (channel, segment) of those that are left as they were, since their fits learned
            nothing, counted from 0; once all blocks are there.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        found: Survey,
        bands: Sequence[Band],
        *,
        bins: int | None,
        seed: int,
        device: str,
        threads: int | None,
        amount: float,
    ):
        self.path, self.name, self.found, self.bands = path, name, found, bands
        self.bins, self.seed, self.device = bins, seed, device
        self.threads, self.amount = threads, amount
        self.store: Partial | None = None
        self.unrestored: tuple[tuple[int, int], ...] = ()
        self._shares = [0.0] * len(bands)
        self.estimate = Estimate(
            sum(band.estimate.seconds for band in bands),
            any(band.estimate.at_most for band in bands),
        )

    @property
    def how(self) -> str:
        """The method in words."""
        first = self.bands[0]
        name, rate = first.settled.method.name, first.found.sample_rate
        if len(self.bands) > 1:
            return f"{name} up to {rate // 2} Hz, {self.bands[1].settled.method.name} above"
        return name if rate == self.found.sample_rate else f"{name} at {rate} Hz"

    def blocks(self, progress: Callable[[float], None] | None = None) -> Iterator["np.ndarray"]:
        """The restored recording, (samples, channels) at a time.

        Args:
            progress: called with the share that is done, from 0 to 1.

        Raises:
            DapError: as `dap.restore`.
        """
        rate, channels = self.found.sample_rate, self.found.channels
        restorers = [self._restorer(index, progress) for index in range(len(self.bands))]
        low = self.bands[0].found.sample_rate
        classical = all(band.settled.method.kind == "classical" for band in self.bands)
        with torch_threads(None if classical else self.threads):
            first, *others = [
                restorer.blocks(self._recorded(band.found.sample_rate))
                for restorer, band in zip(restorers, self.bands, strict=True)
            ]
            if others:
                restored = with_low_band(others[0], first, rate, low, channels)
            else:
                restored = _cut(resampled(first, low, rate, channels), self.found.samples)
            yield from kept(
                self._recorded(rate),
                restored,
                rate,
                amount=self.amount,
                silence=TASKS[self.bands[0].settled.task].white_noise,
            )
        self.unrestored = tuple(restorers[0].unrestored)

    def _restorer(self, index: int, progress: Callable[[float], None] | None) -> Restorer:
        band = self.bands[index]
        # by how long they take, where that is known
        weights = [each.estimate.seconds or 1e-9 for each in self.bands]

        def report(share: float) -> None:
            self._shares[index] = share
            if progress:
                done = sum(w * s for w, s in zip(weights, self._shares, strict=True))
                progress(done / sum(weights))

        return Restorer(
            band.found,
            band.layout,
            band.settled,
            bins=self.bins,
            seed=self.seed,
            device=self.device,
            at_once=band.estimate.at_once,
            store=self.store,
            store_name=f"{index + 1}",
            report=report,
        )

    def _recorded(self, rate: int) -> Iterator["np.ndarray"]:
        with BlockReader(self.path, self.name, quiet=True) as reader:
            yield from resampled(iter(reader), reader.sample_rate, rate, reader.channels)


def begun_job(
    path: Path,
    name: str,
    *,
    store: Path | None = None,
    resume: bool = False,
    max_minutes: float | None = None,
    tell: Callable[[str], None] = lambda line: None,
    amount: float = 1.0,
    gaps: Sequence[tuple[float, float]] | None = None,
    bins: int | None = None,
    method: str = AUTO,
    effort: str = "normal",
    preset: str | None = None,
    iterations: int | None = None,
    width: float | None = None,
    seed: int = 0,
    device: str = "auto",
    threads: int | None = None,
    fit: FitOptions | None = None,
    selection: str | None = None,
    segment_seconds: float = 2.0,
) -> Job:
    """Look at a recording, find out how long its restoration takes, and be ready to begin.

    Args:
        path: of the recording, one that libsndfile reads (`dap.files.blocks.readable`).
        name: of the file, in messages.
        store: the folder in which finished parts are kept; none by default.
        tell: called with the estimate in words, where there is one.

    The other arguments are those of `dap.files.restore.restore_file`, and so are the errors.
    """
    common: dict[str, Any] = {"bins": bins, "device": device}
    arguments: dict[str, Any] = {
        "gaps": gaps,
        "bins": bins,
        "effort": effort,
        "seed": seed,
        "device": device,
        "threads": threads,
        "segment_seconds": segment_seconds,
        "amount": amount,
    }
    with BlockReader(path, name) as reader:
        rate = reader.sample_rate
        settled = settle(
            rate,
            method=method,
            preset=preset,
            iterations=iterations,
            width=width,
            fit=fit,
            selection=selection,
            **arguments,
        )
        found = _surveyed(reader, rate, settled, bins)
    whole = [(settled, found)]
    low = band_rate(settled.method, settled.task, rate)
    if low is not None:
        with BlockReader(path, name, quiet=True) as reader:
            whole = [(settled, _surveyed(reader, low, settled, bins))]
        if low < rate:
            above = CHOSEN[settled.task]["quick"]
            whole.append(
                (
                    settle(
                        rate,
                        method=above,
                        preset=None,
                        iterations=None,
                        width=None,
                        fit=None,
                        selection=None,
                        **arguments,
                    ),
                    found,
                )
            )
    if settled.method.trained:
        log.warning(
            "%s is a trained model: %s; other sound may suffer",
            settled.method.name,
            settled.method.trained,
        )
    bands: list[Band] = []
    with torch_threads(None if settled.method.kind == "classical" else threads):
        for each, seen in whole:
            layout = Layout.of(seen, each, segment_seconds)
            bands.append(Band(each, seen, layout, estimate(seen, layout, each, **common)))
        restoration = Job(
            path,
            name,
            found,
            bands,
            bins=bins,
            seed=seed,
            device=device,
            threads=threads,
            amount=amount,
        )
        time = restoration.estimate
        if max_minutes is not None and time.seconds > 60 * max_minutes:
            others = faster(
                bands[0].found,
                settled,
                bands[0].estimate,
                whole=found,
                beside=sum(band.estimate.seconds for band in bands[1:]),
                asked=method,
                segment_seconds=segment_seconds,
                **common,
            )
            raise TooLongError(time, max_minutes, found.seconds, others)
    if time.seconds:
        tell(f"{name}: {time}")
    if store and any(len(band.layout.parts) > 1 for band in bands):
        marks = {
            "the recording": sha256(path),
            "the version": versions(),
            "the method": settled.method.name,
            "the options": json.dumps(
                [
                    asdict(settled.fit),
                    *(settled.selection, settled.gaps, segment_seconds),
                    *(bins, seed, device, None if settled.method.kind == "classical" else threads),
                ]
            ),
        }
        restoration.store = Partial(store, marks, resume)
    return restoration


def _cut(blocks: Iterator["np.ndarray"], samples: int) -> Iterator["np.ndarray"]:
    """Blocks up to a number of samples."""
    for block in blocks:
        yield block[:samples]
        samples -= len(block[:samples])


def _surveyed(reader: BlockReader, rate: int, settled: Settled, bins: int | None) -> Survey:
    import numpy as np

    path = Path(reader.name)  # as the user knows it: what is read may be temporary

    def finite() -> Iterator[np.ndarray]:
        for block in reader:
            if not np.isfinite(block).all():
                raise UnusableError(path, "holds samples that are not finite numbers")
            yield block

    found = survey(
        resampled(finite(), reader.sample_rate, rate, reader.channels), rate, settled.gaps, bins
    )
    if found.samples < SHORTEST_SAMPLES:
        raise UnusableError(
            path,
            f"has {found.samples} samples at {rate} Hz: at least {SHORTEST_SAMPLES} are needed",
        )
    if found.silent.all():
        where = " outside of its gaps" if found.gaps else ""
        raise UnusableError(
            path,
            f"the recording is silent{where} (all samples are equal): there is nothing to restore",
        )
    return found
