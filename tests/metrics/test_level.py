import numpy as np
import pytest

from dap.metrics.level import METRICS, checked, psnr, snr

RATE = 16000


@pytest.fixture
def clean():
    return np.sin(0.05 * np.arange(1000))


def test_snr_and_psnr_of_a_known_error():
    reference = np.array([1.0, -1.0, 2.0, 0.0])  # energy 6
    estimate = np.array([1.5, -1.0, 1.5, 0.5])  # error energy 0.75, mean 0.1875
    assert snr(reference, estimate, RATE) == pytest.approx(9.030899869919435)  # 10 log10 8
    assert psnr(reference, estimate, RATE) == pytest.approx(7.269987279362623)  # 10 log10 16/3


def test_where_scores_only_the_samples_it_names():
    reference = np.array([1.0, -1.0, 2.0, 0.0])
    estimate = np.array([1.5, 7.0, 2.0, 0.0])
    where = np.array([True, False, True, True])
    # energy 5, error 0.25, over 3 samples
    assert snr(reference, estimate, RATE, where) == pytest.approx(13.010299956639813)
    assert psnr(reference, estimate, RATE, where) == pytest.approx(10.791812460476248)


@pytest.mark.parametrize("gain", [0.9, 0.0, -1.0, 3.0])
def test_snr_of_a_scaled_signal(clean, gain):
    expected = -20 * np.log10(abs(1 - gain))
    assert snr(clean, gain * clean, RATE) == pytest.approx(expected, abs=1e-9)


def test_psnr_depends_on_the_error_alone(clean):
    assert psnr(clean, clean + 0.1, RATE) == pytest.approx(20)
    assert psnr(0.01 * clean, 0.01 * clean + 0.1, RATE) == pytest.approx(20)


def test_a_perfect_estimate_is_infinite(clean):
    assert snr(clean, clean.copy(), RATE) == np.inf
    assert psnr(clean, clean.copy(), RATE) == np.inf


def test_float32_is_scored_in_float64(clean):
    # in float32, the squares of 1e-25 underflow to 0 and the SNR would be NaN
    reference = (1e-25 * clean).astype(np.float32)
    assert snr(reference, np.float32(0.5) * reference, RATE) == pytest.approx(6.020599913279624)


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_scored_is_nan_without_a_warning(clean):
    silence, nothing = np.zeros_like(clean), np.zeros(clean.shape, bool)
    assert np.isnan(snr(silence, clean, RATE))
    assert np.isnan(snr(silence, silence, RATE))
    assert np.isnan(snr(clean, clean, RATE, nothing))
    assert np.isnan(psnr(clean, clean, RATE, nothing))
    assert np.isnan(snr(np.array([]), np.array([]), RATE))
    assert np.isnan(psnr(np.array([]), np.array([]), RATE))


def test_psnr_scores_silence():
    assert psnr(np.zeros(10), np.full(10, 0.01), RATE) == pytest.approx(40)
    assert psnr(np.zeros(10), np.zeros(10), RATE) == np.inf


def test_a_mask_within_silence_of_a_sounding_reference_is_nan():
    reference = np.array([1.0, 0.0, 0.0])
    assert np.isnan(snr(reference, reference + 1, RATE, np.array([False, True, True])))


@pytest.mark.parametrize("metric", [snr, psnr])
@pytest.mark.parametrize(
    ("reference", "estimate", "where", "message"),
    [
        (np.ones(4), np.ones(5), None, r"\(4,\) and \(5,\)"),
        (np.ones((2, 4)), np.ones((2, 4)), None, r"\(2, 4\) and \(2, 4\)"),
        (np.ones(4), np.array([1, np.nan, 1, np.inf]), None, "estimate holds 2 samples"),
        (np.array([1, -np.inf]), np.ones(2), None, "reference holds 1 samples"),
        (np.ones(4), np.ones(4), np.ones(3, bool), r"\(4,\): not bool of \(3,\)"),
        (np.ones(4), np.ones(4), np.arange(4), "not int64"),
    ],
)
def test_wrong_arguments_are_refused(metric, reference, estimate, where, message):
    with pytest.raises(ValueError, match=message):
        metric(reference, estimate, RATE, where)


def test_checked_returns_float64_and_a_full_mask():
    reference, estimate, where = checked(np.ones(3, np.float32), [1, 2, 3], None)
    assert (reference.dtype, estimate.dtype) == (np.float64, np.float64)
    assert where.tolist() == [True, True, True]


def test_every_metric_has_its_function_and_metadata():
    assert set(METRICS) == {"snr", "psnr"}
    for metadata in METRICS.values():
        assert (metadata["unit"], metadata["better"]) == ("dB", "higher")
