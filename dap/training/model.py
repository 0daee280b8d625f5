"""A trained model: one file, which says all that is needed to use it, and executes nothing."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dap.errors import DapError
from dap.fitting import engine
from dap.masks import masked
from dap.model_file import FORMAT, KEY, description
from dap.plugins import plugin
from dap.stft import STFT
from dap.training.loop import Passes, initial


@dataclass(frozen=True)
class Configuration:
    """What a model was trained for, and how its network is built.

    Attributes:
        method: name of the prior.
        width, network: as `dap.options.TrainingOptions` has them.
        spectrogram: the arguments of its `dap.stft.STFT`.
        sample_rate: in Hz.
        samples: of the mixtures that it was trained on.
        target: the corpus that it takes out of a mixture.
        heard: the other corpora that it heard in training.
    """

    method: str
    width: float
    network: str
    spectrogram: Mapping[str, Any]
    sample_rate: int
    samples: int
    target: str
    heard: tuple[str, ...]

    def build(self) -> nn.Module:
        """An untrained network of this configuration.

        Raises:
            DapError: there is no such prior.
            PluginError: its code failed.
        """
        with plugin("priors", self.method).running() as module:
            build = partial(module.build, width=self.width, network=self.network)
            return initial(build, seed=0)


@dataclass(frozen=True)
class Model:
    """A trained network and its configuration.

    Attributes:
        made: seed, commit and the like, for cards.
    """

    configuration: Configuration
    net: nn.Module
    made: Mapping[str, Any]


class Separator:
    """A model on a device, ready to take its target out of mixtures.

    Masks are those of segments as long as the mixtures trained on, every half of which overlaps
    with the next; what they give is cross-faded (fidelity: segments-of-separation).

    Args:
        device: "cpu" or "cuda".
        precision: "auto", "float32" or "bfloat16".
    """

    def __init__(self, model: Model, device: str = "cpu", precision: str = "auto"):
        self.device, self.length = device, model.configuration.samples
        self.transform = STFT(**model.configuration.spectrogram, device=device)
        self.passes = Passes(
            model.net.to(device),
            self.transform,
            at_once=1,
            samples=self.length,
            precision=engine.choose(precision, device),
        )
        self.window = torch.hann_window(self.length, device=device)

    def __call__(self, mixture: np.ndarray) -> np.ndarray:
        """Take the target out of a mixture of any length.

        Args:
            mixture: (samples,) float32, at the configuration's rate.

        Returns:
            (2, samples) float32: the target, and the rest.
        """
        length, samples = self.length, len(mixture)
        half = length // 2
        # half a segment of silence before the beginning, and at least as much behind the end
        count = -(-samples // half) + 1
        padded = np.zeros((count + 1) * half + length % 2, np.float32)
        padded[half : half + samples] = mixture
        total = torch.zeros(2, len(padded), device=self.device)
        weights = torch.zeros(len(padded), device=self.device)
        with torch.no_grad():
            for index in range(count):
                part = slice(index * half, index * half + length)
                segment = torch.from_numpy(padded[part]).to(self.device)
                spectrum = self.transform.analyse(segment)
                (mask,) = self.passes.masks(spectrum[None])
                total[:, part] += self.window * masked(mask, spectrum, self.transform, length)
                weights[part] += self.window
        # of an odd length the windows do not quite add up to one
        signals = total / weights.clamp_min(torch.finfo(weights.dtype).eps)
        return signals[:, half : half + samples].cpu().numpy()


def content(
    configuration: Configuration, state: Mapping[str, Tensor], made: Mapping[str, Any]
) -> bytes:
    """A model as the content of a safetensors file.

    Args:
        state: the network's parameters.
        made: seed, commit and the like: plain values.
    """
    from safetensors.torch import save

    described = {"format": FORMAT, "configuration": asdict(configuration), "made": dict(made)}
    return save(dict(state), metadata={KEY: json.dumps(described, sort_keys=True)})


def load(path: Path) -> Model:
    """Read a model.

    Raises:
        DapError: the file is not there or no model, or its tensors are not those of its network.
    """
    from safetensors.torch import load_file

    described = description(path)
    saved = described["configuration"]
    if set(saved) != {each.name for each in fields(Configuration)}:
        raise DapError(f"{path}: its configuration is of another version: train it again")
    configuration = Configuration(**(saved | {"heard": tuple(saved["heard"])}))
    net, state = configuration.build(), load_file(path)
    wanted = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if wanted != found:
        odd = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
        raise DapError(
            f"{path}: its tensors are not those of {configuration.method} of width "
            f"{configuration.width:g} ({odd[0]} is {found.get(odd[0])}, and {wanted.get(odd[0])} "
            "there): the network was changed since, so train it again"
        )
    net.load_state_dict(state)
    return Model(configuration, net, described["made"])


def require(path: Path, model: Model, wanted: Configuration) -> None:
    """Refuse a model of another configuration than a study's.

    Raises:
        DapError: the message names the first thing that differs.
    """
    ours, theirs = asdict(wanted), asdict(model.configuration)
    for name, value in ours.items():
        if theirs[name] != value:
            raise DapError(
                f"{path}: is a model of another configuration: its {name} is {theirs[name]!r}, and "
                f"the study's {value!r}; delete it, and run Snakemake again to train it"
            )
