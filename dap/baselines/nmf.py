"""Two sources from one mixture by non-negative matrix factorisation with the KL divergence.

The mixture's magnitudes are factorised into 8 components (Lee and Seung's multiplicative updates,
of scikit-learn), which k-means puts into two groups by the loudness of their spectra on a mel scale
(after Spiertz and Gnann 2009). Each group is read out by a Wiener mask. Nothing is trained, and
nothing is random.
"""

import warnings
from collections.abc import Sequence

import numpy as np

from dap.errors import extra
from dap.observation import Observation

BASELINES = {"nmf": {"title": "NMF with the KL divergence", "tasks": ["separate"]}}

WINDOW_SECONDS = 0.064
COMPONENTS = 8
ITERATIONS = 200
MELS = 10
LOUDNESS = 0.25  # exponent of a magnitude


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """(2, samples) float32, clipped to [-1, 1]: the sources, which add up to the mixture."""
    sources = separate(observation.signal, observation.sample_rate)
    return np.clip(sources, -1, 1).astype(np.float32)


def separate(mixture: np.ndarray, sample_rate: int) -> np.ndarray:
    """(samples,) -> (2, samples) float64, in no certain order; silence gives silence."""
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    if not mixture.any():
        return np.zeros((2, mixture.size))
    n_fft = 4 * round(WINDOW_SECONDS * sample_rate / 4)
    padded = np.zeros(max(mixture.size, n_fft))
    padded[: mixture.size] = mixture
    transform = ShortTimeFFT(hann(n_fft, sym=False), n_fft // 4, fs=sample_rate)
    spectrum = transform.stft(padded)  # (bins, frames)
    magnitudes = np.abs(spectrum) / np.abs(spectrum).max()
    spectra, activations = _factors(magnitudes)
    group = _groups(spectra, activations, n_fft, sample_rate)
    power = np.stack([np.square(spectra[:, group == j] @ activations[group == j]) for j in (0, 1)])
    total = power.sum(axis=0)
    # the halves of what no component explains
    first = np.where(total > 0, power[0] / np.where(total > 0, total, 1), 0.5)
    source = transform.istft(first * spectrum, k1=padded.size)[: mixture.size]
    return np.stack((source, mixture - source))


def _factors(magnitudes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bins, frames) -> spectra (bins, components) of sum 1, activations (components, frames)."""
    with extra("workflow"):
        from sklearn.decomposition import NMF
        from sklearn.exceptions import ConvergenceWarning

    model = NMF(
        n_components=min(COMPONENTS, *magnitudes.shape),
        init="nndsvda",
        solver="mu",
        beta_loss="kullback-leibler",
        max_iter=ITERATIONS,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # enough for a mask
        spectra = model.fit_transform(magnitudes)
    sums = spectra.sum(axis=0)
    return spectra / np.where(sums > 0, sums, 1), model.components_ * sums[:, np.newaxis]


def _groups(
    spectra: np.ndarray, activations: np.ndarray, n_fft: int, sample_rate: int
) -> np.ndarray:
    """Which of two groups each component is in, (components,) int; the louder ones weigh more."""
    with extra("workflow"):
        from librosa.filters import mel
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

    bands = mel(sr=sample_rate, n_fft=n_fft, n_mels=MELS) @ spectra
    features = bands.T**LOUDNESS  # (components, mels)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    features = features / np.where(lengths > 0, lengths, 1)
    loudness = activations.sum(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # all components may be the same
        clusters = KMeans(2, n_init=10, random_state=0).fit(features, sample_weight=loudness)
    return clusters.labels_
