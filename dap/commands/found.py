"""What the methods were found good for, and what they take on this machine."""

import numpy as np

from dap.fitting.method import resolve_device, restoring
from dap.observation import Observation, untouched_frames
from dap.restoration.choice import Method, fit_options
from dap.runtime.trial import timed
from dap.tasks import TASKS

# docs/results/beyond.md has the numbers, and where they come from
FOUND = {
    "wiener-tracked": "The best of the quick ones in noise: 2.4 dB ahead of wavelet in white "
    "noise, and 6.2 dB of spectral-gate in noise of rooms and streets.",
    "dap-best": "The best at 16 bins: 1.2 dB ahead of cell-projection. In noise as good as "
    "wiener-tracked; PESQ of speech is 0.2 higher, music 1 to 3 dB worse.",
    "janssen": "The best in gaps: no network was ahead.",
    "cell-projection": "At 16 bins the best of the quick ones, 1.2 dB behind dap-best.",
    "wavelet": "2.4 dB behind wiener-tracked in white noise.",
    "spectral-gate": "6.2 dB behind wiener-tracked in noise of rooms and streets.",
    "wiener": "9.7 dB behind wiener-tracked in noise of rooms and streets.",
    "dilated-exp-dense": "Paper A's: 2.4 dB behind dap-best in white noise, 4.4 dB in gaps, and "
    "2.7 dB in mixtures of piano and drums.",
    "harmonic": "Paper B's: 1.8 dB behind dap-best in white noise, 6.6 dB in gaps.",
}
RATE, SECONDS = 16000, 1.0
GAP = slice(8000, 8320)
BINS = 16


def seconds_per_second(method: Method, spectrogram: dict, device: str = "auto") -> float:
    """Of a second of sound in noise, at 16 kHz: what a method takes for its first task.

    A fit is told from its first iterations, as if it ran to its last one; rules may stop it before.

    Raises:
        DapError: weights cannot be had.
    """
    (task, *_) = method.tasks
    time = np.arange(round(SECONDS * RATE)) / RATE
    noise = np.random.default_rng(0).normal(0, 0.05, len(time))
    signal = (0.5 * np.sin(2 * np.pi * 440 * time) + noise).astype(np.float32)
    known = {}
    if TASKS[task].masked:
        mask = np.zeros(len(time), bool)
        mask[GAP] = True
        signal[mask] = 0
        frames = untouched_frames(mask, spectrogram["n_fft"], spectrogram["hop_length"])
        known = {"mask": mask, "observed_frames": frames}
    elif TASKS[task].known:  # cells
        from dap.data.corruptions.quantization import cells

        signal, lower, upper = cells(signal, BINS, "mid-rise")
        known = {"lower": lower, "upper": upper}
    device = resolve_device(device) if method.kind == "prior" else "cpu"
    fit = fit_options(method.name, task)
    steps = restoring(
        method.name,
        task,
        Observation(signal, known, sample_rate=RATE),
        fit=fit,
        spectrogram=spectrogram,
        device=device,
        seed=0,
    )
    return timed(steps, fit.iterations, device) / SECONDS
