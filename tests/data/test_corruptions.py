import numpy as np
import pytest
import scipy.stats
import torch

from dap.data import corruptions
from dap.data.corruptions import (
    cells,
    environmental,
    gaps,
    gaussian,
    mixture,
    noise_excerpt,
)
from dap.errors import DapError
from dap.stft import STFT

RATE = 16000
HANN = STFT(1022, 64, "hann")
HALF_HOP = 32 / RATE


def snr_db(clean: np.ndarray, observed: np.ndarray) -> float:
    """Of the signal as it was written, not of the noise as it was drawn."""
    error = observed.astype(np.float64) - clean
    return 10 * np.log10(np.sum(clean.astype(np.float64) ** 2) / np.sum(error**2))


def test_gaussian():
    clean = np.zeros(1_000_000, np.float32)
    clean[::2] = 0.5
    observation = gaussian(clean, std=0.1, rng=np.random.default_rng(1))
    noise = observation.signal - clean
    assert observation.signal.dtype == np.float32
    # standard errors at this length: 1e-4 of the mean, 7e-5 of the std, 1e-3 of a correlation
    assert abs(noise.mean()) < 4e-4
    assert noise.std() == pytest.approx(0.1, abs=3e-4)
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 4e-3
    assert scipy.stats.kurtosis(noise) == pytest.approx(0, abs=0.02)
    assert observation.metadata["snr_db"] == pytest.approx(
        snr_db(clean, observation.signal), abs=1e-4
    )
    assert observation.known == {"noise_std": np.float32(0.1)}


@pytest.mark.parametrize("level", [1e-4, 0.1, 1.0])
@pytest.mark.parametrize("wanted", [-3.0, 5.0, 6.789, 9.0])
def test_environmental_reaches_its_ratio(tone, hiss, level, wanted):
    observation = environmental(tone, level * hiss[:4096], snr_db=wanted)
    assert observation.signal.dtype == np.float32
    assert snr_db(tone, observation.signal) == pytest.approx(wanted, abs=1e-4)
    assert observation.metadata["snr_db"] == pytest.approx(wanted, abs=1e-4)
    noise = observation.signal.astype(np.float64) - tone
    assert np.corrcoef(noise, hiss[:4096])[0, 1] > 1 - 1e-9  # scaled, and nothing else


def test_silent_noise(tone):
    with pytest.raises(DapError, match="noise excerpt is silent"):
        environmental(tone, np.zeros_like(tone), snr_db=5.0)
    with pytest.raises(DapError, match="clip is silent, so no signal-to-noise ratio"):
        environmental(np.zeros_like(tone), tone, snr_db=5.0)


def test_noise_excerpts_start_anywhere():
    recording = np.arange(110, dtype=np.float32)
    rng = np.random.default_rng(1)
    starts = []
    for _ in range(200):
        noise, start = noise_excerpt(recording, 100, rng)
        np.testing.assert_array_equal(noise, np.arange(start, start + 100))
        starts.append(start)
    assert set(starts) == set(range(11))


def test_short_noise_is_repeated():
    noise, start = noise_excerpt(np.arange(3, dtype=np.float32), 8, np.random.default_rng(1))
    np.testing.assert_array_equal(noise, np.arange(start, start + 8) % 3)


def test_mixture_is_the_sum(tone, hiss):
    sources = [tone, hiss[:4096]]
    observation = mixture(sources)
    np.testing.assert_array_equal(observation.signal, sources[0] + sources[1])
    assert observation.signal.dtype == np.float32
    assert observation.metadata["peak"] == np.abs(observation.signal).max()


def damaged(samples, seed=0, transform=HANN, **options):
    defaults = {"seconds": (0.1, 0.25), "per_second": 1.0, "domain": "samples"}
    clean = np.random.default_rng(7).normal(0, 0.1, samples).astype(np.float32)
    rng = np.random.default_rng(seed)
    return clean, gaps(clean, transform, sample_rate=RATE, rng=rng, **defaults | options)


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
        found = runs(observation.known["mask"])
        assert len(found) == count == observation.metadata["gaps"]  # so none touches another
        lengths = np.diff(found)[:, 0] / RATE
        assert lengths.min() >= 0.1 - HALF_HOP
        assert lengths.max() <= 0.25 + HALF_HOP
        said = [float(text) for text in observation.metadata["gap_seconds"].split()]
        np.testing.assert_allclose(lengths, said, rtol=0, atol=5.1e-4)
        assert observation.metadata["lost_fraction"] == observation.known["mask"].mean()


def test_gaps_are_spread_evenly():
    lengths, middles = [], []
    for seed in range(150):
        _, observation = damaged(8 * RATE, seed)
        found = runs(observation.known["mask"]) / RATE
        lengths += list(np.diff(found)[:, 0])
        middles += list(found.mean(axis=1))
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
    transform = STFT(n_fft, hop_length, window)
    for seed, samples in enumerate((16384, 20001, 24000)):
        clean, observation = damaged(samples, seed, transform)
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
    transform = STFT(n_fft, hop_length, "hann")
    centres = hop_length * np.arange(transform.frames(RATE))
    for seed in range(40):  # as many gaps as fit
        _, observation = damaged(RATE, seed, transform, seconds=(0.05, 0.05), per_second=8.0)
        observed = observation.known["observed_frames"]
        edges = runs(observation.known["mask"])
        for end, start in zip(np.r_[0, edges[:, 1]], np.r_[edges[:, 0], RATE + 1], strict=True):
            assert observed[(centres >= end) & (centres < start)].any()


def test_whole_frames_are_lost():
    clean, observation = damaged(2 * RATE, domain="frames")
    observed, spectrogram = (observation.known[name] for name in ("observed_frames", "spectrogram"))
    whole = HANN.analyse(torch.from_numpy(clean)).numpy()
    assert spectrogram.shape == whole.shape
    assert not spectrogram[..., ~observed].any()
    np.testing.assert_array_equal(spectrogram[..., observed], whole[..., observed])
    inverse = HANN.synthesise(torch.from_numpy(spectrogram), 2 * RATE).numpy()
    np.testing.assert_allclose(observation.signal, inverse, atol=1e-6)
    # what is left of a sample is the clean one times a known factor
    gain = observation.known["gain"]
    np.testing.assert_allclose(observation.signal, gain * clean, atol=1e-6)
    assert gain.min() == 0
    assert gain.max() == pytest.approx(1)
    # the samples nearest to a lost frame are lost
    nearest = (np.arange(2 * RATE) + 32) // 64
    np.testing.assert_array_equal(observation.known["mask"], ~observed[nearest])


RAMP = np.linspace(-1, 1, 4001)


@pytest.mark.parametrize(
    ("bins", "quantizer", "levels"),
    [
        (16, "mid-rise", (np.arange(-8, 8) + 0.5) / 8),
        (16, "mid-tread", np.arange(-8, 8) / 8),  # one more below 0 than above
        (5, "mid-tread", np.array([-0.8, -0.4, 0, 0.4, 0.8])),
        (2, "mid-rise", np.array([-0.5, 0.5])),
        (2, "mid-tread", np.array([-1.0, 0.0])),
    ],
)
def test_levels_and_cells_of_quantizers(bins, quantizer, levels):
    level, lower, upper = cells(RAMP, bins, quantizer)
    assert np.unique(level) == pytest.approx(levels)
    # cells tile [-1, 1], each sample lies in its own, and is half a step at most from its level
    edges = np.unique(np.r_[lower, upper])
    np.testing.assert_allclose(edges, np.r_[-1, (levels[1:] + levels[:-1]) / 2, 1], atol=1e-7)
    assert ((lower - 1e-7 <= RAMP) & (upper + 1e-7 >= RAMP)).all()
    inside = np.abs(RAMP - (levels[0] + levels[-1]) / 2) < (levels[-1] - levels[0]) / 2 + 1 / bins
    assert np.abs(level - RAMP)[inside].max() == pytest.approx(1 / bins, abs=1e-3)
    # a level is quantized to itself, and so is all that lies inside of its cell
    for again in (level, 0.999 * lower + 0.001 * upper, 0.001 * lower + 0.999 * upper):
        np.testing.assert_array_equal(cells(again, bins, quantizer)[0], level)


def test_quantization(tone):
    loud = 3 * tone
    observation = corruptions.quantization(loud, bins=16, quantizer="mid-rise")
    known, metadata = observation.known, observation.metadata
    assert observation.signal.dtype == known["lower"].dtype == known["upper"].dtype == np.float32
    # beyond [-1, 1] it saturates
    assert np.abs(observation.signal).max() == 15 / 16
    assert (known["lower"].min(), known["upper"].max()) == (-1, 1)
    assert (int(known["bins"]), str(known["quantizer"])) == (16, "mid-rise")
    assert metadata["snr_db"] == pytest.approx(snr_db(loud, observation.signal), abs=1e-4)
    assert metadata["levels"] == 16
    assert metadata["saturated_fraction"] == (np.abs(loud) > 1).mean() > 0.4
    # an error uniform over a cell has the variance step^2 / 12
    hiss = np.random.default_rng(0).uniform(-1, 1, 100_000)
    error = corruptions.quantization(hiss, bins=16, quantizer="mid-tread").signal - hiss
    inside = hiss < 15 / 16  # above, the last level of two's complement is missing
    assert np.var(error[inside]) == pytest.approx(0.125**2 / 12, rel=0.02)


def test_quantizers_that_do_not_exist():
    with pytest.raises(DapError, match="bins is 15: must be even and at least 2"):
        cells(RAMP, 15, "mid-rise")
    with pytest.raises(DapError, match="bins is 1: must be at least 2"):
        cells(RAMP, 1, "mid-tread")
    with pytest.raises(DapError, match="quantizer is 'floor': must be mid-rise or mid-tread"):
        cells(RAMP, 16, "floor")


def test_a_clip_too_short_for_its_gaps():
    with pytest.raises(
        DapError, match=r"1 gaps of 0\.\d+ s in all do not fit into a clip of 0\.13 s: lengthen"
    ):
        damaged(2048)
    with pytest.raises(DapError, match=r"20 gaps of .* lower `seconds` or `per_second`"):
        damaged(RATE, per_second=20.0)


def test_every_operator_is_declared():
    assert set(corruptions.CORRUPTIONS) == {
        "gaussian", "environmental", "gaps", "mixture", "quantization",
    }  # fmt: skip
