"""Synthetic drums: a random kit plays a random pattern of damped modes and noise bursts."""

from collections.abc import Callable

import numpy as np
from scipy import signal

from dap.data.synthetic._synthesis import HIGHEST, band, damped_modes, mix, normalise

SYNTHETIC = {"drums": {"title": "synthetic drums: patterns of damped modes and noise bursts"}}

# modes (0,1), (1,1), (2,1), (0,2) of an ideal membrane over the lowest
MEMBRANE = np.array([1.0, 1.59, 2.14, 2.30])
STEPS = 16  # a bar

# a voice of the kit: (rng, velocity) -> (samples,) of one hit
Hit = Callable[[np.random.Generator, float], np.ndarray]


def swept_mode(
    start: float, end: float, sweep: float, decay: float, samples: int, sample_rate: int
) -> np.ndarray:
    """A damped sine whose frequency falls exponentially: a kick's membrane.

    The frequency is end + (start - end) exp(-t / sweep) in Hz, the level exp(-t / decay); `sweep`
    and `decay` are in seconds.

    Returns:
        (samples,) float64.
    """
    t = np.arange(samples) / sample_rate
    cycles = end * t + (start - end) * sweep * (1.0 - np.exp(-t / sweep))
    return np.exp(-t / decay) * np.sin(2.0 * np.pi * cycles)


def _burst(
    rng: np.random.Generator, sections: np.ndarray, decay: float, seconds: float, rate: int
) -> np.ndarray:
    """Band-passed noise of about unit level that decays as exp(-t / decay)."""
    samples = round(seconds * rate)
    warm = 64  # samples, until the filter rings
    noise = signal.sosfilt(sections, rng.standard_normal(samples + warm))[warm:]
    noise /= np.sqrt(np.mean(noise**2))
    return noise * np.exp(-np.arange(samples) / (decay * rate))


def _kick(rng: np.random.Generator, rate: int) -> Hit:
    start, end = rng.uniform(110.0, 260.0), rng.uniform(42.0, 65.0)
    sweep, decay = rng.uniform(0.015, 0.05), rng.uniform(0.08, 0.25)
    click, beater = rng.uniform(0.02, 0.15), band(1500.0, 5000.0, rate)
    samples = round(7.0 * decay * rate)

    def hit(rng: np.random.Generator, velocity: float) -> np.ndarray:
        sound = swept_mode(start * (0.8 + 0.2 * velocity), end, sweep, decay, samples, rate)
        mix(sound, 0, click * _burst(rng, beater, 0.003, 0.02, rate))
        return velocity * sound

    return hit


def _snare(rng: np.random.Generator, rate: int) -> Hit:
    shell = rng.uniform(160.0, 240.0) * np.array([1.0, 1.59, 1.83])
    rates = 1.0 / (rng.uniform(0.03, 0.08) * np.array([1.0, 0.7, 0.6]))
    wires = band(rng.uniform(800.0, 2000.0), rng.uniform(6000.0, 10000.0), rate)
    decay, rattle = rng.uniform(0.04, 0.13), rng.uniform(0.15, 0.4)
    samples = round(7.0 * max(decay, 1.0 / rates[0]) * rate)

    def hit(rng: np.random.Generator, velocity: float) -> np.ndarray:
        levels = 0.6 * np.array([1.0, 0.6, 0.4]) * rng.uniform(0.8, 1.2, 3)
        sound = damped_modes(shell, rates, levels, samples, rate)
        mix(sound, 0, rattle * _burst(rng, wires, decay, samples / rate, rate))
        return velocity * sound

    return hit


def _tom(rng: np.random.Generator, rate: int) -> Hit:
    lowest = rng.uniform(80.0, 130.0) * np.array([1.0, 1.35, 1.8])
    decay = rng.uniform(0.12, 0.3)
    rates = MEMBRANE / decay
    stick = band(1000.0, 4000.0, rate)
    samples = round(7.0 * decay * rate)

    def hit(rng: np.random.Generator, velocity: float) -> np.ndarray:
        drum = lowest[rng.integers(3)]
        levels = np.array([1.0, 0.5, 0.3, 0.15]) * rng.uniform(0.7, 1.3, 4)
        sound = 0.6 * damped_modes(drum * MEMBRANE, rates, levels, samples, rate)
        mix(sound, 0, 0.05 * _burst(rng, stick, 0.004, 0.02, rate))
        return velocity * sound

    return hit


def _cymbal(rng: np.random.Generator, rate: int, decay: float, level: float) -> Hit:
    sections = band(rng.uniform(4500.0, 7500.0), rng.uniform(11000.0, 16000.0), rate)
    # metal rings: some high modes stand out of the noise
    ring = rng.uniform(3000.0, 9000.0, 6)
    ring = ring[ring < HIGHEST * rate]
    seconds = min(7.0 * decay, 1.2)

    def hit(rng: np.random.Generator, velocity: float) -> np.ndarray:
        length = decay * rng.uniform(0.85, 1.15)
        sound = _burst(rng, sections, length, seconds, rate)
        rates, levels = np.full(len(ring), 1.0 / length), rng.uniform(0.1, 0.4, len(ring))
        return velocity * level * (sound + damped_modes(ring, rates, levels, len(sound), rate))

    return hit


def _pattern(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """How likely each voice is to sound on each step of a bar: (16,) by voice."""
    beats = np.arange(STEPS) % 4 == 0
    back = np.isin(np.arange(STEPS), (4, 12))
    grid = np.arange(STEPS) % int(rng.choice((1, 2, 2, 4))) == 0
    kick = np.where(beats, rng.uniform(0.2, 1.0), 0.0) + (rng.uniform(size=STEPS) < 0.15) * 0.7
    kick[0] = 1.0
    return {
        "kick": kick,
        "snare": 0.95 * back + (rng.uniform(size=STEPS) < 0.08) * 0.5,
        "hat": grid * rng.uniform(0.7, 1.0),
        "open": (rng.uniform(size=STEPS) < 0.08) * 0.6,
        "tom": (rng.uniform(size=STEPS) < 0.12) * rng.uniform(0.0, 0.8),
    }


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """A clip of a new pattern on a new kit: float32 (samples,), its peak at 0.9, a hit at once."""
    kit = {
        "kick": _kick(rng, sample_rate),
        "snare": _snare(rng, sample_rate),
        "hat": _cymbal(rng, sample_rate, rng.uniform(0.015, 0.05), rng.uniform(0.06, 0.18)),
        "open": _cymbal(rng, sample_rate, rng.uniform(0.15, 0.4), rng.uniform(0.06, 0.15)),
        "tom": _tom(rng, sample_rate),
    }
    pattern = _pattern(rng)
    step_seconds = 15.0 / rng.uniform(80.0, 170.0)
    swing = rng.uniform(0.0, 0.25) if rng.uniform() < 0.4 else 0.0
    offset = int(rng.choice((0, 4, 8, 12)))  # the clip starts on any beat
    opening = ("kick", "snare", "tom")[rng.integers(3)]

    track = np.zeros(samples)
    for step in range(int(samples / sample_rate / step_seconds) + 1):
        when = (step + swing * (step % 2)) * step_seconds
        for name, hit in kit.items():
            first = step == 0 and name == opening
            if first or rng.uniform() < pattern[name][(step + offset) % STEPS]:
                late = rng.uniform(0.0, 0.006) if step else 0.0
                accent = 1.0 if step % 4 == 0 else 0.75
                sound = hit(rng, accent * rng.uniform(0.7, 1.0))
                mix(track, round((when + late) * sample_rate), sound)
    return normalise(track)
