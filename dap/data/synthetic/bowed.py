"""A synthetic bowed string: steady harmonics with vibrato, a body's resonances, the bow's noise."""

import numpy as np
from scipy import signal

from dap.data.synthetic._melody import Note, frequency, melody
from dap.data.synthetic._synthesis import HIGHEST, band, level, mix

SYNTHETIC = {"bowed": {"title": "synthetic bowed strings: melodies with vibrato"}}

LOWEST_KEY, HIGHEST_KEY = 55, 88  # MIDI numbers, G3 to E6: a violin's
HARMONICS = 32
RESONANCES = 8


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """A clip of a new melody on a new instrument: float32 (samples,), its RMS 0.06."""
    low = int(rng.integers(LOWEST_KEY, LOWEST_KEY + 10))
    notes = melody(rng, samples / sample_rate, low, int(rng.integers(low + 12, HIGHEST_KEY + 1)))
    body = np.sort(np.exp(rng.uniform(np.log(250.0), np.log(5000.0), RESONANCES)))
    gains, tilt = rng.uniform(0.5, 4.0, RESONANCES), rng.uniform(0.9, 1.3)
    vibrato = (rng.uniform(4.5, 7.0), rng.uniform(5.0, 40.0))  # Hz, cents
    attack, release = rng.uniform(0.03, 0.12), rng.uniform(0.05, 0.15)
    hiss, cents = rng.uniform(0.003, 0.02), rng.uniform(-20.0, 20.0)
    track = np.zeros(samples)

    def colour(frequencies: np.ndarray) -> np.ndarray:
        """The body's response, one at its floor."""
        wide = 0.12 * body
        return 1 + (gains / (1 + ((frequencies[..., None] - body) / wide) ** 2)).sum(axis=-1)

    def play(note: Note) -> np.ndarray:
        length = round((note.seconds + release) * sample_rate)
        t = np.arange(length) / sample_rate
        rate, depth = vibrato[0] * rng.uniform(0.95, 1.05), vibrato[1] * rng.uniform(0.7, 1.3)
        # it sets in once the note stands
        swing = depth * np.clip((t - 0.1) / 0.3, 0, 1) * np.sin(2 * np.pi * rate * t)
        glide = rng.uniform(-40.0, 10.0) * np.exp(-t / 0.03)
        pitch = frequency(note.key + cents / 100) * 2 ** ((swing + glide) / 1200)
        cycles = np.cumsum(pitch) / sample_rate
        count = min(HARMONICS, int(HIGHEST * sample_rate / pitch.max()))
        n = np.arange(1, count + 1)
        levels = colour(n * pitch.mean()) / n ** (tilt + 0.5 * (1 - note.velocity))
        phases = rng.uniform(size=count)
        # einsum rather than a matrix product: BLAS may round differently with the threads
        waves = np.sin(2 * np.pi * (n[:, None] * cycles + phases[:, None]))
        sound = np.einsum("n,nt->t", levels / levels.sum(), waves)
        bow = signal.sosfilt(
            band(2.0 * pitch.mean(), 7000.0, sample_rate), rng.standard_normal(length)
        )
        swell = 1 + 0.2 * np.sin(np.pi * t / t[-1])
        envelope = swell * np.minimum(1, t / attack) * np.minimum(1, (t[-1] - t) / release)
        return note.velocity * envelope * (sound + hiss * bow)

    for note in notes:
        # what lies beyond the clip's end is not computed
        seconds = min(note.seconds, samples / sample_rate - note.start)
        mix(
            track,
            round(note.start * sample_rate),
            play(Note(note.start, max(seconds, 0.05), note.key, note.velocity)),
        )
    return level(track)
