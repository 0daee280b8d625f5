import numpy as np
import pytest
import torch
from corrupted import corrupted

from dap.errors import DapError
from dap.stft import STFT

RATE = 16000
HANN = {"n_fft": 1022, "hop_length": 64, "window": "hann"}
HALF_HOP = 32 / RATE


def damaged(samples, seed=0, spectrogram=HANN, **options):
    clean = np.random.default_rng(7).normal(0, 0.1, samples).astype(np.float32)
    options = {"spectrogram": spectrogram, "domain": "samples"} | options
    return clean, corrupted("gaps", clean, seed=seed, **options)


def runs(mask: np.ndarray) -> np.ndarray:
    """(gaps, 2): the first lost sample of each gap, and the first one after it."""
    edges = np.flatnonzero(np.diff(np.r_[0, mask.astype(int), 0]))
    return edges.reshape(-1, 2)


@pytest.mark.parametrize("domain", ["samples", "frames"])
@pytest.mark.parametrize(
    ("seconds", "count"), [(0.5, 1), (1.0, 1), (1.024, 1), (2.048, 2), (3.7, 4), (8.0, 8)]
)
def test_number_and_lengths_of_gaps(domain, seconds, count):
    for seed in range(3):
        _, observation = damaged(round(seconds * RATE), seed, domain=domain)
        gaps = runs(observation.known["mask"])
        assert len(gaps) == count == observation.metadata["gaps"]  # so none touches another
        lengths = np.diff(gaps)[:, 0] / RATE
        assert lengths.min() >= 0.1 - HALF_HOP
        assert lengths.max() <= 0.25 + HALF_HOP
        said = [float(text) for text in observation.metadata["gap_seconds"].split()]
        np.testing.assert_allclose(lengths, said, rtol=0, atol=5.1e-4)
        assert observation.metadata["lost_fraction"] == observation.known["mask"].mean()


def test_gaps_are_spread_evenly():
    lengths, middles = [], []
    for seed in range(150):
        _, observation = damaged(8 * RATE, seed)
        gaps = runs(observation.known["mask"]) / RATE
        lengths += list(np.diff(gaps)[:, 0])
        middles += list(gaps.mean(axis=1))
    assert len(lengths) == 150 * 8  # one a second
    # standard errors of 1,200 draws: 0.0013 s of a length, 0.07 s of a place
    assert np.mean(lengths) == pytest.approx(0.175, abs=0.005)
    assert np.std(lengths) == pytest.approx(0.15 / np.sqrt(12), abs=0.003)
    assert np.mean(middles) == pytest.approx(4.0, abs=0.25)
    share, _ = np.histogram(middles, bins=8, range=(0, 8))
    assert share.min() > 100  # of 150: fewer at the clip's ends, where no gap begins


@pytest.mark.parametrize("window", ["hann", "rectangular"])
@pytest.mark.parametrize(("n_fft", "hop_length"), [(1022, 64), (256, 96), (64, 64)])
def test_lost_samples_touch_no_observed_frame(window, n_fft, hop_length):
    spectrogram = {"n_fft": n_fft, "hop_length": hop_length, "window": window}
    transform = STFT(**spectrogram)
    for seed, samples in enumerate((16384, 20001, 24000)):
        clean, observation = damaged(samples, seed, spectrogram)
        mask, observed = observation.known["mask"], observation.known["observed_frames"]
        padded = np.pad(mask, n_fft // 2)
        touched = [
            padded[hop_length * t : hop_length * t + n_fft].any()
            for t in range(transform.frames(samples))
        ]
        np.testing.assert_array_equal(observed, ~np.array(touched))
        np.testing.assert_array_equal(observation.signal, np.where(mask, 0, clean))
        before, after = (
            transform.analyse(torch.from_numpy(signal))[..., observed]
            for signal in (clean, observation.signal)
        )
        torch.testing.assert_close(after, before, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("n_fft", "hop_length"), [(1022, 64), (256, 96), (64, 64)])
def test_between_gaps_something_is_observed(n_fft, hop_length):
    spectrogram = HANN | {"n_fft": n_fft, "hop_length": hop_length}
    transform = STFT(**spectrogram)
    centres = hop_length * np.arange(transform.frames(RATE))
    for seed in range(40):  # as many gaps as fit
        _, observation = damaged(RATE, seed, spectrogram, seconds=(0.05, 0.05), per_second=8.0)
        observed = observation.known["observed_frames"]
        edges = runs(observation.known["mask"])
        for end, start in zip(np.r_[0, edges[:, 1]], np.r_[edges[:, 0], RATE + 1], strict=True):
            assert observed[(centres >= end) & (centres < start)].any()


def test_whole_frames_are_lost():
    clean, observation = damaged(2 * RATE, domain="frames")
    observed, spectrogram = (observation.known[name] for name in ("observed_frames", "spectrogram"))
    whole = STFT(**HANN).analyse(torch.from_numpy(clean)).numpy()
    assert spectrogram.shape == whole.shape
    assert not spectrogram[..., ~observed].any()
    np.testing.assert_array_equal(spectrogram[..., observed], whole[..., observed])
    inverse = STFT(**HANN).synthesise(torch.from_numpy(spectrogram), 2 * RATE).numpy()
    np.testing.assert_allclose(observation.signal, inverse, atol=1e-6)
    # what is left of a sample is the clean one times a known factor
    gain = observation.known["gain"]
    np.testing.assert_allclose(observation.signal, gain * clean, atol=1e-6)
    assert gain.min() == 0
    assert gain.max() == pytest.approx(1)
    # the samples nearest to a lost frame are lost
    nearest = (np.arange(2 * RATE) + 32) // 64
    np.testing.assert_array_equal(observation.known["mask"], ~observed[nearest])


def test_a_clip_too_short_for_its_gaps():
    with pytest.raises(
        DapError, match=r"1 gaps of 0\.\d+ s in all do not fit into a clip of 0\.13 s: lengthen"
    ):
        damaged(2048)
    with pytest.raises(DapError, match=r"20 gaps of .* lower `seconds` or `per_second`"):
        damaged(RATE, per_second=20.0)
