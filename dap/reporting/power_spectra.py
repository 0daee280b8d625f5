"""Power over spatial frequency: the natural statistics of B's Figure 2.

The power of natural images falls as 1 / f^a over spatial frequency. B finds the same in
spectrograms of speech, but neither in noisy ones nor in waveforms. Here a spectrogram is the
magnitude of the study's transform, seen as an image whose pixels are bins and frames.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import fft

from dap.errors import DapError
from dap.store import read_entries

LOWEST = 3.0  # cycles over the signal or image: the taper spreads the mean's power below this
POINTS = 48  # of a spectrum, log-spaced


class Spectrum(NamedTuple):
    """Mean power over frequency, and the power law fitted to it.

    Attributes:
        frequency: (points,) in cycles per sample or per pixel, geometric centres of their bands.
        power: (points,) mean over the band and over the signals, arbitrary unit.
        slope: of log power over log frequency; -2 is power that falls as 1 / f^2.
        intercept: log10 of the fitted power at a frequency of 1.
        r_squared: share of the variance of log power that the law explains: where it is low, there
            is no power law, and the slope says little.
        signal_count: how many signals or images were averaged.
    """

    frequency: np.ndarray
    power: np.ndarray
    slope: float
    intercept: float
    r_squared: float
    signal_count: int

    def fitted(self) -> np.ndarray:
        """The power law at the same frequencies: (points,)."""
        return 10**self.intercept * self.frequency**self.slope


def of_signals(signals: Iterable[np.ndarray]) -> Spectrum:
    """Mean power of waveforms over frequency in cycles per sample.

    Args:
        signals: (samples,) each, all of one length; the mean is subtracted from each.

    Raises:
        DapError: as `_spectrum`.
    """
    return _spectrum(signals, 1)


def of_images(images: Iterable[np.ndarray]) -> Spectrum:
    """Mean power of images over radial spatial frequency in cycles per pixel, all directions alike.

    Args:
        images: (bins, frames) each, all of one shape; the mean is subtracted from each.

    Raises:
        DapError: as `_spectrum`.
    """
    return _spectrum(images, 2)


def of_chunks(
    manifests: Sequence[Path], count: int, spectrogram: Mapping[str, Any]
) -> tuple[Spectrum, Spectrum]:
    """Mean power of the spectrograms, and of the waveforms, of the first `count` clips.

    Args:
        manifests: of the chunks of one corpus, in order.
        spectrogram: the study's n_fft, hop_length and window.

    Raises:
        DapError: as `_spectrum`; or a file is torn.
    """

    def signals() -> Iterator[np.ndarray]:
        entries = chain.from_iterable(map(read_entries, manifests))
        return (entry.signal() for entry in islice(entries, count))

    return of_images(spectrograms(signals(), spectrogram)), of_signals(signals())


def spectrograms(
    signals: Iterable[np.ndarray], spectrogram: Mapping[str, Any]
) -> Iterator[np.ndarray]:
    """Magnitude spectrograms (bins, frames) of signals (samples,).

    Args:
        spectrogram: the study's n_fft, hop_length and window.
    """
    import torch

    from dap.stft import STFT

    transform = STFT(**spectrogram)
    for signal in signals:
        channels = transform.analyse(torch.from_numpy(np.asarray(signal, np.float32)))
        yield torch.linalg.vector_norm(channels, dim=0).numpy().astype(np.float64)


def _spectrum(arrays: Iterable[np.ndarray], axes: int) -> Spectrum:
    """Under a Hann taper along each axis, since steps at the edges have a power law of 1 / f^2.

    Raises:
        DapError: there are no arrays, they differ in shape, or they are too small or silent.
    """
    arrays = iter(arrays)
    first = next(arrays, None)
    if first is None:
        raise DapError("there is nothing to take the power of")
    shape = first.shape
    if min(shape) < 32:
        raise DapError(f"power over frequency needs 32 points along each axis, not {shape}")
    taper = _taper(shape)
    total, count = np.zeros((*shape[:-1], shape[-1] // 2 + 1)), 0
    for array in chain([first], arrays):
        if array.shape != shape:
            raise DapError(f"power is averaged over one shape, not over {shape} and {array.shape}")
        centred = array.astype(np.float64) - np.average(array, weights=taper)
        total += np.abs(fft.rfftn(centred * taper)) ** 2
        count += 1
    along = [fft.fftfreq(size) for size in shape[:-1]] + [fft.rfftfreq(shape[-1])]
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*along, indexing="ij")))
    # rfftn gives one of the two halves of the last axis, and both count
    weight = np.full(total.shape, 2.0)
    weight[..., 0] = 1
    if shape[-1] % 2 == 0:
        weight[..., -1] = 1
    edges = np.geomspace(LOWEST / min(shape), 0.5, POINTS + 1)
    band = np.digitize(radius.ravel(), edges) - 1  # no circle lies beyond 0.5, in the corners
    inside = (band >= 0) & (band < POINTS)
    band, weight = band[inside], weight.ravel()[inside]
    sums = np.bincount(band, weight * total.ravel()[inside], POINTS)
    weights = np.bincount(band, weight, POINTS)
    logs = np.bincount(band, weight * np.log(radius.ravel()[inside]), POINTS)
    filled = weights > 0  # the lowest bands may be narrower than the spacing of frequencies
    frequency = np.exp(logs[filled] / weights[filled])
    power = sums[filled] / weights[filled] / count
    if not (power > 0).all():
        raise DapError("power over frequency needs sound, and some of the signals are silent")
    x, y = np.log10(frequency), np.log10(power)
    slope, intercept = np.polyfit(x, y, 1)
    r_squared = np.corrcoef(x, y)[0, 1] ** 2
    return Spectrum(frequency, power, float(slope), float(intercept), float(r_squared), count)


def _taper(shape: tuple[int, ...]) -> np.ndarray:
    axes = [np.hanning(size + 2)[1:-1] for size in shape]
    taper = axes[0]
    for axis in axes[1:]:
        taper = np.multiply.outer(taper, axis)
    return taper
