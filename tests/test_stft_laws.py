"""The STFT's round trip, for sizes that nobody chose."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import signals

from dap.stft import STFT


@st.composite
def transforms(draw, least_overlap: int = 4) -> STFT:
    """Windows of 16 to 2048 samples, with so many of them over each sample."""
    n_fft = 2 * draw(st.integers(8, 1024))
    hop_length = draw(st.integers(max(1, n_fft // 64), n_fft // least_overlap))
    return STFT(n_fft, hop_length, draw(st.sampled_from(["hann", "rectangular"])))


@given(transforms(), signals(st.integers(1, 5000)))
def test_round_trip(transform, signal):
    signal = torch.from_numpy(signal)
    channels = transform.analyse(signal)
    assert channels.shape == (2, transform.bins, transform.frames(len(signal)))
    again = transform.synthesise(channels, len(signal))
    # float32 resolves 6e-8 at full scale; with a Hann window, a sample beyond the last frame's
    # centre may lie under half of one window alone
    assert (again - signal).abs().max() < 3e-6


@given(transforms(), signals(st.integers(1, 3000)), signals(st.just(3000)), st.floats(-2, 2))
def test_analysis_is_linear(transform, one, other, factor):
    one, other = torch.from_numpy(one), torch.from_numpy(other[: len(one)])
    mixed = transform.analyse(one + factor * other)
    parts = transform.analyse(torch.stack((one, other)))
    # the largest sums are of n_fft samples of up to 1 each
    atol = 1e-6 * transform.n_fft
    torch.testing.assert_close(mixed, parts[0] + factor * parts[1], rtol=0, atol=atol)
