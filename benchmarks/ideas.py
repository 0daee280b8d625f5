"""`python -m benchmarks.ideas FOLDER`: dap-best in white noise, with one thing of it changed.

Clips of the set `choose` (docs/results/frontier.md), noise of std 0.1. Each way has the same clips
and initialisations, on one thread. What is not an option of a fit is put in its place here.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import click
import numpy as np
import torch

from benchmarks.frontier.sets import CELLS, SAMPLE_RATE, SPECTROGRAM, observe
from benchmarks.frontier.ways import Way
from dap.decibels import snr_db
from dap.errors import DapError
from dap.fitting import loop, method
from dap.fitting.objectives.spectral import Denoise
from dap.scoring.statistics import paired
from dap.seeds import derive

NAME, TASK = "dap-best", "denoise"
CORPORA = ("ljspeech", "sc09", "piano", "music")


@dataclass(frozen=True)
class Idea:
    """A way to change the fit.

    Attributes:
        options: of the fit, that differ.
        method: the prior whose network is fitted instead.
        place: within it a fit is as the idea has it.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    method: str = NAME
    place: Callable[[], AbstractContextManager] = nullcontext


@contextmanager
def optimiser(make: Callable[..., torch.optim.Optimizer], factor: float = 1.0) -> Iterator[None]:
    """Another optimiser in place of Adam, at so many times its rate, warm-up and all."""

    def made(parameters: list, lr: float, **_: object) -> torch.optim.Optimizer:
        return make(parameters, lr=lr)

    rate = loop.rate
    with (
        mock.patch.object(torch.optim, "Adam", made),
        mock.patch.object(loop, "rate", lambda *given: factor * rate(*given)),
    ):
        yield


@contextmanager
def perturbed(deviation: float) -> Iterator[None]:
    """What the network is fed, with fresh noise at each iteration (Ulyanov et al. 2018)."""
    draw = Denoise.draw

    def redraw(self: Denoise, network: int) -> torch.Tensor:
        given = draw(self, network)
        return given + deviation * given.std() * torch.randn_like(given)

    again = mock.Mock(return_value=(0,))
    with (
        mock.patch.object(Denoise, "draw", redraw),
        mock.patch.object(Denoise, "redrawn", again, create=True),
    ):
        yield


RATE = 0.0024  # of dap-best
IDEAS = {
    "hop 64": Idea({"hop_length": 64}),
    "hop 128": Idea({"hop_length": 128}),
    "hop 512": Idea({"hop_length": 512}),
    "an eighth of the width": Idea({"width": 0.125}),
    "half of the width": Idea({"width": 0.5}),
    "half of the rate": Idea({"learning_rate": RATE / 2}),
    "twice the rate": Idea({"learning_rate": RATE * 2}),
    "PyTorch's initial weights": Idea({"initialisation": "pytorch"}),
    "outputs not scaled": Idea({"output_scale": 0.0}),
    "averages over 100 iterations": Idea({"ema_decay": 0.99}),
    "A's conv": Idea(method="conv"),
    "A's dilated-exp": Idea(method="dilated-exp"),
    "B's harmonic": Idea(method="harmonic"),
    "NAdam": Idea(place=partial(optimiser, torch.optim.NAdam)),
    "AdamW, decay 0.01": Idea(place=partial(optimiser, torch.optim.AdamW)),
    "RMSprop": Idea(place=partial(optimiser, torch.optim.RMSprop)),
    "SGD, momentum 0.9, 10 times the rate": Idea(
        place=partial(optimiser, partial(torch.optim.SGD, momentum=0.9), 10)
    ),
    "input perturbed by 0.03": Idea(place=partial(perturbed, 0.03)),
    "input perturbed by 0.1": Idea(place=partial(perturbed, 0.1)),
}


def measure(folder: Path, corpus: str, clip: int, idea: Idea) -> tuple[float, float]:
    """SNR in dB where the rule stopped, and seconds of a second of sound.

    Raises:
        DapError: recordings are missing, or the fit diverged.
    """
    cell = f"gaussian-0.1/{corpus}"
    (clean,), observation = observe(folder, cell, "choose", clip)
    options = Way(NAME).options(TASK)
    assert options is not None
    begun = time.process_time()
    with idea.place():
        restored = method.restore(
            idea.method,
            TASK,
            observation,
            fit=replace(options, **idea.options),
            spectrogram=SPECTROGRAM,
            device="cpu",
            seed=derive(0, "ideas", cell, clip),
        )
    seconds = time.process_time() - begun
    estimate = restored.selections["stop"][0]
    return snr_db(clean, estimate - clean), seconds / (CELLS[cell].samples / SAMPLE_RATE)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--clips", default=2, show_default=True, type=click.IntRange(1), help="A corpus.")
@click.option(
    "--idea", "asked", multiple=True, help="Those whose name contains this; default: all."
)
def main(folder: Path, clips: int, asked: tuple[str, ...]) -> None:
    """What each idea changes, on the recordings under FOLDER."""
    torch.set_num_threads(1)
    cases = [(corpus, clip) for clip in range(clips) for corpus in CORPORA]
    base = np.array([measure(folder, *case, Idea()) for case in cases])
    print("| | n | SNR, dB | difference | seconds a second |\n| --- | ---: | ---: | ---: | ---: |")
    print(f"| `{NAME}` | {len(cases)} | {base[:, 0].mean():.2f} | | {base[:, 1].mean():.0f} |")
    for name, idea in IDEAS.items():
        if asked and not any(text in name for text in asked):
            continue
        try:
            found = np.array([measure(folder, *case, idea) for case in cases])
        except DapError as error:
            print(f"| {name} | | {error} | | |", flush=True)
            continue
        test = paired(found[:, 0] - base[:, 0])
        print(
            f"| {name} | {test.n} | {found[:, 0].mean():.2f} | {test.mean:+.2f} "
            f"[{test.low:+.2f}, {test.high:+.2f}] | {found[:, 1].mean():.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
