import numpy as np

SYNTHETIC = {"chirps": {"title": "synthetic chirps"}}


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """A sine whose frequency rises: (samples,) float32."""
    start, end = rng.uniform(100, 500), rng.uniform(1000, 4000)
    frequency = np.linspace(start, end, samples)
    return (0.5 * np.sin(2 * np.pi * np.cumsum(frequency) / sample_rate)).astype(np.float32)
