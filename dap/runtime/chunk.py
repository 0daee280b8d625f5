"""Fitting a prior to the observations of one chunk.

Each fit's result is kept as soon as it is there, beside the chunk's products, and taken up again if
the job is repeated after a kill or a failure of another clip; a fit that is under way keeps its
state now and then, and goes on from it. The chunk's own files come last. A GPU has several fits at
a time, a CPU one.
"""

import logging
from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np

from dap.errors import DapError, InterruptedFitError, PluginError, UnwritableError
from dap.fitting.gpu.devices import claim
from dap.fitting.interleave import at_most, run_interleaved
from dap.fitting.method import fingerprint, fitting, resolve_device
from dap.fitting.restored import Restored
from dap.observation import Observation
from dap.options import FitOptions
from dap.runtime.attempts import Attempts
from dap.runtime.checkpoints import Checkpoint, Termination
from dap.runtime.manifest import estimate_rows, missing_row
from dap.runtime.progress import Progress
from dap.runtime.provenance import made, versions
from dap.seeds import derive
from dap.store import (
    ATTEMPTS,
    Entry,
    checkpoint_file,
    discard_partial,
    finished_file,
    fit_name,
    read_entries,
    read_intact,
    remove,
    seal,
    snapshot_arrays,
    write_arrays,
    write_rows,
)
from dap.tasks import TASKS


@dataclass(frozen=True)
class Job:
    """What a job of the workflow is asked for.

    Attributes:
        observations: the manifest of the chunk's observations.
        manifest, losses, snapshots: to be written, in one folder.
        setup: `fit`, the fit options, `spectrogram`, the transform's, and `task`, what it fixes.
        seed: the study's.
        seeds: how many initialisations each observation is fitted from.
        code: digests of the code that the fits depend on (`dap.study.code_hash`).
        run: the study's `run`: `retries`, `missing`, `checkpoint_seconds` and `fits_at_once`.
        attempt: of this job, from 1.
    """

    observations: Path
    manifest: Path
    losses: Path
    snapshots: Path
    experiment: str
    corpus: str
    method: str
    task: str
    setup: dict
    seed: int
    seeds: int
    threads: int
    sample_rate: int
    code: list[str]
    run: dict
    attempt: int


@dataclass(frozen=True)
class Fit:
    """A fit of a job.

    Attributes:
        name: of the clip and the initialisation.
        entry: the observation's.
        index: of the initialisation, from 0.
        seed: of the initialisation's random stream.
        mark: fingerprint of all that the result depends on.
        progress: when its checkpoint was written (`Checkpoint.age`), as the job found it.
        deaths: jobs that were killed by it, one after the other, with no progress.
    """

    name: str
    entry: Entry
    index: int
    seed: int
    mark: str
    checkpoint: Checkpoint
    progress: int
    deaths: int

    @property
    def clip(self) -> str:
        """The observation's id."""
        return self.entry.row["clip"]


def fit_chunk(job: Job, device: str, log: logging.Logger) -> None:
    """Do a job: fit what is not fitted yet, and write the chunk's products.

    Args:
        device: the study's, "auto", "cpu" or "cuda".

    Raises:
        InterruptedFitError: SIGTERM came; the next job goes on from there.
        DapError: an input is torn, a product cannot be written, or fits failed and `run.missing` is
            "fail".
    """
    import torch

    from dap.fitting.engine import choose

    torch.set_num_threads(job.threads)
    if device != "cpu":
        claim(log.info)
    device = resolve_device(device)
    chunk = Chunk(job, device, choose(job.setup["fit"]["precision"], device), log)
    chunk.run(chunk.waiting())
    chunk.raise_if_failed()
    chunk.write()


class Chunk:
    """The fits of a job.

    Args:
        device: that they run on, "cpu" or "cuda".
        precision: of the networks.

    Attributes:
        fits: all of them, in the order of the products.
        results: of those that have ended, by name.
        missing: why the others have no result, by name.
    """

    def __init__(self, job: Job, device: str, precision: str, log: logging.Logger):
        self.job, self.device, self.precision, self.log = job, device, precision, log
        self.folder = job.manifest.parent
        discard_partial(self.folder)
        self.attempts = Attempts(self.folder / ATTEMPTS)
        self.termination = Termination()
        self.fits = [
            self._plan(entry, index)
            for entry in read_entries(job.observations)
            for index in range(job.seeds)
        ]
        self.results: dict[str, Restored] = {}
        self.missing: dict[str, str] = {}
        self._under_way: set[str] = set()

    def _plan(self, entry: Entry, index: int) -> Fit:
        job, clip = self.job, entry.row["clip"]
        name = fit_name(clip, index)
        seed = derive(job.seed, "fit", job.experiment, job.corpus, clip, job.method, index)
        mark = fingerprint(
            setup=job.setup,
            code=job.code,
            observation=[entry.row["sha256"], entry.row["known_sha256"]],
            seed=seed,
            threads=job.threads,
            device=[self.device, self.precision],
            versions=versions(),
        )
        seconds = job.run["checkpoint_seconds"]
        path = self.folder / checkpoint_file(name)
        checkpoint = Checkpoint(path, mark, seconds, self.log.info, self.termination)
        progress = checkpoint.age()
        deaths = self.attempts.deaths(name, mark, progress)
        return Fit(name, entry, index, seed, mark, checkpoint, progress, deaths)

    def waiting(self) -> list[Fit]:
        """The fits that are to be run, in their order; notes the results and failures of others.

        A fit that an earlier job ended is taken up. One that failed in an earlier attempt of this
        job would fail again. One that killed job after job is given up, where it may be missing;
        until then it goes last.
        """
        waiting = []
        for fit in self.fits:
            arrays = read_intact(self.folder / finished_file(fit.name))
            if arrays and str(arrays.pop("fingerprint")) == fit.mark:
                self.log.info("%s: was finished before", fit.name)
                self.results[fit.name] = Restored.from_arrays(arrays)
                continue
            reason = self.attempts.reason(fit.name, fit.mark) if self.job.attempt > 1 else ""
            if self.job.run["missing"] == "report" and fit.deaths > self.job.run["retries"]:
                reason = f"{fit.deaths} jobs were killed by it, each before it got any further"
            if reason:
                self.missing[fit.name] = reason
            else:
                waiting.append(fit)
        return sorted(waiting, key=attrgetter("deaths"))

    def run(self, waiting: list[Fit]) -> None:
        """Run fits in this order, and keep each result as it comes.

        On a GPU several are beside each other, but for those that a job died of: each of these is
        alone, since others would be held to have killed the job.

        Raises:
            InterruptedFitError: SIGTERM came.
            UnwritableError: a result cannot be kept.
        """
        first = 1 + len(self.fits) - len(waiting)
        begin = [
            partial(self._run, number, fit, self._observation(fit))
            for number, fit in enumerate(waiting, first)
        ]
        calm = sum(fit.deaths == 0 for fit in waiting)
        most = at_most(self.job.run["fits_at_once"], self.device)
        interruptions = []
        try:
            with self.termination if self.job.run["checkpoint_seconds"] else nullcontext():
                for part, at_a_time in ((slice(calm), most), (slice(calm, None), 1)):
                    for index, result in run_interleaved(
                        begin[part], at_a_time, device=self.device
                    ):
                        if isinstance(result, InterruptedFitError):
                            interruptions.append(str(result))
                        else:
                            self._end(waiting[part][index], result)
            if interruptions:
                raise InterruptedFitError("; ".join(dict.fromkeys(interruptions)))
        except (InterruptedFitError, UnwritableError):
            for name in self._under_way:
                self.attempts.end(name)
            raise

    def _observation(self, fit: Fit) -> Observation:
        return Observation(fit.entry.signal(), fit.entry.known(), sample_rate=self.job.sample_rate)

    def _run(
        self, number: int, fit: Fit, observation: Observation
    ) -> Generator[None, float, Restored]:
        """A fit, noted as begun when it is started."""
        self.termination.check()
        if fit.name not in self._under_way:  # else it is begun anew: there was no room for it
            self.attempts.begin(fit.name, fit.mark, fit.progress)
            self._under_way.add(fit.name)
        label = f"{self.job.method} {fit.name} ({number} of {len(self.fits)})"
        try:
            return (
                yield from fitting(
                    self.job.method,
                    self.job.task,
                    observation,
                    fit=FitOptions.from_study(self.job.setup["fit"]),
                    spectrogram=self.job.setup["spectrogram"],
                    device=self.device,
                    seed=fit.seed,
                    report=Progress(label, self.job.setup["fit"]["iterations"], self.log),
                    checkpoint=fit.checkpoint,
                )
            )
        except Exception as error:
            error.add_note(f"clip {fit.clip}, {self.job.method}")
            raise

    def _end(self, fit: Fit, result: Restored | DapError) -> None:
        """Keep a result, or note a failure."""
        if isinstance(result, DapError):
            if isinstance(result, PluginError):
                self.log.error(result.trace)
            self.missing[fit.name] = str(result)
            self.attempts.failed(fit.name, fit.mark, str(result))
        else:
            self.results[fit.name] = result
            if not result.learned:
                self.log.warning("%s: learned nothing: its loss did not fall", fit.name)
            if result.cost["restarts"]:
                self.log.warning(
                    "%s: %s initialisations failed before this one",
                    fit.name,
                    result.cost["restarts"],
                )
            if result.cost["warnings"]:
                self.log.warning("%s: %s", fit.name, result.cost["warnings"])
            path = self.folder / finished_file(fit.name)
            write_arrays(path, result.arrays() | {"fingerprint": fit.mark})
            self.attempts.end(fit.name)
        self._under_way.discard(fit.name)

    def raise_if_failed(self) -> None:
        """Log the fits that failed.

        Raises:
            DapError: there are some, and the study wants no clip to be missing.
        """
        failures = [
            f"clip {fit.clip}, {self.job.method}: {self.missing[fit.name]}"
            for fit in self.fits
            if fit.name in self.missing
        ]
        for failure in failures:
            self.log.error(failure)
        if failures and self.job.run["missing"] == "fail":
            raise DapError(
                f"{len(failures)} fits of this chunk failed, and the others are kept: "
                + "; ".join(failures)
            )

    def write(self) -> None:
        """Write the chunk's products, the manifest last, and remove what was kept until then.

        Raises:
            UnwritableError: one cannot be written.
        """
        rows: list[dict] = []
        losses: list[dict] = []
        snapshots: dict[str, np.ndarray] = {}
        made_by = made(self.job.threads)
        for fit in self.fits:
            if fit.name in self.missing:
                reason = self.missing[fit.name]
                rows.append(
                    missing_row(fit.clip, fit.index, reason, device=self.device, made=made_by)
                )
                continue
            result = self.results[fit.name]
            rows += estimate_rows(
                self.folder,
                fit.clip,
                fit.index,
                result,
                outputs=TASKS[self.job.task].outputs,
                sample_rate=self.job.sample_rate,
                made=made_by,
            )
            arrays = (result.iterations, result.snapshots)
            snapshots |= dict(zip(snapshot_arrays(fit.name), arrays, strict=True))
            losses += [
                {"clip": fit.clip, "seed": fit.index, "iteration": i, "loss": f"{loss:.7g}"}
                for i, loss in enumerate(result.losses, start=1)
            ]
        write_arrays(self.job.snapshots, snapshots)
        write_rows(
            self.job.losses, losses or [{"clip": "", "seed": "", "iteration": "", "loss": ""}]
        )
        write_rows(self.job.manifest, rows)
        seal(self.job.manifest, self.job.snapshots)
        remove(self._temporary())

    def _temporary(self) -> list[Path]:
        """What an earlier attempt, or this one, may have left for the next."""
        files = [self.attempts.path]
        for fit in self.fits:
            files += [self.folder / finished_file(fit.name), *fit.checkpoint.files()]
        return files
