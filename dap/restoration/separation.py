"""Separating a recording into two sources, of which nothing is known but their sum."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dap.audio import resample
from dap.errors import DapError
from dap.fitting.method import is_prior, restore
from dap.observation import Observation
from dap.options import FitOptions
from dap.restoration.arguments import DEVICES, check_segment, check_whole
from dap.restoration.choice import AUTO, SEPARATOR, check_choice, options_of, separators
from dap.restoration.segments import cross_faded, segments
from dap.seeds import derive

RATE = 16000  # of the papers
WINDOW_SECONDS = 0.064
BORDER = 0.5  # of the low band: above, its share of the sources is taken for what lies beyond
ORDERED = "hpss"  # a method whose sources are not alike
# of a segment, that overlaps with the next, so that its sources can be told apart
OVERLAP = 0.25


@dataclass(frozen=True)
class Separation:
    """Two sources of a recording.

    Attributes:
        stems: (2, samples) or (2, samples, channels): the sources, in no order; by `hpss`, or a
            network that is fed its estimate, what rings and what strikes.
        method: that separated them.
        how: it in words.
    """

    stems: np.ndarray
    method: str
    how: str


def separate(
    x: np.ndarray,
    sample_rate: int,
    *,
    method: str = AUTO,
    fit: FitOptions | None = None,
    seed: int = 0,
    device: str = "auto",
    segment_seconds: float = 2.0,
    progress: Callable[[int, int, int, float], None] | None = None,
) -> Separation:
    """Separate a recording into two sources, by networks that are fitted to it, or classically.

    The mean of its channels is separated, at 16 kHz or below, in segments that overlap by a
    quarter; which source is which is told from the overlap, or by `hpss`, if that separates them or
    feeds the networks. Of a recording of one channel at up to
    16 kHz the stems are what the networks give, and add up to it as far as the fit goes. Of others
    each channel is divided by masks made of that, and the stems add up to it but for rounding;
    what lies above 8 kHz is divided as the octave below is.

    Args:
        x: (samples,) or (samples, channels), floating point.
        sample_rate: in Hz.
        method: a prior (paper A's fit), a baseline that separates, or "auto", which is "hpss".
        fit: how a prior is fitted; as the method says, by default.
        seed: of the networks' initialisation.
        device: "auto", "cpu" or "cuda".
        segment_seconds: length of a segment.
        progress: as for `dap.restore`.

    Raises:
        DapError: there is no such method, or it is fitted to nothing; the recording is silent, too
            short, or holds samples that are no finite numbers; a fit diverged.
    """
    from dap.restoration.api import SPECTROGRAM

    check_whole("sample_rate", sample_rate, 1)
    check_whole("seed", seed, 0)
    check_choice("device", device, DEVICES)
    check_segment(segment_seconds)
    check_choice("method", method, (AUTO, *separators()))
    method = SEPARATOR if method == AUTO else method
    options = options_of(method, is_prior(method), "separate", None, None, None, fit)
    x = checked(x)
    rate = min(sample_rate, RATE)
    channels = x.reshape(len(x), -1).astype(np.float32)
    mono = resample(channels.mean(axis=1), sample_rate, rate)
    peak = float(np.abs(mono).max(initial=0))
    if not peak:
        raise DapError("the recording, or the mean of its channels, is silent")
    # what rings and what strikes come in that order. By the overlap alone, a tone that ends in it,
    # short in one segment and long in the other, would turn them round.
    in_order = ORDERED in (method, options.input)
    length = round(min(segment_seconds * rate, len(mono)))
    fade = round(OVERLAP * length)
    parts = segments(len(mono), length, fade)
    estimates: list[np.ndarray] = []
    for index, (start, end) in enumerate(parts):
        part = mono[start:end]
        level = float(np.abs(part).max())
        if not level:
            estimates.append(np.zeros((2, len(part)), np.float32))
            continue

        def report(iteration: int, loss: float, segment: int = index + 1) -> None:
            if progress:
                progress(segment, len(parts), iteration, loss)

        restored = restore(
            method,
            "separate",
            Observation(part / level, sample_rate=rate),
            fit=options,
            spectrogram=SPECTROGRAM,
            device=device,
            seed=derive(seed, "separation", index),
            report=report,
        )
        selection = "average" if options.stop == "none" else "stop"
        found = level * restored.selections.get(selection, restored.selections["last"])
        if estimates and not in_order:
            found = _ordered(estimates[-1], found, parts[index - 1][1] - start)
        estimates.append(found)
    sources = np.stack(
        [cross_faded([each[k] for each in estimates], parts, fade) for k in range(2)]
    )
    return Separation(divided(x, sample_rate, sources, rate), method, f"separated by {method}")


def checked(x: np.ndarray) -> np.ndarray:
    """A recording that can be separated, as an array.

    Raises:
        DapError: it is empty or of another shape, or holds samples that are no numbers.
    """
    x = np.asarray(x)
    if not x.size:
        raise DapError("the recording has no samples")
    if x.ndim not in (1, 2) or (x.ndim == 2 and len(x) < x.shape[1]):
        raise DapError(
            f"the recording has the shape {x.shape}: must be (samples,) or (samples, channels)"
        )
    if not np.isfinite(x).all():
        raise DapError("the recording holds samples that are not finite numbers")
    return x


def divided(x: np.ndarray, sample_rate: int, sources: np.ndarray, source_rate: int) -> np.ndarray:
    """A recording divided as estimates of its sources say.

    Args:
        x: (samples,) or (samples, channels), at `sample_rate`.
        sources: (2, samples at `source_rate`), of the mean of its channels.

    Returns:
        (2, ...) of the shape and type of `x`.
    """
    if x.size == len(x) and sample_rate == source_rate:
        return sources.reshape(2, *x.shape).astype(x.dtype)
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    hop = round(WINDOW_SECONDS * sample_rate / 4)
    transform = ShortTimeFFT(np.sqrt(hann(4 * hop, sym=False)), hop, fs=sample_rate)
    samples = max(len(x), 4 * hop)

    def spectrum(signal: np.ndarray) -> np.ndarray:
        return transform.stft(np.pad(signal.astype(np.float64), (0, samples - len(signal))))

    at_rate = [resample(source, source_rate, sample_rate)[: len(x)] for source in sources]
    first, second = (np.square(np.abs(spectrum(source))) for source in at_rate)
    top = np.searchsorted(transform.f, min(source_rate, sample_rate) / 2)
    octave = slice(int(BORDER * top), top)
    for power in (first, second):
        power[top:] = power[octave].mean(axis=0)
    mask = (first + np.finfo(float).tiny) / (first + second + 2 * np.finfo(float).tiny)
    stems = []
    for channel in x.reshape(len(x), -1).T:
        stem = transform.istft(mask * spectrum(channel), k1=samples)[: len(x)]
        stems.append((stem, channel - stem))
    return np.stack(stems, axis=-1).astype(x.dtype).transpose(0, 1, 2).reshape(2, *x.shape)


def _ordered(before: np.ndarray, after: np.ndarray, overlap: int) -> np.ndarray:
    """The sources of a segment, in the order of those of the one before it."""
    old, new = before[:, -overlap:], after[:, :overlap]
    kept = np.square(old - new, dtype=np.float64).sum()
    turned = np.square(old - new[::-1], dtype=np.float64).sum()
    return after if kept <= turned else after[::-1]
