"""`python -m benchmarks.ideas FOLDER`: dap-best, with one thing of it changed, or a few.

Clips of the set `choose` (docs/results/frontier.md). Each way has the same clips and
initialisations, on one thread.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from benchmarks.frontier.__main__ import matching
from benchmarks.frontier.front import SCOPES
from benchmarks.frontier.measure import scored
from benchmarks.frontier.sets import CELLS, SAMPLE_RATE, observe
from benchmarks.ideas import changes, convolutions, optimisers
from benchmarks.ideas.fits import NAME, fit
from benchmarks.ideas.transforms import MDCT, Compressed
from dap.errors import DapError
from dap.scoring.statistics import paired
from dap.seeds import derive


@dataclass(frozen=True)
class Idea:
    """A way to change the fit.

    Attributes:
        options: of the fit, that differ.
        rate: factor on its learning rate.
        method: the prior whose network is fitted instead.
        spectrogram: what differs of the transform.
        place: of the folder of recordings; within it a fit is as the idea has it.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 1.0
    method: str = NAME
    spectrogram: Mapping[str, Any] = field(default_factory=dict)
    place: Callable[[Path], AbstractContextManager] = nullcontext


PLAIN = {"weighting": "none", "stop": "variance"}
PYTORCH = {"initialisation": "pytorch"}
WHITE = tuple(f"gaussian-0.1/{corpus}" for corpus in ("ljspeech", "sc09", "piano", "music"))
LBFGS = partial(optimisers.AdamThenLBFGS, after=50, length=1.0)
RMSPROP = partial(changes.optimiser, make=torch.optim.RMSprop)
IDEAS = {
    "hop 64": Idea({"hop_length": 64}),
    "hop 128": Idea({"hop_length": 128}),
    "hop 512": Idea({"hop_length": 512}),
    "windows half as long": Idea(spectrogram={"n_fft": 510}),
    "windows twice as long": Idea(spectrogram={"n_fft": 2046}),
    "rectangular windows": Idea(spectrogram={"window": "rectangular"}),
    "plain loss, ended by variance": Idea(PLAIN),
    "plain loss, ended by variance, square roots of magnitudes": Idea(
        PLAIN, place=partial(changes.transformed, transform=Compressed)
    ),
    "plain loss, ended by variance, MDCT": Idea(
        PLAIN, place=partial(changes.transformed, transform=MDCT)
    ),
    "plain loss, ended by variance, windows twice as long": Idea(
        PLAIN, spectrogram={"n_fft": 2046}
    ),
    "plain loss, ended by variance, windows of two lengths at once": Idea(
        PLAIN, spectrogram={"n_fft": 2046}, place=changes.in_two_windows
    ),
    "plain loss, ended by variance, filters of synthesis learned": Idea(
        PLAIN, place=changes.learned
    ),
    "also magnitudes in 3 resolutions": Idea(
        place=partial(changes.also_magnitudes, n_ffts=(256, 512, 2048))
    ),
    "an eighth of the width": Idea({"width": 0.125}),
    "half of the width": Idea({"width": 0.5}),
    "half of the rate": Idea(rate=0.5),
    "half of the rate, at most 400 iterations": Idea({"iterations": 400}, rate=0.5),
    "twice the rate": Idea(rate=2),
    "3 times the rate": Idea(rate=3),
    "no warm-up": Idea({"warmup": 0}),
    "warm-up of 100 iterations": Idea({"warmup": 100}),
    "PyTorch's initial weights": Idea(PYTORCH),
    "PyTorch's initial weights, twice the rate": Idea(PYTORCH, rate=2),
    "PyTorch's initial weights, 3 times the rate": Idea(PYTORCH, rate=3),
    "PyTorch's initial weights, RMSprop": Idea(PYTORCH, place=RMSPROP),
    "PyTorch's initial weights, twice the rate, RMSprop": Idea(PYTORCH, rate=2, place=RMSPROP),
    "outputs not scaled": Idea({"output_scale": 0.0}),
    "averages over 100 iterations": Idea({"ema_decay": 0.99}),
    "averaged weights in place of outputs": Idea(place=changes.averaged_weights),
    "A's conv": Idea(method="conv"),
    "A's dilated-exp": Idea(method="dilated-exp"),
    "B's harmonic": Idea(method="harmonic"),
    "dilated in time alone": Idea(place=partial(convolutions.dilated, bins=0, frames=1)),
    "dilations twice as long in time": Idea(place=partial(convolutions.dilated, bins=1, frames=2)),
    "depthwise convolutions": Idea(place=partial(convolutions.factored, kind="depthwise")),
    "separable convolutions": Idea(place=partial(convolutions.factored, kind="separable")),
    "harmonic convolutions in the first block": Idea(
        place=partial(convolutions.harmonic, dilation=2)
    ),
    "blocks of three resolutions": Idea(place=convolutions.in_resolutions),
    "NAdam": Idea(place=partial(changes.optimiser, make=torch.optim.NAdam)),
    "AdamW, decay 0.01": Idea(place=partial(changes.optimiser, make=torch.optim.AdamW)),
    "RMSprop": Idea(place=RMSPROP),
    "SGD, momentum 0.9, 10 times the rate": Idea(
        place=partial(changes.optimiser, make=partial(torch.optim.SGD, momentum=0.9), factor=10)
    ),
    "Adan": Idea(place=partial(changes.optimiser, make=partial(optimisers.of_package, "adan"))),
    "SOAP": Idea(place=partial(changes.optimiser, make=partial(optimisers.of_package, "soap"))),
    "Lion, a fifth of the rate": Idea(
        place=partial(changes.optimiser, make=partial(optimisers.of_package, "lion"), factor=0.2)
    ),
    "Muon": Idea(place=partial(changes.optimiser, make=optimisers.Muon)),
    "L-BFGS after 50 iterations": Idea(place=partial(changes.optimiser, make=LBFGS)),
    "L-BFGS after 50 iterations, a tenth of the step": Idea(
        place=partial(changes.optimiser, make=partial(LBFGS, length=0.1))
    ),
    "input perturbed by 0.03": Idea(place=partial(changes.perturbed, deviation=0.03)),
    "input perturbed by 0.1": Idea(place=partial(changes.perturbed, deviation=0.1)),
    "0.1 s beside the gap alone": Idea(place=partial(changes.around_gaps, seconds=0.1)),
    "fed an estimate of its own": Idea(place=changes.fed_a_fit),
    "fed a coarser estimate of its own": Idea(place=partial(changes.fed_a_fit, hop_length=512)),
    "50 iterations on half of the frames first": Idea(
        place=partial(changes.coarse_first, hop_length=512, iterations=50)
    ),
    "started from fits to 8 other clips": Idea(
        place=partial(changes.started, cells=WHITE, clips=(4, 5))
    ),
}


def measure(folder: Path, cell: str, clip: int, idea: Idea) -> tuple[float, float]:
    """The cell's first measure where the rule stopped, and seconds of a second of sound.

    Raises:
        DapError: recordings are missing, or the fit diverged.
    """
    where = CELLS[cell]
    clean, observation = observe(folder, cell, "choose", clip)
    with idea.place(folder):
        begun = time.process_time()
        restored = fit(
            idea.method,
            where.task,
            observation,
            idea.options,
            idea.spectrogram,
            seed=derive(0, "ideas", cell, clip),
            rate=idea.rate,
        )
        seconds = time.process_time() - begun
    rows = scored(where, clean, observation, restored, ["stop"], where.metrics[:1])
    stopped = [row for row in rows if row["selection"] == "stop" and row["scope"] in SCOPES]
    return float(np.mean([row["value"] for row in stopped])), seconds / (
        where.samples / SAMPLE_RATE
    )


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--cell", default="gaussian-0.1", show_default=True, help="Those whose name begins with this."
)
@click.option("--clips", default=2, show_default=True, type=click.IntRange(1), help="Of a cell.")
@click.option(
    "--idea", "asked", multiple=True, help="Those whose name is, or contains, this; default: all."
)
def main(folder: Path, cell: str, clips: int, asked: tuple[str, ...]) -> None:
    """What each idea changes, on the recordings under FOLDER."""
    torch.set_num_threads(1)
    cells = [name for name in CELLS if name.startswith(cell)]
    if not cells:
        raise click.BadParameter(f"no cell begins with {cell!r}: {', '.join(CELLS)}")
    cases = [(name, clip) for clip in range(clips) for name in cells]
    base = np.array([measure(folder, *case, Idea()) for case in cases])
    print(
        f"| | n | {CELLS[cells[0]].metrics[0]}, dB | difference | seconds a second |\n"
        f"| --- | ---: | ---: | ---: | ---: |\n"
        f"| `{NAME}` | {len(cases)} | {base[:, 0].mean():.2f} | | {base[:, 1].mean():.0f} |",
        flush=True,
    )
    for name in matching(list(IDEAS), asked):
        idea = IDEAS[name]
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
