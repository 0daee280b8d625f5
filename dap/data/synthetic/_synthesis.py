"""What the synthetic corpora share: damped modes, filters that move, random drift, the level."""

import numpy as np
from scipy import fft, signal

PEAK = 0.9
# of instruments that are to be mixed: so that none drowns the other
LEVEL = 0.06
# where a band or a resonance would come too close to the Nyquist frequency, it is held here
HIGHEST = 0.45
FRAMES_A_BLOCK = 256


def normalise(sound: np.ndarray) -> np.ndarray:
    """(samples,) scaled to a peak of `PEAK`, as float32."""
    return (sound * (PEAK / np.abs(sound).max())).astype(np.float32)


def level(sound: np.ndarray) -> np.ndarray:
    """(samples,) scaled to an RMS of `LEVEL`, or below it to a peak of `PEAK`, as float32."""
    gain = LEVEL / np.sqrt(np.mean(np.square(sound, dtype=np.float64)))
    return (sound * min(gain, PEAK / np.abs(sound).max())).astype(np.float32)


def mix(track: np.ndarray, start: int, sound: np.ndarray) -> None:
    """Add `sound` to `track` from sample `start` on, in place; what lies beyond its end is cut."""
    part = track[start : start + len(sound)]
    part += sound[: len(part)]


def drift(rng: np.random.Generator, samples: int, sample_rate: int, seconds: float) -> np.ndarray:
    """A smooth random curve (samples,) within [-1, 1]: a new value every `seconds` on average."""
    length = samples / (seconds * sample_rate)
    values = rng.uniform(-1.0, 1.0, int(length) + 3)
    position = np.linspace(0.0, length, 20 * len(values)) + rng.uniform()
    index = position.astype(int)
    x = position - index
    curve = values[index] + (values[index + 1] - values[index]) * x * x * (3.0 - 2.0 * x)
    return np.interp(np.arange(samples), np.linspace(0.0, samples, len(curve)), curve)


def damped_modes(
    frequencies: np.ndarray,
    rates: np.ndarray,
    amplitudes: np.ndarray,
    samples: int,
    sample_rate: int,
) -> np.ndarray:
    """The sum over modes of a exp(-rate t) sin(2 pi f t).

    Args:
        frequencies: (modes,) in Hz.
        rates: (modes,) decay rates in 1/s: a mode falls by 60 dB in 6.9 / rate seconds.
        amplitudes: (modes,).
        samples: length of the sound.
        sample_rate: in Hz.

    Returns:
        (samples,) float64.
    """
    # sample = row * width + column, and a power of each mode's pole factors into one of the row and
    # one of the column: far fewer sines than modes * samples
    width = int(np.ceil(np.sqrt(samples)))
    poles = (2j * np.pi * frequencies - rates)[:, None] / sample_rate
    rows = amplitudes[:, None] * np.exp(poles * width * np.arange(width))  # (modes, width)
    columns = np.exp(poles * np.arange(width))
    left = np.concatenate((rows.imag, rows.real))
    right = np.concatenate((columns.real, columns.imag))
    # einsum rather than a matrix product: BLAS may round differently with the number of threads
    return np.einsum("mi,mj->ij", left, right).ravel()[:samples]


def band(low: float, high: float, sample_rate: int) -> np.ndarray:
    """Second-order sections of a band-pass from `low` to `high` Hz, held below the Nyquist."""
    high = min(high, HIGHEST * sample_rate)
    low = min(low, 0.6 * high)
    return signal.butter(2, (low, high), "bandpass", fs=sample_rate, output="sos")


def resonator(frequency: np.ndarray, bandwidth: np.ndarray, sample_rate: int) -> np.ndarray:
    """Denominators (..., 3) of two-pole resonators, from frequencies and bandwidths in Hz."""
    frequency, bandwidth = np.broadcast_arrays(frequency, bandwidth)
    radius = np.exp(-np.pi * bandwidth / sample_rate)
    angle = 2.0 * np.pi * np.minimum(frequency, HIGHEST * sample_rate) / sample_rate
    return np.stack((np.ones_like(radius), -2.0 * radius * np.cos(angle), radius**2), axis=-1)


def cascade(resonators: np.ndarray) -> np.ndarray:
    """Denominators (frames, order, 3) of resonators in series -> (frames, 2 * order + 1)."""
    product = resonators[:, 0]
    for factor in np.moveaxis(resonators[:, 1:], 1, 0):
        longer = np.zeros((len(product), product.shape[1] + 2))
        for lag in range(3):
            longer[:, lag : lag + product.shape[1]] += factor[:, lag, None] * product
        product = longer
    return product


def moving_filter(
    source: np.ndarray, gains: np.ndarray, denominators: np.ndarray, hop: int, tail: int
) -> np.ndarray:
    """Filter `source` by all-pole filters that change from frame to frame.

    The source is cut into frames of 2 * hop under Hann windows that add up to one, each is filtered
    by its own filter, and the results are added: filters cross-fade and never click.

    Args:
        source: (samples,).
        gains: (frames,) numerators; frame t is centred on sample t * hop, and there must be
            samples // hop + 2 frames.
        denominators: (frames, order + 1).
        hop: samples from one frame to the next.
        tail: samples after which an impulse response is taken to have died away.

    Returns:
        (samples,) float64.
    """
    samples, frames = len(source), len(gains)
    length = fft.next_fast_len(2 * hop + tail, real=True)
    padded = np.zeros((frames + 1) * hop)
    padded[hop : hop + samples] = source
    frame_view = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[::hop]
    sounding = np.flatnonzero(frame_view.any(axis=1))
    window = signal.get_window("hann", 2 * hop)
    out = np.zeros((frames + 1) * hop + length)
    for first in range(0, len(sounding), FRAMES_A_BLOCK):  # bounds the memory of a long clip
        block = sounding[first : first + FRAMES_A_BLOCK]
        spectra = fft.rfft(frame_view[block] * window, length)
        spectra /= fft.rfft(denominators[block], length)
        pieces = fft.irfft(spectra, length) * gains[block, None]
        for index, piece in zip(block, pieces, strict=True):
            out[index * hop : index * hop + length] += piece
    return out[hop : hop + samples]
