"""Synthetic struck bars: a few modes that are no harmonics, and decay fast; with rolls."""

import numpy as np
from scipy import signal

from dap.data.synthetic._melody import frequency, melody
from dap.data.synthetic._synthesis import HIGHEST, band, damped_modes, level, mix

SYNTHETIC = {"struck": {"title": "synthetic struck bars: melodies and rolls"}}

LOWEST_KEY, HIGHEST_KEY = 60, 100  # MIDI numbers, C4 to E7: a xylophone's
# of a free bar, Fletcher and Rossing, "The physics of musical instruments", 1998; the second mode
# of a xylophone's is tuned to 3, of a marimba's to 4
FREE = np.array([1.0, 2.756, 5.404, 8.933])
ROLL_SECONDS = 0.07


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """A clip of a new melody on a new instrument: float32 (samples,), its RMS 0.06."""
    low = int(rng.integers(LOWEST_KEY, LOWEST_KEY + 12))
    notes = melody(rng, samples / sample_rate, low, int(rng.integers(low + 15, HIGHEST_KEY + 1)))
    modes = FREE * np.array([1.0, rng.choice((3.0, 4.0)) / FREE[1], *rng.uniform(0.95, 1.1, 2)])
    decay, hardness = rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.7)
    click, rolls = rng.uniform(0.02, 0.15), rng.uniform(0.0, 0.3)
    mallet = band(1500.0, 6000.0, sample_rate)
    cents = rng.uniform(-20.0, 20.0)
    track = np.zeros(samples)

    def strike(key: int, velocity: float) -> np.ndarray:
        frequencies = frequency(key + cents / 100) * modes
        frequencies = frequencies[frequencies < HIGHEST * sample_rate]
        count = len(frequencies)
        levels = (hardness * (0.4 + velocity)) ** np.arange(count) * rng.uniform(0.8, 1.2, count)
        # high bars ring shorter, and so do high modes
        rates = (key / 72) ** 2 / decay * np.array([1.0, 3.0, 6.0, 10.0])[:count]
        length = round(min(4.0 / rates[0], 1.5) * sample_rate)
        sound = damped_modes(frequencies, rates, levels, length, sample_rate)
        hit = signal.sosfilt(mallet, rng.standard_normal(round(0.01 * sample_rate)))
        mix(sound, 0, click * hit * np.exp(-np.arange(len(hit)) / (0.002 * sample_rate)))
        return velocity * sound

    for note in notes:
        rolled = note.seconds > 4 * ROLL_SECONDS and rng.uniform() < rolls
        times = np.arange(0, note.seconds, ROLL_SECONDS) if rolled else [0.0]
        for late in times:
            uneven = late + (rng.uniform(0.0, 0.01) if late else 0.0)
            velocity = note.velocity * rng.uniform(0.85, 1.1)
            mix(track, round((note.start + uneven) * sample_rate), strike(note.key, velocity))
    return level(track)
