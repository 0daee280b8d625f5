import numpy as np
import pytest
import scipy.signal
import torch

from dap.stft import STFT


@pytest.mark.parametrize("window", ["hann", "rectangular"])
@pytest.mark.parametrize("samples", [300, 1022, 1024, 4096, 4097, 5001, 16384])
def test_round_trip(window, samples):
    transform = STFT(1022, 64, window)
    signal = torch.from_numpy(np.random.default_rng(samples).uniform(-1, 1, (2, samples))).float()
    channels = transform.analyse(signal)
    assert channels.shape == (2, 2, 512, samples // 64 + 1)
    assert channels.shape[-2:] == (transform.bins, transform.frames(samples))
    # float32 resolves 6e-8 at full scale; the window's overlap adds up to a few of them
    assert (transform.synthesise(channels, samples) - signal).abs().max() < 1e-6


@pytest.mark.parametrize(("n_fft", "hop_length"), [(256, 96), (64, 16)])
def test_other_sizes(n_fft, hop_length, tone):
    transform = STFT(n_fft, hop_length, "hann")
    channels = transform.analyse(torch.from_numpy(tone))
    assert channels.shape == (2, n_fft // 2 + 1, 4096 // hop_length + 1)
    assert (transform.synthesise(channels, 4096) - torch.from_numpy(tone)).abs().max() < 1e-6


def test_leading_dimensions():
    transform = STFT(64, 16, "hann")
    signal = torch.randn(3, 2, 200)
    channels = transform.analyse(signal)
    assert channels.shape == (3, 2, 2, 33, 13)
    torch.testing.assert_close(channels[1, 0], transform.analyse(signal[1, 0]), rtol=0, atol=1e-5)
    assert transform.synthesise(channels, 200).shape == signal.shape
    torch.testing.assert_close(transform.synthesise(channels, 200), signal, rtol=0, atol=1e-6)


@pytest.mark.parametrize("window", ["hann", "rectangular"])
@pytest.mark.parametrize("frame", [0, 3, 30, 64])
def test_a_frame_is_the_dft_around_its_centre(window, frame, hiss):
    signal = hiss[:4096]
    channels = STFT(1022, 64, window).analyse(torch.from_numpy(signal)).numpy()
    shape = {"hann": scipy.signal.get_window("hann", 1022), "rectangular": np.ones(1022)}[window]
    around = np.pad(signal.astype(np.float64), 511)[64 * frame : 64 * frame + 1022]
    angle = -2 * np.pi * np.outer(np.arange(512), np.arange(1022)) / 1022
    real, imaginary = np.cos(angle) @ (shape * around), np.sin(angle) @ (shape * around)
    # sums of a thousand float32 numbers of about 0.1; not normalised
    np.testing.assert_allclose(channels[:, :, frame], [real, imaginary], rtol=0, atol=2e-5)
