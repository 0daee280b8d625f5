"""What commands do with the recording that comes in and with the result that goes out."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dap.errors import DapError, UnwritableError, one_line
from dap.files.endpoints import Source, Target, keep
from dap.files.form import SUFFIXES, Form, FormWriter

if TYPE_CHECKING:
    import numpy as np


class WrongNameError(DapError):
    """A result cannot have the name that was given: another name is the remedy."""


def provide_for_libraries() -> None:
    """Have what C libraries take for granted: a working folder, and the standard streams open.

    A closed stream's number would be that of the next file opened, and their messages go into it.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        os.chdir("/")  # relative paths led nowhere, and were refused
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def check_ends(
    source: Source,
    target: Target,
    reserve: Target | None,
    force: bool,
    *,
    other: str = "--keep-partial is the result",
) -> None:
    """Refuse what would lose a file, or could not be written after an hour's fit.

    Args:
        other: what `reserve` is not to be, in the words of the command.

    Raises:
        WrongNameError: it is the recording itself, or of an extension that says another format than
            could be written.
        DapError: it is there already, or cannot be written.
    """
    ends = [target] if reserve is None else [target, reserve]
    for end in ends:
        name = one_line(end.name)
        suffix = Path(end.path).suffix.lower()
        if end.is_file and suffix not in ("", Path(source.path).suffix.lower(), *SUFFIXES):
            raise WrongNameError(
                f"{name}: no {suffix} file can be written: name it {', '.join(SUFFIXES)}"
            )
        if str(end.path).endswith("/"):
            raise WrongNameError(f"{name}: is the name of a folder that is not there: name a file")
        if end.is_same(source):
            raise WrongNameError(f"{name} is the recording itself: name another file")
        if end.exists and not force:
            raise DapError(f"{name} is there already: name another file, or give --force")
    if reserve and (reserve.is_same(target) or reserve.path == target.path):
        raise WrongNameError(f"{other} itself: name another file")
    for end in ends:
        end.check()


def form_for(
    source: Source, form: Form, target: Target, samples: int, *, finer: bool = False
) -> Form:
    """The form of a result: the recording's, but for what the target's extension asks for.

    Args:
        form: of the recording.
        samples: of the result.
        finer: whether samples are to lie between the recording's levels.

    Raises:
        WrongNameError: the format that is asked for does not hold such a result.
    """
    if finer:
        form = form.finer()
    if not target.is_file:
        return form.at(Path()).holding(samples)
    path, recording = Path(target.path), Path(source.path)
    found = form.at(path, recording).holding(samples)
    suffix = path.suffix.lower()
    asked, subtype = SUFFIXES.get(suffix, (form.container if suffix else found.container, ""))
    if suffix == recording.suffix.lower():
        asked, subtype = form.container, ""
    foreign = suffix and suffix not in SUFFIXES and form.container == "WAV"  # of ffmpeg
    other = found.container not in (asked, "WAVEX", "RF64") or subtype not in ("", found.subtype)
    if foreign or other:
        raise WrongNameError(
            f"{one_line(target.name)}: no {suffix} file of {form.channels} channels at "
            f"{form.sample_rate} Hz can be written: name it .wav or .flac"
        )
    return found


def result_name(source: Source, what: str) -> Path:
    """Where a result goes if nobody says where: NAME.WHAT.EXT, beside the recording.

    Of a format that cannot be written the result is a WAV.

    Raises:
        WrongNameError: the recording is a pipe, and has no name.
        UnusableError: it is no audio.
    """
    if not source.is_file:
        raise WrongNameError(
            f"{source.name} has no name that a result's could be made of: name it by -o"
        )
    recording = Path(source.path)
    form = Form.of(recording)
    suffix = recording.suffix
    found = form.at(recording, recording).container
    kept = suffix.lower() in SUFFIXES or form.container != "WAV"
    if found != form.container or not kept:
        suffix = ".wav"
    return recording.with_name(f"{recording.stem}.{what}{suffix}")


def check_room(form: Form, samples: int, target: Target, reserve: Target | None) -> None:
    """Refuse a result that would not fit onto its disk."""
    for end in (target, reserve):
        if end is not None:
            end.check(form.size(samples))


def write_result(
    blocks: Iterable["np.ndarray"],
    form: Form,
    target: Target,
    reserve: Target | None,
    force: bool,
    *,
    seed: int = 0,
) -> None:
    """Write the result; should that fail at the end, keep it elsewhere, and raise what says where.

    Args:
        blocks: (samples, channels) or, of one channel, (samples,), one after the other.
        seed: of the dither.
    """
    with target.writing(force=force) as finish:
        with FormWriter(finish.file, form, seed, name=target.name) as writer:
            for block in blocks:
                writer.write(block)
        try:
            finish()
        except UnwritableError as error:
            suffix = Path(target.path).suffix if target.is_file else f".{form.container.lower()}"
            where = keep(finish.file, reserve, suffix)
            told = (
                f"the result is in {where}" if where else "the result is lost: no folder takes it"
            )
            raise DapError(f"{error}; {told}") from error


def cores() -> int:
    """Those that this process was given, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
