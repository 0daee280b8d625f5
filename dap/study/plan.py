"""What is left of a study, how long it takes, and what can be done of it in some hours.

All by measurement: of the chunks that were made on the same kind of CPU, or, where there is none,
of short fits (`dap.runtime.trial`).

Light on purpose: the Snakefile and every cluster job parse it.
"""

import csv
import heapq
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from dap.errors import DapError
from dap.store import read_rows
from dap.study.code_hash import Code
from dap.study.parts import in_order, sets_of, work
from dap.study.paths import Names, Paths
from dap.study.places import recorded_chunks
from dap.study.records import has_all_clips, made_of, read_record, setup_of
from dap.study.study import Study

# on what was measured: fits beside each other and their starts do not all take the same time
MARGIN = 1.1
HOUR = 3600.0


class Timing(NamedTuple):
    """What a chunk took: wall time of its fits and scores, in seconds, on a kind of CPU."""

    chunk: Names
    cpu: str
    seconds: float


def took(paths: Paths, chunk: Names) -> Timing:
    """What a finished chunk took, by its manifest and by what Snakemake measured of its jobs.

    The latter has a job's start in it, and not what an earlier job did that was killed; what a
    manifest says of the fits is the other way round. So the longer of the two counts.

    Raises:
        DapError: the manifest is torn.
    """
    rows = {(row["clip"], row["seed"]): row for row in read_rows(Path(paths.fits(*chunk)))}
    fitted = [sum(float(row["seconds"]) for row in rows.values())]
    fitted += [_measured(paths.benchmark(rule, *chunk)) for rule in ("fit", "baseline")]
    cpu = next((row["cpu"] for row in rows.values()), "")
    return Timing(chunk, cpu, max(fitted) + _measured(paths.benchmark("score", *chunk)))


def _measured(benchmark: str) -> float:
    """Seconds of a job's wall time; 0 where they were not kept."""
    try:
        with Path(benchmark).open(newline="", encoding="utf-8") as file:
            return sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def timings(study: Study) -> list[Timing]:
    """What the chunks took that are there, made here or collected, of the study as it is.

    Raises:
        DapError: a record or a manifest is damaged.
    """
    records = {**recorded_chunks(study.places.own), **study.places.collected}
    measured = []
    for chunk in in_order(study):
        if chunk in records:
            record = read_record(records[chunk])
            if _fits_as(record["setup"], setup_of(study, chunk)):
                measured.append(Timing(chunk, record["cpu"], record["seconds"]))
        elif study.places.is_there(chunk):
            measured.append(took(study.places.own, chunk))
    return measured


def _fits_as(recorded: Mapping[str, dict], now: Mapping[str, dict]) -> bool:
    """Whether a chunk was fitted as the study now has it; what else is scored takes little."""
    return all(
        recorded.get(key) == values
        for key, values in now.items()
        if key == "study" or key.startswith("corpora.") or ".fit." in key
    )


def slow(seconds: Sequence[float]) -> float:
    """The upper quartile: the time within which three in four of some chunks were made.

    The slowest one alone may have been slowed down by something else.

    >>> slow([5, 1, 2, 3]), slow([4, 1])
    (3, 4)
    """
    return sorted(seconds)[math.ceil(0.75 * len(seconds)) - 1]


def trial_file(paths: Paths, cpu: str) -> str:
    """Where it is kept what short fits took on a kind of CPU."""
    return paths.timings(re.sub(r"[^A-Za-z0-9]+", "-", cpu).strip("-") or "cpu")


def kept(entry: Mapping, at_once: int) -> dict:
    """What of a trial is kept with what it took, to know whether it is what a chunk would take.

    Args:
        entry: as `dap.runtime.trial.Trial` has it.
        at_once: how many fits run beside each other.
    """
    known = {key: value for key, value in entry.items() if key not in ("chunk", "brief")}
    return json.loads(json.dumps(known | {"at_once": at_once}))


def trials(path: str, tried: Callable[[Names], dict]) -> list[Timing]:
    """What short fits took; none where they were not made, or were of another setup.

    Args:
        tried: what would be timed of a chunk now, as it is kept in the file.

    Raises:
        DapError: the file is damaged.
    """
    if not Path(path).is_file():
        return []
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return [
            Timing(Names(**entry["chunk"]), entry["cpu"], float(entry["seconds"]))
            for entry in content
            if entry.get("trial") == tried(Names(**entry["chunk"]))
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise DapError(
            f"{path}: is damaged: delete it, and what it says is measured again"
        ) from error


class Estimates:
    """What chunks take on one kind of CPU, by what others took.

    The rate of the likest ones counts, times the chunk's nominal work: of the same experiment,
    corpus and method; or else of the same experiment and method; or else of the same task and
    method.

    Args:
        measured: of all kinds of CPUs.
        cpu: the kind.
        of_several: what is taken of several rates, `slow` or the median.
    """

    def __init__(
        self,
        study: Study,
        measured: Iterable[Timing],
        cpu: str,
        of_several: Callable[[Sequence[float]], float],
    ):
        self.study, self.of_several = study, of_several
        self.rates: dict[tuple[str, ...], list[float]] = {}
        for timing in measured:
            if timing.cpu == cpu and timing.seconds > 0:
                rate = timing.seconds / work(study, timing.chunk)
                for key in self._keys(timing.chunk):
                    self.rates.setdefault(key, []).append(rate)

    def _keys(self, chunk: Names) -> list[tuple[str, ...]]:
        task = self.study.experiments[chunk.experiment].task
        return [
            ("corpus", chunk.experiment, chunk.corpus, chunk.method),
            ("experiment", chunk.experiment, chunk.method),
            ("task", task, chunk.method),
        ]

    def seconds(self, chunk: Names) -> float | None:
        """Of a chunk; None where no like one was measured."""
        for key in self._keys(chunk):
            if key in self.rates:
                return self.of_several(self.rates[key]) * work(self.study, chunk)
        return None


def unfinished(study: Study, code: Code, chunks: Iterable[Names]) -> list[Names]:
    """Those of some chunks that are still to be made: not collected, nor made here as they are now.

    Raises:
        DapError: a record is damaged.
    """
    places, records = study.places, recorded_chunks(study.places.own)

    def is_finished(chunk: Names) -> bool:
        if chunk in places.collected:
            return True
        if chunk not in records or not places.is_there(chunk):
            return False
        record, now = read_record(records[chunk]), made_of(study, code, chunk)
        same = all(record[section] == now[section] for section in now)
        return same and has_all_clips(study, chunk, record)

    return [chunk for chunk in chunks if not is_finished(chunk)]


def fitting(
    chunks: Sequence[Names], seconds_of: Callable[[Names], float], *, slots: int, seconds: float
) -> list[Names]:
    """Those of some chunks that can be finished in time, in order.

    Each goes to the slot that is free first. What would not be finished is left out. After the
    first set of which anything was left out, others are taken whole or not at all, so that no more
    than one clip is left with some of its methods.

    Args:
        chunks: in order (`dap.study.parts.in_order`).
        seconds_of: what a chunk takes.
        slots: how many are made at a time.
        seconds: until the end.
    """
    free, whole = [0.0] * max(slots, 1), False
    chosen: list[Names] = []
    for chunks_of_set in sets_of(list(chunks)):
        taken, trial = [], list(free)
        for chunk in chunks_of_set:
            end = trial[0] + seconds_of(chunk)
            if end <= seconds:
                heapq.heapreplace(trial, end)
                taken.append(chunk)
        complete = len(taken) == len(chunks_of_set)
        if complete or not whole:
            free, chosen = trial, [*chosen, *taken]
        whole = whole or not complete
    return chosen


def hours(seconds: float) -> str:
    """Seconds as hours, in words.

    >>> hours(90), hours(9000)
    ('0.025 hours', '2.5 hours')
    """
    value = seconds / HOUR
    return f"{value:.1f} hours" if value >= 1 else f"{value:.2g} hours"


def left(study: Study) -> str:
    """How much of a study is there, and how long the rest takes, in words.

    Raises:
        DapError: a record or a manifest is damaged.
    """
    chunks = in_order(study)
    missing = [chunk for chunk in chunks if not study.places.is_there(chunk)]
    measured = timings(study)
    text = f"{len(chunks) - len(missing)} of {len(chunks)} chunks are made"
    counts = Counter(timing.cpu for timing in measured if timing.seconds > 0)
    if not missing:
        return f"{text}."
    if not counts:
        return f"{text}; how long the others take is not known, since none was timed."
    cpu = min(counts, key=lambda name: (-counts[name], name))
    estimates = Estimates(study, measured, cpu, median)
    seconds = [estimates.seconds(chunk) for chunk in missing]
    known = [each for each in seconds if each is not None]
    threads = f"{study['threads']} thread" + "s" * (study["threads"] > 1)
    text += (
        f"; the other {len(known)} take {hours(sum(known))}, one after the other, by the median of "
        f"those made on {cpu or 'an unknown CPU'}, {threads}"
    )
    if unknown := Counter(
        f"{chunk.method} in {chunk.experiment}"
        for chunk, each in zip(missing, seconds, strict=True)
        if each is None
    ):
        listed = ", ".join(f"{count} of {name}" for name, count in unknown.items())
        text += f"; {sum(unknown.values())} more were not timed yet ({listed})"
    return f"{text}."
