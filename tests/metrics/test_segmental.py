import numpy as np
import pytest

from dap.metrics.segmental import llr, ssnr, wss

RATE = 16000
ALL = pytest.mark.parametrize("metric", [llr, wss, ssnr])


def noise(samples: int) -> np.ndarray:
    return np.random.RandomState(0).standard_normal(samples)


def muffled(signal: np.ndarray) -> np.ndarray:
    return np.convolve(signal, np.ones(5) / 5, "same")


# Values of the package pysepm-evo 0.1.1 (its LLR "used_for_composite", which is not capped).
@pytest.mark.parametrize(
    ("level", "filtered", "values"),
    [
        (0.001, False, (0.01001, 2.02702, 22.02169)),
        (0.005, False, (0.15333, 13.66849, 9.16382)),
        (0.02, False, (0.63468, 20.27268, 0.25159)),
        (0.0003, True, (0.81745, 3.26265, 9.84864)),
        (0.006, True, (0.44726, 17.56572, 4.92622)),
    ],
)
def test_fixed_values(voice, level, filtered, values):
    estimate = (muffled(voice) if filtered else voice) + level * noise(voice.size)
    scores = [metric(voice, estimate, RATE) for metric in (llr, wss, ssnr)]
    assert scores == pytest.approx(values, abs=1e-4)


# Values of pysepm-evo 0.1.1, which adds 2e-16 to all samples as Loizou's code does. The predictor
# of that is ill-conditioned: of a silent frame, whose LLR is some 4, three digits are left.
@pytest.mark.parametrize(
    ("stretch", "every", "value"),
    [(6400, 32000, 0.75813), (800, 4000, 0.34175), (32000, 32000, 4.57198)],
)
def test_digital_silence_in_an_estimate(voice, stretch, every, value):
    estimate = voice + 0.005 * noise(voice.size)
    estimate[(np.arange(voice.size) - 8000) % every < stretch] = 0
    assert llr(voice, estimate, RATE) == pytest.approx(value, rel=1e-3)
    # at any level
    assert llr(voice, 1e-6 * estimate, RATE) == pytest.approx(value, rel=1e-3)


def test_fixed_values_at_8_khz(voice):
    # order 10, and other frames and bands; pysepm-evo 0.1.1 gives the same
    clean = voice[:16000]
    estimate = muffled(clean) + 0.005 * noise(clean.size)
    scores = [metric(clean, estimate, 8000) for metric in (llr, wss, ssnr)]
    assert scores == pytest.approx((0.46469, 22.24275, 9.61114), abs=1e-4)
    estimate[4000:7200] = 0
    assert llr(clean, estimate, 8000) == pytest.approx(1.04253, rel=1e-3)


@ALL
def test_a_perfect_estimate(metric, voice):
    assert metric(voice, voice, RATE) == (35 if metric is ssnr else 0)


def test_llr_is_that_of_two_known_predictors():
    # x of an AR(1) process of coefficient c and variance 1, y white: ln(1 / (1 - c^2))
    rng = np.random.default_rng(3)
    white, c = rng.standard_normal(64000), 0.9
    reference = np.empty_like(white)
    reference[0] = white[0]
    for n in range(1, white.size):
        reference[n] = c * reference[n - 1] + np.sqrt(1 - c**2) * white[n]
    # frames of 480 samples estimate 16 coefficients of y, none of which is exactly 0
    assert llr(reference, white[::-1], RATE) == pytest.approx(-np.log(1 - c**2), abs=0.15)


def test_ssnr_clamps_each_frame_by_hand(voice):
    # 20 dB in every frame, whatever its level; then beyond both ends of the scale
    for factor, expected in ((0.9, 20.0), (1 - 1e-3, 35.0), (-9.0, -10.0), (0.0, 0.0)):
        assert ssnr(voice, factor * voice, RATE) == pytest.approx(expected, abs=1e-9)


def test_llr_hears_no_gain(voice):
    estimate = muffled(voice)
    assert llr(voice, 1e-9 * estimate, RATE) == pytest.approx(llr(voice, estimate, RATE), rel=1e-6)


def test_the_worst_frames_of_llr_and_wss_are_left_out(voice):
    click = voice.copy()
    click[16000] += 1  # in four of 262 frames
    assert llr(voice, click, RATE) == wss(voice, click, RATE) == 0
    assert ssnr(voice, click, RATE) < 35


@ALL
@pytest.mark.filterwarnings("error")
def test_silence(metric, voice):
    silence = np.zeros_like(voice)
    assert np.isnan(metric(silence, voice, RATE))
    assert np.isnan(metric(silence, silence, RATE))
    assert np.isfinite(metric(voice, silence, RATE))
    assert ssnr(voice, silence, RATE) == 0


@pytest.mark.filterwarnings("error")
def test_digital_silence_in_parts_of_a_clip(voice):
    padded = np.r_[voice, np.zeros(16000)]
    estimate = padded + 0.005 * noise(padded.size)
    # nothing can be said of the spectrum of silence
    assert llr(padded, estimate, RATE) == pytest.approx(0.15333, abs=0.03)
    assert ssnr(padded, estimate, RATE) == pytest.approx((9.16382 * 262 - 10 * 130) / 395, abs=0.2)
    assert np.isfinite(wss(padded, estimate, RATE))
    assert ssnr(padded, padded, RATE) == 35


@ALL
@pytest.mark.filterwarnings("error")
def test_odd_signals_have_finite_values(metric, voice):
    constant = np.full(voice.size, 0.3)
    tone = np.sin(2 * np.pi * 440 * np.arange(voice.size) / RATE)
    for reference in (voice, constant, tone, 1e-12 * voice, np.sign(voice)):
        for estimate in (voice, constant, tone, 1e-12 * voice):
            assert np.isfinite(metric(reference, estimate, RATE))


@ALL
def test_the_shortest_signal(metric, voice):
    # frames of 480 samples, hop 120, and the last whole one left out
    assert np.isnan(metric(voice[:599], voice[:599], RATE))
    assert np.isfinite(metric(voice[:600], voice[:600], RATE))
    assert np.isnan(metric(np.array([]), np.array([]), RATE))


@ALL
def test_wrong_arguments_are_refused(metric, voice):
    with pytest.raises(ValueError, match=f"{metric.__name__} scores whole signals"):
        metric(voice, voice, RATE, np.ones(voice.shape, bool))
    with pytest.raises(ValueError, match=r"\(32000,\) and \(31999,\)"):
        metric(voice, voice[1:], RATE)
    with pytest.raises(ValueError, match="estimate holds"):
        metric(voice, voice * np.nan, RATE)


def test_wss_needs_its_bands(voice):
    with pytest.raises(ValueError, match="at least 8000 Hz: it is 4000"):
        wss(voice, voice, 4000)
