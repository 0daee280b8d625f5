"""Synthetic tones: the three sinusoids of B's Figure 1."""

import numpy as np

SYNTHETIC = {
    "tones": {"title": "synthetic tones: sinusoids of 1, 2 and 3 kHz, of amplitude 0.3 each"}
}

FREQUENCIES = (1000.0, 2000.0, 3000.0)  # Hz
AMPLITUDE = 0.3


def generate(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """Sinusoids of 1, 2 and 3 kHz and equal amplitudes, with random phases.

    Each has an amplitude of 0.3 (RMS 0.212), all three an RMS level of 0.367 and a peak of 0.9 at
    most: against noise of standard deviation 0.1 an SNR of 11.3 dB.

    Returns:
        (samples,) float32.
    """
    t = np.arange(samples) / sample_rate
    phases = rng.uniform(0, 2 * np.pi, len(FREQUENCIES))
    sound = sum(
        np.sin(2 * np.pi * frequency * t + phase)
        for frequency, phase in zip(FREQUENCIES, phases, strict=True)
    )
    return (AMPLITUDE * sound).astype(np.float32)
