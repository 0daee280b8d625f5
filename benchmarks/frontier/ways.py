"""The ways to restore that are compared: a method, how it is fitted, and its transform."""

from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.frontier.sets import SPECTROGRAM, Cell
from dap.options import FitOptions
from dap.plugins import plugin, plugins
from dap.tasks import TASKS


@dataclass(frozen=True)
class Way:
    """A method and how it is fitted.

    Attributes:
        fit: None for a classical method.
        hop_length: of the transform; its window is A's.
    """

    method: str
    fit: FitOptions | None = None
    hop_length: int = SPECTROGRAM["hop_length"]

    @property
    def spectrogram(self) -> dict:
        """The arguments of its `dap.stft.STFT`."""
        return SPECTROGRAM | {"hop_length": self.hop_length}

    def suits(self, cell: Cell) -> bool:
        """Whether it is for the cell's task, corruption and transform."""
        metadata = plugin("priors" if self.fit else "baselines", self.method).metadata
        return (
            cell.task in metadata.get("tasks", TASKS)
            and cell.corruption["kind"] in metadata.get("corruptions", [cell.corruption["kind"]])
            and (cell.transforms or self.spectrogram == SPECTROGRAM)
            # what a network is fed is an option of denoising alone
            and (self.fit is None or self.fit.input == "noise" or cell.task == "denoise")
        )

    def fed(self) -> list[str]:
        """The module of the baseline that the network is fed, if it is."""
        if self.fit is None or self.fit.input == "noise":
            return []
        return [plugin("baselines", self.fit.input).module]

    def content(self) -> dict[str, Any]:
        """All that its results depend on, but for code."""
        fit = asdict(self.fit) if self.fit else None
        return {"method": self.method, "fit": fit, "spectrogram": self.spectrogram}


def fast(**options: Any) -> FitOptions:
    """The preset, with 16 points of the trajectory."""
    return FitOptions.from_preset("fast", **{"snapshots": 16} | options)


def stopped(**options: Any) -> FitOptions:
    """A constant rate, until the rule ends the fit."""
    return fast(iterations=1000, cooldown=0.0, stop="discrepancy", end_at_stop=True, **options)


DESIGNS = ("conv", "dilated", "dilated-exp", "dilated-exp-dense", "conv7", "dilated7", "harmonic")
WAYS = (
    {
        method: Way(method)
        for method, offer in sorted(plugins("baselines").items())
        # what knows the noise is no competitor of what does not
        if method == "observed" or "corruptions" not in offer.metadata
    }
    | {f"{method}, fast, width 0.25": Way(method, fast(width=0.25)) for method in DESIGNS}
    | {f"{method}, fast, width 0.5": Way(method, fast(width=0.5)) for method in DESIGNS}
    | {"dilated-exp-dense, fast, width 1": Way("dilated-exp-dense", fast())}
    | {
        f"dilated-exp-dense, fast, width {width:g}, hop {hop}": Way(
            "dilated-exp-dense", fast(width=width), hop
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
            "dilated-exp-dense", stopped(width=width, input=given), hop
        )
        for width in (0.25, 0.5)
        for hop in (64, 128, 256)
        for given in ("noise", "wiener-white", "wavelet")
    }
)
