"""The tasks: what each reads out of the networks, what of it is scored, and by which metric."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scope:
    """A part of a task's outputs that is scored.

    Attributes:
        output: the output that it is of.
        inside_gaps: whether only the samples of the observation's mask are scored.
    """

    output: str
    inside_gaps: bool = False


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        outputs: the signals that are read out of an estimate, in order.
        scopes: the parts that are scored, by name; the first is the network's own signal.
        quality: the metric of the trajectory and of the oracle. It is not blind to level: such a
            one would take nearly nothing for a good estimate.
        verb: what a method for it does, in messages.
        shown: the output that examples show; of several sources, all are shown.
        options: the fit options that are its own.
        sources: how many sources an observation has. Those of several are scored jointly, each
            with the estimate that the permutation of the best mean SNR gives it.
        masked: whether samples were lost, and the observation has their mask.
        known: the arrays that an observation has to have, beside its signal.
        white_noise: whether an observation may hold white noise that a method is to take away.
    """

    outputs: tuple[str, ...]
    scopes: Mapping[str, Scope]
    quality: str
    verb: str
    shown: str
    options: tuple[str, ...] = field(default=())
    sources: int = 1
    masked: bool = False
    known: tuple[str, ...] = ()
    white_noise: bool = False

    @property
    def headline(self) -> str:
        """The scope of the network's own signal."""
        return next(iter(self.scopes))


TASKS: dict[str, Task] = {
    "denoise": Task(
        outputs=("estimate",),
        scopes={"full": Scope("estimate")},
        quality="snr",
        verb="denoise",
        shown="estimate",
        options=("input", "weighting"),
        white_noise=True,
    ),
    "inpaint": Task(
        outputs=("raw", "filled"),
        scopes={
            "raw": Scope("raw"),
            "filled": Scope("filled"),
            "gaps": Scope("filled", inside_gaps=True),
        },
        quality="snr",
        verb="fill gaps",
        shown="filled",
        options=("input",),
        masked=True,
        known=("mask", "observed_frames"),
    ),
    "separate": Task(
        outputs=("source1", "source2"),
        scopes={"full": Scope("source1")},
        quality="sdr_v4",
        verb="separate sources",
        shown="source1",
        options=("input", "separation", "reconstruction", "smoothness", "exclusion", "binarity"),
        sources=2,
    ),
    "dequantize": Task(
        outputs=("raw", "projected"),
        scopes={"raw": Scope("raw"), "projected": Scope("projected")},
        quality="snr",
        verb="undo quantization",
        shown="raw",
        options=("input", "consistency"),
        known=("lower", "upper"),
    ),
}

# every scope, in the order of tables
SCOPES = ("full", "raw", "filled", "gaps", "projected")

# Which point of a fit's trajectory is reported. A selection is made in one of two places: in the
# fit, without the clean clip; or in scoring, with it, which makes it a diagnostic.
SELECTIONS = {
    "last": {"title": "last iterate", "made": "fit"},
    "average": {"title": "moving average of the outputs", "made": "fit"},
    "stop": {"title": "moving average where a rule stops", "made": "fit"},
    "oracle": {"title": "oracle (uses the clean clip)", "made": "score"},
}

# what `selection` is in the scores of a trajectory's snapshots, by what these are compared with
TRAJECTORIES = {"clean": "snapshot", "observed": "snapshot-to-observed"}


def headline_metric(quality: str, metrics: Sequence[str], published: Iterable[str]) -> str:
    """The metric by which a reader first compares methods.

    It is the task's quality, or what is published of its kind ("sdr_v4" for "sdr"), or of another.

    Args:
        quality: the task's metric.
        metrics: what was scored, in the study's order.
        published: those that have published values.
    """
    shared = [metric for metric in metrics if metric in set(published)] or metrics
    kind = [metric for metric in shared if metric.partition("_")[0] == quality.partition("_")[0]]
    return quality if quality in shared else (kind or shared)[0]
