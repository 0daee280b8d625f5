"""A small network fitted to a short tone, stopped and taken up, and two fits compared by bits."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from corrupted import corrupted

from dap.fitting.loop import fit
from dap.fitting.objectives.tasks import objective
from dap.nn.dilated_unet import design
from dap.observation import Observation, untouched_frames
from dap.options import FitOptions, defaults
from dap.runtime.checkpoints import Checkpoint
from dap.stft import STFT
from dap.tasks import TASKS

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
TASK_OPTIONS = {
    task: {name: (defaults() | {"consistency": 0.5})[name] for name in entry.options}
    for task, entry in TASKS.items()
}
MARK = "a" * 64
ALWAYS = 1e-9  # seconds: a checkpoint is due after each iteration


def observe(signal, task, sample_rate=16000, spectrogram=(126, 63)):
    """An observation of a signal for a task: with a gap of 40 samples, quantized, or as it is.

    Args:
        spectrogram: n_fft and hop_length, for the frames that touch no gap.
    """
    signal = signal.astype(np.float32)
    if task == "dequantize":
        return replace(corrupted("quantization", signal), sample_rate=sample_rate)
    known = {"noise_std": np.float32(0.1)}
    if task == "inpaint":
        mask = np.zeros(len(signal), bool)
        mask[len(signal) // 2 : len(signal) // 2 + 40] = True
        signal = np.where(mask, np.float32(0), signal)
        known = {"mask": mask, "observed_frames": untouched_frames(mask, *spectrogram)}
    return Observation(signal, known, sample_rate=sample_rate)


def goal(task, tone, device="cpu"):
    transform = STFT(254, 32, "hann", device)
    observation = observe(tone[:2048], task, spectrogram=(254, 32))
    return objective(task, observation, transform, device, TASK_OPTIONS[task])


def run(task, tone, options=OPTIONS, build=BUILD, **rest):
    return fit(build, goal(task, tone), options, seed=3, device="cpu", **rest)


def assert_same(one, other):
    for name in ("iterations", "snapshots", "last", "average", "losses"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


class StoppedError(Exception):
    """What stops a fit of `stopped`."""


def checkpoint(path, seconds=ALWAYS, mark=MARK):
    """A checkpoint that remembers, as `said`, what it told."""
    said = []
    keeper = Checkpoint(path, mark, seconds, said.append)
    keeper.said = said
    return keeper


def stop_after(iteration, path, task, tone, **rest):
    """Raise in the iteration after one, whose checkpoint is written."""
    keeper = checkpoint(path)
    write = keeper.save

    def save(parts, device, **values):
        write(parts, device, **values)
        if values["iteration"] == iteration:
            raise StoppedError

    keeper.save = save
    with pytest.raises(StoppedError):
        run(task, tone, checkpoint=keeper, **rest)
