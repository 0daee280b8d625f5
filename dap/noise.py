"""The power of white noise in a recording, told from the recording alone."""

import math

import numpy as np

N_FFT = 1024
# the powers of white noise's bins are distributed exponentially: this share is below
# -ln(1 - share) times their mean. Sound is in others, in most recordings
SHARE = 0.1
EDGE_BINS = 8  # at 0 and at half the sample rate, where recordings are filtered


def white_noise_power(signal: np.ndarray) -> float:
    """Mean square of the white noise that explains the weakest bins of a spectrogram.

    Noise that is not white leaves some bins without, and comes out as next to nothing, as does
    what was filtered or upsampled.

    Args:
        signal: (samples,).

    Returns:
        the power; 0 for fewer than 1,024 samples.
    """
    if len(signal) < N_FFT:
        return 0.0
    window = np.hanning(N_FFT + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(signal, N_FFT)[:: N_FFT // 4]
    bins = np.fft.rfft(frames * window)[:, EDGE_BINS:-EDGE_BINS]
    powers = np.square(np.abs(bins)) / np.square(window).sum()
    return float(np.quantile(powers, SHARE)) / -math.log(1 - SHARE)
