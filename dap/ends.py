"""What commands do with the recording that comes in and with the result that goes out."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dap.endpoints import Source, Target, keep
from dap.errors import DapError, UnwritableError, one_line

if TYPE_CHECKING:
    import numpy as np

# of a WAV, whose header holds its size in 32 bits, and of samples of 32 bits
MOST_BYTES, SAMPLE_BYTES = 2**32 - 1, 4
HEADER_BYTES = 58


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
    other: str = "--keep-partial is RESTORED",
) -> None:
    """Refuse what would lose a file, or could not be written after an hour's fit.

    Args:
        other: what `reserve` is not to be, in the words of the command.
    """
    ends = [target] if reserve is None else [target, reserve]
    for end in ends:
        name = one_line(end.name)
        if end.is_file and Path(end.path).suffix.lower() != ".wav":
            raise click.UsageError(f"{name} will be a WAV file: name it so, with .wav at the end")
        if end.is_same(source):
            raise click.UsageError(f"{name} is the recording itself: name another file")
        if end.exists and not force:
            raise DapError(f"{name} is there already: name another file, or give --force")
    if reserve and (reserve.is_same(target) or reserve.path == target.path):
        raise click.UsageError(f"{other} itself: name another file")
    for end in ends:
        end.check()


def check_room(samples: int, target: Target, reserve: Target | None) -> None:
    """Refuse a result that would not fit into its file, or onto its disk."""
    size = HEADER_BYTES + SAMPLE_BYTES * samples
    if size > MOST_BYTES:
        raise DapError(
            f"the result would have {samples} samples, and a WAV holds "
            f"{(MOST_BYTES - HEADER_BYTES) // SAMPLE_BYTES}: restore it in parts, or at a lower "
            "--sample-rate"
        )
    for end in (target, reserve):
        if end is not None:
            end.check(size)


def write_result(
    signal: "np.ndarray", sample_rate: int, target: Target, reserve: Target | None, force: bool
) -> None:
    """Write the result; should that fail, keep it elsewhere, and raise what says where."""
    from dap.audio import write

    content = io.BytesIO()
    write(content, signal, sample_rate)
    try:
        target.write(content.getbuffer(), force=force)
    except UnwritableError as error:
        where = keep(content.getbuffer(), reserve)
        told = f"the result is in {where}" if where else "the result is lost: no folder takes it"
        raise DapError(f"{error}; {told}") from error


def cores() -> int:
    """Those that this process was given, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def lost(recording: Path, sample_rate: int) -> str:
    """What a recording has that its restoration has not, in words."""
    import soundfile

    try:
        info = soundfile.info(os.fsencode(recording))
    except RuntimeError:  # a damaged file, which was read all the same
        return ""
    changes = []
    if info.channels > 1:
        changes.append(f"the mean of {info.channels} channels")
    if info.samplerate != sample_rate:
        changes.append(f"resampled from {info.samplerate} Hz")
    return f" ({', '.join(changes)})" if changes else ""
