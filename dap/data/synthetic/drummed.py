"""Synthetic hand drums: two or three tuned skins, open, muted and slapped, in a pattern."""

import numpy as np
from scipy import signal

from dap.data.synthetic._synthesis import band, damped_modes, level, mix
from dap.data.synthetic.drums import MEMBRANE, STEPS

SYNTHETIC = {"drummed": {"title": "synthetic hand drums: patterns of open, muted and slapped hits"}}

# how long each way to hit rings, as a part of an open one, and how much of it is the hand's noise
STROKES = {"open": (1.0, 0.06), "muted": (0.3, 0.15), "slap": (0.15, 0.5)}


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """A clip of a new pattern on new drums: float32 (samples,), its RMS 0.06, a hit at once."""
    skins = rng.uniform(110.0, 200.0) * np.array([1.0, *rng.uniform(1.2, 1.9, 2)])
    modes = MEMBRANE * np.array([1.0, *rng.uniform(0.95, 1.08, 3)])
    decay = rng.uniform(0.1, 0.3)
    hand = band(rng.uniform(400.0, 900.0), rng.uniform(2500.0, 5000.0), sample_rate)
    step_seconds = 15.0 / rng.uniform(80.0, 140.0)
    likely = rng.uniform(0.1, 0.9, STEPS)
    skin_of, stroke_of = rng.integers(3, size=STEPS), rng.integers(3, size=STEPS)
    accent = rng.uniform(0.4, 1.0, STEPS)
    likely[0] = 1.0
    track = np.zeros(samples)

    def hit(skin: int, stroke: str, velocity: float) -> np.ndarray:
        rings, noise = STROKES[stroke]
        rates = modes / (decay * rings)
        levels = np.array([1.0, 0.5, 0.3, 0.15]) * rng.uniform(0.7, 1.3, 4)
        # a skin sounds a little higher while it is stretched
        pitch = skins[skin] * (1 + 0.02 * velocity)
        length = round(6.0 * decay * rings * sample_rate)
        sound = damped_modes(pitch * modes, rates, levels, length, sample_rate)
        burst = signal.sosfilt(hand, rng.standard_normal(round(0.05 * sample_rate)))
        burst *= np.exp(-np.arange(len(burst)) / (0.008 * sample_rate))
        longer = np.zeros(max(len(sound), len(burst)))
        mix(longer, 0, sound)
        mix(longer, 0, noise * burst / np.abs(burst).max())
        return velocity * longer

    strokes = list(STROKES)
    for step in range(int(samples / sample_rate / step_seconds) + 1):
        place = step % STEPS
        if rng.uniform() < likely[place]:
            late = rng.uniform(0.0, 0.012) if step else 0.0
            velocity = accent[place] * rng.uniform(0.8, 1.1)
            # players vary, too
            varied = rng.uniform() < 0.15
            skin = int(rng.integers(3)) if varied else int(skin_of[place])
            sound = hit(skin, strokes[stroke_of[place]], velocity)
            mix(track, round((step * step_seconds + late) * sample_rate), sound)
    return level(track)
