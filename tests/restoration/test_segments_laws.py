"""Laws of segments: they cover a recording, and their cross-fade adds nothing of its own."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import SEEDS

from dap.restoration.segments import cross_faded, segments


@st.composite
def cuts(draw, most: int = 20_000) -> tuple[int, int, int]:
    """Samples of a recording and of a segment, and of the fade, which is shorter than it."""
    length = draw(st.integers(2, 3000))
    fade = draw(st.integers(0, length - 1))
    # a segment begins this much after the one before it: at most a thousand of them
    samples = draw(st.integers(1, min(most, length + 1000 * (length - fade))))
    return samples, length, fade


@given(cuts())
def test_segments_cover_all_samples(cut):
    samples, length, fade = cut
    parts = segments(samples, length, fade)
    starts, ends = np.array(parts).T
    assert (starts[0], ends[-1]) == (0, samples)
    assert (ends - starts == min(samples, length)).all()
    assert (np.diff(starts) > 0).all()
    # each overlaps the next by the fade, or by more where the lengths do not come out even
    assert (ends[:-1] - starts[1:] >= fade).all()


@given(cuts())
def test_there_is_no_segment_too_many(cut):
    samples, length, fade = cut
    count = len(segments(samples, length, fade))
    if count > 1:
        # one fewer, each overlapping the next by the fade, would end before the recording does
        assert (count - 1) * (length - fade) + fade < samples


@given(cuts(), st.integers(-100, 100))
def test_a_constant_stays(cut, value):
    parts = segments(*cut)
    faded = cross_faded([np.full(end - start, value) for start, end in parts], parts, cut[2])
    np.testing.assert_allclose(faded, value, rtol=1e-12)


@given(cuts(), SEEDS)
def test_a_recording_comes_back_from_its_segments(cut, seed):
    recording = np.random.default_rng(seed).uniform(-1, 1, cut[0])
    parts = segments(*cut)
    faded = cross_faded([recording[start:end] for start, end in parts], parts, cut[2])
    np.testing.assert_allclose(faded, recording, rtol=1e-12)


@given(cuts(), SEEDS)
def test_every_sample_is_a_weighted_mean_of_the_estimates(cut, seed):
    rng = np.random.default_rng(seed)
    parts = segments(*cut)
    estimates = [rng.uniform(-1, 1, end - start) for start, end in parts]
    lowest, highest = np.full(cut[0], np.inf), np.full(cut[0], -np.inf)
    for estimate, (start, end) in zip(estimates, parts, strict=True):
        np.minimum(lowest[start:end], estimate, out=lowest[start:end])
        np.maximum(highest[start:end], estimate, out=highest[start:end])
    faded = cross_faded(estimates, parts, cut[2])
    assert (lowest - 1e-12 <= faded).all()
    assert (faded <= highest + 1e-12).all()


@given(cuts(), SEEDS)
@example((17, 15, 14), 1)  # a segment that begins soon after the recording does
def test_nothing_jumps_where_a_segment_begins(cut, seed):
    samples, length, fade = cut
    parts = segments(samples, length, fade)
    values = np.random.default_rng(seed).uniform(-1, 1, len(parts))
    estimates = [
        np.full(end - start, value) for value, (start, end) in zip(values, parts, strict=True)
    ]
    faded = cross_faded(estimates, parts, fade)
    # from sample to sample each weight changes by 1 / (fade + 1) at most, the weights of a sample
    # add up to at least 1, and values differ by 2 at most
    over_each = max(sum(start <= at < end for start, end in parts) for at, _ in parts)
    assert np.abs(np.diff(faded)).max(initial=0) <= 2 * (over_each + 1) / (fade + 1) + 1e-12
