"""What is no option of a fit, put in its place for the time of one: inputs, losses, averages.

Each is of the folder of recordings, and of what its idea says.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.frontier.sets import CELLS, observe
from benchmarks.ideas.fits import NAME, fit
from benchmarks.ideas.transforms import LearnedSynthesis, TwoWindows
from dap import stft
from dap.fitting import initialisation, loop, method
from dap.fitting.ema import MovingAverage
from dap.fitting.objectives import spectral
from dap.fitting.objectives.spectral import Denoise
from dap.fitting.restored import Restored
from dap.observation import Observation, untouched_frames
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


@contextmanager
def perturbed(folder: Path, deviation: float) -> Iterator[None]:
    """What the network is fed, with fresh noise at each iteration (Ulyanov et al. 2018)."""
    draw = Denoise.draw

    def redraw(self: Denoise, network: int) -> Tensor:
        given = draw(self, network)
        return given + deviation * given.std() * torch.randn_like(given)

    again = mock.Mock(return_value=(0,))
    with (
        mock.patch.object(Denoise, "draw", redraw),
        mock.patch.object(Denoise, "redrawn", again, create=True),
    ):
        yield


@contextmanager
def around_gaps(folder: Path, seconds: float) -> Iterator[None]:
    """Fitted is what lies so near to a gap of samples alone; the rest stays as it was observed."""
    restore = method.restore

    def cropped(
        name: str, task: str, observation: Observation, *, spectrogram: dict, **options: Any
    ) -> Restored:
        mask, reach = observation.known["mask"], round(seconds * observation.sample_rate)
        lost = np.flatnonzero(mask)
        part = slice(max(lost[0] - reach, 0), lost[-1] + 1 + reach)
        frames = untouched_frames(mask[part], spectrogram["n_fft"], spectrogram["hop_length"])
        known = {"mask": mask[part], "observed_frames": frames}
        near = Observation(observation.signal[part], known)
        restored = restore(name, task, near, spectrogram=spectrogram, **options)

        def whole(estimates: np.ndarray) -> np.ndarray:
            shape = (*estimates.shape[:-1], len(mask))
            filled = np.broadcast_to(observation.signal, shape).copy()
            filled[..., part] = estimates
            return filled

        selections = {name: whole(each) for name, each in restored.selections.items()}
        return replace(restored, selections=selections, snapshots=whole(restored.snapshots))

    with mock.patch.object(method, "restore", cropped):
        yield


@contextmanager
def fed_a_fit(folder: Path, **options: Any) -> Iterator[None]:
    """The network is fed what such a fit of dap-best made, in place of a baseline's estimate."""
    given = spectral.given_estimates

    def estimates(input: str, task: str, observation: Observation, transform: STFT) -> Tensor:
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
def coarse_first(folder: Path, **options: Any) -> Iterator[None]:
    """A fit starts where one of the same clip with such options ended."""
    given = spectral.given_estimates
    weights: dict[str, Any] = {}

    def estimates(input: str, task: str, observation: Observation, transform: STFT) -> Tensor:
        with (
            mock.patch.object(spectral, "given_estimates", given),
            starting_with({}) as networks,
        ):
            fit(NAME, task, observation, options, {}, seed=1)
        weights.update(networks[0].state_dict())
        return given(input, task, observation, transform)

    with starting_with(weights), mock.patch.object(spectral, "given_estimates", estimates):
        yield


@contextmanager
def starting_with(weights: dict[str, Any]) -> Iterator[list[nn.Module]]:
    """Networks start with these weights, if there are any; gives those of the last fit."""
    networks: list[nn.Module] = []

    def begin(*arguments: Any) -> tuple[list[nn.Module], list[Tensor]]:
        networks[:], inputs = initialisation.start(*arguments)
        for network in networks:
            if weights:
                network.load_state_dict(weights)
        return networks, inputs

    with mock.patch.object(loop, "start", begin):
        yield networks


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

    def magnitudes(signal: Tensor) -> list[Tensor]:
        return [
            transform.analyse(signal).square().sum(dim=-3).clamp(min=1e-8).sqrt()
            for transform in transforms
        ]

    def loss(self: Denoise, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
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
def averaged_weights(folder: Path) -> Iterator[None]:
    """The moving average is of a network's weights, not of its outputs."""
    begun: list[Any] = []
    scaled: list[float] = []
    begin, outputs = loop.start, loop.outputs

    def start(build: Callable, objective: Denoise, *others: Any) -> Any:
        ((network,), (z,)) = made = begin(build, objective, *others)
        begun[:] = network, z, objective
        return made

    def scaling(runs: Any, target: Tensor, scales: list[float]) -> list[Tensor]:
        scaled[:] = scales
        return outputs(runs, target, scales)

    class Weights(MovingAverage):
        def update(self, estimates: Tensor) -> None:
            network, _, _ = begun
            super().update(nn.utils.parameters_to_vector(network.parameters()).detach())

        def value(self) -> Tensor:
            network, z, objective = begun
            sizes = [p.numel() for p in network.parameters()]
            parts = zip(network.named_parameters(), super().value().split(sizes), strict=True)
            weights = {name: part.view_as(p) for (name, p), part in parts}

            def run() -> Tensor:
                return torch.func.functional_call(network, weights, (z,))

            with torch.no_grad():
                return objective.estimates(outputs([run], objective.target, scaled))

    with (
        mock.patch.object(loop, "start", start),
        mock.patch.object(loop, "outputs", scaling),
        mock.patch.object(loop, "MovingAverage", Weights),
    ):
        yield


@contextmanager
def learned(folder: Path) -> Iterator[None]:
    """The filters of synthesis are learned with the network, by an error in the signal."""
    made: list[LearnedSynthesis] = []
    adam, plain = torch.optim.Adam, Denoise.loss

    def transform(*arguments: Any, **options: Any) -> LearnedSynthesis:
        made.append(LearnedSynthesis(*arguments, **options))
        return made[-1]

    def optimiser(parameters: list, **options: Any) -> torch.optim.Optimizer:
        return adam([*parameters, made[-1].factors], **options)

    def loss(self: Denoise, outs: list[Tensor], estimates: Tensor, progress: float) -> Tensor:
        signal = self.transform.synthesise(estimates, self.samples)
        return plain(self, outs, self.transform.analyse(signal), progress)

    with (
        mock.patch.object(stft, "STFT", transform),
        mock.patch.object(torch.optim, "Adam", optimiser),
        mock.patch.object(Denoise, "loss", loss),
    ):
        yield


@contextmanager
def in_two_windows(folder: Path) -> Iterator[None]:
    """One network, fed the spectrogram of one window, gives those of two (`TwoWindows`)."""
    draw = Denoise.draw

    def one(self: Denoise, network: int) -> Tensor:
        return draw(self, network)[:, :2]

    with (
        mock.patch.object(stft, "STFT", TwoWindows),
        mock.patch.object(Denoise, "networks", (4,)),
        mock.patch.object(Denoise, "draw", one),
    ):
        yield
