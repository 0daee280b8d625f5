"""Metrics that ignore the phase: of magnitudes and of envelopes."""

import numpy as np
from scipy.signal import ShortTimeFFT, hilbert
from scipy.signal.windows import hann

from dap.decibels import snr_db
from dap.metrics.level import checked

METRICS = {
    "spectral_snr": {"label": "Spectral SNR", "unit": "dB", "better": "higher"},
    "envelope_distance": {"label": "Envelope distance", "unit": "", "better": "lower"},
}

N_FFT = 256
HOP_LENGTH = 128


def spectral_snr(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """SNR of magnitude spectrograms, 10 log10(sum |S|^2 / sum (|S| - |S_hat|)^2), in dB.

    S is the STFT with a periodic Hann window of 256 samples and a hop of 128. Frame t is centred on
    sample 128 t. All centres lie within the signal, which is padded with zeros at both ends.

    Args:
        reference: clean signal, (samples,).
        estimate: (samples,).
        sample_rate: in Hz; has no influence: the window is in samples.
        where: (samples,) bool; frames are scored whose centre lies in it, all where it is None.

    Returns:
        dB; +inf where the magnitudes agree exactly; NaN where the scored frames of the reference
        are silent, there are none, or the signal is shorter than a window.

    Raises:
        ValueError: as `dap.metrics.level.checked`.
    """
    reference, estimate, where = checked(reference, estimate, where)
    if reference.size < N_FFT:
        return float("nan")
    frames = where[::HOP_LENGTH]  # the frames' centres
    clean, restored = (
        _magnitudes(signal, frames.size)[:, frames] for signal in (reference, estimate)
    )
    return snr_db(clean, clean - restored)


def envelope_distance(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Root mean squared difference of the Hilbert envelopes, sqrt(mean (|x_a| - |y_a|)^2).

    x_a is the analytic signal of the whole x, whatever `where` is. The distance is in the unit of
    the signals (full scale is 1).

    Args:
        reference: clean signal x, (samples,).
        estimate: y, (samples,).
        sample_rate: in Hz; has no influence.
        where: (samples,) bool, the samples that the mean is over; all where it is None.

    Returns:
        0 for a perfect estimate; silence is scored like any signal; NaN where there are no samples
        to score.

    Raises:
        ValueError: as `dap.metrics.level.checked`.
    """
    reference, estimate, where = checked(reference, estimate, where)
    if not where.any():
        return float("nan")
    difference = np.abs(hilbert(reference)) - np.abs(hilbert(estimate))
    return float(np.sqrt(np.mean(np.square(difference[where]))))


def _magnitudes(signal: np.ndarray, frames: int) -> np.ndarray:
    """(samples,) -> (bins, frames)."""
    transform = ShortTimeFFT(hann(N_FFT, sym=False), HOP_LENGTH, fs=1.0)
    return np.abs(transform.stft(signal, p0=0, p1=frames, padding="zeros"))
