"""Audio files of any length, read from beginning to end, block by block."""

import io
import logging
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

import numpy as np

from dap.decoding import BLOCK, RATES, _behind, _foreign, _is_cut, by_ffmpeg, require_readable
from dap.errors import UnusableError
from dap.files.form import WIDE

if TYPE_CHECKING:
    from soundfile import SoundFile

# what libsndfile says of a FLAC whose length its header leaves open, as of one from a pipe
UNKNOWN_FRAMES = 2**62
log = logging.getLogger("dap")


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """A file that libsndfile reads: itself, or a temporary one that ffmpeg makes of it.

    Raises:
        UnusableError: it is no audio, or takes ffmpeg, which is not there or cannot read it.
        DapError: it is missing, or there is no room for a temporary file.
    """
    import soundfile

    require_readable(path)
    try:
        soundfile.SoundFile(os.fsencode(path)).close()
    except (OSError, RuntimeError) as error:  # LibsndfileError is a RuntimeError
        content = _foreign(path)
        if not content:
            why = getattr(error, "error_string", error)
            raise UnusableError(path, f"cannot be read as audio: {why}".rstrip(".")) from error
    else:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="dap-", ignore_cleanup_errors=True) as folder:
        decoded = Path(folder) / "recording.wav"
        by_ffmpeg(path, content, decoded)
        yield decoded


class BlockReader:
    """The samples of an audio file, block by block, once from beginning to end.

    What `dap.decoding.decode` says of files that were cut, damaged or broken off holds here, too.

    Args:
        path: one that libsndfile reads (`readable`).
        name: of the file, in messages.
        quiet: warn of nothing: another reader did.

    Attributes:
        sample_rate: in Hz.
        channels: how many.

    Raises:
        UnusableError: it is damaged from the start, or its rate is that of no recording.
    """

    def __init__(self, path: Path, name: str | None = None, quiet: bool = False):
        import soundfile

        self.name, self.quiet = name or str(path), quiet
        self._file = soundfile.SoundFile(os.fsencode(path))
        self._behind = _behind(self._file, path)
        self._broken_off = bool(self._behind and not self._file.frames)
        if self._broken_off:
            self._file.close()
            self._file = soundfile.SoundFile(_finished(path, self._behind))
        self.sample_rate, self.channels = self._file.samplerate, self._file.channels
        if not RATES[0] <= self.sample_rate <= RATES[1]:
            raise UnusableError(
                path,
                f"its header says {self.sample_rate} Hz, which is no rate of a recording: put that "
                "right",
            )
        self._dtype = "float64" if self._file.subtype in WIDE else "float32"

    def __iter__(self) -> Iterator[np.ndarray]:
        """Blocks, (samples, channels), float32, or float64 where the samples need that."""
        count = 0
        damaged = False
        while not damaged:
            block, damaged = _next(self._file, self._dtype)
            if not len(block):
                break
            count += len(block)
            yield block
        if damaged and not count:
            raise UnusableError(
                Path(self.name), "cannot be read as audio: it is damaged from the start"
            )
        if not self.quiet:
            self._warn(count, damaged)

    def _warn(self, samples: int, damaged: bool) -> None:
        seconds = f"{samples / self.sample_rate:.2f} s"
        if self._broken_off:
            log.warning(
                "%s: its header claims no samples, as of a recording that was broken off: all that "
                "follows is read, %s",
                self.name,
                seconds,
            )
            return
        known = self._file.frames < UNKNOWN_FRAMES
        if samples and (damaged or (known and _is_cut(self._file, samples))):
            log.warning("%s: is cut or damaged: its first %s are read", self.name, seconds)
        if self._behind:
            log.warning(
                "%s: its header claims %s, and %d bytes follow, which are left out: if they are "
                "sound, write the header anew (sox --ignore-length)",
                self.name,
                seconds,
                self._behind,
            )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "BlockReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _next(file: "SoundFile", dtype: str) -> tuple[np.ndarray, bool]:
    """What is read next, and whether that ended in an error.

    soundfile's own method then seeks, which fails at the end of a FLAC of unknown length.
    """
    import soundfile

    block = np.empty((BLOCK, file.channels), dtype)
    read, kind = {
        "float32": (soundfile._snd.sf_readf_float, "float*"),
        "float64": (soundfile._snd.sf_readf_double, "double*"),
    }[dtype]
    pointer = soundfile._ffi.cast(kind, block.ctypes.data)
    count = read(file._file, pointer, BLOCK)
    return block[:count], bool(soundfile._snd.sf_error(file._file))


def _finished(path: Path, size: int) -> IO[bytes]:
    """A WAV that claims no samples, with the size of those that there are."""
    start = path.stat().st_size - size
    claimed = min(size, 2**32 - 1).to_bytes(4, "little")
    return io.BufferedReader(_Patched(path, start - 4, claimed))


class _Patched(io.FileIO):
    """A file with other bytes at one place, which stays as it is."""

    def __init__(self, path: Path, place: int, content: bytes):
        super().__init__(path, "rb")
        self.place, self.content = place, content

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        start = self.tell()
        count = super().readinto(buffer)
        for index, value in enumerate(self.content, self.place - start):
            if 0 <= index < count:
                memoryview(buffer).cast("B")[index] = value
        return count


def resampled(
    blocks: Iterator[np.ndarray], rate: int, sample_rate: int, channels: int
) -> Iterator[np.ndarray]:
    """Blocks at another rate, to the bit as `dap.audio.resample` gives them.

    Args:
        blocks: (samples, channels) each, at `rate`.
    """
    if rate == sample_rate:
        yield from blocks
        return
    import soxr

    stream = None
    read = given = 0
    for block in blocks:
        if stream is None:
            stream = soxr.ResampleStream(
                rate, sample_rate, channels, dtype=block.dtype.name, quality="soxr_hq"
            )
        read += len(block)
        out = stream.resample_chunk(block).reshape(-1, channels)
        given += len(out)
        if len(out):
            yield out
    if stream is not None:
        length = math.ceil(read * (sample_rate / rate))
        rest = stream.resample_chunk(block[:0], last=True).reshape(-1, channels)
        rest = rest[: max(0, length - given)]
        yield np.pad(rest, ((0, max(0, length - given - len(rest))), (0, 0)))
