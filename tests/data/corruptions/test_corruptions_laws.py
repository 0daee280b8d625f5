"""Laws of the quantizer, whose cells tile [-1, 1], and of gaps, which touch no observed frame."""

import numpy as np
from corrupted import corrupted
from hypothesis import given
from hypothesis import strategies as st
from strategies import SEEDS, signals

from dap.data.corruptions.quantization import cells
from dap.observation import untouched_frames

QUANTIZERS = st.one_of(
    st.tuples(st.integers(1, 200).map(lambda half: 2 * half), st.just("mid-rise")),
    st.tuples(st.integers(2, 400), st.just("mid-tread")),
)


@st.composite
def quantized(draw) -> tuple[np.ndarray, int, str]:
    """A signal that may exceed full scale, decisions and levels among its samples; a quantizer."""
    bins, quantizer = draw(QUANTIZERS)
    signal = draw(signals(st.integers(1, 500), level=1.3))
    halves = np.arange(-bins, bins + 1, dtype=np.float64) / bins  # every half of a step
    return np.concatenate((signal, halves.astype(np.float32))), bins, quantizer


@given(quantized())
def test_every_sample_and_its_level_lie_in_its_cell(case):
    signal, bins, quantizer = case
    level, lower, upper = cells(signal, bins, quantizer)
    inside = np.clip(signal, -1, 1)
    assert ((lower <= inside) & (inside <= upper)).all()
    assert ((lower <= level) & (level <= upper)).all()
    assert level.dtype == lower.dtype == upper.dtype == np.float32


@given(quantized())
def test_cells_tile_full_scale(case):
    signal, bins, quantizer = case  # all halves of a step: every cell is met
    level, lower, upper = (np.unique(part) for part in cells(signal, bins, quantizer))
    assert len(level) == len(lower) == len(upper) == bins
    assert (lower[0], upper[-1]) == (-1, 1)
    np.testing.assert_array_equal(upper[:-1], lower[1:])
    np.testing.assert_allclose(np.diff(level), 2 / bins, rtol=0, atol=2e-7)


@given(quantized())
def test_quantizing_again_changes_nothing(case):
    signal, bins, quantizer = case
    once = cells(signal, bins, quantizer)
    for first, second in zip(once, cells(once[0], bins, quantizer), strict=True):
        np.testing.assert_array_equal(first, second)


@given(quantized())
def test_order_is_kept(case):
    signal, bins, quantizer = case
    for part in cells(np.sort(signal), bins, quantizer):
        assert (np.diff(part) >= 0).all()


@given(quantized())
def test_mid_rise_has_a_decision_at_0_and_mid_tread_a_level(case):
    signal, bins, quantizer = case
    level, lower, upper = cells(signal, bins, quantizer)
    if quantizer == "mid-rise":
        assert not ((lower < 0) & (upper > 0)).any()
        np.testing.assert_array_equal(np.sort(np.unique(level)), np.sort(-np.unique(level)))
    else:
        assert 0 in level
        levels = np.unique(level)
        assert (levels < 0).sum() - (levels > 0).sum() == (bins % 2 == 0)


@given(quantized())
def test_the_error_is_half_a_step_at_most(case):
    signal, bins, quantizer = case
    observation = corrupted("quantization", signal, bins=bins, quantizer=quantizer)
    # the top level of a mid-tread quantizer with an even number of levels is a step below 1
    top = 1 - 1 / bins if quantizer == "mid-tread" and bins % 2 == 0 else 1
    inside = (signal >= -1) & (signal <= top)
    error = np.abs(observation.signal.astype(np.float64) - signal)
    assert error[inside].max() <= 1 / bins + 1e-7
    assert observation.metadata["levels"] == bins
    assert observation.metadata["saturated_fraction"] == np.mean(np.abs(signal) > 1)


@given(st.integers(1, 300), st.integers(8, 64), st.data())
def test_untouched_frames_are_those_whose_window_meets_no_gap(samples, half, data):
    hop_length = data.draw(st.integers(1, half))
    mask = np.zeros(samples, bool)
    for start in data.draw(st.lists(st.integers(0, samples), max_size=3)):
        mask[start : start + data.draw(st.integers(1, 40))] = True
    untouched = untouched_frames(mask, 2 * half, hop_length)
    padded = np.pad(mask, half)
    windows = [padded[centre : centre + 2 * half] for centre in range(0, samples + 1, hop_length)]
    np.testing.assert_array_equal(untouched, [not window.any() for window in windows])


@given(st.integers(2000, 12000), st.sampled_from(["frames", "samples"]), SEEDS, st.data())
def test_gaps_are_as_long_as_asked_and_apart(samples, domain, seed, data):
    # whole frames have to be longer than the window
    shortest = data.draw(st.floats(0.001 if domain == "samples" else 127 / 16000, 0.02))
    longest = data.draw(st.floats(shortest, 0.02))
    clean = np.random.default_rng(seed).uniform(-1, 1, samples).astype(np.float32)
    observation = corrupted(
        "gaps",
        clean,
        seed=seed,
        spectrogram={"n_fft": 126, "hop_length": 32, "window": "hann"},
        seconds=(shortest, longest),
        per_second=6.0,
        domain=domain,
    )
    mask = observation.known["mask"]
    edges = np.flatnonzero(np.diff(np.pad(mask, 1).astype(int)))
    starts, ends = edges[::2], edges[1::2]
    assert len(starts) == max(1, round(6.0 * samples / 16000))
    # lengths are whole hops, at least one; between gaps and at the ends, more than a window
    lengths = ends - starts
    assert lengths.min() >= max(32, shortest * 16000 - 16)
    assert lengths.max() <= max(32, longest * 16000 + 16)
    assert np.diff([0, *np.c_[starts, ends].ravel(), samples])[::2].min() >= 126
    if domain == "samples":
        np.testing.assert_array_equal(observation.signal, np.where(mask, 0, clean))
