"""Synthetic environmental noise: mains hum, rumble, babble, or a blend of them."""

from math import gcd

import numpy as np
from scipy import signal

from dap.data.synthetic._synthesis import HIGHEST, drift, normalise
from dap.data.synthetic.speech import draw_speaker, speak

SYNTHETIC = {"noise": {"title": "synthetic noise: hum, rumble and babble"}}

HARMONICS = 24
# a speaker has little above the Nyquist frequency of this rate, and babble is of the far field
BABBLE_RATE = 16000


def hum(
    rng: np.random.Generator, samples: int, sample_rate: int, mains: float | None = None
) -> np.ndarray:
    """Harmonics of 50 or 60 Hz whose levels and pitch wander a little.

    Args:
        rng: decides all else.
        samples: length of the sound.
        sample_rate: in Hz.
        mains: its frequency in Hz; None for either, by chance.

    Returns:
        (samples,) float64 of unit level.
    """
    mains = mains or float(rng.choice((50.0, 60.0)))
    wander = 0.0005 * drift(rng, samples, sample_rate, 2.0)
    cycles = np.cumsum(mains * (1.0 + wander)) / sample_rate + rng.uniform()
    # transformers hum at even harmonics, motors and dimmers buzz at all
    rotation, harmonic = np.exp(2j * np.pi * cycles), np.ones(samples, complex)
    even = rng.uniform(0.5, 3.0)
    slope = rng.uniform(0.7, 1.6)
    sound = np.zeros(samples)
    for n in range(1, HARMONICS + 1):
        level = rng.uniform(0.2, 1.0) / n**slope * (even if n % 2 == 0 else 1.0)
        depth, seconds, phase = rng.uniform(0.0, 0.3), rng.uniform(0.2, 1.0), rng.uniform()
        harmonic *= rotation
        if n * mains < HIGHEST * sample_rate:
            swell = 1.0 + depth * drift(rng, samples, sample_rate, seconds)
            sound += level * swell * (np.exp(2j * np.pi * phase) * harmonic).real
    return sound / np.sqrt(np.mean(sound**2))


def rumble(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """Low-passed noise that swells, as of traffic, wind or machines: (samples,) of unit level."""
    cut, order = rng.uniform(50.0, 150.0), int(rng.integers(2, 4))
    low = signal.butter(order, cut, fs=sample_rate, output="sos")
    high = signal.butter(1, rng.uniform(10.0, 25.0), "highpass", fs=sample_rate, output="sos")
    warm = round(0.1 * sample_rate)  # until the filters ring
    white = rng.standard_normal(samples + warm)
    sound = signal.sosfilt(np.concatenate((low, high)), white)[warm:]
    depth = rng.uniform(0.1, 0.7)
    sound *= 1.0 + depth * drift(rng, samples, sample_rate, rng.uniform(0.3, 1.5))
    return sound / np.sqrt(np.mean(sound**2))


def babble(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """Three to five synthetic speakers at once, each already talking: (samples,) of unit level."""
    rate = min(sample_rate, BABBLE_RATE)
    length = -(-samples * rate // sample_rate) + 1
    sound = np.zeros(length)
    for _ in range(int(rng.integers(3, 6))):
        begun = int(rng.uniform(0.0, 0.3) * rate)
        voice = speak(rng, draw_speaker(rng), length + begun, rate)
        # the level over all that was said, since what is left of it may be a pause
        sound += rng.uniform(0.4, 1.0) * voice[begun:] / np.sqrt(np.mean(voice**2))
    if rate < sample_rate:
        common = gcd(rate, sample_rate)
        sound = signal.resample_poly(sound, sample_rate // common, rate // common)
    sound = sound[:samples]
    return sound / np.sqrt(np.mean(sound**2))


KINDS = (hum, rumble, babble)


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """One kind, or a blend of two or three: float32 (samples,), its peak at 0.9."""
    count = int(rng.choice((1, 2, 3), p=(0.6, 0.3, 0.1)))
    kinds = rng.choice(len(KINDS), size=count, replace=False)
    parts = (rng.uniform(0.3, 1.0) * KINDS[kind](rng, samples, sample_rate) for kind in kinds)
    return normalise(sum(parts, start=np.zeros(samples)))
