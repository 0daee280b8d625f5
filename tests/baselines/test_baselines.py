"""What every classical method promises, and what each restores."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from corrupted import corrupted
from scipy.signal import butter, sosfilt

from dap.baselines import janssen, nmf, spectral_gate, wavelet, wavelet_universal, wiener
from dap.baselines import wiener_known as known
from dap.baselines import wiener_tracked as tracked
from dap.baselines import wiener_white as white
from dap.errors import DapError
from dap.metrics.level import snr
from dap.metrics.separation import bss_eval
from dap.observation import Observation
from dap.plugins import plugins
from dap.scoring.permutation import best_permutation
from dap.tasks import TASKS

RATE = 16000
BASELINES = plugins("baselines")
# those that are trained need their weights: test_dfl.py
CASES = [
    (name, task)
    for name, baseline in BASELINES.items()
    if "weights" not in baseline.metadata
    for task in baseline.metadata["tasks"]
]


def seconds(duration: float) -> np.ndarray:
    return np.arange(round(duration * RATE)) / RATE


def syllables(duration: float) -> np.ndarray:
    """A voice of 12 harmonics that starts after 0.1 s, three syllables a second: float32."""
    t = seconds(duration)
    phase = 2 * np.pi * (150 * t - 4 * np.cos(4 * t))
    voice = sum(np.sin(k * phase) / k for k in range(1, 13))
    envelope = np.clip(np.sin(2 * np.pi * 1.5 * (t - 0.1)), 0, None) ** 0.5
    voice *= envelope * (t > 0.1)
    return (0.8 * voice / np.abs(voice).max()).astype(np.float32)


def tones(duration: float) -> np.ndarray:
    """Four steady partials: float32."""
    t = seconds(duration)
    total = sum(np.sin(2 * np.pi * f * t + f) for f in (220, 440.5, 1331, 2500.3))
    return (total / 4).astype(np.float32)


def observe(signal: np.ndarray, task: str, sample_rate: int = RATE) -> Observation:
    if task == "dequantize":  # mid-tread keeps silence
        quantized = corrupted("quantization", signal.astype(np.float32), quantizer="mid-tread")
        return replace(quantized, sample_rate=sample_rate)
    known_arrays = {"noise_std": np.float32(0.1)}
    if task == "inpaint":
        mask = np.zeros(len(signal), bool)
        mask[len(signal) // 3 : len(signal) // 2] = True
        known_arrays, signal = {"mask": mask}, np.where(mask, np.float32(0), signal)
    if task == "separate":
        halves = [0.5 * signal.astype(np.float32)] * 2
        spectrogram = {"n_fft": 126, "hop_length": 32, "window": "hann"}
        known_arrays = corrupted("mixture-known", *halves, spectrogram=spectrogram).known
    return Observation(signal.astype(np.float32), known_arrays, sample_rate=sample_rate)


def run(name: str, observation: Observation, task: str) -> np.ndarray:
    outputs = TASKS[task].outputs
    return BASELINES[name].load().restore(observation, outputs)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("name", "task"), CASES)
@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_any_signal_gives_a_finite_estimate_without_a_warning(name, task, sample_rate, hiss):
    signals = {
        "silence": np.zeros(3000),
        "constant": np.full(3000, 0.5),
        "clipped": np.sign(np.sin(np.arange(3000) * 0.1)),
        "faint": 1e-20 * hiss[:3000],
        "loud": 100 * hiss[:3000],
        "click": np.eye(1, 3000, 1700)[0],
        "mostly silent": np.r_[np.zeros(12000), hiss[:1000], np.zeros(3000)],
    } | {f"{samples} samples": hiss[:samples] for samples in (1, 2, 13, 100, 399, 401, 1023, 1025)}
    for label, signal in signals.items():
        estimate = run(name, observe(signal, task, sample_rate), task)
        assert estimate.shape == (len(TASKS[task].outputs), len(signal)), label
        assert estimate.dtype == np.float32, label
        assert np.isfinite(estimate).all(), label
    assert not run(name, observe(signals["silence"], task), task).any()


@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_same_observation_gives_the_same_bits(name, task, hiss):
    observation = observe(hiss[:6000], task)
    before = observation.signal.copy()
    one, other = (run(name, observation, task) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(observation.signal, before)
    if name != "observed":
        assert (
            np.abs(run(name, observe(100 * hiss[:6000], task), task)).max()
            <= 100 * (task == "inpaint") + 1
        )  # what was observed beside a gap is kept, all else is clipped as priors are


# ------------------------------------------------------------------ denoising


@pytest.fixture(scope="module")
def noisy():
    clean = syllables(1.0)
    return clean, corrupted("gaussian", clean, seed=1)


# measured: 8.3, 8.2, 8.0, 12.4, 8.3, 1.2 and -1.9 dB; other noise draws differ by some tenths.
# Universal thresholds smooth, and the package's default gate, made for noise below the voice,
# closes on it
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("wiener", 6),
        ("wiener-known", 6),
        ("wiener-white", 6),
        ("wiener-tracked", 10),
        ("wavelet", 6),
        ("wavelet-universal", 0.3),
        ("spectral-gate", -4),
    ],
)
def test_noise_is_taken_from_a_voice(name, least, noisy):
    clean, observation = noisy
    gain = snr(clean, run(name, observation, "denoise")[0], RATE) - snr(
        clean, observation.signal, RATE
    )
    assert gain > least


def test_wiener_suppresses_noise_alone_and_keeps_what_has_none():
    noise = np.random.default_rng(0).normal(0, 0.2, 32000)
    for std in (0.2, None):
        assert np.std(wiener.wiener(noise, RATE, noise_std=std)[16000:]) < 0.02
    np.testing.assert_allclose(wiener.wiener(noise, RATE, noise_std=0.0), noise, atol=1e-12)


def test_wiener_gain_of_a_stationary_bin():
    # A signal whose period is the hop has the same spectrum in every frame, so the recursion ends
    # in a fixed point. Frames are centred on multiples of the hop: they start 40 samples before.
    # With these tones a bin has gamma 10, 1.8 or 0, each of which has one fixed point.
    signal = sum(0.4 * np.cos(2 * np.pi * f * seconds(1) + f) for f in (1000, 4000, 7000))
    window = np.hamming(401)[:-1]
    std = 0.2 * window.sum() / np.sqrt(10 * np.square(window).sum())
    estimate = wiener.wiener(signal, RATE, noise_std=std)
    frame = signal[120:520] * window
    gamma = np.abs(np.fft.rfft(frame)) ** 2 / (std**2 * np.square(window).sum())
    xi = 0.99 + 0.01 * np.maximum(gamma - 1, 0)
    for _ in range(100):
        xi = 0.99 * (xi / (1 + xi)) ** 2 * gamma + 0.01 * np.maximum(gamma - 1, 0)
    gain = xi / (1 + xi)
    # frames are added with the dual window, whose product with the window adds up to 1
    power = sum(np.roll(np.pad(np.square(window), (0, 80)), 160 * k) for k in range(3))[:160]
    filtered = np.fft.irfft(gain * np.fft.rfft(frame)) * window
    added = np.pad(filtered, (0, 80)).reshape(3, 160).sum(axis=0) / power
    np.testing.assert_allclose(estimate[8120:8280], added, atol=1e-6)


def test_wiener_takes_sound_at_the_start_for_noise():
    clean = tones(0.5)
    observation = corrupted("gaussian", clean, seed=1, std=0.05)
    restored = wiener.restore(observation, ["estimate"])[0]
    assert snr(clean, restored, RATE) < 3
    assert snr(clean, known.restore(observation, ["estimate"])[0], RATE) > 20


def test_white_noise_is_found_under_sound_that_starts_at_once():
    clean = tones(0.5)
    observation = corrupted("gaussian", clean, seed=1, std=0.05)
    restored = white.restore(observation, ["estimate"])[0]
    told = known.restore(observation, ["estimate"])[0]
    assert snr(told, restored, RATE) > 20
    # without white noise, next to nothing is taken away
    kept = white.restore(Observation(clean), ["estimate"])[0]
    assert snr(clean, kept, RATE) > 30


def test_low_noise_is_found_under_sound_that_starts_at_once():
    # traffic has most of its power far below the tones, and no pause tells of it
    clean = 0.5 * tones(1.0)
    noise = sosfilt(
        butter(2, 50, fs=RATE, output="sos"), np.random.default_rng(5).normal(size=RATE)
    )
    observation = Observation((clean + 0.2 * noise / np.std(noise)).astype(np.float32))
    before = snr(clean, observation.signal, RATE)
    for module, least, most in ((tracked, 10, 40), (white, -1, 1), (wiener, -20, 1)):
        gain = snr(clean, module.restore(observation, ["estimate"])[0], RATE) - before
        assert least < gain < most


def test_a_long_recording_is_filtered_in_parts(monkeypatch):
    clean = np.tile(syllables(2.0), 4)
    observation = corrupted("gaussian", clean, seed=1, std=0.05)
    whole = tracked.restore(observation, ["estimate"])[0]
    lengths, filtered = [], tracked._filtered

    def watched(signal, *arguments):
        lengths.append(len(signal))
        return filtered(signal, *arguments)

    monkeypatch.setattr(tracked, "PART_SECONDS", 6.0)
    monkeypatch.setattr(tracked, "_filtered", watched)
    parts = tracked.restore(observation, ["estimate"])[0]
    assert len(lengths) > 1
    assert max(lengths) <= 6 * RATE
    assert snr(whole, parts, RATE) > 30
    assert abs(snr(clean, parts, RATE) - snr(clean, whole, RATE)) < 0.1


def test_what_is_not_known(tone):
    with pytest.raises(DapError, match="ideal-mask needs the mask"):
        BASELINES["ideal-mask"].load().restore(Observation(tone), ["source1", "source2"])
    with pytest.raises(DapError, match="wiener-known needs the noise level"):
        known.restore(Observation(tone), ["estimate"])


def test_wavelets_denoise_a_smooth_signal():
    t = seconds(0.25)
    clean = (0.5 * np.sin(2 * np.pi * 40 * t) * np.exp(-((t - 0.12) ** 2) / 0.004)).astype("f4")
    observation = corrupted("gaussian", clean)
    for module, least in ((wavelet, 12), (wavelet_universal, 6)):
        restored = module.restore(observation, ["estimate"])[0]
        assert snr(clean, restored, RATE) - snr(clean, observation.signal, RATE) > least


def test_posterior_median_against_quadrature():
    # sums over a fine grid of the prior and the likelihood, instead of the closed forms
    from scipy.special import erfcx

    grid = np.arange(-60, 60, 1e-3)
    size = np.abs(grid)
    prior = (1 - size * np.sqrt(np.pi / 2) * erfcx(size / np.sqrt(2))) / np.sqrt(2 * np.pi)
    beyond = 2 / (60 * np.sqrt(2 * np.pi))  # the tails are those of u^-2
    assert prior.sum() * 1e-3 + beyond == pytest.approx(1, abs=1e-3)
    for z, value, weight in ((0.5, 0.2, 0.3), (2.0, 0.0, 0.1), (3.5, 2.0, 0.05), (7.0, 6.5, 1.0)):
        joint = weight * prior * np.exp(-((z - grid) ** 2) / 2) * 1e-3
        spike = (1 - weight) * np.exp(-(z**2) / 2)
        expected = joint[grid > value].sum() / (joint.sum() + spike)
        probability = wavelet._probability_above(np.array([value]), np.array([z]), weight)[0]
        assert probability == pytest.approx(expected, abs=1e-3)


def test_the_likeliest_weight_follows_the_share_of_signal():
    rng = np.random.default_rng(0)
    weights = []
    for share in (0.0, 0.02, 0.3, 1.0):
        means = np.where(rng.random(4000) < share, rng.normal(0, 5, 4000), 0)
        details = means + rng.standard_normal(4000)
        weights.append(wavelet._likeliest_weight(np.abs(details)))
        shrunk = wavelet.posterior_median(details, 4000)
        assert (shrunk * details >= 0).all()
        assert (np.abs(shrunk) <= np.abs(details)).all()
        risk = np.mean((shrunk - means) ** 2)
        assert risk < {0.0: 0.01, 0.02: 0.1, 0.3: 0.7, 1.0: 1.2}[share]
    assert weights == sorted(weights)
    # of noise alone only what passes the universal threshold could be kept
    assert wavelet._weight_of_threshold(np.sqrt(2 * np.log(4000))) <= weights[0] < 0.02
    assert weights[-1] > 0.95


def test_universal_threshold_by_hand():
    threshold = np.sqrt(2 * np.log(100))
    details = np.array([-5.0, -1.0, 0.0, threshold, 4.0])
    expected = [-5 + threshold, 0, 0, 0, 4 - threshold]
    np.testing.assert_allclose(wavelet_universal.soft(details, 100), expected)


def test_the_spectral_gate_is_the_package(noisy):
    from noisereduce import reduce_noise

    observation = noisy[1]
    estimate = spectral_gate.restore(observation, ["estimate"])[0]
    np.testing.assert_array_equal(estimate, reduce_noise(y=observation.signal, sr=RATE))


# ------------------------------------------------------------------ inpainting


def drop(clean: np.ndarray, *runs: tuple[int, int]) -> Observation:
    mask = np.zeros(len(clean), bool)
    for start, end in runs:
        mask[start:end] = True
    # what lies in a gap must have no influence
    return Observation(np.where(mask, np.float32(0.7), clean), {"mask": mask})


# measured: 98, 92, 42, 43, 44 and 105 dB; speech-like sound is far harder
@pytest.mark.parametrize(
    ("runs", "least"),
    [
        ([(6500, 8100)], 60),
        ([(4000, 4800), (6000, 6800), (12000, 12100)], 50),
        ([(0, 500)], 30),
        ([(15500, 16000)], 30),
        ([(30, 500)], 30),
        ([(5000, 5001)], 60),
    ],
)
def test_a_gap_in_steady_tones_is_filled(runs, least):
    clean = tones(1.0)
    observation = drop(clean, *runs)
    raw, filled = janssen.restore(observation, ["raw", "filled"])
    mask = observation.known["mask"]
    assert snr(clean, filled, RATE, mask) > least
    np.testing.assert_array_equal(filled[~mask], clean[~mask])
    np.testing.assert_array_equal(raw, filled)


def test_a_short_gap_in_a_voice_is_filled():
    clean = syllables(1.0)
    observation = drop(clean, (6000, 6160))
    filled = janssen.restore(observation, ["raw", "filled"])[1]
    assert snr(clean, filled, RATE, observation.known["mask"]) > 10


def test_no_gap_and_nothing_but_a_gap():
    clean = tones(0.1)
    np.testing.assert_array_equal(janssen.restore(drop(clean), ["raw"])[0], clean)
    assert not janssen.restore(drop(clean, (0, 1600)), ["raw"]).any()


@pytest.mark.parametrize("window", ["hann", "rectangular"])
def test_what_the_frames_beside_a_gap_still_hold_is_taken_from_them(window):
    clean = syllables(1.0)
    options = {"seed": 2, "spectrogram": {"n_fft": 1022, "hop_length": 64, "window": window}}
    observation = corrupted("gaps", clean, seconds=(0.15, 0.2), **options)
    filled = janssen.restore(observation, ["raw", "filled"])[1]
    unseen = observation.known["gain"] < 1e-3
    assert 0 < unseen.sum() < observation.known["mask"].sum()
    np.testing.assert_allclose(filled[~unseen], clean[~unseen], atol=1e-3)


# ------------------------------------------------------------------ separation


def rhythm(frequencies, rate: float) -> np.ndarray:
    t = seconds(1.0)
    beats = np.exp(-8 * ((t * rate) % 1))
    return sum(np.sin(2 * np.pi * f * t) for f in frequencies) * beats / len(frequencies)


def band(low: float, high: float, seed: int) -> np.ndarray:
    t = seconds(1.0)
    noise = np.random.default_rng(seed).standard_normal(t.size)
    filtered = sosfilt(butter(6, [low, high], "band", fs=RATE, output="sos"), noise)
    return filtered * (0.6 + 0.4 * np.sin(2 * np.pi * (3 + seed) * t)) / np.abs(filtered).max()


@pytest.mark.parametrize(
    ("pair", "least"),
    [
        ((rhythm((260, 520, 780), 4), rhythm((3000, 4100, 5300), 3)), 12),
        ((band(200, 800, 0), band(2500, 5000, 2)), 3),  # noise is torn apart into components
    ],
)
def test_disjoint_bands_are_separated(pair, least):
    references = np.stack([source / np.abs(source).max() for source in pair]).astype(np.float32)
    observation = corrupted("mixture", *references)
    estimates = nmf.restore(observation, ["source1", "source2"])
    before = bss_eval(references, np.stack([observation.signal] * 2)).sdr.mean()
    matched = estimates[best_permutation(references, estimates)]
    assert bss_eval(references, matched).sdr.mean() - before > least


def test_the_sources_add_up_to_the_mixture(hiss):
    mixed = (0.5 * hiss[:8000] + 0.1 * tones(0.5)).astype(np.float32)
    sources = nmf.separate(mixed, RATE)
    np.testing.assert_allclose(sources.sum(axis=0), mixed, atol=1e-7)
    assert (np.abs(sources).max(axis=1) > 0).all()


GATE = """
import sys
import numpy as np
from dap.baselines import spectral_gate
from dap.observation import Observation
before = list(sys.meta_path)
noise = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
assert spectral_gate.restore(Observation(noise), ("estimate",)).shape == (1, 4000)
assert "torch" not in sys.modules
assert sys.meta_path == before
"""


def test_the_gate_imports_no_pytorch_and_leaves_it_to_others():
    subprocess.run([sys.executable, "-c", GATE], check=True)
