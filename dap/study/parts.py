"""Parts of a study: which of its chunks one machine makes in one sitting.

The chunks of a study are the same in every part: chunk k of a corpus holds the same clips, fitted
from the same seeds, whoever makes it. A part is made of sets, each of one experiment, one corpus
and one chunk, with all methods: differences between methods are paired, so a clip with one method
alone is worth little.

Light on purpose: the Snakefile and every cluster job parse it.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from dap.errors import DapError
from dap.study.paths import Names
from dap.study.study import Study

SHARE = re.compile(r"(\d+)/(\d+)")
CLIPS = re.compile(r"clips:(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)")
KEYS = ("part", "hours", "unfinished")
TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Asked:
    """What is asked of a sitting, beside the study.

    Attributes:
        part: "" for the whole study; "2/8" for the second of eight shares of about equal work;
            "clips:1,4-6" for these clips of each corpus, counted from 1 in the study's order.
        hours: within which all that is begun is to be finished; None for no limit.
        unfinished: whether tables are made of what is there, and nothing is fitted.
    """

    part: str = ""
    hours: float | None = None
    unfinished: bool = False

    @classmethod
    def taken_from(cls, config: dict, entries: list[str]) -> "Asked":
        """Take what is asked out of the configuration, where the study is left.

        Args:
            config: of Snakemake; the keys of `KEYS` are removed.
            entries: of `--config`, as they were written, such as "part=2/8": YAML reads 1:30 as 90.

        Raises:
            DapError: a value is not allowed; the message names the key.
        """
        written = {key: text for key, equals, text in (e.partition("=") for e in entries) if equals}
        values = {key: written.get(key, config.pop(key)) for key in KEYS if key in config}
        asked = cls(
            _part(values.get("part", "")),
            _hours(values["hours"]) if "hours" in values else None,
            _truth(values.get("unfinished", False)),
        )
        if asked.unfinished and (asked.part or asked.hours is not None):
            raise DapError(
                "unfinished is true: tables are made of what is there, and no chunk is made: leave "
                "part and hours out"
            )
        return asked

    @property
    def is_sitting(self) -> bool:
        """Whether chunks are made and recorded, and no tables."""
        return bool(self.part) or self.hours is not None


def _part(value: Any) -> str:
    text = f"{value}".strip("'\"")
    if (text and not (CLIPS.fullmatch(text) or _is_share(text))) or value is None:
        raise DapError(
            f"part is {value!r}: must be K/N, with K from 1 to N, such as 2/8, or clips of each "
            "corpus, counted from 1, such as clips:1,4-6"
        )
    return text


def _is_share(text: str) -> bool:
    match = SHARE.fullmatch(text)
    return match is not None and 1 <= int(match[1]) <= int(match[2])


def _hours(value: Any) -> float:
    try:
        hours = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        hours = math.nan
    if not (math.isfinite(hours) and hours >= 0):
        raise DapError(f"hours is {value!r}: must be a number of hours, at least 0, such as 2.5")
    return hours


def _truth(value: Any) -> bool:
    truth = TRUTHS.get(f"{value}".strip("'\"").lower())
    if truth is None:
        raise DapError(f"unfinished is {value!r}: must be true or false")
    return truth


def in_order(study: Study) -> list[Names]:
    """All chunks of a study with all methods, the most informative first.

    The first clips of all experiments and corpora come before the second ones, so that n grows
    alike in all cells; and all methods of a set come before the next set.
    """
    sets = [
        (name, corpus, chunk)
        for name, experiment in study.experiments.items()
        for corpus, chunk in study.chunks_of(experiment)
    ]
    return [
        Names(name, corpus, method, chunk)
        for name, corpus, chunk in sorted(sets, key=lambda each: int(each[2]))
        for method in study.experiments[name].methods_of(corpus)
    ]


def sets_of(chunks: list[Names]) -> Iterator[list[Names]]:
    """Chunks in order, divided into sets of one experiment, corpus and chunk."""
    for _, chunks_of_set in groupby(chunks, key=lambda each: each._replace(method="")):
        yield list(chunks_of_set)


def fits(study: Study, chunk: Names) -> int:
    """How many fits a chunk has; of a baseline, how many runs."""
    experiment = study.experiments[chunk.experiment]
    first, last = study.span(chunk.chunk, experiment.clips[chunk.corpus])
    return (last - first) * (study["seeds"] if chunk.method in experiment.priors else 1)


def samples_of(study: Study, chunk: Names) -> int:
    """The length of a chunk's clips."""
    parts = study.experiments[chunk.experiment].parts(chunk.corpus)
    return study["corpora"][parts[0]]["samples"]


def work(study: Study, chunk: Names) -> int:
    """A chunk's nominal work: the samples that all iterations of all of its fits go through.

    It is the same on every machine. A baseline has one iteration.
    """
    experiment = study.experiments[chunk.experiment]
    fitted = chunk.method in experiment.priors
    iterations = experiment.fit_of(chunk.method)["iterations"] if fitted else 1
    return fits(study, chunk) * samples_of(study, chunk) * iterations


def chunks_of_part(study: Study, part: str) -> list[Names]:
    """The chunks of a part, in order.

    A share K/N is of about equal nominal work: each set goes to the share that has least so far. So
    it depends on the study alone, and with more clips, the sets of those before stay where they
    were.

    Args:
        part: as `Asked.part`.

    Raises:
        DapError: it names a clip that no corpus has.
    """
    chunks = in_order(study)
    if not part:
        return chunks
    if match := CLIPS.fullmatch(part):
        wanted = _chunks_of_clips(study, match[1])
        return [chunk for chunk in chunks if chunk.chunk in wanted]
    index, count = map(int, part.split("/"))
    shares: list[list[Names]] = [[] for _ in range(count)]
    loads = [0] * count
    for chunks_of_set in sets_of(chunks):
        least = loads.index(min(loads))
        shares[least] += chunks_of_set
        loads[least] += sum(work(study, chunk) for chunk in chunks_of_set)
    return shares[index - 1]


def _chunks_of_clips(study: Study, text: str) -> set[str]:
    """The chunks that hold some clips, "1,4-6"."""
    most = max(study.clip_counts.values())
    wanted = set()
    for span in text.split(","):
        first, _, last = span.partition("-")
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= most:
            raise DapError(f"part: there are no clips {span}: this study has clips 1 to {most}")
        wanted |= {index // study["clips_per_job"] for index in range(low - 1, high)}
    return {f"{index:03d}" for index in wanted}
