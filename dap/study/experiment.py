"""One experiment of a study, with everything that it takes from the study filled in."""

from collections.abc import Collection
from dataclasses import dataclass

from dap.data.weights import declared
from dap.plugins import methods, plugins
from dap.tasks import TASKS


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        corruption: operator's kind and all of its options.
        clips: for each corpus ("ljspeech"; in separation a pair, "piano+drums"), its number of
            clips.
        fit: all fit options.
        fits: the options of single methods that differ from these, by method.
        training: corpora and options of a training; None where priors are fitted.
        speech: the study's corpora of speech.
    """

    name: str
    title: str
    task: str
    corruption: dict
    clips: dict[str, int]
    methods: list[str]
    metrics: list[str]
    selections: list[str]
    fit: dict
    fits: dict[str, dict]
    training: dict | None = None
    speech: Collection[str] = ()

    def fit_of(self, method: str) -> dict:
        """All fit options of one method."""
        return {**self.fit, **self.fits.get(method, {})}

    @property
    def quality(self) -> str:
        """The metric of the trajectory and of the oracle."""
        return TASKS[self.task].quality

    @property
    def priors(self) -> list[str]:
        """The methods that are fitted, and so have iterates; the others are baselines."""
        return [] if self.training else self._networks

    @property
    def learned(self) -> list[str]:
        """The methods that this experiment trains, on other clips than those it tests."""
        return self._networks if self.training else []

    @property
    def _networks(self) -> list[str]:
        return [method for method in self.methods if method in plugins("priors")]

    def methods_of(self, corpus: str) -> list[str]:
        """Those that have a meaning for a corpus: one for speech is left out for piano."""
        if set(self.parts(corpus)) <= set(self.speech):
            return self.methods
        known = methods()
        return [name for name in self.methods if not known[name].metadata.get("speech")]

    @property
    def trained(self) -> list[str]:
        """The methods that have trained weights, be they run or fed to a prior."""
        fed = [self.fit_of(prior)["input"] for prior in self.priors]
        return sorted({name for name in [*self.methods, *fed] if declared(name)})

    def parts(self, corpus: str) -> list[str]:
        """The corpora that clips come from: the corpus itself, or the two of a pair."""
        return corpus.split("+") if TASKS[self.task].sources > 1 else [corpus]

    @property
    def corpora(self) -> list[str]:
        """The corpora that clips come from, of all pairs and of the training, sorted."""
        return sorted(self.needed)

    @property
    def tested(self) -> dict[str, int]:
        """How many clips of each corpus observations are made from; the first in its order."""
        counts: dict[str, int] = {}
        for corpus, count in self.clips.items():
            for part in self.parts(corpus):
                counts[part] = max(counts.get(part, 0), count)
        return counts

    @property
    def needed(self) -> dict[str, int]:
        """How many clips of each corpus there have to be; what is trained on comes last."""
        counts = self.tested
        if self.training:
            for part in self.training["corpora"]:
                counts[part] = counts.get(part, 0) + self.training["clips"]
        return counts

    def heard(self, corpus: str) -> list[str]:
        """The corpora that models for a pair hear in training: all but the pair's second."""
        _, holdout = self.parts(corpus)
        return [part for part in (self.training or {})["corpora"] if part != holdout]
