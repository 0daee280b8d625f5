"""Synthetic speech: a random speaker says random syllables.

A source-filter synthesiser in the manner of Klatt (1980), "Software for a cascade/parallel formant
synthesizer", J. Acoust. Soc. Am. 67: glottal pulses and breath through four moving formants in
series, friction noise through a resonator of its own beside them. No word is said, but the rhythm,
pitch, formants, friction, bursts and pauses are those of speech.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from dap.data.synthetic._synthesis import cascade, moving_filter, normalise, resonator

SYNTHETIC = {"speech": {"title": "synthetic speech: formant syllables"}}

# F1 to F4 in Hz of a man's vowels: Peterson and Barney (1952), F4 added
VOWELS = np.array(
    [
        (270, 2290, 3010, 3700),
        (390, 1990, 2550, 3500),
        (530, 1840, 2480, 3500),
        (660, 1720, 2410, 3500),
        (730, 1090, 2440, 3400),
        (570, 840, 2410, 3300),
        (440, 1020, 2240, 3300),
        (300, 870, 2240, 3300),
        (640, 1190, 2390, 3400),
        (490, 1350, 1690, 3200),
    ],
    dtype=float,
)
# F1 to F4 towards which the vowels bend beside a consonant that is articulated there
LIPS, TEETH, PALATE, VELUM = (
    np.array(formants, dtype=float)
    for formants in (
        (280, 850, 2200, 3300),
        (300, 1750, 2600, 3500),
        (290, 2150, 2900, 3600),
        (290, 1950, 2150, 3400),
    )
)
BANDWIDTHS = np.array([70.0, 100.0, 140.0, 220.0])
HOP_SECONDS = 0.008
# the narrowest formant, 70 Hz wide, has fallen by 60 dB after this
TAIL_SECONDS = 0.032
NOISE = 4.0  # puts an s about 10 dB below a vowel, and breath 20 dB
# PESQ finds no utterance where less than 0.2 s is loud: clips of 0.25 s must open with such a one
OPENING_SECONDS = (0.26, 0.34)
EDGE = 0.02  # seconds from one articulation to the next, at the fastest


@dataclass(frozen=True)
class Consonant:
    """Levels during the closure or constriction, then what follows its release.

    Attributes:
        formants: (4,) in Hz.
        seconds: length of the constriction.
        voice: level of voicing during it.
        friction: level of friction noise during it.
        noise: centre and bandwidth of its noise in Hz.
        burst: level of the noise burst at the release; 0 for none.
        breath: seconds of breath between the release and the vowel.
    """

    formants: np.ndarray
    seconds: float
    voice: float
    friction: float = 0.0
    noise: tuple[float, float] = (3000.0, 1000.0)
    burst: float = 0.0
    breath: float = 0.0


SONORANTS = (
    Consonant(LIPS, 0.06, 0.4),
    Consonant(TEETH, 0.06, 0.4),
    Consonant(PALATE, 0.05, 0.6),
    Consonant(VELUM, 0.06, 0.4),
)
OBSTRUENTS = (
    Consonant(TEETH, 0.10, 0.0, 0.9, (5800.0, 1600.0)),
    Consonant(PALATE, 0.10, 0.0, 1.0, (2900.0, 1000.0)),
    Consonant(LIPS, 0.09, 0.0, 0.25, (6500.0, 4000.0)),
    Consonant(TEETH, 0.07, 0.35, 0.4, (5500.0, 1600.0)),
    Consonant(LIPS, 0.06, 0.4, 0.12, (5000.0, 4000.0)),
    Consonant(LIPS, 0.07, 0.0, 0.0, (900.0, 900.0), 0.8, 0.03),
    Consonant(TEETH, 0.06, 0.0, 0.0, (4300.0, 1800.0), 1.2, 0.04),
    Consonant(VELUM, 0.06, 0.0, 0.0, (1900.0, 600.0), 1.2, 0.05),
    Consonant(LIPS, 0.06, 0.15, 0.0, (900.0, 900.0), 0.5),
    Consonant(TEETH, 0.05, 0.15, 0.0, (4000.0, 1800.0), 0.7),
    Consonant(VELUM, 0.05, 0.15, 0.0, (1900.0, 600.0), 0.7),
)


@dataclass(frozen=True)
class Speaker:
    """A voice.

    Attributes:
        pitch: lowest and highest fundamental frequency in Hz.
        tract: factor on a man's formants; a shorter vocal tract has higher ones.
        pace: factor on the lengths of syllables and pauses.
        jitter: standard deviation of the glottal periods, relative.
        shimmer: standard deviation of the glottal pulses' levels, relative.
        breath: level of breath noise in voiced sounds.
        glottis: bandwidth in Hz of the low-pass that shapes the pulse; higher is brighter.
    """

    pitch: tuple[float, float]
    tract: float
    pace: float
    jitter: float
    shimmer: float
    breath: float
    glottis: float


def draw_speaker(rng: np.random.Generator) -> Speaker:
    """A random voice, from a low man's to a child's; the tract goes along with the pitch."""
    height = rng.uniform()
    lowest = 75.0 * 2.6**height
    return Speaker(
        pitch=(lowest, lowest * rng.uniform(1.35, 1.8)),
        tract=0.92 + 0.28 * height + rng.uniform(-0.04, 0.04),
        pace=rng.uniform(0.8, 1.25),
        jitter=rng.uniform(0.003, 0.012),
        shimmer=rng.uniform(0.02, 0.08),
        breath=rng.uniform(0.02, 0.12),
        glottis=rng.uniform(80.0, 200.0),
    )


class _Score:
    """Key frames of all that moves, one row each; it is linear between them."""

    def __init__(self, start: np.ndarray):
        self.time = 0.0
        self.formants = start
        self.noise = (3000.0, 1000.0)
        self.rows: list[tuple[float, ...]] = []

    def add(
        self, seconds: float, pitch: float, voice: float, breath: float = 0.0, friction: float = 0.0
    ) -> None:
        """Reach these levels `seconds` after the last; pitch is relative to the range, 0 to 1."""
        self.time += seconds
        self.rows.append((self.time, pitch, voice, breath, friction, *self.noise, *self.formants))


def _consonant(score: _Score, sound: Consonant, pitch: float, pace: float) -> None:
    score.formants, score.noise = sound.formants, sound.noise
    score.add(EDGE, pitch, sound.voice, 0.0, sound.friction)
    score.add(sound.seconds * pace, pitch, sound.voice, 0.0, sound.friction)
    if sound.burst:
        score.add(0.001, pitch, 0.0, 0.0, sound.burst)
        score.add(0.008, pitch, 0.0, 0.3 if sound.breath else 0.0, 0.1 * sound.burst)
    if sound.breath:
        score.add(sound.breath * pace, pitch, 0.0, 0.3, 0.0)


def _syllable(
    score: _Score, rng: np.random.Generator, pitch: float, pace: float, first: bool
) -> None:
    """Onset, vowel or diphthong, coda; the first one of a clip is a long diphthong, at once."""
    accent = pitch + rng.uniform(-0.1, 0.3)
    stress = rng.uniform(0.6, 1.0)
    vowels = VOWELS[rng.integers(len(VOWELS), size=2)]
    if first:
        score.formants = vowels[0]
        score.add(0.0, accent, 0.5 * stress)
    elif rng.uniform() < 0.9:
        onsets = OBSTRUENTS if rng.uniform() < 0.65 else SONORANTS
        _consonant(score, onsets[rng.integers(len(onsets))], pitch, pace * rng.uniform(0.8, 1.3))
    length = rng.uniform(*OPENING_SECONDS) if first else rng.uniform(0.09, 0.22) * pace
    score.formants = vowels[0]
    score.add(min(0.04, 0.4 * length), accent, stress)
    if first or rng.uniform() < 0.4:
        score.formants = vowels[0] + 0.7 * (vowels[1] - vowels[0])
    score.add(0.6 * length, pitch, 0.8 * stress)
    if not first and rng.uniform() < 0.25:
        codas = OBSTRUENTS[:2] if rng.uniform() < 0.4 else SONORANTS
        score.add(0.02, pitch, 0.5 * stress)
        _consonant(score, codas[rng.integers(len(codas))], pitch, 0.8 * pace)


def _compose(rng: np.random.Generator, speaker: Speaker, seconds: float) -> np.ndarray:
    """Phrases of syllables, with falling pitch and a pause after each: key frames (rows, 11)."""
    score = _Score(VOWELS[0])
    while score.time < seconds:
        syllables = int(rng.integers(3, 9))
        start, end = rng.uniform(0.5, 0.8), rng.uniform(0.0, 0.2)
        for index in range(syllables):
            pitch = start + (end - start) * index / (syllables - 1)
            _syllable(score, rng, pitch, speaker.pace, first=not score.rows)
        score.add(0.05, 0.0, 0.0)
        score.add(rng.uniform(0.12, 0.5) * speaker.pace, 0.6, 0.0)
    return np.array(score.rows)


def _pulses(
    rng: np.random.Generator, speaker: Speaker, pitch: np.ndarray, sample_rate: int
) -> np.ndarray:
    """Glottal pulses (samples,) for a fundamental frequency (samples,) in Hz."""
    samples = len(pitch)
    cycles = np.cumsum(pitch / sample_rate)
    count = int(cycles[-1]) + 1
    times = np.interp(np.arange(count), cycles, np.arange(samples))
    period = sample_rate / pitch[times.astype(int)]
    times = times + speaker.jitter * period * rng.standard_normal(count)
    # the level follows the period, so that a higher voice is not a louder one
    levels = period * (1.0 + speaker.shimmer * rng.standard_normal(count))
    # impulses between samples, band-limited by a windowed sinc; straight rounding would be rough
    taps = np.arange(-7, 9)
    whole = np.floor(times).astype(int)
    lag = taps - (times - whole)[:, None]
    impulses = np.sinc(lag) * np.cos(np.pi * lag / 18.0) ** 2 * levels[:, None]
    train = np.zeros(samples + 64)
    places = np.clip(whole[:, None] + taps + 32, 0, samples + 63)
    np.add.at(train, places, impulses)
    # two poles make the pulse, and the difference is the radiation at the lips; gain 1 at 500 Hz
    pole = np.exp(-np.pi * speaker.glottis / sample_rate)
    shape = np.convolve((1.0, -pole), (1.0, -pole))
    angle = 2.0 * np.pi * 500.0 / sample_rate
    scale = np.abs(1.0 - pole * np.exp(-1j * angle)) ** 2 / angle
    return signal.lfilter((scale, -scale), shape, train)[32 : 32 + samples]


def speak(rng: np.random.Generator, speaker: Speaker, samples: int, sample_rate: int) -> np.ndarray:
    """What `speaker` says in (samples,), float64, level free; voiced from the first sample on."""
    rows = _compose(rng, speaker, samples / sample_rate)
    when, tracks = rows[:, 0], rows[:, 1:]
    now = np.arange(samples) / sample_rate
    height, voice, breath, friction = (np.interp(now, when, tracks[:, k]) for k in range(4))
    low, high = speaker.pitch
    pitch = low * (high / low) ** np.clip(height, 0.0, 1.0)

    white = rng.standard_normal((2, samples)) * np.sqrt(sample_rate / 16000.0)
    source = voice * _pulses(rng, speaker, pitch, sample_rate)
    rising = NOISE * np.diff(white, prepend=0.0) * sample_rate / (2.0 * np.pi * 2000.0)
    source += (breath + speaker.breath * voice) * rising[0]
    # formants five and up stand still
    for frequency in np.arange(4500.0, 8000.0, 1000.0) * speaker.tract:
        if frequency < 0.45 * sample_rate:
            still = resonator(np.array(frequency), np.array(frequency / 12.0), sample_rate)
            source = signal.lfilter([still.sum()], still, source)

    hop = round(HOP_SECONDS * sample_rate)
    tail = round(TAIL_SECONDS * sample_rate)
    frames = np.arange(samples // hop + 2) * hop / sample_rate
    moving = np.stack([np.interp(frames, when, track) for track in tracks[:, 4:].T], axis=-1)
    tract = cascade(resonator(speaker.tract * moving[:, 2:], BANDWIDTHS, sample_rate))
    sound = moving_filter(source, tract.sum(axis=1), tract, hop, tail)
    noise = resonator(moving[:, 0], moving[:, 1], sample_rate)
    radius = np.sqrt(noise[:, 2])
    sine = np.sqrt(1.0 - (noise[:, 1] / (2.0 * radius)) ** 2)
    # gain 1 at the resonance, which rising noise keeps out of the low band
    gains = 2.0 * (1.0 - radius) * sine
    return sound + moving_filter(friction * rising[1], gains, noise, hop, hop)


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """A clip of a new speaker: float32 (samples,), its peak at 0.9, sounding from its start."""
    return normalise(speak(rng, draw_speaker(rng), samples, sample_rate))
