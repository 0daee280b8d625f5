"""A synthetic plucked string: harmonics that start at once and decay, melodies and chords."""

import numpy as np

from dap.data.synthetic._melody import Note, frequency, melody
from dap.data.synthetic._synthesis import HIGHEST, damped_modes, level, mix

SYNTHETIC = {"plucked": {"title": "synthetic plucked strings: melodies and chords"}}

LOWEST_KEY, HIGHEST_KEY = 40, 79  # MIDI numbers, E2 to G5: a guitar's
PARTIALS = 40
LONGEST_SECONDS = 2.5


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """A clip of a new melody on a new instrument: float32 (samples,), its RMS 0.06."""
    low = int(rng.integers(LOWEST_KEY, LOWEST_KEY + 15))
    notes = melody(rng, samples / sample_rate, low, int(rng.integers(low + 15, HIGHEST_KEY + 1)))
    place, stiffness = rng.uniform(0.08, 0.3), rng.uniform(0.0, 1e-4)
    damping, brightness = rng.uniform(0.8, 2.5), rng.uniform(1200.0, 4000.0)
    ringing, strummed = rng.uniform(1.0, 2.5), rng.uniform(0.0, 0.4)
    cents = rng.uniform(-50.0, 50.0)
    # the body's response, in bands of a third of an octave from 60 Hz on
    body = rng.uniform(0.3, 1.7, 24)
    track = np.zeros(samples)

    def pluck(note: Note, key: int) -> np.ndarray:
        fundamental = frequency(key + cents / 100)
        n = np.arange(1, PARTIALS + 1)
        frequencies = n * fundamental * np.sqrt(1 + stiffness * n**2)
        n, frequencies = (part[frequencies < HIGHEST * sample_rate] for part in (n, frequencies))
        # where the string is plucked, it has no node; a soft finger is a low-pass
        levels = np.sin(np.pi * n * place) / n
        levels *= body[np.clip(3 * np.log2(frequencies / 60), 0, len(body) - 1).astype(int)]
        levels /= 1 + (frequencies / (brightness * (0.4 + note.velocity))) ** 2
        rates = damping * (1 + frequencies / 400)
        seconds = min(ringing * note.seconds, LONGEST_SECONDS, samples / sample_rate - note.start)
        length = max(64, round(seconds * sample_rate))
        sound = damped_modes(frequencies, rates, levels, length, sample_rate)
        fade = min(length, round(0.03 * sample_rate))
        sound[-fade:] *= np.linspace(1, 0, fade)  # the finger comes back
        return note.velocity * sound

    for note in notes:
        chord = [note.key]
        if rng.uniform() < strummed:
            chord += [note.key - step for step in (5, 9, 12) if note.key - step >= LOWEST_KEY]
        for index, key in enumerate(chord):
            late = index * rng.uniform(0.0, 0.02)
            mix(track, round((note.start + late) * sample_rate), pluck(note, key))
    return level(track)
