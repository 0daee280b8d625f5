"""The methods that restore a recording, which one is taken where none is named, and its fit.

The one that is taken is the one that was found best, on recordings (docs/results/beyond.md). A
network is fitted where that is better than any classical method, and there is time for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dap.data.weights import declared
from dap.errors import DapError
from dap.options import FitOptions
from dap.plugins import Plugin, own_fit, plugins
from dap.tasks import TASKS

# of what a recording alone tells: separation needs to know of what
RESTORED = ("denoise", "inpaint", "dequantize")
EFFORTS = ("quick", "normal", "best")
AUTO = "auto"
# what that is in separation: as good as dap-best, in a thousandth of the time (docs/separation.md)
SEPARATOR = "hpss"
BAND_RATE = 16000  # Hz: of the papers, and of the recordings on which methods were compared
# by task; a second of sound takes less than a second by a classical method. In noise, a network's
# SNR is no better, but speech has a higher PESQ
CHOSEN = {
    "denoise": {"quick": "wiener-tracked", "normal": "wiener-tracked", "best": "dap-best"},
    "inpaint": {"quick": "janssen", "normal": "janssen", "best": "janssen"},
    "dequantize": {"quick": "cell-projection", "normal": "dap-best", "best": "dap-best"},
}


@dataclass(frozen=True)
class Method:
    """A method that `restore` takes.

    Attributes:
        name: for `restore`.
        title: what it is, in words.
        kind: "prior", an untrained network that is fitted to the recording; "classical"; or
            "trained", a network with weights that others have trained, which `trained` tells of.
        tasks: what it does: of "denoise", "inpaint" (fill gaps) and "dequantize".
        sample_rates: in Hz, those that it is for; of any, none are named.
        trained: on what and by whom, of a trained one; else "".
    """

    name: str
    title: str
    kind: Literal["prior", "classical", "trained"]
    tasks: tuple[str, ...]
    sample_rates: tuple[int, ...] = ()
    trained: str = ""


def methods(task: str | None = None) -> tuple[Method, ...]:
    """The methods that `restore` takes: the priors, then the others, each by name.

    Args:
        task: those for "denoise", "inpaint" or "dequantize" alone.

    >>> print(*(method.name for method in methods("inpaint") if method.kind == "classical"))
    janssen

    Raises:
        DapError: there is no such task.
    """
    if task is not None:
        check_choice("task", task, RESTORED)
    listed = []
    for fitted, offers in ((True, plugins("priors")), (False, plugins("baselines"))):
        for name, offer in sorted(offers.items()):
            tasks = tuple(t for t in RESTORED if t in offer.metadata.get("tasks", RESTORED))
            # `observed` restores nothing, and a recording does not tell what a corruption does
            if tasks and name != "observed" and "corruptions" not in offer.metadata:
                listed.append(_listed(offer, fitted, tasks))
    return tuple(method for method in listed if task is None or task in method.tasks)


def separators() -> tuple[str, ...]:
    """The methods that separate a mixture of which nothing else is known, priors first."""
    return tuple(
        name
        for kind in ("priors", "baselines")
        for name, offer in sorted(plugins(kind).items())
        if "separate" in offer.metadata.get("tasks", TASKS)
        and name != "observed"
        and "corruptions" not in offer.metadata
    )


def _listed(offer: Plugin, fitted: bool, tasks: tuple[str, ...]) -> Method:
    weights = None if fitted else declared(offer.name)
    kind: Literal["prior", "classical", "trained"] = "prior" if fitted else "classical"
    return Method(
        offer.name,
        offer.metadata["title"],
        "trained" if weights else kind,
        tasks,
        tuple(offer.metadata.get("sample_rates", ())),
        f"on {weights['on']}, by {weights['by']}" if weights else "",
    )


def choose(task: str, effort: str = "normal") -> str:
    """The method that "auto" stands for.

    >>> choose("inpaint")
    'janssen'

    Raises:
        DapError: there is no such task or effort.
    """
    check_choice("task", task, RESTORED)
    check_choice("effort", effort, EFFORTS)
    return CHOSEN[task][effort]


def method_for(name: str, task: str) -> Method:
    """The method of a name.

    Raises:
        DapError: there is none, or it is not for the task.
    """
    known = {method.name: method for method in methods()}
    if name not in known:
        raise DapError(f"method is {name!r}; allowed: {', '.join(known)}")
    if task not in known[name].tasks:
        able = ", ".join(method.name for method in methods(task))
        raise DapError(f"{name} does not {TASKS[task].verb}: choose another method: {able}")
    return known[name]


def band_rate(method: Method, task: str, sample_rate: int) -> int | None:
    """The lower rate at which a method restores the low band of a recording; None for all of it.

    A trained method is for its own rates, whatever the recording's. In noise a prior is fitted to
    what is below 8 kHz, and a classical method restores what is above: that was found no worse than
    a fit to all of it, which has more samples to fit (docs/performance.md). A gap, or a quantizer's
    cells, are of the recording at its own rate.
    """
    if method.sample_rates:
        return None if sample_rate in method.sample_rates else max(method.sample_rates)
    noisy = TASKS[task].white_noise
    banded = method.kind == "prior" and noisy and sample_rate > BAND_RATE
    return BAND_RATE if banded else None


def options_of(
    method: str,
    prior: bool,
    task: str,
    preset: str | None,
    iterations: int | None,
    width: float | None,
    fit: FitOptions | None,
) -> FitOptions:
    """How a method is fitted, from the arguments of `dap.restore`; of a baseline, the defaults.

    Raises:
        DapError: arguments exclude each other, or are out of their range, or not for the method.
    """
    given = {"preset": preset, "iterations": iterations, "width": width, "fit": fit}
    asked = [name for name, value in given.items() if value is not None]
    if not prior and asked:
        raise DapError(f"{method} is fitted to nothing, and takes no {asked[0]}: name a prior")
    if fit is None:
        fit = fit_options(method, task, preset, iterations=iterations, width=width)
    elif len(asked) > 1:
        raise DapError("fit holds all options of the fit: leave out preset, iterations and width")
    least = plugins("priors")[method].metadata.get("least_iterations", 1) if prior else 1
    if fit.iterations < least:
        raise DapError(
            f"iterations is {fit.iterations}: {method} needs at least {least}, and would give the "
            "recording back"
        )
    return fit


def fit_options(method: str, task: str, preset: str | None = None, **options: Any) -> FitOptions:
    """How a method is fitted for a task, but for the options that are given and not None.

    By a preset; without one as the method says itself, or else by "fast".

    Raises:
        DapError: as `FitOptions.from_preset`.
    """
    own = own_fit(method, task) if preset is None else {"preset": preset}
    options = {name: value for name, value in options.items() if value is not None}
    return FitOptions.from_study({"preset": "fast"} | own | options)


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise a DapError that names the choices, unless the value is one of them."""
    if value not in choices:
        raise DapError(f"{name} is {value!r}; allowed: {', '.join(choices)}")
