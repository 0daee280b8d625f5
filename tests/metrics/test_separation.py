import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import toeplitz

from dap.metrics.separation import METRICS, bss_eval, sar, sdr, sdr_v4, sir

RATE = 16000
VERSION_3 = [name for name in METRICS if name != "sdr_v4"]
PAPERS = Path(__file__).resolve().parents[2] / "dap" / "papers"


@pytest.fixture(scope="module")
def noises():
    return np.random.default_rng(0).standard_normal((3, 32768))


def plain_scores(references: np.ndarray, estimate: np.ndarray, j: int) -> list[float]:
    """SDR, SIR, SAR of an estimate for references[j], by least squares on delayed copies.

    The matrix of delays is written out and solved by QR or SVD, where mir_eval solves normal
    equations of correlations by FFT.
    """
    row = np.zeros(512)
    delays = [toeplitz(np.pad(source, (0, 511)), row) for source in references]
    estimate = np.pad(estimate, (0, 511))

    def project(basis):
        return basis @ np.linalg.lstsq(basis, estimate, rcond=None)[0]

    target, explained = project(delays[j]), project(np.hstack(delays))
    interference, artifact = explained - target, estimate - explained
    energies = [
        (target, interference + artifact),
        (target, interference),
        (explained, artifact),
    ]
    return [10 * np.log10((a @ a) / (b @ b)) for a, b in energies]


def test_values_of_museval():
    """What museval 0.4.1, BSS Eval version 4, gave for these signals with one window (window=inf).

    Its SDR is `sdr_v4`, and its SIR is that of version 3.
    """
    random = np.random.RandomState(2021)  # its stream is frozen by numpy
    references = random.standard_normal((2, 16384)) * [[0.3], [0.1]]
    error = 0.02 * random.standard_normal((2, 16384))
    estimates = [[0.5], [1.5]] * references + [[0.4], [0.2]] * references[::-1] + error
    assert sdr_v4(references, estimates, RATE) == pytest.approx([5.62489, 1.94322], abs=0.01)
    assert sir(references, estimates, RATE) == pytest.approx([11.60042, 8.06678], abs=0.01)
    # version 3 forgives the wrong levels
    assert sdr(references, estimates, RATE) == pytest.approx([10.66452, 7.63146], abs=0.01)


def test_version_4_counts_a_wrong_level(noises):
    references = noises[:2, :4096]
    scores = sdr_v4(references, [[0.9], [-1.0]] * references, RATE)
    assert scores == pytest.approx([20, 20 * np.log10(0.5)], abs=1e-9)
    assert sdr_v4(references, references, RATE).tolist() == [np.inf, np.inf]


def test_no_version_3_has_the_published_sdr_above_sir():
    """fidelity: sdr-of-a"""
    published = pd.read_csv(PAPERS / "interspeech2021.csv")
    table = published[published["table"] == 4]
    means = table.pivot_table("mean", ["source", "method"], "metric")
    assert (means["sdr"] > means["sir"]).sum() == 2
    # of version 3, it cannot be: the error of SDR has the interference, and more
    references = np.random.default_rng(1).standard_normal((2, 4096))
    mixture = references.sum(axis=0)
    for estimates in (references[::-1], [mixture, mixture], references + 0.5 * mixture):
        scores = bss_eval(references, np.asarray(estimates))
        assert (scores.sdr <= scores.sir + 1e-9).all()


def test_the_metrics_are_those_of_bss_eval(noises):
    references = noises[:2, :2000]
    estimates = references + 0.2 * references[::-1]
    scores = bss_eval(references, estimates)
    for metric in (sdr, sir, sar):
        assert metric(references, estimates, RATE) is getattr(scores, metric.__name__)


def test_known_leakage_and_noise(noises):
    # s_j + a s_i + b n of unit, uncorrelated signals: SIR = 1 / a^2, SAR = (1 + a^2) / b^2,
    # SDR = 1 / (a^2 + b^2). The 512 taps of each of 2 references also explain 512 / 32768 (each) of
    # what is unrelated to them, some 0.1 dB.
    references, other = noises[:2], noises[2]
    other = other / other.std()
    references = references / references.std(axis=1, keepdims=True)
    leak, artifact = np.array([[0.3], [0.1]]), np.array([[0.05], [0.2]])
    scores = bss_eval(references, references + leak * references[::-1] + artifact * other)
    assert scores.sir == pytest.approx(-20 * np.log10([0.3, 0.1]), abs=0.3)
    assert scores.sar == pytest.approx(10 * np.log10([1.09 / 0.0025, 1.01 / 0.04]), abs=0.3)
    assert scores.sdr == pytest.approx(-10 * np.log10([0.0925, 0.05]), abs=0.3)


def test_against_written_out_least_squares(noises):
    references = noises[:2, :1500] * [[1.0], [0.3]]
    estimates = references + 0.2 * references[::-1] + 0.1 * noises[2, :1500]
    scores = bss_eval(references, estimates)
    for j in range(2):
        expected = plain_scores(references, estimates[j], j)
        # normal equations lose half of float64's digits at worst
        assert [scores.sdr[j], scores.sir[j], scores.sar[j]] == pytest.approx(expected, abs=1e-6)


def test_gain_and_short_filters_of_an_estimate_do_not_count(noises):
    references = noises[:2, :4096]
    estimates = references + 0.2 * references[::-1]
    scores, scaled = bss_eval(references, estimates), bss_eval(references, 0.01 * estimates)
    assert scaled.sdr == pytest.approx(scores.sdr, abs=1e-9)
    delayed = np.pad(references, ((0, 0), (100, 0)))[:, :4096]
    # a delay is free but for the 100 samples that leave at the end: 4096 / 100 is 16 dB
    assert np.all(bss_eval(references, delayed).sdr > 16)


def test_a_perfect_estimate_is_above_200_db(noises):
    scores = bss_eval(noises[:2, :4096], noises[:2, :4096])
    for name in VERSION_3:
        assert np.all(getattr(scores, name) > 200)


def test_the_mixture_as_both_estimates(noises):
    references = noises[:2] * [[1.0], [0.5]]
    mixture = references.sum(axis=0)
    scores = bss_eval(references, np.stack((mixture, mixture)))
    # the louder source is 6.02 dB above the other
    assert scores.sir == pytest.approx([6.0206, -6.0206], abs=0.3)
    assert scores.sdr == pytest.approx(scores.sir, abs=1e-6)
    assert np.all(scores.sar > 200)


def test_one_source_has_no_interference(noises):
    scores = bss_eval(noises[:1, :4096], noises[:1, :4096] + 0.1 * noises[1:2, :4096])
    assert scores.sir.tolist() == [np.inf]
    assert scores.sdr == pytest.approx([20], abs=0.7)  # 512 taps explain 1/8 of the noise: +0.6 dB


def impulses(*delays):
    signals = np.zeros((len(delays), 2000))
    signals[np.arange(len(delays)), delays] = 1
    return signals


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("references", "estimates"),
    [
        pytest.param(impulses(0, 900) * [[1], [0]], impulses(0, 900), id="silent reference"),
        pytest.param(np.zeros((2, 2000)), np.zeros((2, 2000)), id="silence"),
        pytest.param(impulses(5, 5) * [[1], [1e-9]], impulses(0, 900), id="dependent references"),
        pytest.param(impulses(0, 256), impulses(0, 900), id="singular projection"),
        pytest.param(impulses(0, 300)[:, :512], impulses(0, 300)[:, :512], id="too short"),
        pytest.param(np.zeros((2, 0)), np.zeros((2, 0)), id="empty"),
    ],
)
def test_what_cannot_be_scored_is_nan_without_a_warning(references, estimates):
    scores = bss_eval(references, estimates)
    for name in VERSION_3:
        assert np.isnan(getattr(scores, name)).tolist() == [True, True]
    # version 4 projects nothing: a silent reference alone has no value
    silent = ~references.any(axis=1)
    assert np.isnan(sdr_v4(references, estimates, RATE)).tolist() == silent.tolist()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("silent", [[0], [1], [0, 1]])
def test_an_estimate_of_nothing_is_0_db_and_leaves_the_other_as_it_was(noises, silent):
    references = noises[:2, :4096]
    sounding = references + 0.2 * references[::-1]
    estimates = sounding.copy()
    estimates[silent] = 0
    before, after = bss_eval(references, sounding), bss_eval(references, estimates)
    of_silence = {"sdr": 0.0, "sir": np.nan, "sar": np.nan}
    for name, value in of_silence.items():
        expected = getattr(before, name).copy()
        expected[silent] = value
        np.testing.assert_array_equal(getattr(after, name), expected)
    expected = sdr_v4(references, sounding, RATE)
    expected[silent] = 0
    np.testing.assert_array_equal(sdr_v4(references, estimates, RATE), expected)


def test_the_shortest_signal_is_scored(noises):
    scores = bss_eval(noises[:2, :513], noises[:2, :513] + 0.1 * noises[1::-1, :513])
    assert np.isfinite(scores.sdr).all()


def test_another_attribute_error_is_not_taken_for_a_singular_projection(noises, monkeypatch):
    def broken(*_, **__):
        return object().missing

    monkeypatch.setattr("mir_eval.separation.bss_eval_sources", broken)
    with pytest.raises(AttributeError, match="missing"):
        bss_eval(noises[:2], noises[:2])


def test_wrong_arguments_are_refused(noises):
    ok = noises[:2, :2000]
    with pytest.raises(ValueError, match=r"\(2, 2000\) and \(2, 1999\)"):
        bss_eval(ok, ok[:, 1:])
    with pytest.raises(ValueError, match=r"\(2000,\) and \(2000,\)"):
        bss_eval(ok[0], ok[0])
    with pytest.raises(ValueError, match=r"\(0, 2000\)"):
        bss_eval(ok[:0], ok[:0])
    with pytest.raises(ValueError, match=r"\(2, 2000\) and \(2, 1999\)"):
        sdr_v4(ok, ok[:, 1:], RATE)
    broken = ok.copy()
    broken[1, 7] = np.nan
    with pytest.raises(ValueError, match="estimates hold 1 samples"):
        bss_eval(ok, broken)
    with pytest.raises(ValueError, match="references hold 1 samples"):
        bss_eval(broken, ok)


def test_the_deprecation_is_silenced_here_and_nowhere_else(noises):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bss_eval(noises[:2, :2000], noises[:2, :2000])
        warnings.warn("another", FutureWarning, stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["another"]
