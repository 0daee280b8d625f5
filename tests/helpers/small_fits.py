"""A small network fitted to a short tone, and the comparison of two fits bit by bit."""

from functools import partial

import numpy as np

from dap.fitting.loop import fit
from dap.fitting.objectives.spectral import objective
from dap.nn.dilated_unet import design
from dap.observation import Observation
from dap.options import FitOptions
from dap.stft import STFT

OPTIONS = FitOptions(
    iterations=14,
    learning_rate=5e-3,
    lr_step_size=5,  # a step lies before, at and after a stop
    lr_gamma=0.5,
    warmup=3,
    cooldown=0.4,
    initialisation="he",
    output_scale=0.2,
    snapshots=6,
    snapshot_at=(),
    ema_decay=0.9,
    precision="float32",
)
BUILD = partial(design, dilation=None, dense=True, width=0.05)
OWN = {"reconstruction": "l1", "smoothness": 1.0, "exclusion": 1.0, "binarity": 0.01}
MARK = "a" * 64


def goal(task, tone, device="cpu"):
    transform = STFT(254, 32, "hann", device)
    options = OWN if task == "separate" else {}
    return objective(task, Observation(tone[:2048]), transform, device, options)


def run(task, tone, options=OPTIONS, build=BUILD, **rest):
    return fit(build, goal(task, tone), options, seed=3, device="cpu", **rest)


def assert_same(one, other):
    for name in ("iterations", "snapshots", "last", "average", "losses"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
