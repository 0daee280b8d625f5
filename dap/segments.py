"""Restoring one channel of a recording of any length: segment by segment, cross-faded."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from dap.data.corruptions.gaps import untouched_frames
from dap.data.corruptions.quantization import QUANTIZERS, cells, fewest_bins
from dap.errors import DapError
from dap.fitting.interleave import Fit, at_most, run_interleaved
from dap.fitting.method import is_prior, resolve_device, restoring
from dap.fitting.restored import Restored
from dap.observation import Observation
from dap.options import FitOptions
from dap.seeds import derive

FADE_SECONDS = 0.064  # one window of the transform
AT_ONCE = 8  # segments beside each other, on a GPU whose memory holds them
SLOWER = 1 / 3  # of the learning rate, for a fit that learned nothing
OFF_LEVEL = 2e-4  # how far a sample may lie from a quantizer's level: 16-bit files round by 3e-5
PAST_END = 2  # samples

log = logging.getLogger("dap")


@dataclass(frozen=True)
class RestoredRecording:
    """A recording of one channel, restored.

    Attributes:
        audio: (samples,), of the recording's type.
        segments: starts and ends in samples; one of all samples for a baseline.
        losses: (segments, iterations) float32; NaN for a segment that nothing was fitted to.
        snapshots: the recording as it was after some iterations, (samples,) each; none of a
            baseline.
    """

    audio: np.ndarray
    segments: list[tuple[int, int]]
    losses: np.ndarray
    snapshots: dict[int, np.ndarray]


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
    report: Callable[[int, int, int, float], None] | None = None,
) -> RestoredRecording:
    """Denoise a recording, or fill its gaps and leave the rest as it is, or undo its quantization.

    The recording is scaled to a peak of 1 for the fits, as the study's clips are, and back. A prior
    is fitted to segments; a baseline is given the whole. A fit that learned nothing is done again
    at a third of the learning rate, and the one with the lower loss is taken; a warning in the log
    says so.

    Args:
        recording: (samples,) float32 or float64, not all of it silent outside of the gaps.
        method: a prior, or a baseline, that is for the task.
        fit: how a prior is fitted.
        spectrogram: the arguments of the `dap.stft.STFT` that a prior works on.
        selection: "last" or "average".
        gaps: (start, end) in seconds.
        bins: of the quantizer that the recording went through; every sample of the result stays in
            the cell that it was found in.
        seed: of the recording; each segment's is derived from it.
        report: called with segment, number of segments, iteration and loss.

    Raises:
        DapError: a gap is not inside of the recording, or leaves nothing of a segment; samples are
            not a quantizer's levels; a fit diverged.
    """
    task = "inpaint" if gaps else "dequantize" if bins else "denoise"
    mask = gap_mask(gaps, len(recording), sample_rate)
    bounds = quantized(recording, bins) if bins else None
    observed = recording[~mask] if bounds is None else bounds
    peak = float(np.abs(observed).max())
    scaled = np.where(mask, np.float32(0), recording / peak).astype(np.float32)
    fade = round(FADE_SECONDS * sample_rate)
    fitted = is_prior(method)
    length = len(recording)
    if fitted:
        length = round(min(segment_seconds * sample_rate, length))
    parts = segments(len(recording), length, fade)
    device = resolve_device(device) if fitted else "cpu"
    begin: dict[int, Callable[..., Fit]] = {}
    for index, (start, end) in enumerate(parts):
        if gaps and not mask[start:end].any():
            continue
        observation = _observation(scaled[start:end], mask[start:end], spectrogram, sample_rate)
        if bounds is not None:
            for name, bound in zip(("lower", "upper"), bounds / peak, strict=True):
                observation.known[name] = bound[start:end].astype(np.float32)
        begin[index] = partial(
            restoring,
            method,
            task,
            observation,
            spectrogram=spectrogram,
            device=device,
            seed=derive(seed, "recording", index),
            report=report and partial(report, index + 1, len(parts)),
        )
    results = _fitted(begin, fit, device)

    def joined(estimate: Callable[[Restored], np.ndarray]) -> np.ndarray:
        """The recording of the segments' estimates, (outputs, samples) each, of the last output."""
        estimates = [
            estimate(results[index])[-1] if index in results else scaled[start:end]
            for index, (start, end) in enumerate(parts)
        ]
        restored = (_cross_faded(estimates, parts, fade) * peak).astype(recording.dtype)
        if (
            bounds is not None
        ):  # the cross-fade of two estimates in a cell is in it, but for rounding
            return np.clip(restored, *bounds)
        return np.where(mask, restored, recording) if gaps else restored

    one = next(iter(results.values()))
    losses = np.full((len(parts), len(one.losses)), np.nan, np.float32)
    for index, result in results.items():
        losses[index] = result.losses
    return RestoredRecording(
        audio=joined(lambda result: result.selections.get(selection, result.selections["last"])),
        segments=parts,
        losses=losses,
        snapshots={
            int(iteration): joined(partial(_snapshot, k))
            for k, iteration in enumerate(one.iterations)
        },
    )


def _snapshot(index: int, result: Restored) -> np.ndarray:
    return result.snapshots[index]


def gap_mask(gaps: Sequence[tuple[float, float]], samples: int, sample_rate: int) -> np.ndarray:
    """Which samples lie in a gap, (samples,) bool.

    A gap that ends up to two samples past the end is meant to end there: times are rounded.

    Raises:
        DapError: a gap is shorter than half a sample, or not inside of the recording.
    """
    mask = np.zeros(samples, bool)
    for start, end in gaps:
        if 0 < (end - start) * sample_rate < 0.5:
            raise DapError(
                f"the gap {start}-{end} s is shorter than half a sample, which is "
                f"{0.5 / sample_rate:.2g} s"
            )
        first, last = round(start * sample_rate), round(end * sample_rate)
        if start < end:
            last = max(last, first + 1)
        if samples < last <= samples + PAST_END:
            last = samples
        if not 0 <= first < last <= samples:
            raise DapError(
                f"the gap {start}-{end} s is not inside of the recording, which lasts "
                f"{samples / sample_rate:.3f} s"
            )
        mask[first:last] = True
    return mask


def _fitted(
    begin: Mapping[int, Callable[..., Fit]], fit: FitOptions, device: str
) -> dict[int, Restored]:
    """The results by segment, of fits that learned nothing the better of two."""
    results = _run(begin, fit, device)
    if failed := [index for index, result in results.items() if not result.learned]:
        log.warning(
            "%s learned nothing: again, at %.2g of the learning rate", _named(failed), SLOWER
        )
        slower = replace(fit, learning_rate=SLOWER * fit.learning_rate)
        for index, again in _run({index: begin[index] for index in failed}, slower, device).items():
            results[index] = min(results[index], again, key=lambda result: result.losses[-1])
    if failed := [index for index in failed if not results[index].learned]:
        log.warning(
            "%s learned nothing and gave next to nothing: all is noise there, or the learning rate "
            "is too high",
            _named(failed),
        )
    return results


def _named(indices: Sequence[int]) -> str:
    numbers = ", ".join(str(index + 1) for index in indices)
    return (
        f"the fit of segment {numbers}" if len(indices) == 1 else f"the fits of segments {numbers}"
    )


def _run(
    begin: Mapping[int, Callable[..., Fit]], fit: FitOptions, device: str
) -> dict[int, Restored]:
    fits = [partial(start, fit=fit) for start in begin.values()]
    results = {}
    for k, result in run_interleaved(fits, at_most(AT_ONCE, device), device=device):
        if isinstance(result, DapError):
            raise result
        results[list(begin)[k]] = result
    return results


def _cross_faded(
    estimates: Sequence[np.ndarray], parts: Sequence[tuple[int, int]], fade: int
) -> np.ndarray:
    total, weights = np.zeros((2, parts[-1][1]))
    for estimate, (start, end) in zip(estimates, parts, strict=True):
        # a ramp of the fade's length where another segment is faded from or to, and none at the
        # recording's ends: a segment that begins soon after would be there at once
        ramp = np.minimum(1.0, (np.arange(end - start) + 1) / (fade + 1))
        weight = np.ones(end - start)
        if start > 0:
            weight = np.minimum(weight, ramp)
        if end < len(total):
            weight = np.minimum(weight, ramp[::-1])
        total[start:end] += weight * estimate
        weights[start:end] += weight
    return total / weights


def quantized(recording: np.ndarray, bins: int) -> np.ndarray:
    """The cells of a recording that was quantized on [-1, 1], (2, samples): lower and upper bounds.

    Mid-rise or mid-tread is found from the samples, which have to be its levels. A warning says so
    where they are those of a quantizer of fewer bins, too.

    Raises:
        DapError: they are the levels of neither.
    """
    shares = []
    for quantizer in QUANTIZERS:
        if quantizer == "mid-rise" and bins % 2:
            continue
        level, lower, upper = cells(recording, bins, quantizer)
        off = np.abs(recording - level) > min(OFF_LEVEL, 0.25 / bins)  # an eighth of a step
        if not off.any():
            if (fewest := fewest_bins(level, bins)) < bins:
                log.warning(
                    "all samples are levels of a quantizer of %d bins, not of %d alone: if it had "
                    "%d, say so (--dequantize %d; bins=%d): the cells are larger then",
                    *(fewest, bins, fewest, fewest, fewest),
                )
            return np.stack((lower, upper))
        shares.append(f"{off.mean():.2%} are not those of {quantizer}")
    raise DapError(
        f"the samples are not the levels of a quantizer of {bins} bins on [-1, 1] "
        f"({', '.join(shares)}): was the recording resampled, mixed or scaled since, or has it "
        "other bins?"
    )


def _observation(
    signal: np.ndarray, mask: np.ndarray, spectrogram: dict, sample_rate: int
) -> Observation:
    if not mask.any():
        return Observation(signal, sample_rate=sample_rate)
    observed = untouched_frames(mask, spectrogram["n_fft"], spectrogram["hop_length"])
    if not observed.any():
        raise DapError("a gap leaves nothing of a segment: take longer segments")
    known = {"mask": mask, "observed_frames": observed}
    return Observation(signal, known, sample_rate=sample_rate)
