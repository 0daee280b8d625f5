"""Two bands of a recording: one up to half of a lower sample rate, and what is above it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dap.audio import resample
from dap.restoration.result import Restoration


def low_band(x: np.ndarray, sample_rate: int, band_rate: int) -> np.ndarray:
    """A signal at another rate; a lower one holds its low band.

    Args:
        x: (samples,) or (samples, channels), at `sample_rate`.

    Returns:
        (samples * band_rate / sample_rate,) or (..., channels), rounded up, of the signal's type.
    """
    channels = [resample(each, sample_rate, band_rate) for each in x.reshape(len(x), -1).T]
    return np.stack(channels, axis=-1).astype(x.dtype).reshape(-1, *x.shape[1:])


def with_low_band(x: np.ndarray, low: np.ndarray, sample_rate: int, band_rate: int) -> np.ndarray:
    """A signal whose low band is another's: equal bands give the signal itself.

    Args:
        x: (samples,) or (samples, channels), at `sample_rate`.
        low: as of `low_band`.

    Returns:
        as `x`.
    """
    change = low - low_band(x, sample_rate, band_rate)
    return x + low_band(change, band_rate, sample_rate)[: len(x)]


def by_bands(
    restored: Callable[[np.ndarray, int, bool], Restoration],
    x: np.ndarray,
    sample_rate: int,
    band_rate: int,
) -> Restoration:
    """A recording whose low band is restored by one method, and what is above it by another.

    Of a recording at a lower rate than the band's, there is nothing above.

    Args:
        restored: of (samples,) or (samples, channels), at a rate in Hz, by the low band's method
            where that is true, else by the one for what is above.
        x: as for `restored`, at `sample_rate`.
    """
    x = np.asarray(x)
    low = restored(low_band(x, sample_rate, band_rate), band_rate, True)
    if sample_rate <= band_rate:

        def joined(audio: np.ndarray) -> np.ndarray:
            return low_band(audio, band_rate, sample_rate)[: len(x)]

        how = f"{low.method} at {band_rate} Hz"
    else:
        whole = restored(x, sample_rate, False)

        def joined(audio: np.ndarray) -> np.ndarray:
            return with_low_band(whole.audio, audio, sample_rate, band_rate)

        how = f"{low.method} up to {band_rate // 2} Hz, {whole.method} above"
    scale = sample_rate / band_rate
    return replace(
        low,
        audio=joined(low.audio),
        sample_rate=sample_rate,
        snapshots={iteration: joined(audio) for iteration, audio in low.snapshots.items()},
        segments=tuple(
            (round(start * scale), min(round(end * scale), len(x))) for start, end in low.segments
        ),
        how=how,
    )
