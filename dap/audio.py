"""Audio files in and out, and the excerpt of a recording that becomes a clip."""

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from dap.errors import TooFewWindowsError, UnusableError

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
# 60 dB below the loudest window, a window holds no sound worth restoring
SILENCE_DB = -60.0
# of the power of the mean of unrelated channels; of two it is left at a correlation of -0.9
CANCELLING = 0.1
log = logging.getLogger("dap")


def read(path: Path, sample_rate: int) -> np.ndarray:
    """A recording as one channel at `sample_rate`.

    Any format that `dap.decoding.decode` reads, whatever the file's suffix, any rate and sample
    type; channels are averaged, with a warning where they cancel; other rates are resampled by
    soxr's high-quality filter.

    Returns:
        float32 array of shape (samples,), at the recording's level.

    Raises:
        UnusableError: the file is no audio, empty, silent or holds non-finite samples, or this user
            may not read it.
        DapError: the file is missing, or the disk fails.
    """
    signal, mono, rate = _decoded(path, sample_rate)
    _warn_of_cancelling(path, signal, mono)
    return resample(mono, rate, sample_rate).astype(np.float32)


def check(path: Path, sample_rate: int) -> None:
    """Raise what `read` would; of most recordings no more than the beginning is read.

    Raises:
        UnusableError, DapError: as `read`.
    """
    from dap.decoding import begins_with_sound

    if not begins_with_sound(path, sample_rate):
        _decoded(path, sample_rate)


def _decoded(path: Path, sample_rate: int) -> tuple[np.ndarray, np.ndarray, int]:
    """A recording's channels, (samples, channels), their mean, and the rate in Hz."""
    from dap.decoding import MOST_SAMPLES, decode, require_readable

    require_readable(path)
    signal, rate = decode(path)
    if signal.shape[0] == 0:
        raise UnusableError(path, "holds no samples")
    if not np.isfinite(signal).all():
        raise UnusableError(path, "holds samples that are not finite numbers")
    mono = signal.mean(axis=1, dtype=np.float64)
    if not mono.any():
        raise UnusableError(path, "is silent (all samples, or the sums of its channels, are zero)")
    if len(mono) * sample_rate > MOST_SAMPLES * rate:
        raise UnusableError(
            path,
            f"would have {len(mono) * sample_rate / rate:.2g} samples at {sample_rate} Hz: cut it, "
            f"or put its header right, which says {rate} Hz",
        )
    return signal, mono, rate


def _warn_of_cancelling(path: Path, signal: np.ndarray, mono: np.ndarray) -> None:
    """Say so where next to nothing is left of channels of opposite phase.

    Of channels that have nothing to do with each other, the mean has the power of all of them, over
    the square of their number.
    """
    channels = signal.shape[1]
    power, left = np.square(signal, dtype=np.float64).sum() / channels**2, np.square(mono).sum()
    if channels > 1 and left < CANCELLING * power:
        log.warning(
            "%s: its %d channels cancel, so that their mean is %.0f dB below one of them: they are "
            "of opposite phase; take one channel (sox FILE ONE.wav remix 1)",
            path,
            channels,
            10 * np.log10(power * channels / left),
        )


def resample(signal: np.ndarray, rate: int, sample_rate: int) -> np.ndarray:
    """A signal at another rate, by soxr's high-quality filter, to the bit as librosa does it.

    Args:
        signal: (samples,), at `rate`.

    Returns:
        (samples * sample_rate / rate,), rounded up, of the signal's type.
    """
    if rate == sample_rate:
        return signal
    import soxr

    length = math.ceil(len(signal) * (sample_rate / rate))
    resampled = soxr.resample(signal, rate, sample_rate, quality="soxr_hq")[:length]
    return np.pad(resampled, (0, length - len(resampled)))


def write(path: Path | IO[bytes], signal: np.ndarray, sample_rate: int) -> None:
    """Write (samples,) into a file as a 32-bit float WAV, which keeps every bit of a float32 array.

    Equal signals give equal files; libsndfile would note the time in each (in its PEAK chunk).
    """
    from scipy.io import wavfile

    wavfile.write(path, sample_rate, np.asarray(signal, np.float32))


@dataclass(frozen=True)
class Excerpt:
    """A clip cut from a recording.

    Attributes:
        signal: float32 array of shape (samples,).
        start: where it starts in the recording at the study's rate, in samples.
        padded: how many samples at its end are zeros, since the recording was too short.
        gain: the factor that was applied to the recording.
    """

    signal: np.ndarray
    start: int
    padded: int
    gain: float


def excerpt(
    recording: np.ndarray, samples: int, *, window: str, window_index: int, level: str, seed: int
) -> Excerpt:
    """Cut one window of `samples` out of a recording.

    The recording is cut into windows that do not overlap; those 60 dB and more below the loudest
    are left out. `window` orders the rest: "loudest" by falling energy, "seeded" by a permutation
    drawn from `seed`; `window_index` counts them, so that 1 gives a second clip of the recording.
    A recording shorter than one window is padded with zeros at its end. What is behind the last
    window is left out; where all sound is there, the windows end with the recording instead.

    Args:
        recording: (samples,) float32.
        level: "peak" scales the clip to a peak of 1, "recorded" leaves it.

    Raises:
        TooFewWindowsError: the recording has no window of this index.
    """
    count = max(1, len(recording) // samples)
    padded = max(0, samples - len(recording))
    whole = np.pad(recording, (0, padded))
    before = 0 if whole[: count * samples].any() else len(whole) - count * samples
    tiles = whole[before : before + count * samples].reshape(count, samples)
    energy = np.square(tiles, dtype=np.float64).sum(axis=1)
    sounding = np.flatnonzero(energy > energy.max() * 10 ** (SILENCE_DB / 10))
    if window_index >= len(sounding):
        raise TooFewWindowsError(
            f"has {len(sounding)} windows of {samples} samples with sound, and clip "
            f"{window_index + 1} of it was asked for: ask for fewer clips, or for shorter ones"
        )
    if window == "loudest":
        order = sounding[np.argsort(-energy[sounding], kind="stable")]
    else:
        order = np.random.default_rng(seed).permutation(sounding)
    index = int(order[window_index])
    signal = tiles[index]
    gain = 1.0 / float(np.abs(signal).max()) if level == "peak" else 1.0
    start = before + index * samples
    return Excerpt((signal * gain).astype(np.float32), start, padded, gain)
