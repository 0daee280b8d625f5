import numpy as np
import pytest

from dap.metrics.composite import cbak, covl, csig

RATE = 16000
ALL = pytest.mark.parametrize("metric", [csig, cbak, covl])


def noise(samples: int) -> np.ndarray:
    return np.random.RandomState(0).standard_normal(samples)


# Hu and Loizou's formulas by hand from values of the packages pysepm-evo 0.1.1 (LLR, WSS, SSNR)
# and pesq 0.0.4: PESQ 2.8150, 1.1980, 3.7975
@pytest.mark.parametrize(
    ("level", "filtered", "values"),
    [
        (0.005, False, (4.50965, 3.46121, 3.68589)),
        (0.02, False, (2.97984, 2.08057, 2.09151)),
        (0.0015, True, (4.89537, 3.97714, 4.38975)),
    ],
)
def test_fixed_values(voice, level, filtered, values):
    clean = np.convolve(voice, np.ones(5) / 5, "same") if filtered else voice
    estimate = clean + level * noise(voice.size)
    scores = [metric(voice, estimate, RATE) for metric in (csig, cbak, covl)]
    assert scores == pytest.approx(values, abs=0.01)


def test_fixed_values_of_an_estimate_with_digital_silence(voice):
    estimate = voice + 0.005 * noise(voice.size)
    estimate[8000:14400] = 0  # a fifth; by hand as above, PESQ is 1.28630, LLR 0.75813
    scores = [metric(voice, estimate, RATE) for metric in (csig, covl)]
    assert scores == pytest.approx((2.94190, 2.12727), abs=0.002)


def test_silence_that_a_recording_is_padded_with_has_no_say_in_csig(voice):
    padded = np.r_[voice, np.zeros(voice.size // 9)]
    estimate = padded + 0.005 * noise(padded.size)
    assert csig(padded, estimate, RATE) == pytest.approx(4.51, abs=0.05)  # that of `voice` alone


def test_a_hand_computed_rating(voice, monkeypatch):
    parts = {"pesq_wb": 2.0, "llr": 0.5, "wss": 40.0, "ssnr": 5.0}
    for name, value in parts.items():
        monkeypatch.setattr(f"dap.metrics.composite.{name}", lambda *_, value=value: value)
    assert csig(voice, voice, RATE) == pytest.approx(3.093 - 0.5145 + 1.206 - 0.36)
    assert cbak(voice, voice, RATE) == pytest.approx(1.634 + 0.956 - 0.28 + 0.315)
    assert covl(voice, voice, RATE) == pytest.approx(1.594 + 1.61 - 0.256 - 0.28)


@ALL
def test_the_scale_is_1_to_5(metric, voice):
    assert metric(voice, voice, RATE) == 5
    assert metric(voice, noise(voice.size), RATE) == pytest.approx(1, abs=0.25)


@ALL
@pytest.mark.filterwarnings("error")
def test_what_pesq_cannot_score_is_nan(metric, voice):
    silence = np.zeros_like(voice)
    for reference, estimate in ((voice, silence), (silence, voice), (voice[:3999], voice[:3999])):
        assert np.isnan(metric(reference, estimate, RATE))


@ALL
def test_wrong_arguments_are_refused(metric, voice):
    with pytest.raises(ValueError, match="of 16000 Hz: it is 8000"):
        metric(voice, voice, 8000)
    with pytest.raises(ValueError, match="where must be None"):
        metric(voice, voice, RATE, np.ones(voice.shape, bool))
