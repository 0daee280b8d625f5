"""Restoring one channel of a recording of any length: segment by segment, cross-faded."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from dap.crossfade import Joiner
from dap.data.corruptions.quantization import inside
from dap.errors import DapError
from dap.fitting.interleave import Fit, at_most, run_interleaved
from dap.fitting.method import is_prior, resolve_device, restoring
from dap.fitting.restored import Restored
from dap.fitting.threads import one_at_a_time, run_in_threads
from dap.observation import Observation, untouched_frames
from dap.options import FitOptions
from dap.restoration.gaps import gap_mask
from dap.restoration.levels import Level, decibels_below, peak_of, root_mean_square
from dap.restoration.quantizers import quantized
from dap.seeds import derive

FADE_SECONDS = 0.064  # one window of the transform
AT_ONCE = 8  # segments beside each other, on a GPU whose memory holds them
SLOWER = 1 / 3  # of the learning rate, for a fit that learned nothing
NOTHING_DB = 30.0  # what a fit gave that is so far below its segment is nothing
NOTHING_LEFT = "a gap leaves nothing of a segment: take longer segments"

log = logging.getLogger("dap")


@dataclass(frozen=True)
class RestoredRecording:
    """A recording of one channel, restored.

    Attributes:
        audio: (samples,), of the recording's type.
        segments: starts and ends in samples; one of all samples for a baseline.
        losses: (segments, iterations) float32; NaN for a segment that nothing was fitted to, and
            after the end of a fit that stopped early.
        iterations: (segments,) int, of the iterate that `audio` is made of; 0 where nothing was
            fitted.
        snapshots: the recording as it was after some iterations, (samples,) each; none of a
            baseline. A segment whose fit had ended by then is as it was at its end.
        unrestored: the indexes of segments that are as they were, since their fits learned nothing.
        learned: whether any fit learned anything; true where nothing was fitted.
    """

    audio: np.ndarray
    segments: list[tuple[int, int]]
    losses: np.ndarray
    iterations: np.ndarray
    snapshots: dict[int, np.ndarray]
    unrestored: tuple[int, ...]
    learned: bool


def segments(samples: int, length: int, fade: int) -> list[tuple[int, int]]:
    """Starts and ends of segments of about `length` that overlap by `fade` and cover all samples.

    All are equally long but for rounding, so that none is a short remainder.
    """
    if samples <= length:
        return [(0, samples)]
    count = -(-(samples - fade) // (length - fade))
    starts = np.linspace(0, samples - length, count).astype(int)
    return [(int(start), int(start) + length) for start in starts]


def restore_recording(
    recording: np.ndarray,
    sample_rate: int,
    *,
    method: str,
    fit: FitOptions,
    spectrogram: dict,
    selection: str = "last",
    segment_seconds: float = 2.0,
    gaps: Sequence[tuple[float, float]] = (),
    bins: int | None = None,
    seed: int = 0,
    device: str = "auto",
    channel: str = "",
    report: Callable[[int, int, int, float], None] | None = None,
) -> RestoredRecording:
    """Denoise a recording, or fill its gaps and leave the rest as it is, or undo its quantization.

    A prior is fitted to segments, each scaled by its level (`dap.restoration.levels`) and without
    its mean; a baseline is given the whole, scaled to a peak of 1, or of what it says. Segments
    without sound are not fitted. A fit that learned nothing is done again at a third of the
    learning rate, and the one with the lower loss is taken. If it has learned nothing either, its
    segment is left as it was. Warnings in the log say so.

    Args:
        recording: (samples,) float32 or float64, not constant outside of the gaps.
        method: a prior, or a baseline, that is for the task.
        fit: how a prior is fitted.
        spectrogram: the arguments of the `dap.stft.STFT` that a prior works on.
        selection: "last", "average" or "stop".
        gaps: (start, end) in seconds.
        bins: of the quantizer that the recording went through; every sample of the result stays in
            the cell that it was found in.
        seed: of the recording; each segment's is derived from it.
        channel: which it is, for messages: "" or " of channel 2".
        report: called with segment, number of segments, iteration and loss.

    Raises:
        DapError: a gap is not inside of the recording, or leaves nothing of a segment; samples are
            not a quantizer's levels; a fit diverged.
    """
    mask = gap_mask(gaps, len(recording), sample_rate)
    bounds = quantized(recording, bins) if bins else None
    fade = round(FADE_SECONDS * sample_rate)
    fitted = is_prior(method)
    length = len(recording)
    if fitted:
        length = round(min(segment_seconds * sample_rate, length))
    parts = segments(len(recording), length, fade)
    done = restore_parts(
        recording,
        dict(enumerate(parts)),
        sample_rate,
        method=method,
        fit=fit,
        spectrogram=spectrogram,
        mask=mask if gaps else None,
        bounds=bounds,
        seed=seed,
        device=device,
        channel=channel,
        report=report and (lambda index, *rest: report(index + 1, len(parts), *rest)),
    )
    changed = np.zeros(len(recording), bool)
    for index in done.restored:
        changed[slice(*parts[index])] = True
    if gaps:
        changed &= mask

    def joined(estimate: Callable[[Restored], np.ndarray]) -> np.ndarray:
        """The recording of the segments' estimates, (outputs, samples) each, of the last output."""
        signals = [
            done.signal(index, recording[start:end], estimate)
            for index, (start, end) in enumerate(parts)
        ]
        signal = cross_faded(signals, parts, fade).astype(recording.dtype)
        if bounds is not None:
            signal = np.clip(signal, *inside(*bounds))
        return np.where(changed, signal, recording)

    losses = np.full((len(parts), fit.iterations * fitted), np.nan, np.float32)
    iterations = np.zeros(len(parts), int)
    for index, result in done.results.items():
        losses[index, : len(result.losses)] = result.losses
        iterations[index] = len(result.losses)
        if selection == "stop" and "stop" in result.selections:
            iterations[index] = int(result.cost["stopped"])
    grid = sorted({int(each) for result in done.results.values() for each in result.iterations})
    return RestoredRecording(
        audio=joined(partial(selected, selection)),
        segments=parts,
        losses=losses,
        iterations=iterations,
        snapshots={iteration: joined(partial(_snapshot, iteration)) for iteration in grid},
        unrestored=done.unrestored,
        learned=done.learned,
    )


@dataclass(frozen=True)
class RestoredParts:
    """What became of some parts of a recording, by their indexes.

    Attributes:
        levels: of those that were to be restored.
        results: of those among them that have any sound.
        unrestored: those that are left as they were, since their fits learned nothing.
    """

    levels: dict[int, Level]
    results: dict[int, Restored]
    unrestored: tuple[int, ...]

    @property
    def restored(self) -> list[int]:
        """The parts that are not as they were."""
        return [index for index in self.levels if index not in self.unrestored]

    @property
    def learned(self) -> bool:
        """Whether any fit learned anything; true where nothing was fitted."""
        return not self.results or len(self.results) > len(self.unrestored)

    def signal(
        self, index: int, part: np.ndarray, estimate: Callable[[Restored], np.ndarray]
    ) -> np.ndarray:
        """A part's estimate, the last of its (outputs, samples), at the level of the recording.

        Args:
            part: (samples,) as it was recorded.
        """
        if index not in self.levels or index in self.unrestored:
            return part
        silence = np.zeros(len(part))  # what a part of one level is beside that
        sound = estimate(self.results[index])[-1] if index in self.results else silence
        return self.levels[index].put_back(sound)


def restore_parts(
    recording: np.ndarray,
    parts: Mapping[int, tuple[int, int]],
    sample_rate: int,
    *,
    method: str,
    fit: FitOptions,
    spectrogram: dict,
    mask: np.ndarray | None = None,
    bounds: np.ndarray | None = None,
    level: Callable[[np.ndarray], Level] | None = None,
    origin: int = 0,
    seed: int = 0,
    device: str = "auto",
    channel: str = "",
    report: Callable[[int, int, float], None] | None = None,
    wrap: Callable[[Callable[..., Fit]], Callable[..., Fit]] | None = None,
) -> RestoredParts:
    """Run a method on parts of a recording of one channel, each at its own level.

    Args:
        recording: (samples,), from the sample `origin` on.
        parts: starts and ends in samples, by index.
        mask: (samples,) bool, which samples are lost, where gaps are filled: parts without any are
            left as they are.
        bounds: (2, samples), the cells of a quantizer, where it is undone.
        level: of a part's samples that are not lost, where it is not to be the part's own.
        report: called with a part's index, the iteration and the loss.
        wrap: of what begins a fit, makes what is to begin it.

    The other arguments, and the errors, are those of `restore_recording`.
    """
    task = "inpaint" if mask is not None else "dequantize" if bounds is not None else "denoise"
    fitted = is_prior(method)
    device = resolve_device(device) if fitted else "cpu"
    level_of = Level.of if fitted else partial(Level.peak, peak=peak_of(method))
    levels: dict[int, Level] = {}
    observations: dict[int, Observation] = {}
    for index, (start, end) in parts.items():
        span = slice(start - origin, end - origin)
        lost = np.zeros(end - start, bool) if mask is None else mask[span]
        if mask is not None and not lost.any():
            continue
        if lost.all():
            raise DapError(NOTHING_LEFT)
        cell = None if bounds is None else bounds[:, span]
        signal = recording[span]
        levels[index] = level(signal) if level else level_of(signal, lost, cell)
        if levels[index].scale:
            scaled = np.where(lost, np.float32(0), levels[index].scaled(signal))
            observations[index] = _observation(scaled, lost, spectrogram, sample_rate)
            if cell is not None:
                lower, upper = levels[index].scaled(cell)
                observations[index].known.update(lower=lower, upper=upper)
    report = report and one_at_a_time(report)
    begin: dict[int, Callable[..., Fit]] = {
        index: partial(
            restoring,
            method,
            task,
            observation,
            spectrogram=spectrogram,
            device=device,
            seed=derive(seed, "recording", index),
            report=report and partial(report, index),
        )
        for index, observation in observations.items()
    }
    if wrap:
        begin = {index: wrap(start) for index, start in begin.items()}
    name = partial(_named, parts=parts, sample_rate=sample_rate, channel=channel)
    return RestoredParts(levels, *_fitted(begin, observations, fit, device, name))


def selected(selection: str, result: Restored) -> np.ndarray:
    """The estimate of a selection; of a method without any, the last."""
    return result.selections.get(selection, result.selections["last"])


def _snapshot(iteration: int, result: Restored) -> np.ndarray:
    """The latest snapshot of a fit up to an iteration, or its first."""
    index = int(np.searchsorted(result.iterations, iteration, side="right")) - 1
    return result.snapshots[max(0, index)]


def _fitted(
    begin: Mapping[int, Callable[..., Fit]],
    observations: Mapping[int, Observation],
    fit: FitOptions,
    device: str,
    name: Callable[[Sequence[int]], str],
) -> tuple[dict[int, Restored], tuple[int, ...]]:
    """The results by segment, of fits that learned nothing the better of two.

    Returns:
        the results, and the segments whose fits learned nothing.
    """

    def failed(results: Mapping[int, Restored]) -> list[int]:
        return [i for i, result in results.items() if not _learned(result, observations[i])]

    results = _run(begin, fit, device)
    if again := failed(results):
        log.warning(
            "%s: no fit learned anything; again, at %.2g of the learning rate", name(again), SLOWER
        )
        slower = replace(fit, learning_rate=SLOWER * fit.learning_rate)
        second = _run({index: begin[index] for index in again}, slower, device)
        still = failed(second)
        for index, result in second.items():
            if index not in still or result.losses[-1] < results[index].losses[-1]:
                results[index] = result
        again = still
    if again:
        log.warning(
            "%s: left unrestored, since no fit learned anything: all is noise there, the "
            "iterations are too few, or the learning rate is too high",
            name(again),
        )
    return results, tuple(again)


def _learned(result: Restored, observation: Observation) -> bool:
    """Whether a fit's loss fell, and its network's own signal is not next to silence.

    A network that begins far above the segment lowers its loss by falling silent.
    """
    if not len(result.losses):  # of a baseline
        return True
    lost = observation.known.get("mask", np.zeros(len(observation.signal), bool))
    before, after = observation.signal[~lost], result.selections["last"][0][~lost]
    below = decibels_below(root_mean_square(before), root_mean_square(after))
    return result.learned and below < NOTHING_DB


def _named(
    indexes: Sequence[int], parts: Mapping[int, tuple[int, int]], sample_rate: int, channel: str
) -> str:
    """Segments in words: "segments 1 (0.0-2.0 s), 2 (1.9-3.9 s)"."""
    times = [[f"{sample / sample_rate:.1f}" for sample in parts[index]] for index in indexes]
    each = [f"{index + 1} ({'-'.join(time)} s)" for index, time in zip(indexes, times, strict=True)]
    return f"segment{'s' * (len(each) > 1)} {', '.join(each)}{channel}"


def _run(
    begin: Mapping[int, Callable[..., Fit]], fit: FitOptions, device: str
) -> dict[int, Restored]:
    fits = [partial(start, fit=fit) for start in begin.values()]
    beside = 1
    if len(fits) > 1 and device == "cpu":  # a classical method is run once, and without PyTorch
        import torch

        beside = min(torch.get_num_threads(), len(fits))
    if beside > 1:
        outcomes = run_in_threads(fits, beside)
    else:
        outcomes = run_interleaved(fits, at_most(AT_ONCE, device), device=device)
    results = {}
    for k, result in outcomes:
        if isinstance(result, DapError):
            raise result
        results[list(begin)[k]] = result
    return results


def cross_faded(
    estimates: Sequence[np.ndarray], parts: Sequence[tuple[int, int]], fade: int
) -> np.ndarray:
    """Segments joined, (samples,) float64.

    Args:
        estimates: (samples of the part,) each.
        parts, fade: as of `segments`.
    """
    joiner = Joiner(parts, fade)
    return np.concatenate([joiner.add(estimate) for estimate in estimates])


def _observation(
    signal: np.ndarray, mask: np.ndarray, spectrogram: dict, sample_rate: int
) -> Observation:
    if not mask.any():
        return Observation(signal, sample_rate=sample_rate)
    observed = untouched_frames(mask, spectrogram["n_fft"], spectrogram["hop_length"])
    if not observed.any():
        raise DapError(NOTHING_LEFT)
    known = {"mask": mask, "observed_frames": observed}
    return Observation(signal, known, sample_rate=sample_rate)
