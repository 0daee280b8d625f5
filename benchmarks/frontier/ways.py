"""The ways to restore that are compared: a method, how it is fitted, and its transform."""

from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.frontier.sets import Cell
from dap.options import FitOptions
from dap.plugins import Plugin, methods, own_fit, plugin, plugins
from dap.restoration.choice import fit_options
from dap.tasks import TASKS


@dataclass(frozen=True)
class Way:
    """A method and how it is fitted.

    Attributes:
        fit: None for a classical method, and for one that says itself how it is fitted.
    """

    method: str
    fit: FitOptions | None = None

    def options(self, task: str) -> FitOptions | None:
        """How it is fitted; None for a classical method."""
        return fit_options(self.method, task, snapshots=16) if self.own(task) else self.fit

    def own(self, task: str) -> bool:
        """Whether the method says itself how it is fitted."""
        return bool(own_fit(self.method, task))

    @property
    def offer(self) -> Plugin:
        """The method's plugin."""
        return methods()[self.method]

    def suits(self, cell: Cell) -> bool:
        """Whether it, and what it is fed, are for the cell's task and corruption."""
        metadata, fed = self.offer.metadata, self.fed(cell.task)
        return (
            cell.task in metadata.get("tasks", TASKS)
            and cell.corruption["kind"] in metadata.get("corruptions", [cell.corruption["kind"]])
            and all(cell.task in offer.metadata["tasks"] for offer in fed)
        )

    def fed(self, task: str) -> list[Plugin]:
        """The baseline whose estimate the network is fed, if it is."""
        options = self.options(task)
        given = "noise" if options is None else options.input
        return [] if given == "noise" else [plugin("baselines", given)]

    def content(self, task: str) -> dict[str, Any]:
        """All that its results depend on, but for code."""
        options = self.options(task)
        return {"method": self.method, "fit": options and asdict(options)}


def fast(**options: Any) -> FitOptions:
    """The preset, with 16 points of the trajectory."""
    return FitOptions.from_preset("fast", **{"snapshots": 16} | options)


def stopped(**options: Any) -> FitOptions:
    """A constant rate, until the rule ends the fit."""
    return fast(iterations=1000, cooldown=0.0, stop="discrepancy", end_at_stop=True, **options)


FED = ("noise", "wiener-white", "wavelet", "janssen", "cell-projection", "nmf", "hpss")
DESIGNS = ("conv", "dilated", "dilated-exp", "dilated-exp-dense", "conv7", "dilated7", "harmonic")
WAYS = (
    {
        method: Way(method)
        for method, offer in sorted(plugins("baselines").items())
        # what knows the noise is no competitor of what does not
        if method == "observed" or "corruptions" not in offer.metadata
    }
    | {"dap-best": Way("dap-best")}
    | {f"{method}, fast, width 0.25": Way(method, fast(width=0.25)) for method in DESIGNS}
    | {f"{method}, fast, width 0.5": Way(method, fast(width=0.5)) for method in DESIGNS}
    | {"dilated-exp-dense, fast, width 1": Way("dilated-exp-dense", fast())}
    | {
        f"dilated-exp-dense, fast, width {width:g}, hop {hop}": Way(
            "dilated-exp-dense", fast(width=width, hop_length=hop)
        )
        for width in (0.25, 0.5)
        for hop in (128, 256)
    }
    | {
        f"dilated-exp-dense, {iterations} iterations, width 0.25": Way(
            "dilated-exp-dense", fast(width=0.25, iterations=iterations)
        )
        for iterations in (50, 100, 400, 1600)
    }
    | {
        f"dilated-exp-dense, stopped, width {width:g}, hop {hop}, fed {given}": Way(
            "dilated-exp-dense", stopped(width=width, input=given, hop_length=hop)
        )
        for width in (0.25, 0.5)
        for hop in (64, 128, 256)
        for given in FED
    }
    | {
        f"{design}, stopped, width 0.25, hop 256, fed noise": Way(
            design, stopped(width=0.25, hop_length=256)
        )
        for design in DESIGNS
    }
)
