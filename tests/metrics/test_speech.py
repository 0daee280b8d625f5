import numpy as np
import pytest

from dap.metrics.composite import cbak, covl, csig
from dap.metrics.speech import pesq_nb, pesq_wb

RATE = 16000


def speech_like(seconds: float, rate: int = RATE) -> np.ndarray:
    """A gliding voice of 25 harmonics in syllables of 1/3 s, of no random part."""
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * (120 * t - 4 * np.cos(5 * t))
    voice = sum(np.sin(k * phase) / k for k in range(1, 26))
    return 0.1 * voice * np.clip(np.sin(2 * np.pi * 1.5 * t), 0, None) ** 0.5


def noise(samples: int) -> np.ndarray:
    return np.random.RandomState(0).standard_normal(samples)  # its stream is frozen by numpy


@pytest.fixture(scope="module")
def clean():
    return speech_like(2)


def test_a_perfect_estimate_has_the_top_of_the_scale(clean):
    # the raw score is 4.5 (P.862, 10.2), which P.862.1 and P.862.2 map to these
    assert pesq_nb(clean, clean, RATE) == pytest.approx(
        0.999 + 4 / (1 + np.exp(-1.4945 * 4.5 + 4.6607)), abs=1e-4
    )
    assert pesq_wb(clean, clean, RATE) == pytest.approx(
        0.999 + 4 / (1 + np.exp(-1.3669 * 4.5 + 3.8224)), abs=1e-4
    )
    assert pesq_nb(clean, clean, RATE) == pytest.approx(4.549, abs=1e-3)
    assert pesq_wb(clean, clean, RATE) == pytest.approx(4.644, abs=1e-3)
    assert pesq_nb(speech_like(2, 8000), speech_like(2, 8000), 8000) == pytest.approx(
        4.5486, abs=1e-4
    )


# values of the package pesq 0.0.4; the tolerance allows for another compiler's float32 rounding
@pytest.mark.parametrize(
    ("level", "narrow", "wide"),
    [(0.001, 2.9719, 1.7724), (0.005, 2.2165, 1.0897), (0.02, 1.5355, 1.0244)],
)
def test_fixed_values_under_white_noise(clean, level, narrow, wide):
    estimate = clean + level * noise(clean.size)
    assert pesq_nb(clean, estimate, RATE) == pytest.approx(narrow, abs=0.01)
    assert pesq_wb(clean, estimate, RATE) == pytest.approx(wide, abs=0.01)


def test_fixed_value_at_8_khz():
    clean = speech_like(2, 8000)
    assert pesq_nb(clean, clean + 0.005 * noise(clean.size), 8000) == pytest.approx(
        2.1332, abs=0.01
    )


def test_level_is_not_heard(clean):
    estimate = clean + 0.005 * noise(clean.size)
    assert pesq_wb(clean, 0.1 * estimate, RATE) == pytest.approx(
        pesq_wb(clean, estimate, RATE), abs=1e-3
    )


def test_reference_and_estimate_are_not_swapped(clean):
    estimate = clean + 0.02 * noise(clean.size)
    assert abs(pesq_nb(clean, estimate, RATE) - pesq_nb(estimate, clean, RATE)) > 0.05


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("metric", [pesq_nb, pesq_wb])
def test_what_cannot_be_scored_is_nan_without_a_warning(metric, clean, capfd):
    silence = np.zeros_like(clean)
    assert np.isnan(metric(clean, silence, RATE))
    assert np.isnan(metric(silence, clean, RATE))  # no utterance
    assert np.isnan(metric(silence, silence, RATE))
    assert np.isnan(metric(clean, 1e-11 * clean, RATE))  # float32 energies underflow
    assert np.isnan(metric(np.array([]), np.array([]), RATE))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("metric", [pesq_nb, pesq_wb])
def test_the_shortest_signal_lasts_a_quarter_second(metric, clean):
    assert np.isnan(metric(clean[2000:5999], clean[2000:5999], RATE))
    assert np.isfinite(metric(clean[2000:6000], clean[2000:6000], RATE))


def test_a_long_signal_is_nan_and_does_not_crash_the_process():
    # 66 bursts in 60 s overrun the C code's 50 utterances: without the guard this is a segfault
    seconds = np.arange(60 * RATE) / RATE
    bursts = noise(seconds.size) * (seconds % 0.9 < 0.45)
    assert np.isnan(pesq_wb(bursts, bursts, RATE))
    # as many utterances as 20 s can hold
    seconds = np.arange(20 * RATE) / RATE
    bursts = noise(seconds.size) * (seconds % 0.43 < 0.21)
    assert pesq_wb(bursts, bursts, RATE) == pytest.approx(4.644, abs=1e-3)


def test_no_utterance_is_nan(monkeypatch, clean):
    # the package's return code, in place of a signal that its voice activity detector rejects
    monkeypatch.setattr("pesq.pesq", lambda *_, **__: -7)
    assert np.isnan(pesq_nb(clean[1:], clean[1:], RATE))  # a pair that is not remembered


def test_pesq_of_one_pair_is_computed_once(monkeypatch, clean):
    calls = []
    monkeypatch.setattr("pesq.pesq", lambda *_, **__: calls.append(1) or 2.0)
    one, other = clean[2:], clean[2:] + 0.01
    for metric in (pesq_wb, pesq_wb, csig, cbak, covl):
        assert np.isfinite(metric(one, other, RATE))
    assert len(calls) == 1
    pesq_nb(one, other, RATE)
    pesq_wb(other, one, RATE)
    assert len(calls) == 3


def test_wrong_arguments_are_refused(clean, capfd):
    with pytest.raises(ValueError, match="8000 or 16000 Hz: it is 44100"):
        pesq_nb(clean, clean, 44100)
    with pytest.raises(ValueError, match="of 16000 Hz: it is 8000"):
        pesq_wb(clean, clean, 8000)
    with pytest.raises(ValueError, match="where must be None"):
        pesq_nb(clean, clean, RATE, np.ones(clean.shape, bool))
    with pytest.raises(ValueError, match=r"\(32000,\) and \(31999,\)"):
        pesq_wb(clean, clean[1:], RATE)
    with pytest.raises(ValueError, match="estimate holds 32000 samples"):
        pesq_wb(clean, clean * np.nan, RATE)
    assert capfd.readouterr().out == ""  # the package prints its usage on a wrong rate
