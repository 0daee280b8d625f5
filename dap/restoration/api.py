"""Restoring a recording from Python: `dap.restore`, and the methods that it takes."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from dap.errors import DapError
from dap.options import FitOptions
from dap.restoration.arguments import SHORTEST_SAMPLES, settle
from dap.restoration.choice import AUTO, CHOSEN, band_rate
from dap.restoration.result import Restoration
from dap.restoration.runs import digital_silence
from dap.tasks import TASKS

if TYPE_CHECKING:
    from dap.restoration.segments import RestoredRecording

# of Narayanaswamy et al. 2021, whatever the rate
SPECTROGRAM = {"n_fft": 1022, "hop_length": 64, "window": "hann"}

log = logging.getLogger("dap")


def restore(
    x: np.ndarray,
    sample_rate: int,
    *,
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
    progress: Callable[[int, int, int, float], None] | None = None,
    fit: FitOptions | None = None,
    selection: str | None = None,
    segment_seconds: float = 2.0,
    amount: float = 1.0,
) -> Restoration:
    """Restore a recording: denoise it, or fill its gaps, or undo its quantization.

    By default the method is the one that was found best for the task. A classical one is given the
    whole recording, and so is one that others have trained ("dfl", for speech at 16 kHz): a warning
    says on what, and by whom. Its weights are downloaded into the user's cache on first use, or
    read from the folder that the environment variable DAP_WEIGHTS names. A prior, an untrained
    network, is fitted to each segment of about `segment_seconds`; it fits the sound before the
    noise, so that too many iterations bring the noise back. "dap-best" is fed the estimate of a
    classical method, which it corrects, and is ended before that. Segments overlap by 64 ms and are
    cross-faded.

    The level is taken off before, and put back after: a segment is fitted without its mean, and
    scaled to a peak of 1. What lies beyond six times the size that 99 % of its samples do not
    exceed, such as a click, is cut off for that, and put back.

    A segment whose fit learned nothing is left as it was. A warning says so (the logger is "dap"),
    and so it does where a result is 20 dB below the recording, or the filling of a gap 20 dB below
    the sound beside it.

    Classical methods work at `sample_rate`, and so do priors that fill gaps or undo quantization:
    their spectrogram has windows of 1022 samples, 64 apart, 64 ms and 4 ms at the 16 kHz of the
    papers, 21 ms and 1.3 ms at 48 kHz, where a second takes three times as long. In noise above 16
    kHz, a prior is fitted to the band up to 8 kHz, and `wiener-tracked` restores what is above; so
    it is with "dfl" at any rate but 16 kHz. Each channel is restored on its own, from the same
    seed, so that equal channels stay equal. Digital silence of 10 ms and longer is not denoised.

    Args:
        x: (samples,) or (samples, channels), floating point, 1,024 samples at least. Any scale will
            do, but with `bins`. What it is computed in is float32, whatever the type. Whole numbers
            are refused, since their full scale is not known: divide those of 16 bits by 32768.
        sample_rate: in Hz.
        gaps: (start, end) in seconds of stretches to be filled, the same for all channels. All
            else stays as it is, to the bit, and what is in a gap has no influence.
        bins: undo quantization to this number of levels on [-1, 1], such as 256 of 8 bits. Every
            sample of `x` must be such a level, and stays in the cell of the quantizer that it lies
            in.
        method: its name, one of `methods()`, which must be for the task; or "auto" (`choose`).
        effort: of "auto": "quick" takes classical methods alone, "normal" a network where that is
            clearly better, "best" also where speech alone is a little better.
        preset: "fast" or "paper", how a network is fitted but for what is asked for beside it; by
            default as the method says ("dap-best"), or else "fast".
        iterations: of each fit, at most; the preset's, or the method's, by default. Some methods
            need a least number.
        width: factor on every number of filters of the network, above 0 and at most 4; 1, or the
            method's, by default.
        seed: of the networks' initialisation; classical methods draw nothing.
        device: "auto", a GPU if there is one, "cpu" or "cuda"; for priors.
        threads: of PyTorch, during this call; as PyTorch is set, by default. On a CPU segments are
            fitted beside each other and share them. The last bits of a fit depend on how many it
            has.
        progress: called with the segment, counted from 1 over all channels, the number of segments,
            the iteration, counted from 1, and the loss: now and then in each fit, and at its end. A
            fit that learned nothing is done again. Where fits are beside each other, their threads
            call it, in turn.
        fit: all options of the fit, in place of `preset`, `iterations` and `width`.
        selection: "average", the moving average of the outputs, "last", the last iterate, or
            "stop", the average where `fit.stop` stops; by default that, where there is a rule.
        segment_seconds: length of a segment, 0.25 at least.
        amount: how much of what is taken for damage is taken off, from 0, the recording as it is,
            to 1; not with gaps.

    Raises:
        DapError: `x` has another shape or type, is too short, is silent, all samples being equal
            (outside of its gaps), or holds NaN or infinite samples; a gap is not inside of `x`, or
            leaves nothing of a segment; samples are not levels of the quantizer; `gaps` is empty,
            or given with `bins`; an argument is out of its range; the method is not for the task,
            or needs more iterations; its weights cannot be had; `selection` is
            "stop" without a rule; there is no GPU, where
            "cuda" is asked for; a fit diverged; no fit learned anything; of a channel, or of all
            gaps beside sound, a method makes silence
            (60 dB below).

    Examples:
        >>> import numpy as np
        >>> import dap
        >>> time = np.arange(4000) / 16000
        >>> noise = np.random.default_rng(0).normal(0, 0.1, 4000)
        >>> noisy = np.sin(2 * np.pi * 440 * time) + noise
        >>> result = dap.restore(noisy, 16000, method="conv", iterations=100, width=0.1)
        >>> result.audio.shape, result.selection, result.iterations.shape
        ((4000,), 'stop', (1, 1))
        >>> result.losses.shape, max(result.snapshots)
        ((1, 1, 100), 100)
    """
    begun = perf_counter()
    channels = _channels(x)
    settled = settle(
        sample_rate,
        gaps=gaps,
        bins=bins,
        method=method,
        effort=effort,
        preset=preset,
        iterations=iterations,
        width=width,
        seed=seed,
        device=device,
        threads=threads,
        fit=fit,
        selection=selection,
        segment_seconds=segment_seconds,
        amount=amount,
    )
    method, chosen, options = settled.method.name, settled.method, settled.fit
    task = settled.task
    prior = chosen.kind == "prior"

    band = band_rate(chosen, task, int(sample_rate))
    if band is not None:
        from dap.restoration.bands import by_bands

        low = by_bands(
            lambda signal, rate, low: restore(
                signal,
                rate,
                method=method if low else CHOSEN[task]["quick"],
                seed=seed,
                device=device,
                threads=threads,
                progress=progress if low else None,
                fit=options if low and prior else None,
                selection=settled.selection if low and prior else None,
                segment_seconds=segment_seconds,
            ),
            np.stack(channels, axis=-1).reshape(np.shape(x)),
            int(sample_rate),
            band,
        )
        audio = low.audio.astype(np.asarray(x).dtype)
        return replace(
            low,
            audio=_kept(x, audio, int(sample_rate), task, amount),
            seconds=perf_counter() - begun,
        )

    from dap.fitting.threads import torch_threads
    from dap.restoration.gaps import gap_mask
    from dap.restoration.levels import compare, compare_fillings
    from dap.restoration.segments import restore_recording

    gaps = settled.gaps
    mask = gap_mask(gaps, len(channels[0]), sample_rate)
    silent = [_is_constant(channel[~mask]) for channel in channels]
    if all(silent):
        where = " outside of its gaps" if gaps else ""
        raise DapError(
            f"the recording is silent{where} (all samples are equal): there is nothing to restore"
        )
    if chosen.trained:
        log.warning("%s is a trained model: %s; other sound may suffer", method, chosen.trained)
    results: list[RestoredRecording | None] = []
    with torch_threads(None if chosen.kind == "classical" else threads):
        for index, channel in enumerate(channels):
            if silent[index]:
                results.append(None)
                continue
            report = progress and _over_channels(progress, index, len(channels))
            results.append(
                restore_recording(
                    channel,
                    int(sample_rate),
                    method=method,
                    fit=options,
                    spectrogram=SPECTROGRAM,
                    selection=settled.selection,
                    segment_seconds=segment_seconds,
                    gaps=gaps,
                    bins=bins,
                    seed=int(seed),
                    device=device,
                    channel=_of_channel(index, channels),
                    report=report,
                )
            )
    sounding = [result for result in results if result is not None]
    if not any(result.learned for result in sounding):
        raise DapError(
            f"no fit learned anything in {options.iterations} iterations, and nothing is restored: "
            "take more iterations or a lower learning rate, or all of the recording is noise"
        )
    like = max(sounding, key=lambda result: len(result.snapshots))  # one whose gaps were fitted
    restored = [
        _as_it_was(channel, mask, like) if result is None else result
        for channel, result in zip(channels, results, strict=True)
    ]
    for index, (channel, result) in enumerate(zip(channels, restored, strict=True)):
        what = _of_channel(index, channels).removeprefix(" of ") or "the recording"
        if gaps:
            compare_fillings(channel, result.audio, mask, int(sample_rate), what, method)
        else:
            compare(channel, result.audio, what, method)
    return Restoration(
        audio=_kept(
            x,
            _assembled([result.audio for result in restored], x),
            int(sample_rate),
            task,
            amount,
        ),
        sample_rate=int(sample_rate),
        method=method,
        selection=settled.selection if prior else None,
        iterations=np.stack([result.iterations for result in restored]),
        losses=np.stack([result.losses for result in restored]),
        snapshots={
            iteration: _assembled([_snapshot(result, iteration) for result in restored], x)
            for iteration in sorted({each for result in restored for each in result.snapshots})
        },
        segments=tuple(like.segments),
        seconds=perf_counter() - begun,
        unrestored=tuple(
            (channel, segment)
            for channel, result in enumerate(restored)
            for segment in result.unrestored
        ),
        how=method,
    )


def _kept(
    x: np.ndarray, audio: np.ndarray, sample_rate: int, task: str, amount: float
) -> np.ndarray:
    """A result in which digital silence is that of the recording, and as much of it as is asked."""
    x = np.asarray(x)
    if amount < 1:
        audio = (x + amount * (audio - x)).astype(x.dtype)
    if TASKS[task].white_noise:
        silent = [digital_silence(channel, sample_rate) for channel in x.reshape(len(x), -1).T]
        audio = np.where(np.stack(silent, axis=-1).reshape(x.shape), x, audio)
    return audio


def _channels(x: np.ndarray) -> list[np.ndarray]:
    """Each channel of a recording, (samples,) float32 or float64."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        raise DapError(
            f"the recording holds {x.dtype}: must be floating point; divide whole numbers of 16 "
            "bits by 32768"
        )
    if x.ndim not in (1, 2) or 0 in x.shape[1:]:
        raise DapError(
            f"the recording has the shape {x.shape}: must be (samples,) or (samples, channels)"
        )
    if len(x) < SHORTEST_SAMPLES:
        turned = x.ndim == 2 and x.shape[1] >= SHORTEST_SAMPLES
        raise DapError(
            f"the recording has {len(x)} samples: at least {SHORTEST_SAMPLES} are needed"
            + ("; its shape is to be (samples, channels): transpose it" if turned else "")
        )
    if not np.isfinite(x).all():
        raise DapError("the recording holds samples that are not finite numbers")
    x = x.astype(np.float32 if x.dtype.itemsize < 8 else np.float64)
    return [np.ascontiguousarray(channel) for channel in x.reshape(len(x), -1).T]


def _is_constant(signal: np.ndarray) -> bool:
    return not len(signal) or signal.min() == signal.max()


def _of_channel(index: int, channels: Sequence[np.ndarray]) -> str:
    """For messages: nothing, if there is one alone."""
    return f" of channel {index + 1}" if len(channels) > 1 else ""


def _as_it_was(
    channel: np.ndarray, mask: np.ndarray, other: "RestoredRecording"
) -> "RestoredRecording":
    """What a silent channel is restored to, beside another one: its gaps are silent, too."""
    level = channel[~mask][:1]
    return replace(
        other,
        audio=np.where(mask, level, channel),
        losses=np.full_like(other.losses, np.nan),
        iterations=np.zeros_like(other.iterations),
        snapshots={},
        unrestored=(),
    )


def _snapshot(result: "RestoredRecording", iteration: int) -> np.ndarray:
    """A channel as it was after an iteration, or at the end of its fits, if they were over."""
    before = [each for each in result.snapshots if each <= iteration]
    return result.snapshots[max(before)] if before else result.audio


def _assembled(channels: Sequence[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Channels in the shape and type of the recording given."""
    x = np.asarray(x)
    return np.stack(channels, axis=-1).astype(x.dtype).reshape(x.shape)


def _over_channels(
    progress: Callable[[int, int, int, float], None], index: int, count: int
) -> Callable[[int, int, int, float], None]:
    """A channel's progress, its segments counted over all channels."""

    def report(segment: int, segments: int, iteration: int, loss: float) -> None:
        progress(index * segments + segment, count * segments, iteration, loss)

    return report
