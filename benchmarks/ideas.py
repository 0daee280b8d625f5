"""`python -m benchmarks.ideas FOLDER`: dap-best, with one thing of it changed, or a few.

Clips of the set `choose` (docs/results/frontier.md). Each way has the same clips and
initialisations, on one thread. What is not an option of a fit is put in its place here.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import click
import numpy as np
import torch
from torch import nn

from benchmarks.frontier.__main__ import matching
from benchmarks.frontier.front import SCOPES
from benchmarks.frontier.sets import CELLS, SAMPLE_RATE, SPECTROGRAM, observe
from benchmarks.frontier.ways import Way
from dap.errors import DapError
from dap.fitting import initialisation, loop, method
from dap.fitting.objectives import spectral
from dap.fitting.objectives.spectral import Denoise
from dap.fitting.restored import Restored
from dap.nn import dilated_unet
from dap.observation import Observation
from dap.scoring.evaluate import score
from dap.scoring.statistics import paired
from dap.seeds import derive
from dap.stft import STFT

NAME = "dap-best"


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


@contextmanager
def optimiser(
    folder: Path, make: Callable[..., torch.optim.Optimizer], factor: float = 1.0
) -> Iterator[None]:
    """Another optimiser in place of Adam, at so many times its rate, warm-up and all."""

    def made(parameters: list, lr: float, **_: object) -> torch.optim.Optimizer:
        return make(parameters, lr=lr)

    rate = loop.rate
    with (
        mock.patch.object(torch.optim, "Adam", made),
        mock.patch.object(loop, "rate", lambda *given: factor * rate(*given)),
    ):
        yield


def of_package(name: str, *arguments: Any, **options: Any) -> torch.optim.Optimizer:
    """An optimiser of the package `pytorch-optimizer`."""
    try:
        from pytorch_optimizer import load_optimizer
    except ImportError:
        raise DapError("needs `pip install pytorch-optimizer`") from None
    return load_optimizer(name)(*arguments, **options)


@contextmanager
def perturbed(folder: Path, deviation: float) -> Iterator[None]:
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


@contextmanager
def fed_a_fit(folder: Path, **options: Any) -> Iterator[None]:
    """The network is fed what such a fit of dap-best made, in place of a baseline's estimate."""
    given = spectral.given_estimates

    def estimates(input: str, task: str, observation: Observation, transform: STFT) -> torch.Tensor:
        with mock.patch.object(spectral, "given_estimates", given):
            first = fit(NAME, task, observation, options, {}, seed=1)
        signals = torch.from_numpy(first.selections["stop"])
        return torch.stack([transform.analyse(signal) for signal in signals])

    with mock.patch.object(spectral, "given_estimates", estimates):
        yield


@contextmanager
def started(folder: Path, cells: tuple[str, ...], clips: tuple[int, ...]) -> Iterator[None]:
    """A fit starts where fits to other noisy clips ended, one after the other."""
    with starting_with(trained(folder, cells, clips)):
        yield


@cache
def trained(folder: Path, cells: tuple[str, ...], clips: tuple[int, ...]) -> dict[str, Any]:
    """The network's weights after fits to these clips of `choose`, each from the last one's end."""
    weights: dict[str, Any] = {}
    for clip in clips:
        for cell in cells:
            _, observation = observe(folder, cell, "choose", clip)
            with starting_with(weights) as networks:
                fit(NAME, CELLS[cell].task, observation, {}, {}, seed=2)
            weights = networks[0].state_dict()
    return weights


@contextmanager
def starting_with(weights: dict[str, Any]) -> Iterator[list[nn.Module]]:
    """Networks start with these weights, if there are any; gives those of the last fit."""
    networks: list[nn.Module] = []

    def begin(*arguments: Any) -> tuple[list[nn.Module], list[torch.Tensor]]:
        networks[:], inputs = initialisation.start(*arguments)
        for network in networks:
            if weights:
                network.load_state_dict(weights)
        return networks, inputs

    with mock.patch.object(loop, "start", begin):
        yield networks


@contextmanager
def dilated(folder: Path, bins: int, frames: int) -> Iterator[None]:
    """Dilations so many times as long; 0 for none."""
    make = dilated_unet._conv3x3

    def conv3x3(inputs: int, outputs: int, dilation: int, normalise: bool) -> nn.Sequential:
        layers = make(inputs, outputs, dilation, normalise)
        (conv,) = (layer for layer in layers if isinstance(layer, nn.Conv2d))
        conv.dilation = conv.padding = (max(1, bins * dilation), max(1, frames * dilation))
        return layers

    with in_pytorch(conv3x3):
        yield


@contextmanager
def factored(folder: Path, kind: str) -> Iterator[None]:
    """Convolutions of two factors: "depthwise", then pointwise; or 3x1, then 1x3 ("separable")."""
    make = dilated_unet._conv3x3

    def conv3x3(inputs: int, outputs: int, dilation: int, normalise: bool) -> nn.Sequential:
        _, *after = make(inputs, outputs, dilation, normalise)
        if kind == "depthwise":
            first = nn.Conv2d(inputs, inputs, 3, 1, dilation, dilation, groups=inputs)
            last = nn.Conv2d(inputs, outputs, 1)
        else:
            first = nn.Conv2d(inputs, outputs, (3, 1), 1, (dilation, 0), (dilation, 1))
            last = nn.Conv2d(outputs, outputs, (1, 3), 1, (0, dilation), (1, dilation))
        return nn.Sequential(first, last, *after)

    with in_pytorch(conv3x3):
        yield


@contextmanager
def in_pytorch(conv3x3: Callable[..., nn.Sequential]) -> Iterator[None]:
    """Other convolutions in A's designs, for which there are no compiled layers."""
    with (
        mock.patch.object(dilated_unet, "_conv3x3", conv3x3),
        mock.patch.object(dilated_unet.DilatedUNet, "compiled", None),
    ):
        yield


PYTORCH = {"initialisation": "pytorch"}
WHITE = tuple(f"gaussian-0.1/{corpus}" for corpus in ("ljspeech", "sc09", "piano", "music"))
RMSPROP = partial(optimiser, make=torch.optim.RMSprop)
IDEAS = {
    "hop 64": Idea({"hop_length": 64}),
    "hop 128": Idea({"hop_length": 128}),
    "hop 512": Idea({"hop_length": 512}),
    "windows half as long": Idea(spectrogram={"n_fft": 510}),
    "windows twice as long": Idea(spectrogram={"n_fft": 2046}),
    "rectangular windows": Idea(spectrogram={"window": "rectangular"}),
    "an eighth of the width": Idea({"width": 0.125}),
    "half of the width": Idea({"width": 0.5}),
    "half of the rate": Idea(rate=0.5),
    "twice the rate": Idea(rate=2),
    "twice the rate, at most 200 iterations": Idea({"iterations": 200}, rate=2),
    "3 times the rate": Idea(rate=3),
    "no warm-up": Idea({"warmup": 0}),
    "warm-up of 100 iterations": Idea({"warmup": 100}),
    "PyTorch's initial weights": Idea(PYTORCH),
    "PyTorch's initial weights, twice the rate": Idea(PYTORCH, rate=2),
    "PyTorch's initial weights, twice the rate, at most 200 iterations": Idea(
        PYTORCH | {"iterations": 200}, rate=2
    ),
    "PyTorch's initial weights, 3 times the rate": Idea(PYTORCH, rate=3),
    "PyTorch's initial weights, RMSprop": Idea(PYTORCH, place=RMSPROP),
    "PyTorch's initial weights, twice the rate, RMSprop": Idea(PYTORCH, rate=2, place=RMSPROP),
    "outputs not scaled": Idea({"output_scale": 0.0}),
    "averages over 100 iterations": Idea({"ema_decay": 0.99}),
    "A's conv": Idea(method="conv"),
    "A's dilated-exp": Idea(method="dilated-exp"),
    "B's harmonic": Idea(method="harmonic"),
    "dilated in time alone": Idea(place=partial(dilated, bins=0, frames=1)),
    "dilations twice as long in time": Idea(place=partial(dilated, bins=1, frames=2)),
    "depthwise convolutions": Idea(place=partial(factored, kind="depthwise")),
    "separable convolutions": Idea(place=partial(factored, kind="separable")),
    "NAdam": Idea(place=partial(optimiser, make=torch.optim.NAdam)),
    "AdamW, decay 0.01": Idea(place=partial(optimiser, make=torch.optim.AdamW)),
    "RMSprop": Idea(place=RMSPROP),
    "SGD, momentum 0.9, 10 times the rate": Idea(
        place=partial(optimiser, make=partial(torch.optim.SGD, momentum=0.9), factor=10)
    ),
    "Adan": Idea(place=partial(optimiser, make=partial(of_package, "adan"))),
    "SOAP": Idea(place=partial(optimiser, make=partial(of_package, "soap"))),
    "Lion, a fifth of the rate": Idea(
        place=partial(optimiser, make=partial(of_package, "lion"), factor=0.2)
    ),
    "input perturbed by 0.03": Idea(place=partial(perturbed, deviation=0.03)),
    "input perturbed by 0.1": Idea(place=partial(perturbed, deviation=0.1)),
    "fed an estimate of its own": Idea(place=fed_a_fit),
    "fed a coarser estimate of its own": Idea(place=partial(fed_a_fit, hop_length=512)),
    "started from fits to 8 other clips": Idea(place=partial(started, cells=WHITE, clips=(4, 5))),
}


def fit(
    name: str,
    task: str,
    observation: Observation,
    options: Mapping[str, Any],
    spectrogram: Mapping[str, Any],
    seed: int,
    rate: float = 1.0,
) -> Restored:
    """A fit of a network as dap-best does, but for these options, at so many times its rate."""
    own = Way(NAME).options(task)
    assert own is not None
    options = {"learning_rate": rate * own.learning_rate, **options}
    return method.restore(
        name,
        task,
        observation,
        fit=replace(own, **options),
        spectrogram={**SPECTROGRAM, **spectrogram},
        device="cpu",
        seed=seed,
    )


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
    rows = score(
        clean,
        restored.selections,
        restored.iterations,
        restored.snapshots,
        task=where.task,
        metrics=where.metrics[:1],
        wanted=["stop"],
        sources=list(where.corpora) if len(where.corpora) > 1 else [""],
        sample_rate=SAMPLE_RATE,
        last_iteration=int(restored.cost["iterations"]),
        stopped=int(restored.cost["stopped"]),
        mask=observation.known.get("mask"),
        trajectory={},
    )
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
