import numpy as np
import pesq
import pytest
from scipy import signal

from dap.data.synthetic import (
    bowed,
    drummed,
    drums,
    noise,
    piano,
    plucked,
    speech,
    struck,
    tones,
    ventilation,
)
from dap.data.synthetic._synthesis import cascade, damped_modes, drift, moving_filter, resonator
from dap.plugins import plugins

CORPORA = {
    "speech": speech,
    "piano": piano,
    "drums": drums,
    "noise": noise,
    "ventilation": ventilation,
}
# which are to be mixed, and so are of one level
INSTRUMENTS = {"bowed": bowed, "plucked": plucked, "struck": struck, "drummed": drummed}
RATE = 16000


def clip(name: str, seed: int, samples: int, rate: int = RATE) -> np.ndarray:
    return (CORPORA | INSTRUMENTS)[name].generate(np.random.default_rng(seed), samples, rate)


def has_its_level(name: str, sound: np.ndarray) -> bool:
    """A peak of 0.9; of what is to be mixed an RMS of 0.06, or less, at that peak."""
    peak, level = np.abs(sound).max(), np.sqrt(np.mean(np.square(sound, dtype=np.float64)))
    full = peak == pytest.approx(0.9, abs=1e-6)  # one rounding to float32
    if name not in INSTRUMENTS:
        return full
    return (full and level < 0.06) or (peak < 0.9 and level == pytest.approx(0.06, rel=1e-5))


def share(sound: np.ndarray, rate: int, low: float, high: float) -> float:
    """Share of the energy between two frequencies."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1.0 / rate)
    return float(power[(frequency >= low) & (frequency < high)].sum() / power.sum())


def peaks_near(sound: np.ndarray, rate: int, guesses: np.ndarray, width: float) -> np.ndarray:
    """Frequencies of the FFT's peaks within `width` Hz of guesses, with parabolic interpolation."""
    size = 4 * len(sound)
    level = np.log(np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size)) + 1e-30)
    frequencies = []
    for guess in guesses:
        low, high = (round(edge * size / rate) for edge in (guess - width, guess + width))
        k = low + int(np.argmax(level[low:high]))
        left, middle, right = level[k - 1 : k + 2]
        frequencies.append((k + 0.5 * (left - right) / (left - 2.0 * middle + right)) * rate / size)
    return np.array(frequencies)


def test_they_are_found_without_importing_them():
    corpora = plugins("synthetic")
    for name, module in {**CORPORA, **INSTRUMENTS, "tones": tones}.items():
        assert corpora[name].module == module.__name__
        assert corpora[name].metadata["title"].startswith("synthetic ")


@pytest.mark.parametrize("name", [*CORPORA, *INSTRUMENTS])
@pytest.mark.parametrize("samples", [1024, 4096, 16385, 48000])
def test_level_and_length(name, samples):
    for seed in range(8):
        sound = clip(name, seed, samples)
        assert sound.shape == (samples,)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert has_its_level(name, sound)
        # sounds, and from its beginning; a bow sets in slowly
        mixed = name in INSTRUMENTS
        assert sound.std() > (0.02 if mixed else 0.04)
        assert np.abs(sound[:320]).max() > (0.003 if mixed else 0.03)


@pytest.mark.parametrize("name", [*CORPORA, *INSTRUMENTS])
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_other_rates(name, rate):
    for seed, samples in ((0, 1024), (1, 4097), (2, rate)):
        sound = clip(name, seed, samples, rate)
        assert sound.shape == (samples,)
        assert np.isfinite(sound).all()
        assert has_its_level(name, sound)


@pytest.mark.parametrize("name", [*CORPORA, *INSTRUMENTS])
def test_the_rng_decides_everything(name):
    assert np.array_equal(clip(name, 7, 8000), clip(name, 7, 8000))
    sounds = np.stack([clip(name, seed, 8000) for seed in range(60)])
    assert len({sound.tobytes() for sound in sounds}) == 60
    # different clips, not one clip at different levels
    likeness = np.abs(np.corrcoef(sounds)) - np.eye(60)
    assert np.median(likeness) < 0.1
    assert likeness.max() < 0.95


def test_damped_modes_are_the_sum_of_their_formula():
    frequencies, rates = np.array([100.0, 431.5, 3000.0]), np.array([3.0, 20.0, 60.0])
    amplitudes = np.array([1.0, -0.5, 0.2])
    t = np.arange(5001)[:, None] / RATE
    direct = (amplitudes * np.exp(-rates * t) * np.sin(2 * np.pi * frequencies * t)).sum(axis=1)
    ours = damped_modes(frequencies, rates, amplitudes, 5001, RATE)
    assert np.abs(ours - direct).max() < 1e-11


def test_moving_filter_that_stands_still_is_the_filter():
    source = np.random.default_rng(0).standard_normal(5000)
    one = cascade(resonator(np.array([[500.0, 1500.0]]), np.array([90.0, 120.0]), RATE))
    expected = signal.lfilter([one.sum()], one[0], source)
    frames = 5000 // 128 + 2
    ours = moving_filter(source, np.full(frames, one.sum()), one.repeat(frames, 0), 128, 1024)
    # a 90 Hz wide resonance has fallen to 1e-8 after the tail of 64 ms
    assert np.abs(ours - expected).max() < 1e-6 * np.abs(expected).max()


def test_drift_stays_in_its_range_and_is_smooth():
    curve = drift(np.random.default_rng(0), 32000, RATE, 0.25)
    assert curve.shape == (32000,)
    assert np.abs(curve).max() <= 1.0
    assert curve.std() > 0.2
    # at most 2 in 0.25 s, with a slope 1.5 times the mean one
    assert np.abs(np.diff(curve)).max() <= 3.01 / (0.25 * RATE)


def test_the_pitch_of_speech_is_the_speakers():
    lowest = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        speaker = speech.draw_speaker(rng)
        vowel = speech.speak(rng, speaker, 4096, RATE)[800:1800]
        spectrum = np.abs(np.fft.rfft(vowel * np.hanning(1000), 4096))
        # a power below 2 flattens the formants, so that the period stands out from their ringing
        likeness = np.fft.irfft(spectrum ** (2 / 3))[: RATE // 60]
        shortest = RATE // 450
        maxima = shortest + signal.argrelmax(likeness[shortest:])[0]
        # two periods may fit a little better than one
        period = maxima[likeness[maxima] > 0.8 * likeness[maxima].max()][0]
        low, high = speaker.pitch
        # 5 % for the jitter and for the lag's rounding to whole samples
        assert 0.95 * low <= RATE / period <= 1.05 * high
        lowest.append(low)
    assert min(lowest) < 100 < 150 < max(lowest)


def test_speech_has_vowels_friction_and_pauses():
    for seed in range(5):
        sound = clip("speech", seed, 8 * RATE)
        blocks = sound.reshape(-1, 320)
        level = 10 * np.log10(np.mean(blocks**2, axis=1) + 1e-12)
        turns = np.mean(np.diff(np.signbit(blocks), axis=1), axis=1)  # zero crossings a sample
        loud = level > level.max() - 40
        assert 0.05 < np.mean(level < level.max() - 50) < 0.5
        assert np.mean(turns[loud] < 0.15) > 0.4
        assert 0.01 < np.mean(turns[loud] > 0.3) < 0.4


@pytest.mark.parametrize("samples", [4096, 16000])
@pytest.mark.parametrize("mode", ["nb", "wb"])
def test_pesq_scores_speech(samples, mode):
    for seed in range(10):
        clean = clip("speech", seed, samples)
        noise = np.random.default_rng(100 + seed).standard_normal(samples)
        scores = []
        for snr in (0, 10, 20):
            scale = np.sqrt(np.mean(clean**2) / 10 ** (snr / 10))
            noisy = (clean + scale * noise).astype(np.float32)
            scores.append(pesq.pesq(RATE, clean, noisy, mode))
        # a short, dull vowel may be at the floor of the scale at 10 dB already
        assert 1.0 < scores[0] <= scores[1] < scores[2] < 4.6


@pytest.mark.parametrize("key", [33, 45, 60, 72])
def test_partials_are_stretched_as_a_stiff_strings(key):
    strings = piano.Piano(stiffness=1.3, damping=0.5)
    sound = piano.note(strings, key, 0.8, 3 * RATE, RATE)
    f0, b = 440.0 * 2 ** ((key - 69) / 12), 1.3 * piano.inharmonicity(key)
    n = np.arange(1, 8)
    expected = n * f0 * np.sqrt(1 + b * n**2)
    frequencies = peaks_near(sound, RATE, expected, 0.3 * f0)
    # the second, slower string of each partial is 0.02 % higher
    assert frequencies == pytest.approx(expected, rel=3e-4)
    # (f_n / n)^2 is a line in n^2, and B its slope over its intercept
    slope, intercept = np.polyfit(n**2, (frequencies / n) ** 2, 1)
    assert slope / intercept == pytest.approx(b, rel=0.1)


def test_inharmonicity_over_the_keyboard():
    # a grand's: about 1e-4 in the tenor and rising to 1e-2 at the top
    assert piano.inharmonicity(69) == pytest.approx(7.1e-4, rel=0.03)
    assert piano.inharmonicity(96) == pytest.approx(8.7e-3, rel=0.03)
    assert 1e-4 < piano.inharmonicity(40) < 2e-4


def test_high_partials_die_first():
    sound = piano.note(piano.Piano(), 60, 1.0, 2 * RATE, RATE)
    early, late = sound[: RATE // 4], sound[RATE : RATE + RATE // 4]
    assert np.sum(late**2) < 0.3 * np.sum(early**2)
    assert share(late, RATE, 1500, 8000) < 0.3 * share(early, RATE, 1500, 8000)


def test_a_harder_stroke_is_brighter():
    soft, hard = (piano.note(piano.Piano(), 60, velocity, RATE, RATE) for velocity in (0.2, 1.0))
    assert np.abs(hard).max() > 2 * np.abs(soft).max()
    assert share(hard, RATE, 1500, 8000) > 1.5 * share(soft, RATE, 1500, 8000)


def test_a_kick_falls_in_pitch_and_level():
    sound = drums.swept_mode(200.0, 50.0, 0.03, 0.15, RATE, RATE)
    analytic = signal.hilbert(sound)
    t = np.arange(RATE) / RATE
    frequency = np.gradient(np.unwrap(np.angle(analytic))) * RATE / (2 * np.pi)
    middle = (t > 0.1) & (t < 0.5)
    assert frequency[middle] == pytest.approx(50 + 150 * np.exp(-t[middle] / 0.03), rel=0.05)
    slope = np.polyfit(t[middle], np.log(np.abs(analytic[middle])), 1)[0]
    assert -1 / slope == pytest.approx(0.15, rel=0.01)
    assert frequency[int(0.01 * RATE)] > 120


def test_drums_are_hits():
    for seed in range(10):
        sound = clip("drums", seed, 3 * RATE)
        level = 10 * np.log10(np.mean(sound.reshape(-1, 160) ** 2, axis=1) + 1e-9)
        # at least four sudden rises of 6 dB in 10 ms, and below 400 Hz the most of the energy
        assert np.sum(np.diff(level) > 6) >= 4
        assert share(sound, RATE, 0, 400) > 0.5


def test_rumble_is_low():
    for seed in range(20):
        sound = noise.rumble(np.random.default_rng(seed), 2 * RATE, RATE)
        assert share(sound, RATE, 0, 300) > 0.9
        assert share(sound, RATE, 0, 5) < 0.1


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_hum_is_at_the_harmonics_of_the_mains(mains):
    for seed in range(10):
        sound = noise.hum(np.random.default_rng(seed), 4 * RATE, RATE, mains)
        lines = sum(share(sound, RATE, n * mains - 4, n * mains + 4) for n in range(1, 25))
        assert lines > 0.97


def test_babble_is_of_voices_and_seldom_pauses():
    quiet = {}
    for kind in ("speech", "babble"):
        make = speech.generate if kind == "speech" else noise.babble
        sounds = [make(np.random.default_rng(seed), 3 * RATE, RATE) for seed in range(8)]
        level = [10 * np.log10(np.mean(s.reshape(-1, 800) ** 2, axis=1) + 1e-12) for s in sounds]
        quiet[kind] = np.mean([np.mean(one < one.max() - 30) for one in level])
        assert min(share(sound, RATE, 150, 4000) for sound in sounds) > 0.6
    assert quiet["babble"] < 0.05 < quiet["speech"]


def test_noise_is_of_every_kind():
    low = [share(clip("noise", seed, RATE), RATE, 0, 300) for seed in range(30)]
    assert min(low) < 0.5
    assert max(low) > 0.98


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_tones_are_those_of_figure_1(rate):
    one, other = (tones.generate(np.random.default_rng(s), rate, rate) for s in (1, 2))
    assert one.dtype == np.float32
    assert np.array_equal(one, tones.generate(np.random.default_rng(1), rate, rate))
    assert np.abs(np.corrcoef(one, other)[0, 1]) < 0.999
    for sound in (one, other):
        # a second holds whole periods: a bin a tone, and nothing elsewhere
        amplitudes = np.abs(np.fft.rfft(sound)) / (rate / 2)
        np.testing.assert_allclose(amplitudes[[1000, 2000, 3000]], 0.3, rtol=1e-6)
        amplitudes[[1000, 2000, 3000]] = 0
        assert amplitudes.max() < 1e-7
        assert np.abs(sound).max() <= 0.9
        assert 20 * np.log10(sound.std() / 0.1) == pytest.approx(11.3, abs=0.01)


def test_ventilation_is_broad():
    # a first-order low-pass at 0.1 to 0.3 of the rate: most energy lies above rumble and hum
    shares = [share(clip("ventilation", seed, RATE), RATE, 0, 300) for seed in range(10)]
    assert max(shares) < 0.3
