"""The power of the noise in an observation, where the observation tells it."""

import math

import numpy as np
import torch

from dap.observation import Observation

N_FFT = 1024
# of the bins of white noise, whose powers are distributed exponentially, this share is below
# -ln(1 - share) times the mean; sound is in the others
SHARE = 0.1
EDGE_BINS = 8  # at 0 and at half the sample rate, where recordings are filtered


def power(observation: Observation) -> float:
    """Mean square of what corruption added to each sample, or 0 where that cannot be told.

    Of quantization, that of an error spread evenly over each sample's cell. Where samples were
    lost, the others are as they were: 0. Else it is that of white noise which explains the least of
    the spectrogram's bins; other noise has bins without, and comes out as next to nothing.
    """
    if "lower" in observation.known:
        size = observation.known["upper"].astype(np.float64) - observation.known["lower"]
        return float(np.square(size).mean() / 12)
    if "mask" in observation.known:
        return 0.0
    signal = torch.from_numpy(observation.signal)
    if len(signal) < N_FFT:
        return 0.0
    window = torch.hann_window(N_FFT)
    bins = torch.stft(
        signal, N_FFT, N_FFT // 4, window=window, center=False, return_complex=True
    ).abs()
    powers = bins[EDGE_BINS:-EDGE_BINS].square() / window.square().sum()
    return float(np.quantile(powers.numpy(), SHARE)) / -math.log(1 - SHARE)
