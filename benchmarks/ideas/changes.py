"""What is no option of a fit, put in its place for the time of one: optimisers, layers, and so on.

Each is of the folder of recordings, and of what its idea says.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.nn import functional

from benchmarks.frontier.sets import CELLS, observe
from benchmarks.ideas.fits import NAME, fit
from dap import stft
from dap.errors import DapError
from dap.fitting import initialisation, loop
from dap.fitting.objectives import spectral
from dap.fitting.objectives.spectral import Denoise
from dap.nn import dilated_unet
from dap.observation import Observation
from dap.stft import STFT


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
def transformed(folder: Path, transform: type[STFT]) -> Iterator[None]:
    """Another transform in place of the short-time Fourier transform."""
    with mock.patch.object(stft, "STFT", transform):
        yield


@contextmanager
def also_magnitudes(folder: Path, n_ffts: tuple[int, ...]) -> Iterator[None]:
    """A loss twice as large: half of it is that of magnitudes in other resolutions.

    The squared error of complex spectra in any resolution is the signal's: a loss in several
    differs by magnitudes alone (Yamamoto et al. 2020).
    """
    plain = Denoise.loss
    transforms = [STFT(n_fft, n_fft // 4, "hann") for n_fft in n_ffts]

    def magnitudes(signal: torch.Tensor) -> list[torch.Tensor]:
        return [
            transform.analyse(signal).square().sum(dim=-3).clamp(min=1e-8).sqrt()
            for transform in transforms
        ]

    def loss(
        self: Denoise, outs: list[torch.Tensor], estimates: torch.Tensor, progress: float
    ) -> torch.Tensor:
        signals = [self.transform.synthesise(x, self.samples) for x in (estimates[0], self.target)]
        pairs = zip(*map(magnitudes, signals), strict=True)
        # of noise of the mean power, errors are as large in every transform
        energy = self.transform.window.square().sum()
        errors = [
            functional.mse_loss(*pair) / transform.window.square().sum() * energy
            for pair, transform in zip(pairs, transforms, strict=True)
        ]
        return plain(self, outs, estimates, progress) + sum(errors) / len(errors)

    with mock.patch.object(Denoise, "loss", loss):
        yield


@contextmanager
def in_pytorch(conv3x3: Callable[..., nn.Sequential]) -> Iterator[None]:
    """Other convolutions in A's designs, for which there are no compiled layers."""
    with (
        mock.patch.object(dilated_unet, "_conv3x3", conv3x3),
        mock.patch.object(dilated_unet.DilatedUNet, "compiled", None),
    ):
        yield
