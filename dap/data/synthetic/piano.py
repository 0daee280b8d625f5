"""Synthetic piano: chords and a melody of stiff, struck, decaying strings.

Partials after Fletcher (1964), "Normal vibration frequencies of a stiff piano string", and the
inharmonicity over the keyboard after Rigaud, David and Daudet (2013), "A parametric model and
estimation techniques for the inharmonicity and tuning of the piano", J. Acoust. Soc. Am. 133.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from dap.data.synthetic._synthesis import HIGHEST, band, damped_modes, mix, normalise

SYNTHETIC = {"piano": {"title": "synthetic piano: chords and melody of struck strings"}}

PARTIALS = 40
LOWEST_KEY, HIGHEST_KEY = 28, 96  # MIDI numbers, E1 to C7
LONGEST_SECONDS = 3.0
RELEASE_SECONDS = 0.08
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
# roots of chords as degrees of the scale, from 0
PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 4, 5, 3), (5, 3, 0, 4), (0, 2, 3, 4), (1, 4, 0, 0))


@dataclass(frozen=True)
class Piano:
    """An instrument.

    Attributes:
        stiffness: factor on the strings' inharmonicity.
        damping: factor on the decay rates.
        hammer: where the hammer strikes, as a part of the string's length.
        brightness: cut-off of the hammer in Hz at full velocity.
        knock: level of the hammer's noise.
        cents: deviation of the tuning as a whole.
    """

    stiffness: float = 1.0
    damping: float = 1.0
    hammer: float = 0.12
    brightness: float = 2500.0
    knock: float = 0.05
    cents: float = 0.0


def draw_piano(rng: np.random.Generator) -> Piano:
    """A random instrument, from a mellow to a bright one."""
    return Piano(
        stiffness=rng.uniform(0.6, 1.8),
        damping=rng.uniform(0.7, 1.6),
        hammer=rng.uniform(0.09, 0.14),
        brightness=rng.uniform(1200.0, 4000.0),
        knock=rng.uniform(0.02, 0.1),
        cents=rng.uniform(-20.0, 20.0),
    )


def inharmonicity(key: float) -> float:
    """B of a string by MIDI number, no unit: bass and treble of Rigaud et al.'s grand."""
    return float(np.exp(0.0926 * key - 13.64) + np.exp(-0.0847 * key - 5.82))


def partial_frequencies(fundamental: float, b: float, count: int) -> np.ndarray:
    """f_n = n f0 sqrt(1 + B n^2) for n = 1 to count: (count,) in Hz."""
    n = np.arange(1, count + 1)
    return n * fundamental * np.sqrt(1.0 + b * n**2)


def note(piano: Piano, key: int, velocity: float, samples: int, sample_rate: int) -> np.ndarray:
    """One struck string, without the hammer's noise; nothing in it is random.

    Args:
        piano: the instrument.
        key: MIDI number; 69 is A4 at 440 Hz.
        velocity: 0 to 1; a harder stroke is louder and brighter.
        samples: length of the sound.
        sample_rate: in Hz.

    Returns:
        (samples,) float64.
    """
    fundamental = 440.0 * 2.0 ** ((key - 69 + piano.cents / 100.0) / 12.0)
    frequencies = partial_frequencies(fundamental, piano.stiffness * inharmonicity(key), PARTIALS)
    frequencies = frequencies[frequencies < HIGHEST * sample_rate]
    n = np.arange(1, len(frequencies) + 1)
    # the hammer does not excite what has a node beneath it, and its felt is a low-pass
    cut = piano.brightness * (0.3 + 0.7 * velocity) + 0.5 * fundamental
    amplitudes = velocity * np.sin(np.pi * n * piano.hammer) / n**0.5
    amplitudes /= 1.0 + (frequencies / cut) ** 2
    # losses grow with the register and with the square of the frequency
    rates = piano.damping * (0.5 + 0.6 * fundamental / 262.0 + 3e-7 * frequencies**2)
    audible = np.abs(amplitudes) > 1e-4 * np.abs(amplitudes).max()
    modes = frequencies[audible], rates[audible], amplitudes[audible]
    # the strings of a note are a little apart, which makes the late sound beat and linger
    early = damped_modes(modes[0], 1.6 * modes[1], 0.8 * modes[2], samples, sample_rate)
    late = damped_modes(1.0002 * modes[0], 0.5 * modes[1], 0.2 * modes[2], samples, sample_rate)
    return early + late


def _stroke(
    rng: np.random.Generator, piano: Piano, key: int, velocity: float, seconds: float, rate: int
) -> np.ndarray:
    """A note with the knock of its hammer, held for `seconds` and then damped."""
    held = round(min(seconds, LONGEST_SECONDS) * rate)
    release = round(RELEASE_SECONDS * rate)
    sound = note(piano, key, velocity, held + release, rate)
    sound[held:] *= np.cos(np.linspace(0.0, np.pi / 2.0, release)) ** 2
    # the knock of a low note is a thud, that of a high one a click
    length = round(0.03 * rate)
    centre = 200.0 + 6.0 * (key - LOWEST_KEY) ** 1.3
    thud = signal.sosfilt(band(0.6 * centre, 2.5 * centre, rate), rng.standard_normal(length))
    decay = np.exp(-np.arange(length) / (0.005 * rate))
    mix(sound, 0, piano.knock * velocity * thud / np.abs(thud).max() * decay)
    return sound


def _compose(rng: np.random.Generator, seconds: float) -> list[tuple[float, int, float, float]]:
    """Notes as (start in seconds, MIDI number, velocity, seconds held); the first starts at 0."""
    scale = SCALES["major" if rng.uniform() < 0.6 else "minor"]
    tonic = int(rng.integers(48, 60))
    beat = 60.0 / rng.uniform(60.0, 150.0)
    progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    broken = rng.uniform() < 0.4
    legato = rng.uniform(0.8, 1.8)
    step = int(rng.integers(5, 12))
    notes = []

    def key(degree: int) -> int:
        return tonic + 12 * (degree // 7) + scale[degree % 7]

    bar, start = int(rng.integers(len(progression))), 0.0
    while start < seconds:
        root = progression[bar % len(progression)]
        loudness = rng.uniform(0.35, 0.8)
        chord = [key(root - 7), *(key(root + third) for third in (0, 2, 4))]
        for index, pitch in enumerate(chord):
            # a chord is broken over the beats, or struck together and a little unevenly
            late = index * beat if broken else index * rng.uniform(0.0, 0.012)
            held = (4.0 * beat - late) if broken else 4.0 * beat
            notes.append((start + late, pitch, loudness * rng.uniform(0.6, 0.9), held))
        position = 0.0
        while position < 4.0:
            length = float(rng.choice((0.5, 1.0, 1.5, 2.0), p=(0.5, 0.3, 0.1, 0.1)))
            step = int(np.clip(step + rng.integers(-2, 3), 4, 16))
            if rng.uniform() < 0.85:
                late = rng.uniform(0.0, 0.01) if position else 0.0
                when, held = start + position * beat + late, legato * length * beat
                notes.append((when, key(step), loudness * rng.uniform(0.9, 1.25), held))
            position += length
        start += 4.0 * beat
        bar += 1
    return [entry for entry in notes if entry[0] < seconds]


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """A clip of a new piece on a new piano: float32 (samples,), its peak at 0.9, a note at once."""
    piano = draw_piano(rng)
    track = np.zeros(samples)
    for start, key, velocity, seconds in _compose(rng, samples / sample_rate):
        first = round(start * sample_rate)
        # what lies beyond the clip's end is not computed
        seconds = min(seconds, (samples - first) / sample_rate)
        mix(track, first, _stroke(rng, piano, key, velocity, seconds, sample_rate))
    return normalise(track)
