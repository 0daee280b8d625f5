"""Melodies for the synthetic instruments: a walk along a scale, with rests, tempo and dynamics."""

from dataclasses import dataclass

import numpy as np

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))
BEATS = ((0.25, 0.5, 1.0), (0.5, 1.0, 1.5), (0.5, 1.0, 2.0), (1.0, 2.0, 3.0))


@dataclass(frozen=True)
class Note:
    """A note.

    Attributes:
        start, seconds: when it begins, and how long it is held.
        key: MIDI number.
        velocity: 0 to 1.
    """

    start: float
    seconds: float
    key: int
    velocity: float


def frequency(key: float) -> float:
    """Of a MIDI number, in Hz; 69 is A4 at 440 Hz."""
    return float(440.0 * 2.0 ** ((key - 69) / 12))


def melody(rng: np.random.Generator, seconds: float, low: int, high: int) -> list[Note]:
    """A random melody that fills `seconds`; its first note is at 0.

    Args:
        low, high: MIDI numbers that it stays between, both included.
    """
    scale = SCALES[rng.integers(len(SCALES))]
    tonic = int(rng.integers(12))
    keys = [key for key in range(low, high + 1) if (key - tonic) % 12 in scale]
    beat = 60.0 / rng.uniform(60.0, 168.0)
    lengths = BEATS[rng.integers(len(BEATS))]
    held = rng.uniform(0.7, 1.05)
    rests = rng.uniform(0.0, 0.2)
    leap = int(rng.integers(2, 5))
    loudness = rng.uniform(0.4, 0.8)
    place, start = int(rng.integers(len(keys))), 0.0
    notes: list[Note] = []
    while start < seconds:
        length = float(rng.choice(lengths)) * beat
        if not notes or rng.uniform() > rests:
            velocity = float(np.clip(loudness * rng.uniform(0.75, 1.3), 0.2, 1.0))
            notes.append(Note(start, held * length, keys[place], velocity))
        place = int(np.clip(place + rng.integers(-leap, leap + 1), 0, len(keys) - 1))
        loudness = float(np.clip(loudness * rng.uniform(0.9, 1.1), 0.3, 0.9))
        start += length
    return notes
