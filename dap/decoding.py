"""Samples of audio files: by libsndfile, or by ffmpeg where that does not know the format."""

import io
import logging
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from dap.errors import DapError, UnusableError

if TYPE_CHECKING:
    from soundfile import SoundFile

# Hz; outside of these a header is wrong, and resampling could need any amount of memory
RATES = (1000, 4_000_000)
MOST_SAMPLES = 2**31  # of a resampled recording: 37 hours at 16 kHz
BLOCK = 65536  # samples that are read at once
# a size that is claimed by whoever could not know it, such as a program that writes into a pipe
UNKNOWN_SIZE = 2**31 - 2**16
# so many bytes behind the samples are no tag of a title
MANY_BYTES = 4096
# libsndfile's log of a header: what it claims of the samples, and how much there is
CUT = re.compile(r"^\s*(?:data|SSND|Data Size|riff)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
LAST_PAGE = "Last page lacks an end-of-stream bit"
UNKNOWN_CHUNK = re.compile(r"Unknown chunk marker \(\w+\) at position (\d+)")
# what libsndfile does not know: from which byte of a file on there is what
FOREIGN = {
    "MPEG-4 audio, such as AAC or ALAC": (4, (b"ftyp",)),
    "Windows Media audio": (0, (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",)),
    "Matroska or WebM": (0, (b"\x1a\x45\xdf\xa3",)),
    "AAC": (0, (b"\xff\xf1", b"\xff\xf9", b"ADIF")),
    "Monkey's Audio": (0, (b"MAC ",)),
    "WavPack": (0, (b"wvpk",)),
    "AMR": (0, (b"#!AMR",)),
    "DSD audio": (0, (b"DSD ", b"FRM8")),
}
log = logging.getLogger("dap")


def decode(path: Path) -> tuple[np.ndarray, int]:
    """All samples of an audio file, as they are recorded.

    libsndfile reads it, whatever its suffix; a format that it does not know, ffmpeg, where that is
    installed. Of a file that was cut, or is damaged further on, what comes before is read, with a
    warning. A WAV whose header claims no samples, as a program leaves it that was killed, is read
    to its end, with a warning. Where it claims fewer than there are, a warning says so.

    Returns:
        (samples, channels) float32, and the rate in Hz.

    Raises:
        UnusableError: the file is missing, of another format, damaged from the start, or its rate
            is not in `RATES`.
    """
    try:
        samples, rate = _by_libsndfile(path)
    except (OSError, RuntimeError) as error:  # LibsndfileError is a RuntimeError
        content = _foreign(path)
        if not content:
            why = getattr(error, "error_string", error)
            raise UnusableError(path, f"cannot be read as audio: {why}".rstrip(".")) from error
        import soundfile

        wav = io.BytesIO(by_ffmpeg(path, content))
        samples, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    if not RATES[0] <= rate <= RATES[1]:
        raise UnusableError(
            path, f"its header says {rate} Hz, which is no rate of a recording: put that right"
        )
    return samples, rate


def begins_with_sound(path: Path, sample_rate: int) -> bool:
    """Whether its beginning tells that a recording can be used, without the rest being read.

    It does where libsndfile reads it, the samples are whole numbers, so that each is finite, and
    the first of them, averaged over the channels, are not all zero.
    """
    import soundfile

    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            block = file.read(BLOCK, dtype="float32", always_2d=True)
            whole = file.subtype not in ("FLOAT", "DOUBLE")
            usual = RATES[0] <= file.samplerate <= RATES[1]
            usual &= file.frames * sample_rate <= MOST_SAMPLES * file.samplerate
    except (OSError, RuntimeError):
        return False
    return whole and usual and bool(block.mean(axis=1, dtype=np.float64).any())


def _by_libsndfile(path: Path) -> tuple[np.ndarray, int]:
    import soundfile

    with soundfile.SoundFile(os.fsencode(path)) as file:
        behind = _behind(file, path)
        if file.frames or not behind:
            samples, damaged = _blocks(file)
            seconds = f"{len(samples) / file.samplerate:.2f} s"
            if len(samples) and (damaged or _is_cut(file, len(samples))):
                log.warning("%s: is cut or damaged: its first %s are read", path, seconds)
            if behind:
                log.warning(
                    "%s: its header claims %s, and %d bytes follow, which are left out: if they "
                    "are sound, write the header anew (sox --ignore-length)",
                    path,
                    seconds,
                    behind,
                )
            return samples, file.samplerate
    with soundfile.SoundFile(_finished(path, behind)) as file:
        samples, _ = _blocks(file)
        log.warning(
            "%s: its header claims no samples, as of a recording that was broken off: all that "
            "follows is read, %.2f s",
            path,
            len(samples) / file.samplerate,
        )
        return samples, file.samplerate


def _blocks(file: "SoundFile") -> tuple[np.ndarray, bool]:
    """What can be read, (samples, channels), and whether that ended in an error."""
    import soundfile

    blocks: list[np.ndarray] = []
    count = 0
    damaged = False
    while not blocks or len(blocks[-1]):
        block = np.zeros((BLOCK, file.channels), np.float32)
        try:
            blocks.append(file.read(out=block))
        except soundfile.LibsndfileError:
            # what it had decoded before is there
            blocks.append(block[: max(0, file.tell() - count)])
            damaged = True
            break
        count += len(blocks[-1])
    if damaged and not any(map(len, blocks)):
        raise RuntimeError("it is damaged from the start")
    return np.concatenate(blocks), damaged


def _is_cut(file: "SoundFile", samples: int) -> bool:
    """Whether the file's end is missing, as far as its format can tell."""
    info = file.extra_info
    claimed = any(
        int(size) > int(real) and int(size) < UNKNOWN_SIZE for size, real in CUT.findall(info)
    )
    return claimed or LAST_PAGE in info or samples < file.frames


def _behind(file: "SoundFile", path: Path) -> int:
    """Bytes behind the samples of a WAV that are no chunk of it; 0 where they are few."""
    if file.format not in ("WAV", "WAVEX") or not (match := UNKNOWN_CHUNK.search(file.extra_info)):
        return 0
    count = path.stat().st_size - int(match[1])
    return count if count > MANY_BYTES else 0


def _finished(path: Path, size: int) -> IO[bytes]:
    """A WAV that claims no samples, with the size of those that there are."""
    content = bytearray(path.read_bytes())
    start = len(content) - size
    content[start - 4 : start] = min(size, 2**32 - 1).to_bytes(4, "little")
    return io.BytesIO(content)


def _foreign(path: Path) -> str:
    """The name of a format that libsndfile does not know; nothing where it is no audio."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return ""
    return next(
        (
            name
            for name, (start, marks) in FOREIGN.items()
            if any(head[start:].startswith(mark) for mark in marks)
        ),
        "",
    )


def require_readable(path: Path) -> None:
    """Refuse a file that this user may not read, or that is not there.

    Raises:
        UnusableError: it may not be read.
        DapError: it is missing, or the disk fails.
    """
    try:
        with path.open("rb"):
            pass
    except PermissionError as error:
        raise UnusableError(path, "cannot be read as audio: this user may not read it") from error
    except OSError as error:
        raise DapError(f"{path}: cannot be read as audio: {error.strerror}") from error


def by_ffmpeg(path: Path, content: str, decoded: Path | None = None) -> bytes:
    """A file's first stream of audio, as a WAV of 32-bit floating point.

    Args:
        content: what the file is, in messages.
        decoded: the WAV, of whatever length; else it is returned.

    Raises:
        UnusableError: there is no ffmpeg, or it cannot read the file.
    """
    ffmpeg = shutil.which("ffmpeg")
    if not ffmpeg:
        raise UnusableError(
            path,
            f"is {content}, which takes ffmpeg: install it, or convert the file elsewhere (ffmpeg "
            "-i FILE FILE.wav)",
        )
    # a name may begin with a dash, or look like an address
    command = [ffmpeg, "-nostdin", "-v", "error", "-i", f"file:{os.fspath(path)}"]
    command += ["-map", "0:a:0", "-c:a", "pcm_f32le"]
    target = ["pipe:1"] if decoded is None else ["-rf64", "auto", f"file:{decoded}"]
    command += [*target[:-1], "-f", "wav", target[-1]]
    done = subprocess.run(command, capture_output=True, check=False)
    made = done.stdout if decoded is None else decoded.is_file()
    if done.returncode or not made:
        reason = done.stderr.decode(errors="replace").strip().splitlines() or ["no audio in it"]
        raise UnusableError(path, f"is {content}, and ffmpeg cannot read it: {reason[-1]}")
    return done.stdout
