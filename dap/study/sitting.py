"""One run of Snakemake on a study that is made in parts: what it makes, by when.

Light on purpose: the Snakefile and every cluster job parse it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dap.errors import DapError
from dap.study import params as depends
from dap.study.code_hash import Code
from dap.study.parts import Asked, chunks_of_part, fits, in_order
from dap.study.paths import FIRST, Names
from dap.study.places import recorded_chunks
from dap.study.plan import (
    MARGIN,
    Estimates,
    Timing,
    fitting,
    hours,
    kept,
    slow,
    timings,
    trial_file,
    trials,
    unfinished,
)
from dap.study.records import Agreement, has_all_clips, made_of, read_record
from dap.study.study import Study


@dataclass(frozen=True)
class Sitting:
    """What a sitting makes.

    Attributes:
        code: by which the products are made again.
        asked: part and hours.
        cpu: the kind of this machine.
        slots: how many fits it makes at a time.
        seconds_left: until all that is begun has to be finished, where there are hours.
    """

    study: Study
    code: Code
    asked: Asked
    cpu: str
    slots: int
    seconds_left: Callable[[], float]

    @cached_property
    def missing(self) -> list[Names]:
        """The chunks of the part that are not finished, in order.

        Raises:
            DapError: a record is damaged, or the part names clips that there are not.
        """
        return unfinished(self.study, self.code, chunks_of_part(self.study, self.asked.part))

    def check(self) -> None:
        """Refuse, before any job, what would stop the sitting later.

        Raises:
            DapError: as `missing` and `chosen`; or priors are trained: a model is no chunk.
        """
        trained = [name for name, each in self.study.experiments.items() if each.training]
        if trained and (self.asked.is_sitting or self.asked.unfinished):
            raise DapError(
                f"experiments.{trained[0]} trains its priors, and such a study is made as a whole: "
                "leave part, hours and unfinished out"
            )
        if self.asked.is_sitting and self.missing:
            self.estimates()

    def needs_trial(self) -> bool:
        """Whether a missing chunk is like none that was timed on this kind of CPU."""
        if self.asked.hours is None or self.seconds_left() <= 0:
            return False
        estimates = self.estimates()
        return any(estimates.seconds(chunk) is None for chunk in self.missing)

    def estimates(self, more: Sequence[Timing] = ()) -> Estimates:
        """What chunks take on this kind of CPU.

        Args:
            more: what was timed beside.

        Raises:
            DapError: a file that says what chunks took is damaged.
        """
        known = timings(self.study)
        real = Estimates(self.study, known, self.cpu, slow)
        short = [*trials(trial_file(self.study.paths, self.cpu), self._tried), *more]
        # whole chunks tell more than short fits
        short = [each for each in short if real.seconds(each.chunk) is None]
        return Estimates(self.study, [*known, *short], self.cpu, slow)

    def _tried(self, chunk: Names) -> dict:
        experiment = self.study.experiments.get(chunk.experiment)
        if not experiment or chunk.method not in experiment.methods:
            return {}
        return kept(trial_entry(self.study, chunk), self.slots)

    def chosen(self) -> list[Names]:
        """The chunks that are made: the missing ones, as far as time allows.

        Raises:
            DapError: a file by which times are estimated is damaged.
        """
        if self.asked.hours is None:
            return self.missing
        estimates = self.estimates()

        def seconds_of(chunk: Names) -> float:
            seconds = estimates.seconds(chunk)
            return float("inf") if seconds is None else MARGIN * seconds

        return fitting(
            self.missing, seconds_of, slots=self.slots, seconds=max(self.seconds_left(), 0.0)
        )

    def in_words(self, chosen: list[Names]) -> str:
        """What the sitting makes, and what it leaves."""
        text = f"{len(chosen)} of {len(self.missing)} missing chunks"
        text += f" of part {self.asked.part}" if self.asked.part else ""
        if self.asked.hours is None:
            return f"this sitting makes {text}"
        estimates = self.estimates()
        takes = [estimates.seconds(chunk) for chunk in self.missing]
        known = [MARGIN * each for each in takes if each is not None]
        text = f"this sitting makes {text}, those that end within {self.asked.hours:g} hours"
        if known and len(chosen) < len(self.missing):
            text += (
                f"; a chunk takes {hours(min(known))} to {hours(max(known))} on {self.cpu}, and "
                f"{self.slots} are made at a time"
            )
        return text


def check_collected(study: Study, code: Code) -> None:
    """Refuse to show or go on with chunks that are of another setup or other code.

    These are what was collected and, where nothing is made anew, what was recorded here. The setup
    has to be the study's as it is. The code has to be the same in all chunks that are shown, and,
    unless all were collected, be that of this checkout. A chunk that was collected has to have all
    of the clips that the study has there by now, since it is never made here.

    Raises:
        DapError: the message names the record and the key.
    """
    collected = study.places.collected
    records = recorded_chunks(study.places.own) if study.places.unfinished else {}
    records |= collected
    if not records:
        return
    chunks = in_order(study)
    making = not study.places.unfinished and any(chunk not in collected for chunk in chunks)
    agreement = Agreement(
        "keep the results apart by --config study=NAME, or delete "
        f"{study.places.elsewhere.root if collected else Path(study.paths.root, 'records')}"
    )
    for chunk in chunks:
        sections = ("setup", "code") if making else ("setup",)
        agreement.add(made_of(study, code, chunk), "the study as it is", sections)
    for chunk in filter(records.__contains__, chunks):
        record = read_record(records[chunk])
        agreement.add(record, str(records[chunk]))
        if chunk in collected and not has_all_clips(study, chunk, record):
            raise DapError(
                f"{records[chunk]}: has fewer clips than the study has in that chunk: delete it "
                "and its seal, and the chunk is made here"
            )


def recorded_now(code: Code) -> Callable[..., dict]:
    """What `made_of` says of a chunk, as a function of the study and the names of a job."""

    def made(study: Study, experiment: str, corpus: str, method: str, chunk: str) -> dict:
        return made_of(study, code, Names(experiment, corpus, method, chunk))

    return made


def priority(study: Study) -> Callable[..., int]:
    """The priority of a chunk's fits: the first in order have the highest, and none is above 0."""
    ranks = {chunk: -rank for rank, chunk in enumerate(in_order(study))}

    def of_names(study: Study, experiment: str, corpus: str, method: str, chunk: str) -> int:
        return ranks.get(Names(experiment, corpus, method, chunk), 0)

    return of_names


def trial_observations(study: Study) -> list[str]:
    """The observations that methods are timed on: the first of each experiment and corpus."""
    tried = [Names(**entry["chunk"]) for entry in trial_entries(study)]
    observations = [study.paths.observations(*chunk[:2], chunk.chunk) for chunk in tried]
    return list(dict.fromkeys(observations))


def trial_weights(study: Study) -> list[str]:
    """What says that the trained weights of the methods are there that are timed."""
    receipts = [
        receipt
        for entry in trial_entries(study)
        for receipt in depends.weights(study, entry["chunk"]["experiment"], entry["method"])
    ]
    return list(dict.fromkeys(receipts))


def trial_entries(study: Study) -> list[dict]:
    """Each method of each experiment, as `dap.runtime.trial.Trial` has it.

    On the experiment's first corpus, or the first that the method is for.
    """
    return [
        trial_entry(study, Names(name, corpora[0], method, FIRST))
        for name, experiment in study.experiments.items()
        for method in experiment.methods
        if (corpora := [each for each in experiment.clips if method in experiment.methods_of(each)])
    ]


def trial_entry(study: Study, chunk: Names) -> dict:
    """A chunk's method, as `dap.runtime.trial.Trial` has it."""
    experiment = study.experiments[chunk.experiment]
    fitted = chunk.method in experiment.priors
    return {
        "chunk": chunk._asdict(),
        "observations": study.paths.observations(chunk.experiment, chunk.corpus, chunk.chunk),
        "method": chunk.method,
        "task": experiment.task,
        "setup": depends.fit_setup(study, chunk.experiment, chunk.method) if fitted else {},
        "fits": fits(study, chunk),
        "threads": study["threads"],
        "device": study["device"],
        "sample_rate": study["sample_rate"],
    }
