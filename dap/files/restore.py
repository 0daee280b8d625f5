"""Restoring files: each keeps its form, and is replaced whole or not at all."""

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from dap.errors import DapError, UnusableError
from dap.files.blocks import BlockReader, readable
from dap.files.endpoints import Source, Target, renamed
from dap.files.ends import (
    check_ends,
    check_room,
    form_for,
    provide_for_libraries,
    result_name,
    write_result,
)
from dap.files.form import SUFFIXES, Form
from dap.files.jobs import begun_job
from dap.files.partial import beside
from dap.files.streams import found_gaps
from dap.files.survey import Survey

# what libsndfile reads and does not write, or ffmpeg reads
OTHERS = (".m4a", ".aac", ".wma", ".mka", ".webm", ".ape", ".wv", ".amr", ".dsf", ".voc", ".sph")

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("dap")


@dataclass(frozen=True)
class RestoredFile:
    """A file that was restored.

    Attributes:
        path: of the result.
        form: of the result.
        recorded: the recording's form.
        samples: of each channel.
        gaps: (start, end) in seconds of those that were filled.
        method: the one that restored it.
        how: the method in words, such as "dfl up to 8000 Hz, wiener-tracked above".
        seconds: wall time of the whole restoration.
        unrestored: (channel, segment) of those that are left as they were, since their fits learned
            nothing, counted from 0.
    """

    path: str
    form: Form
    recorded: Form
    samples: int
    gaps: tuple[tuple[float, float], ...]
    method: str
    how: str
    seconds: float
    unrestored: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        kept = replace(self.recorded, tags=self.form.tags)
        changes = "" if self.form == kept else f" (from {self.recorded})"
        seconds = self.samples / self.form.sample_rate
        return f"{self.path}: {seconds:.3f} s, {self.form}{changes}, restored by {self.how}"


def restore_file(
    recording: str | os.PathLike[str],
    target: str | os.PathLike[str] | None = None,
    *,
    force: bool = False,
    resume: bool = False,
    max_minutes: float | None = None,
    gaps: Sequence[tuple[float, float]] = (),
    detect_gaps: bool = False,
    seed: int = 0,
    progress: Callable[[float, float], None] | None = None,
    **options: Any,
) -> RestoredFile:
    """Restore an audio file of any length, in memory that does not grow with it.

    The result has the recording's format, bit depth, rate, channels and tags. Formats are those of
    libsndfile, and of ffmpeg where that is installed. Where the result's name asks for another, or
    the recording's cannot be written, the nearest type of sample is taken. Samples that are whole
    numbers of less than 24 bits are dithered, but for those that are as they were; what is beyond
    full scale is limited, and counted in a warning. What quantization was undone of has 24 bits at
    least.

    A long recording is restored in windows, or segments, which are cross-faded, while the file is
    read and written. Finished ones lie in a folder beside the target, NAME.partial, until all are:
    a run that was stopped goes on from there, to the same bits. The target is at no time half a
    file.

    Args:
        recording: its path.
        target: where the result goes; NAME.restored.EXT beside the recording by default.
        force: replace a file that is there.
        resume: go on with what a run left that was stopped, if there is any; without this it is
            deleted.
        max_minutes: refuse what would take longer. That is estimated from a few iterations, or from
            a short piece, in some seconds.
        gaps: (start, end) in seconds, to be filled.
        detect_gaps: fill those that `dap.find_gaps` finds, too.
        seed: of networks' initialisation, and of the dither.
        progress: called with how much is done, and with the whole, in seconds of sound.
        options: of `dap.restore`.

    Raises:
        TooLongError: it would take longer than `max_minutes`; the message says what is faster.
        DapError: as `dap.restore`; the file is no audio; the result is there already, or cannot be
            written; no gap was found; what is to be gone on with is of another recording, version
            or other options.
    """
    source = Source.at(os.fspath(recording), dash=0)
    path = os.fspath(target) if target else str(result_name(source, "restored"))
    return restore_ends(
        source,
        Target.at(path, dash=1),
        force=force,
        resume=resume,
        max_minutes=max_minutes,
        gaps=gaps,
        detect_gaps=detect_gaps,
        seed=seed,
        progress=progress,
        **options,
    )


def restore_ends(
    source: Source,
    target: Target,
    reserve: Target | None = None,
    *,
    force: bool = False,
    resume: bool = False,
    max_minutes: float | None = None,
    gaps: Sequence[tuple[float, float]] = (),
    detect_gaps: bool = False,
    seed: int = 0,
    tell: Callable[[str], None] = lambda line: None,
    progress: Callable[[float, float], None] | None = None,
    **options: Any,
) -> RestoredFile:
    """Restore what comes in, and write it: `restore_file`, of pipes, too.

    Args:
        reserve: where the result goes if it cannot be written to the target.
        tell: called with what is found before the restoration, in words.
    """
    begun = perf_counter()
    check_ends(source, target, reserve, force)
    provide_for_libraries()
    # before torch: threads that wait sleep, and leave shared cores to others
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    store = beside(Path(target.path)) if source.is_file and target.is_file else None
    with ExitStack() as stack:
        local = stack.enter_context(source.local())
        stack.enter_context(renamed(local, source.name))
        path = stack.enter_context(readable(local))
        with redirect_stdout(sys.stderr):
            found: list[tuple[float, float]] = []
            if detect_gaps:
                found = _gaps_of(path, source.name)
                if not found:
                    raise DapError(f"{source.name}: no gap was found: name it by --gap START-END")
                times = ", ".join(f"{start:.4f}-{end:.4f}" for start, end in found)
                tell(f"{source.name}: gaps found: {times} s")
            wanted = sorted([*gaps, *found])
            job = begun_job(
                path,
                source.name,
                store=store,
                resume=resume,
                max_minutes=max_minutes,
                tell=tell,
                gaps=wanted or None,
                seed=seed,
                **options,
            )
        seconds = job.found.seconds
        recorded = recorded_form(path, job.found)
        form = form_for(
            source, recorded, target, job.found.samples, finer=bool(options.get("bins"))
        )
        check_room(form, job.found.samples, target, reserve)

        def report(share: float) -> None:
            if progress:
                progress(share * seconds, seconds)

        try:
            blocks = _apart_from_output(job.blocks(report))
            write_result(blocks, form, target, reserve, force, seed=seed)
        except BaseException:
            if job.store and job.store.begun:
                log.warning(
                    "%s: stopped; what is done lies in %s: give --resume to go on from there",
                    source.name,
                    job.store.folder,
                )
            raise
        if job.store:
            job.store.remove()
    return RestoredFile(
        target.name,
        form,
        recorded,
        job.found.samples,
        tuple(wanted),
        job.bands[0].settled.method.name,
        job.how,
        perf_counter() - begun,
        job.unrestored,
    )


def _apart_from_output(blocks: Iterator["np.ndarray"]) -> Iterator["np.ndarray"]:
    """The blocks; what libraries print meanwhile goes to standard error, not into the result."""
    while True:
        with redirect_stdout(sys.stderr):
            block = next(blocks, None)
        if block is None:
            return
        yield block


def _gaps_of(path: Path, name: str) -> list[tuple[float, float]]:
    with BlockReader(path, name, quiet=True) as reader:
        return found_gaps(iter(reader), reader.sample_rate)


def recorded_form(path: Path, found: Survey) -> Form:
    """The form of a file that libsndfile reads, though its header may be wrong."""
    try:
        form = Form.of(path)
    except UnusableError:  # of what was broken off
        form = Form("WAV", "PCM_24", "FILE", 0, 0)
    return replace(form, sample_rate=found.sample_rate, channels=found.channels)


def files_of(folder: Path, result: Path) -> Iterator[tuple[Path, Path]]:
    """The audio files of a folder and of those in it, by name, each with where its result goes.

    They are known by their extensions. The results' folder, should it lie in there, is left out,
    and so are hidden files and folders.
    """
    found = []
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != result.resolve()
        )
        found += [
            here / name
            for name in sorted(names)
            if not name.startswith(".") and Path(name).suffix.lower() in (*SUFFIXES, *OTHERS)
        ]
    relative = [path.relative_to(folder) for path in found]
    wanted = Counter(
        name if name.suffix.lower() in SUFFIXES else name.with_suffix(".wav") for name in relative
    )
    for path, name in zip(found, relative, strict=True):
        if name.suffix.lower() not in SUFFIXES:
            other = name.with_suffix(".wav")
            name = other if wanted[other] == 1 else name.with_name(f"{name.name}.wav")
        yield path, result / name


def seconds_of(path: Path) -> float:
    """How long a file lasts, by its header; 0 where libsndfile does not read it."""
    import soundfile

    try:
        return soundfile.info(os.fsencode(path)).duration
    except (OSError, RuntimeError):
        return 0.0
