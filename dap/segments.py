"""Restoring a recording of any length: segment by segment, cross-faded."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from dap.data.corruptions.gaps import untouched_frames
from dap.data.corruptions.quantization import QUANTIZERS, cells
from dap.errors import DapError
from dap.fitting.interleave import at_most, in_turn
from dap.fitting.method import Restored, is_prior, place, restoring
from dap.observation import Observation
from dap.plugins import plugin
from dap.seeds import derive

FADE_SECONDS = 0.064  # one window of the transform
AT_ONCE = 8  # segments beside each other, on a GPU whose memory holds them
SLOWER = 1 / 3  # of the learning rate, for a fit that learned nothing
OFF_LEVEL = 2e-4  # how far a sample may lie from a quantizer's level: 16-bit files round by 3e-5


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
    fit: dict,
    spectrogram: dict,
    selection: str = "last",
    segment_seconds: float = 2.0,
    gaps: Sequence[tuple[float, float]] = (),
    bins: int | None = None,
    seed: int = 2021,
    device: str = "auto",
    report: Callable[[int, int, int, float], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> np.ndarray:
    """Denoise a recording, or fill its gaps and leave the rest as it is, or undo its quantization.

    The recording is scaled to a peak of 1 for the fits, as the study's clips are, and back. A prior
    is fitted to segments; a baseline is given the whole.

    Args:
        recording: (samples,) float32.
        method: a prior, or a baseline for the task.
        fit: the study's fit options.
        selection: "last" or "average".
        gaps: (start, end) in seconds.
        bins: of the quantizer that the recording went through; every sample of the result stays in
            the cell that it was found in.
        report: called with segment, number of segments, iteration and loss.
        say: told which segments' fits learned nothing. They are fitted again at a third of the
            rate, and the one with the lower loss is taken.

    Returns:
        (samples,) float32.

    Raises:
        DapError: the recording is too short, a gap is not inside of it, or leaves nothing of a
            segment; samples are not a quantizer's levels; the method is not for the task.
    """
    if gaps and bins:
        raise DapError("gaps are filled or quantization is undone: ask for one of the two")
    task = "inpaint" if gaps else "dequantize" if bins else "denoise"
    whole = not is_prior(method)
    kind = "baselines" if whole else "priors"
    if task not in plugin(kind, method).metadata.get("tasks", [task]):
        wanted = {"inpaint": "fill gaps", "dequantize": "undo quantization"}.get(task, "denoise")
        raise DapError(f"{method} does not {wanted}: choose another method")
    if len(recording) < 1024:
        raise DapError(f"the recording has {len(recording)} samples; at least 1024 are needed")
    mask = np.zeros(len(recording), bool)
    for start, end in gaps:
        first, last = round(start * sample_rate), round(end * sample_rate)
        if not 0 <= first < last <= len(recording):
            raise DapError(
                f"the gap {start}-{end} s is not inside of the recording, which lasts "
                f"{len(recording) / sample_rate:.3f} s"
            )
        mask[first:last] = True
    bounds = quantized(recording, bins) if bins else None
    kept = bounds if bins else recording[~mask]
    peak = float(np.abs(kept).max()) if kept.any() else 1.0
    scaled = np.where(mask, np.float32(0), recording / peak).astype(np.float32)
    fade = round(FADE_SECONDS * sample_rate)
    length = len(recording) if whole else round(segment_seconds * sample_rate)
    parts = segments(len(recording), length, fade)
    where = "cpu" if whole else place(device)
    estimates, fits = {}, {}
    for index, (start, end) in enumerate(parts):
        if mask.any() and not mask[start:end].any():
            estimates[index] = scaled[start:end]
            continue
        observation = _observation(scaled[start:end], mask[start:end], spectrogram, sample_rate)
        if bins:
            for name, bound in zip(("lower", "upper"), bounds / peak, strict=True):
                observation.known[name] = bound[start:end].astype(np.float32)
        fits[index] = partial(
            restoring,
            method,
            task,
            observation,
            spectrogram=spectrogram,
            device=where,
            seed=derive(seed, "recording", index),
            report=report and (lambda i, loss, k=index: report(k + 1, len(parts), i, loss)),
        )
    found = _fitted(fits, fit, where, say or (lambda text: None))
    for index, result in found.items():
        estimates[index] = result.selections.get(selection, result.selections["last"])[-1]
    joined = _cross_faded([estimates[index] for index in range(len(parts))], parts, fade)
    restored = (joined * peak).astype(np.float32)
    if bins:  # the cross-fade of two estimates in a cell is in it, but for rounding
        return np.clip(restored, *bounds)
    return np.where(mask, restored, recording) if mask.any() else restored


def _fitted(
    fits: dict[int, Callable], fit: dict, device: str, say: Callable[[str], None]
) -> dict[int, Restored]:
    """The results by segment, of fits that learned nothing the better of two."""
    found = _run(fits, fit, device)
    if failed := [index for index, result in found.items() if not result.learned]:
        say(f"{_named(failed)} learned nothing: again, at {SLOWER:.2g} of the learning rate")
        slower = fit | {"learning_rate": SLOWER * fit["learning_rate"]}
        for index, again in _run({index: fits[index] for index in failed}, slower, device).items():
            found[index] = min(found[index], again, key=lambda result: result.losses[-1])
    if failed := [index for index in failed if not found[index].learned]:
        say(
            f"{_named(failed)} learned nothing and gave next to nothing: all is noise there, or "
            "the learning rate is too high"
        )
    return found


def _named(indices: Sequence[int]) -> str:
    numbers = ", ".join(str(index + 1) for index in indices)
    return (
        f"the fit of segment {numbers}" if len(indices) == 1 else f"the fits of segments {numbers}"
    )


def _run(fits: dict[int, Callable], fit: dict, device: str) -> dict[int, Restored]:
    begin = [partial(run, fit=fit) for run in fits.values()]
    found = {}
    for k, result in in_turn(begin, at_most(AT_ONCE, device), device=device):
        if isinstance(result, DapError):
            raise result
        found[list(fits)[k]] = result
    return found


def _cross_faded(
    estimates: Sequence[np.ndarray], parts: Sequence[tuple[int, int]], fade: int
) -> np.ndarray:
    total, weights = np.zeros((2, parts[-1][1]))
    for estimate, (start, end) in zip(estimates, parts, strict=True):
        # a triangle of the fade's length at both ends; where segments overlap, weights add up
        ramp = np.minimum(1.0, (np.arange(end - start) + 1) / (fade + 1))
        weight = np.minimum(ramp, ramp[::-1])
        total[start:end] += weight * estimate
        weights[start:end] += weight
    return total / weights


def quantized(recording: np.ndarray, bins: int) -> np.ndarray:
    """The cells of a recording that was quantized on [-1, 1], (2, samples): lower and upper bounds.

    Mid-rise or mid-tread is found from the samples, which have to be its levels.

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
