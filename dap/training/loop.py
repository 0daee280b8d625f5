"""Training a network to separate a target from mixtures, and nothing but the loop."""

import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dap.errors import DapError
from dap.fitting import engine
from dap.fitting.checkpoint import Checkpoint, Stateful
from dap.masks import ratio_mask
from dap.options import TrainingOptions
from dap.stft import STFT
from dap.training.mixtures import Mixtures

MULTIPLE = 4  # of bins and frames, which networks halve twice


@dataclass(frozen=True)
class Point:
    """A point of the learning curves.

    Attributes:
        step: from 1.
        training: the mean loss of the steps since the point before.
        validation: the loss of the validation's mixtures.
        seconds: of training until then, without validation.
    """

    step: int
    training: float
    validation: float
    seconds: float


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        state: the parameters at the best point, on the CPU.
        best: that point, of the lowest validation loss.
        curve: all points.
        redrawn: silent excerpts of training that were drawn again.
        parameters: how many the network has.
        engine: what ran it, "compiled" or "pytorch".
        precision: of its features.
    """

    state: dict[str, Tensor]
    best: Point
    curve: list[Point]
    redrawn: int
    parameters: int
    engine: str
    precision: str


class Best:
    """The parameters at the best point so far, as a part of a checkpoint."""

    def __init__(self, net: nn.Module):
        self.state = deepcopy(net.state_dict())

    def keep(self, net: nn.Module) -> None:
        """Take those that the network has now."""
        self.state = deepcopy(net.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """The parameters."""
        return self.state

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Those of a checkpoint."""
        self.state = dict(state)


class Passes:
    """A network on spectrograms of one size, of which each pass takes a few.

    Args:
        net: (B, 2, F, T) -> (B, 1, F, T), F and T multiples of 4.
        at_once: spectrograms of a pass; the compiled layers take one.
        samples: of the signals.

    Attributes:
        engine: its name.
    """

    def __init__(
        self, net: nn.Module, transform: STFT, *, at_once: int, samples: int, precision: str
    ):
        device = next(net.parameters()).device
        self.transform, self.at_once = transform, at_once
        self.bins, self.frames = transform.bins, transform.frames(samples)
        padded = [-(-size // MULTIPLE) * MULTIPLE for size in (self.bins, self.frames)]
        self.input = torch.zeros(at_once, 2, *padded, device=device)
        self.run, self.engine = engine.run(net, self.input.clone(), precision)

    def masks(self, spectra: Tensor) -> Tensor:
        """The masks of some mixtures: (at_once, 2, bins, frames) -> (at_once, bins, frames)."""
        self.input[..., : self.bins, : self.frames] = spectra
        self.run.feed(self.input)
        return torch.sigmoid(self.run()[:, 0, : self.bins, : self.frames])


def initial(build: Callable[..., nn.Module], seed: int) -> nn.Module:
    """A network of complex mixtures in two channels and one mask, drawn on the CPU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(in_channels=2, out_channels=1)


def train(
    build: Callable[..., nn.Module],
    training: Mixtures,
    validation: Mixtures,
    options: TrainingOptions,
    transform: STFT,
    *,
    seed: int,
    device: str,
    report: Callable[[int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train a network on mixtures, and keep it as it was where validation was best.

    The loss is the mean absolute error of the ratio mask (fidelity: mask-of-training), averaged
    over a batch. On a CPU a batch is several passes, whose gradients are added; since the networks
    normalise each spectrogram by itself, that is the same.

    Args:
        build: makes a network of `in_channels` and `out_channels`, in the width of the options.
        transform: on the device.
        seed: of the initialisation.
        device: "cpu" or "cuda".
        report: called with the step and the loss after each step.
        checkpoint: where the state is saved from time to time, and restored from.

    Raises:
        DapError: the loss is not finite, or an instrument gives nothing but silence.
        InterruptedFitError: SIGTERM came, and the checkpoint was written.
    """
    net = initial(build, seed).to(device)
    precision = engine.choose(options.precision, device)
    at_once = 1 if device == "cpu" else options.batch
    passes = Passes(net, transform, at_once=at_once, samples=training.samples, precision=precision)
    optimiser = torch.optim.Adam(net.parameters(), lr=options.learning_rate, fused=True)
    best = Best(net)
    parts: dict[str, Stateful] = {"network": net, "optimiser": optimiser, "best": best}
    curve: list[Point] = []
    done, running, seconds = 0, 0.0, 0.0
    if checkpoint and (saved := checkpoint.values()):
        checkpoint.resume(parts, device)
        done, running, seconds = saved["step"], saved["running"], saved["seconds"]
        curve = [Point(*point) for point in saved["curve"]]
        training.redrawn = saved["redrawn"]
        checkpoint.log(f"taken up after step {done} of {options.steps}")

    def losses(mixtures: Mixtures, positions: Sequence[int]) -> Tensor:
        """The loss of each position, (positions,); a pass takes as many."""
        pairs = [mixtures.draw(position) for position in positions]
        signals = torch.stack([torch.from_numpy(signal) for pair in pairs for signal in pair])
        spectra = transform.analyse(signals.to(device)).unflatten(0, (-1, 2))  # (B, 2, 2, F, T)
        target, mixture = spectra.unbind(1)
        error = passes.masks(mixture) - ratio_mask(target, mixture)
        return error.abs().mean(dim=(1, 2))

    def validate() -> float:
        with torch.no_grad():
            values = []
            for first in range(0, options.validation_mixtures, at_once):
                # a pass takes as many as any other: what is too much is not counted
                left = options.validation_mixtures - first
                values += losses(validation, range(first, first + at_once))[:left].tolist()
        return sum(values) / len(values)

    for step in range(done + 1, options.steps + 1):
        begun = time.perf_counter()
        optimiser.zero_grad()
        loss = 0.0
        for first in range((step - 1) * options.batch, step * options.batch, at_once):
            part = losses(training, range(first, first + at_once)).sum() / options.batch
            part.backward()
            loss += part.item()
        optimiser.step()
        seconds += time.perf_counter() - begun
        if not math.isfinite(loss):
            raise DapError(
                f"the training diverged: its loss is {loss} at step {step} (seed {seed}); lower "
                "`training.learning_rate`"
            )
        running += loss
        if step % options.validation_every == 0 or step == options.steps:
            since = step - (curve[-1].step if curve else 0)
            point = Point(step, running / since, validate(), round(seconds, 3))
            running = 0.0
            if not curve or point.validation < min(each.validation for each in curve):
                best.keep(net)
            curve.append(point)
        if report:
            report(step, loss)
        if checkpoint and step < options.steps and checkpoint.due():
            checkpoint.save(
                parts,
                device,
                step=step,
                running=running,
                seconds=seconds,
                curve=[[p.step, p.training, p.validation, p.seconds] for p in curve],
                redrawn=training.redrawn,
            )
    return Trained(
        {name: tensor.cpu().contiguous() for name, tensor in best.state.items()},
        min(curve, key=lambda point: point.validation),
        curve,
        training.redrawn,
        sum(parameter.numel() for parameter in net.parameters()),
        passes.engine,
        precision,
    )
