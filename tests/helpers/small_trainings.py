"""A training that takes a second: tones in noise."""

from functools import partial

import numpy as np

from dap.options import TrainingOptions
from dap.plugins import plugin
from dap.stft import STFT
from dap.training.loop import train
from dap.training.mixtures import Mixtures, split
from dap.training.model import Configuration

RATE, SAMPLES = 16000, 2048
SPECTROGRAM = {"n_fft": 126, "hop_length": 32, "window": "rectangular"}
OPTIONS = {
    "samples": SAMPLES,
    "steps": 6,
    "batch": 2,
    "learning_rate": 0.01,
    "width": 0.1,
    "network": "code",
    "precision": "float32",
    "validation_every": 2,
    "validation_mixtures": 3,
}


def tone(frequency, samples=2 * SAMPLES):
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(samples) / RATE)).astype(np.float32)


def hiss(seed, samples=2 * SAMPLES):
    return np.random.default_rng(seed).normal(0, 0.2, samples).astype(np.float32)


def recordings(count=4):
    """Tones to take out of noise."""
    return {
        "tones": {f"{i}.wav": [tone(500 + 100 * i)] for i in range(count)},
        "hiss": {f"{i}.wav": [hiss(i)] for i in range(count)},
    }


def configuration(method="conv7", **changes):
    options = OPTIONS | changes
    return Configuration(
        method=method,
        width=options["width"],
        network="code",
        spectrogram=SPECTROGRAM,
        sample_rate=RATE,
        samples=SAMPLES,
        target="tones",
        heard=("hiss",),
    )


def trained(method="conv7", seed=3, report=None, checkpoint=None, **changes):
    """What `train` leaves, and the configuration of its model."""
    options = TrainingOptions(**(OPTIONS | changes))
    heard, held = split(recordings(), options.validation_share, 0)
    build = partial(plugin("priors", method).load().build, width=options.width, network="code")
    result = train(
        build,
        Mixtures("tones", heard, SAMPLES, 1),
        Mixtures("tones", held, SAMPLES, 2),
        options,
        STFT(**SPECTROGRAM),
        seed=seed,
        device="cpu",
        report=report,
        checkpoint=checkpoint,
    )
    return result, configuration(method, **changes)
