"""The power of the noise in a recording, told from the recording alone."""

import math

import numpy as np

N_FFT = 1024
# the powers of white noise's bins are distributed exponentially: this share is below
# -ln(1 - share) times their mean. Sound is in others, in most recordings
SHARE = 0.1
EDGE_BINS = 8  # at 0 and at half the sample rate, where recordings are filtered
# where white noise is no further below a recording, that is what it is restored of: of 40 clips of
# real recordings that it was added to at 3 to 18 dB, and 20 with street and room noise at 5 to 9
# dB, it was found 2 to 18 dB below in the former, 26 to 48 dB in the latter
WEAK_DB = 25.0
# of the tracker, each chosen on recordings (docs/stopping.md): the sound's power re the noise's
# where there is any; what is kept of an estimate, and of a probability, after 16 ms; the share of
# the weakest frames that it begins with
PRESENT = 10**1.5
KEPT, KEPT_PRESENCE = 0.7, 0.9
WEAKEST = 0.2
STUCK = 0.99  # a mean probability above which sound would be found for ever
# noise has no partials: above this frequency, where rumble ends, a bin has no more than this
# quantile of those around it
RUMBLE_HZ = 60.0
AROUND, AROUND_BINS, QUANTILE = 0.5, 4, 0.25
CENTRES_PER_OCTAVE = 12


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


def noise_power(powers: np.ndarray, signal: np.ndarray, hop: int, sample_rate: int) -> np.ndarray:
    """The power of the noise that a recording is to be restored of, in each bin of a spectrogram.

    It is white noise, if that is found. Else it is noise of any colour, which a recording may have
    had from the beginning: a room's, for one.

    Args:
        powers: (bins, frames), |Y|^2 divided by the window's energy.
        signal: (samples,), the recording.
        hop: between frames, in samples.
        sample_rate: in Hz.

    Returns:
        (bins, frames).
    """
    white = white_noise_power(signal)
    if white * 10 ** (WEAK_DB / 10) > np.var(signal, dtype=float):  # the mean is no sound
        return np.full_like(powers, white)
    length = 2 * (len(powers) - 1)
    return np.maximum(tracked_noise_power(powers, sample_rate / hop, sample_rate / length), white)


def tracked_noise_power(powers: np.ndarray, frame_rate: float, bin_width: float) -> np.ndarray:
    """The power of noise of any colour in each bin of a spectrogram, (bins, frames).

    Each bin's is tracked through time: a frame counts by how probable it is that no sound is
    present (Gerkmann and Hendriks 2012, "Unbiased MMSE-Based Noise Power Estimation With Low
    Complexity and Low Tracking Delay", Equations 18 to 25), forwards and backwards; the result is
    the geometric mean. What stands out of the spectrum around it are partials of a steady sound,
    and no noise.

    Args:
        powers: (bins, frames), those of the recording's spectrogram, from 0 Hz on.
        frame_rate: frames a second.
        bin_width: in Hz.
    """
    begin = np.quantile(powers, WEAKEST, axis=1) / -math.log(1 - WEAKEST)
    forwards, backwards = _track(np.stack([powers, powers[:, ::-1]]), begin, frame_rate)
    noise = np.sqrt(forwards * backwards[:, ::-1])
    rumble = np.arange(len(powers))[:, np.newaxis] * bin_width < RUMBLE_HZ
    return np.where(rumble, noise, np.minimum(noise, _around(noise)))


def _track(powers: np.ndarray, begin: np.ndarray, frame_rate: float) -> np.ndarray:
    """The noise's power of (passes, bins, frames), each pass from (bins,) on."""
    frames = 62.5 / frame_rate  # of 16 ms, for which the paper gives its constants
    kept, kept_presence = KEPT**frames, KEPT_PRESENCE**frames
    noise = np.broadcast_to(begin, powers.shape[:2])
    tracked = np.empty_like(powers)
    mean_presence = np.full(noise.shape, 0.5)
    for t in range(powers.shape[-1]):
        power = powers[..., t]
        ratio = np.minimum(power / np.maximum(noise, 1e-30), 1e3)  # above, exp is 0
        presence = 1 / (1 + (1 + PRESENT) * np.exp(-ratio * PRESENT / (1 + PRESENT)))
        mean_presence = kept_presence * mean_presence + (1 - kept_presence) * presence
        presence = np.where(mean_presence > STUCK, np.minimum(presence, STUCK), presence)
        noise = kept * noise + (1 - kept) * (presence * noise + (1 - presence) * power)
        tracked[..., t] = noise
    return tracked


def _around(noise: np.ndarray) -> np.ndarray:
    """A low quantile over the bins around each one, (bins, frames).

    It is computed at twelve bins an octave, and interpolated between them.
    """
    bins = len(noise)
    octaves = math.log2(max(bins - 1, 2))
    places = np.geomspace(1, bins - 1, 2 + int(octaves * CENTRES_PER_OCTAVE))
    centres = np.unique(np.concatenate([[0], np.rint(places).astype(int)]))
    reach = np.maximum(AROUND_BINS, (AROUND * centres).astype(int))
    at_centres = np.stack(
        [
            np.quantile(noise[max(0, centre - width) : centre + width + 1], QUANTILE, axis=0)
            for centre, width in zip(centres, reach, strict=True)
        ]
    )
    between = np.interp(np.arange(bins), centres, np.arange(len(centres)))
    lower = np.minimum(between.astype(int), len(centres) - 2)
    share = (between - lower)[:, np.newaxis]
    return (1 - share) * at_centres[lower] + share * at_centres[lower + 1]
