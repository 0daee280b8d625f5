"""How a network is fitted or trained: every option, its type, range and default; the presets.

This is the one place of the defaults. The study's schema and the command's help are checked against
it (tests/test_options.py). It is light on purpose: a study is checked, and reported, without
PyTorch.
"""

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Literal, get_args, get_origin

from dap.errors import DapError

# what a preset changes of the defaults, which are paper A's (fidelity: presets)
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "fast": {
        "iterations": 200,
        "learning_rate": 0.0015,
        "scale_lr_by_width": True,
        "lr_step_size": 0,
        "warmup": 20,
        "cooldown": 0.4,
        "initialisation": "he",
        "output_scale": 0.2,
        "ema_decay": 0.95,
    },
}

# of the networks for which `scale_lr_by_width` raises the learning rate
NARROWEST = 0.25

NUMBERS = {int: Integral, float: Real}
# JSON Schema's words for a range: what holds, and how an error says it
LIMITS = {
    "minimum": (operator.ge, "at least"),
    "exclusiveMinimum": (operator.gt, "above"),
    "maximum": (operator.le, "at most"),
    "exclusiveMaximum": (operator.lt, "below"),
}


def option(default: Any, **limits: float) -> Any:
    """A field with its range, in JSON Schema's words: minimum, exclusiveMinimum, and so on."""
    return field(default=default, metadata=limits)


@dataclass(frozen=True)
class FitOptions:
    """How networks are fitted to an observation.

    The defaults are those of Narayanaswamy et al. 2021 (A); `from_preset` starts from others.

    Attributes:
        iterations: optimisation steps of one fit.
        learning_rate: Adam's, at the start.
        scale_lr_by_width: whether `learning_rate` is that of width 1 (`scaled_learning_rate`).
        lr_step_size: the rate is multiplied by `lr_gamma` at every iteration, counted from 1, that
            is a multiple of this: of 500, the 500th is the first with the lower rate. 0 for never
            (A's code: 500 and 0.1, A's text: never; fidelity: learning-rate).
        lr_gamma: factor of each step of the learning rate.
        warmup: iterations over which the rate rises linearly from 0.
        cooldown: share of the iterations, at the end, over which it falls linearly to 0.
        initialisation: of the convolutions: "pytorch", its default, or "he" (He et al. 2015):
            normal, variance 2 / fan-in, biases of 0, which keeps a signal's level through the
            decoder, which normalises nothing.
        output_scale: the networks' spectrograms are multiplied by this times the root mean square
            of the target; 0 leaves them as they are (fidelity: loss-and-input).
        width: factor on every number of filters; 1 is the papers'.
        input: what the network is fed: "noise", z as in the papers, or a baseline's estimate, by
            the baseline's name. It must be for the task.
        hop_length: samples from one frame to the next of the spectrogram that the network works
            on; 0 for that of the study, which is the papers'. Of one of waveforms it is nothing.
        network: A's network as its "code" has it or as its "text" describes it
            (fidelity: network-of-a).
        snapshots: points of the trajectory that are kept, log-spaced, the first and last included.
        snapshot_at: iterations that are kept beside them, at most the last.
        ema_decay: of the moving average of the outputs.
        precision: of the networks' features and products, "float32" or "bfloat16"; "auto" is
            bfloat16 where the hardware multiplies it (`dap.fitting.engine.choose`).
        restarts: how often a fit is begun again from another initialisation, at most, when its
            objective finds that it has failed: in separation, that a source fell silent.
        separation: what the networks give in separation: spectrograms, as A may have meant it, or
            magnitudes, as Tian et al. 2019 have it (fidelity: networks-of-separation).
        reconstruction: in separation, distance of the sources' sum to the mixture: "complex", the
            mean absolute error of real and imaginary parts, "magnitude", that of magnitudes, or
            "l2", the mean squared error (fidelity: reconstruction-of-separation).
        smoothness: in separation, weight of the sources' temporal smoothness.
        exclusion: in separation, weight of the exclusion of the sources' gradients.
        binarity: in separation, weight of the mask's distance from flatness over the last tenth.
        stop: the rule that chooses the iterate "stop" without the clean clip, the moving average at
            an iteration: by the outputs' "variance" (Wang et al. 2021), or, in denoising, by the
            white noise that is left, too ("discrepancy"; docs/stopping.md); or "none".
        end_at_stop: whether the fit ends once the rule expects nothing better.
        weighting: in denoising, "noise" weights the loss in each bin by the noise found there, and
            "none" does not.
        consistency: in dequantization, share of the loss that is the samples' distance to the cells
            that they were observed in; the rest is the distance to the quantized signal. 0 is the
            loss of Zhang et al. 2020 (B; fidelity: loss-of-dequantization).

    Raises:
        DapError: a value is of another type, or out of its range.
    """

    iterations: int = option(2000, minimum=1)
    learning_rate: float = option(0.001, exclusiveMinimum=0)
    scale_lr_by_width: bool = False
    lr_step_size: int = option(500, minimum=0)
    lr_gamma: float = option(0.1, exclusiveMinimum=0, maximum=1)
    warmup: int = option(0, minimum=0)
    cooldown: float = option(0.0, minimum=0, maximum=1)
    initialisation: Literal["pytorch", "he"] = "pytorch"
    output_scale: float = option(0.0, minimum=0)
    width: float = option(1.0, exclusiveMinimum=0, maximum=4)
    input: str = "noise"
    hop_length: int = option(0, minimum=0)
    network: Literal["code", "text"] = "code"
    snapshots: int = option(32, minimum=1, maximum=40)
    snapshot_at: Sequence[int] = ()
    ema_decay: float = option(0.99, minimum=0, exclusiveMaximum=1)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    stop: Literal["none", "variance", "discrepancy"] = "discrepancy"
    end_at_stop: bool = False
    restarts: int = option(3, minimum=0, maximum=10)
    separation: Literal["narayanaswamy2021", "tian2019"] = "narayanaswamy2021"
    reconstruction: Literal["complex", "magnitude", "l2"] = "l2"
    smoothness: float = option(0.01, minimum=0)
    exclusion: float = option(1.0, minimum=0)
    binarity: float = option(0.01, minimum=0)
    weighting: Literal["none", "noise"] = "none"
    consistency: float = option(0.0, minimum=0, maximum=1)

    def __post_init__(self) -> None:
        """Refuse what no fit can be run with."""
        for each in fields(self):
            _check(each.name, getattr(self, each.name), each.type, each.metadata)
        object.__setattr__(self, "snapshot_at", tuple(self.snapshot_at))

    @classmethod
    def from_preset(cls, preset: str, **options: Any) -> "FitOptions":
        """The options of a preset, but for those given.

        A learning rate that is given is meant as it is, whatever the width.

        >>> FitOptions.from_preset("fast", width=0.5).iterations
        200

        Raises:
            DapError: there is no such preset or option, or a value is out of its range.
        """
        return cls.from_study({"preset": preset, **options})

    @classmethod
    def from_study(cls, fit: Mapping[str, Any]) -> "FitOptions":
        """The options of a study's `fit` section, whole or in part.

        Raises:
            DapError: as `from_preset`.
        """
        options = {key: value for key, value in with_preset(fit).items() if key != "preset"}
        if unknown := sorted(set(options) - set(defaults())):
            raise DapError(f"{unknown[0]} is no option of a fit: there are {', '.join(defaults())}")
        return cls(**options)

    @property
    def scaled_learning_rate(self) -> float:
        """The learning rate at the start, at the width that is asked for.

        With `scale_lr_by_width` it goes as 1 / width (Adam's in hidden layers, Yang et al. 2021,
        "Tensor programs V"), but for networks narrower than a quarter.
        """
        width = max(self.width, NARROWEST) if self.scale_lr_by_width else 1.0
        return self.learning_rate / width


@dataclass(frozen=True)
class TrainingOptions:
    """How a network is trained to separate a target from mixtures (fidelity: training-of-b).

    Attributes:
        clips: of each corpus that are heard in training, beside those that are tested.
        samples: of a mixture; B's second is 16,000 at 16 kHz.
        steps: of the optimiser.
        batch: mixtures of a step.
        learning_rate: Adam's, constant.
        width: factor on every number of filters; 1 is the papers'.
        network: A's network as its "code" has it or as its "text" describes it.
        precision: of features and products, as for a fit.
        validation_share: of each corpus's recordings, which validate and are not trained on.
        validation_every: steps from one validation to the next; the last step is one.
        validation_mixtures: of each validation, the same each time.

    Raises:
        DapError: a value is of another type, or out of its range.
    """

    clips: int = option(50, minimum=2)
    samples: int = option(16000, minimum=1024)
    steps: int = option(10000, minimum=1)
    batch: int = option(8, minimum=1, maximum=4096)
    learning_rate: float = option(0.001, exclusiveMinimum=0)
    width: float = option(1.0, exclusiveMinimum=0, maximum=4)
    network: Literal["code", "text"] = "code"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    validation_share: float = option(0.1, exclusiveMinimum=0, exclusiveMaximum=1)
    validation_every: int = option(250, minimum=1)
    validation_mixtures: int = option(64, minimum=1)

    def __post_init__(self) -> None:
        """Refuse what nothing can be trained with."""
        for each in fields(self):
            _check(each.name, getattr(self, each.name), each.type, each.metadata)


def defaults() -> dict[str, Any]:
    """Every option's default, by name."""
    return {each.name: each.default for each in fields(FitOptions)}


def limits(name: str) -> Mapping[str, float]:
    """The range of an option, in JSON Schema's words."""
    return next(each.metadata for each in fields(FitOptions) if each.name == name)


def with_preset(fit: Mapping[str, Any]) -> dict[str, Any]:
    """Part of a study's `fit` section with the values of the preset that it names, if any.

    Keys that are given stay as they are. A learning rate that is given is meant as it is, whatever
    the width.

    Raises:
        DapError: there is no such preset.
    """
    fit = dict(fit)
    if "learning_rate" in fit:
        fit = {"scale_lr_by_width": False} | fit
    if "preset" not in fit:
        return fit
    if fit["preset"] not in PRESETS:
        raise DapError(f"preset is {fit['preset']!r}; allowed: {', '.join(PRESETS)}")
    # all that any preset changes: an experiment may go back from its study's. In a set, the order
    # would be another in each process, and make jobs again whose parameters hold the study
    changed = dict.fromkeys(key for values in PRESETS.values() for key in values)
    paper = {key: defaults()[key] for key in changed}
    return paper | PRESETS[fit["preset"]] | fit


def learning_rate(fit: Mapping[str, Any]) -> float:
    """The learning rate that a study's `fit` section comes to, at its width."""
    return FitOptions.from_study(fit).scaled_learning_rate


def _check(name: str, value: object, kind: Any, limits: Mapping[str, float]) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise DapError(f"{name} is {value!r}; allowed: {', '.join(get_args(kind))}")
    elif kind == Sequence[int]:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise DapError(f"{name} is {value!r}: must be a list of whole numbers")
        for item in value:
            _check(f"an iteration of {name}", item, int, {"minimum": 1})
    elif kind is str:
        if not isinstance(value, str):
            raise DapError(f"{name} is {value!r}: must be a name")
    elif kind is bool:
        if not isinstance(value, bool):
            raise DapError(f"{name} is {value!r}: must be true or false")
    elif isinstance(value, bool) or not isinstance(value, NUMBERS[kind]):
        raise DapError(f"{name} is {value!r}: must be a {'whole ' * (kind is int)}number")
    elif not math.isfinite(value):
        raise DapError(f"{name} is {value}: must be a finite number")
    else:
        for limit, bound in limits.items():
            holds, words = LIMITS[limit]
            if not holds(value, bound):
                raise DapError(f"{name} is {value}: must be {words} {bound}")
