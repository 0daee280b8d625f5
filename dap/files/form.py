"""The form of an audio file, which its restoration keeps: container, sample type, rate, channels.

Samples of floating point go back to whole numbers here. What already is a level of the format is
written as it is, so that samples which nothing changed keep their bits, and digital silence stays
silent; what lies between two levels is dithered (TPDF) below 24 bits. Of 24 bits a level is 144 dB
below full scale, under the noise of any converter, and what lies between is rounded.
"""

import io
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from dap.decoding import decode
from dap.errors import DapError, UnwritableError, cause

if TYPE_CHECKING:
    from soundfile import SoundFile

# bits of the samples that libsndfile is given; of what is not here, it is given floating point
LEVELS = {
    **{"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32},
    **{"ALAC_16": 16, "ULAW": 16, "ALAW": 16},
}
LOGARITHMIC = ("ULAW", "ALAW")  # their levels are no even steps, and dither would be no remedy
LEAST_ROUNDED_BITS = 24
# what a sample type holds, where another container has no such type; of a lossy one, what its
# decoder gives
BITS = {
    **LEVELS,
    **{
        "ALAC_20": 20,
        "ALAC_24": 24,
        "ALAC_32": 32,
        "ULAW": 14,
        "ALAW": 13,
        "GSM610": 13,
        "FLOAT": 25,
        "DOUBLE": 53,
    },
    **{"VORBIS": 24, "OPUS": 24, "MPEG_LAYER_I": 24, "MPEG_LAYER_II": 24, "MPEG_LAYER_III": 24},
}
PCM = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")  # from fewer bits to more
OTHER_BITS = 16  # ADPCM and the like
# libsndfile 1.2 makes nothing but noise of loud noise in them
SPOILED = ("ALAC_20", "ALAC_24", "ALAC_32")
# what a float32 does not hold
WIDE = ("PCM_32", "ALAC_32", "DOUBLE")
# file extensions that ask for a container, and, of some, for a type of sample
SUFFIXES = {
    ".wav": ("WAV", ""),
    ".flac": ("FLAC", ""),
    ".ogg": ("OGG", "VORBIS"),
    ".oga": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".aif": ("AIFF", ""),
    ".aiff": ("AIFF", ""),
    ".aifc": ("AIFF", ""),
    ".caf": ("CAF", ""),
    ".w64": ("W64", ""),
    ".rf64": ("RF64", ""),
    ".au": ("AU", ""),
    ".snd": ("AU", ""),
}
# lossy files are encoded a second time: at a quality that adds next to nothing. libsndfile's
# scale, 0 the best
QUALITY: dict[str, dict[str, Any]] = {
    "VORBIS": {"compression_level": 0.2},
    "OPUS": {"compression_level": 0.2},
    "MPEG_LAYER_III": {"compression_level": 0.0, "bitrate_mode": "VARIABLE"},
}
# of a WAV, whose header has 32 bits for it, with 64 KiB for header and tags
MOST_WAV_BYTES = 2**32 - 2**16
# libvorbis takes a block onto the stack, which 2 million samples overflow
MOST_WRITTEN = 65536
NO_PEAK_CHUNK = 0x1050  # SFC_SET_ADD_PEAK_CHUNK of sndfile.h: it would note the time
log = logging.getLogger("dap")


@dataclass(frozen=True)
class Form:
    """What a file is like, in libsndfile's words.

    Attributes:
        container: "WAV", "FLAC" and so on.
        subtype: the type of its samples, such as "PCM_16".
        endian: "FILE", the container's own, "LITTLE" or "BIG".
        sample_rate: in Hz.
        channels: how many.
        tags: title, artist and so on, by soundfile's names.
    """

    container: str
    subtype: str
    endian: str
    sample_rate: int
    channels: int
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, path: Path) -> "Form":
        """The form of a file.

        One that libsndfile does not read has that of what ffmpeg makes of it: WAV of 24 bits.

        Raises:
            UnusableError: it is no audio.
        """
        import soundfile

        try:
            with soundfile.SoundFile(os.fsencode(path)) as file:
                return cls(
                    file.format,
                    file.subtype,
                    file.endian,
                    file.samplerate,
                    file.channels,
                    MappingProxyType({k: v for k, v in file.copy_metadata().items() if v}),
                )
        except (OSError, RuntimeError):
            samples, rate = decode(path)
            return cls("WAV", "PCM_24", "FILE", rate, samples.shape[1])

    def at(self, path: Path, source: Path | None = None) -> "Form":
        """The form of a file of this name that is made of one of this form.

        A name with the source's extension, or one that is not known, keeps all.

        Args:
            source: the file that this is the form of.

        Returns:
            the nearest form that libsndfile writes.
        """
        suffix = path.suffix.lower()
        container, subtype = SUFFIXES.get(suffix, (self.container, ""))
        same = source is not None and suffix == source.suffix.lower()
        if same or (container == "WAV" and self.container == "WAVEX"):
            container, subtype = self.container, ""
        endian = self.endian if container == self.container else "FILE"
        subtype = subtype or self.subtype
        return replace(self, container=container, subtype=subtype, endian=endian)._nearest()

    def finer(self) -> "Form":
        """The form, of at least 24 bits: what lies between the levels of a coarse quantizer."""
        if BITS.get(self.subtype, OTHER_BITS) >= LEAST_ROUNDED_BITS:
            return self
        return replace(self, subtype="PCM_24")._nearest()

    def holding(self, samples: int) -> "Form":
        """The form for so many samples: a WAV that would be larger than 4 GiB is an RF64."""
        if self.container not in ("WAV", "WAVEX") or self.size(samples) <= MOST_WAV_BYTES:
            return self
        return replace(self, container="RF64")

    def size(self, samples: int) -> int:
        """Bytes of so many samples, but for the header; 0 where they are compressed."""
        if self.subtype not in (*PCM, "PCM_S8", "PCM_U8") or self.container == "FLAC":
            return 0
        bits = {"FLOAT": 32, "DOUBLE": 64}.get(self.subtype) or BITS[self.subtype]
        return samples * self.channels * bits // 8

    def _nearest(self) -> "Form":
        """This form, or the nearest that libsndfile writes: another type of sample, then WAV."""
        import soundfile

        for container in (self.container, "WAV"):
            able = soundfile.available_subtypes(container)
            bits = BITS.get(self.subtype, OTHER_BITS)
            wide = [name for name in PCM if name in able and BITS[name] >= bits]
            widest = [name for name in reversed(PCM) if name in able]
            lossy = [name for name in able if name in QUALITY]
            endian = self.endian if container == self.container else "FILE"
            for subtype in dict.fromkeys([self.subtype, *wide, *widest, *lossy]):
                form = replace(self, container=container, subtype=subtype, endian=endian)
                if subtype in able and subtype not in SPOILED and form._can_be_written():
                    return form
        raise DapError(
            f"{self.channels} channels at {self.sample_rate} Hz: neither {self.container} nor WAV "
            "holds them"
        )

    def _can_be_written(self) -> bool:
        import soundfile

        try:
            self._opened(io.BytesIO()).close()
        except (soundfile.LibsndfileError, ValueError, TypeError):
            return False
        return True

    def _opened(self, file: bytes | IO[bytes]) -> "SoundFile":
        import soundfile

        return soundfile.SoundFile(
            file,
            "w",
            self.sample_rate,
            self.channels,
            self.subtype,
            self.endian,
            self.container,
            **QUALITY.get(self.subtype, {}),
        )

    def __str__(self) -> str:
        channels = {1: "one channel", 2: "stereo"}.get(self.channels, f"{self.channels} channels")
        return f"{self.container} {self.subtype}, {self.sample_rate} Hz, {channels}"


def read(path: Path) -> tuple[np.ndarray, Form]:
    """All samples of a file, as they are recorded, and its form.

    Returns:
        (samples, channels) float32; float64 of a file whose samples need that; and the form.

    Raises:
        UnusableError: as `dap.decoding.decode`.
    """
    import soundfile

    samples, rate = decode(path)
    try:
        form = Form.of(path)
        if form.subtype in WIDE:
            with soundfile.SoundFile(os.fsencode(path)) as file:
                exact = file.read(dtype="float64", always_2d=True)
            if exact.shape == samples.shape:
                samples = exact
    except RuntimeError:  # a damaged file, of which the beginning is read
        pass
    return samples, replace(form, sample_rate=rate, channels=samples.shape[1])


class _Noting:
    """A file whose errors are kept: those of a callback do not come through libsndfile."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        """As the file's; 0, once it failed."""
        try:
            return 0 if self.error else self._file.write(data)
        except OSError as error:
            self.error = error
            return 0


class FormWriter:
    """A file of a form, written block by block.

    Equal blocks give equal files, however they are divided, in all containers but Ogg, which
    libsndfile gives a number drawn from the time. Samples beyond full scale are limited to it where
    the format has no more, and a warning at the end counts them.

    Args:
        path: to be written, or an open file that can be sought in.
        form: one that libsndfile writes (`Form.at`).
        seed: of the dither.
        name: for messages, in place of the path.

    Raises:
        UnwritableError: it cannot be written.
    """

    def __init__(self, path: Path | IO[bytes], form: Form, seed: int = 0, *, name: str = ""):
        self.form = form
        self.name = name or (str(path) if isinstance(path, Path) else "the result")
        self.limited, self.peak = 0, 0.0
        self._random = np.random.default_rng(seed)
        self._own = path.open("w+b") if isinstance(path, Path) else None
        self._noting = _Noting(self._own or path)  # type: ignore[arg-type]
        with ExitStack() as stack, self._telling():
            if self._own:
                stack.enter_context(self._own)
            self._file = stack.enter_context(form._opened(self._noting))  # type: ignore[arg-type]
            self._begin()
            self._tell(None)
            stack.pop_all()

    def _begin(self) -> None:
        import soundfile

        soundfile._snd.sf_command(self._file._file, NO_PEAK_CHUNK, soundfile._ffi.NULL, 0)
        left_out = []
        for name, text in self.form.tags.items():
            try:
                setattr(self._file, name, text)
            except soundfile.LibsndfileError:
                left_out.append(name)
        if left_out:
            log.warning(
                "%s: %s does not hold all tags: left out are %s",
                self.name,
                self.form.container,
                ", ".join(left_out),
            )

    def write(self, block: np.ndarray) -> None:
        """Append samples.

        Args:
            block: (samples, channels) or, of one channel, (samples,), floating point; full scale
                is [-1, 1].
        """
        block = np.asarray(block).reshape(len(block), self.form.channels)
        if self.form.subtype not in ("FLOAT", "DOUBLE"):
            self._count(block)
            bits = LEVELS.get(self.form.subtype)
            block = np.clip(block, -1, 1) if bits is None else self._levels(block, bits)
        with self._telling():
            for start in range(0, len(block), MOST_WRITTEN):
                self._file.write(block[start : start + MOST_WRITTEN])

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Raise what went wrong with the file, whatever libsndfile makes of that."""
        try:
            yield
        except (AssertionError, OSError, RuntimeError) as error:
            self._tell(error if isinstance(error, OSError) else None)
            raise
        self._tell(None)

    def _tell(self, error: OSError | None) -> None:
        error = self._noting.error or error
        if error:
            raise UnwritableError(f"{self.name}: cannot be written: {cause(error)}") from error

    def _levels(self, block: np.ndarray, bits: int) -> np.ndarray:
        """Whole numbers, (samples, channels), in the upper bits of int16 or int32."""
        full = 2.0 ** (bits - 1)
        scaled = block.astype(np.float64) * full
        if bits < LEAST_ROUNDED_BITS and self.form.subtype not in LOGARITHMIC:
            dither = self._random.random((*block.shape, 2)).sum(axis=-1) - 1
            scaled += np.where(scaled == np.rint(scaled), 0.0, dither)
        levels = np.clip(np.rint(scaled), -full, full - 1)
        if bits <= 16:
            return levels.astype(np.int16) << (16 - bits)
        return levels.astype(np.int64).astype(np.int32) << (32 - bits)

    def _count(self, block: np.ndarray) -> None:
        sizes = np.abs(block)
        self.limited += int((sizes > 1).sum())
        self.peak = max(self.peak, float(sizes.max(initial=0)))

    def close(self) -> None:
        """End the file, and warn of samples that were limited."""
        self._end()
        if self.limited:
            decibels = 20 * np.log10(self.peak)
            log.warning(
                "%s: %d samples exceed full scale, by %.1f dB at most, and are limited to it: "
                "lower the recording first (sox FILE QUIETER gain -%d)",
                self.name,
                self.limited,
                decibels,
                np.ceil(decibels),
            )

    def _end(self) -> None:
        try:
            with self._telling():
                self._file.close()
        finally:
            if self._own:
                with self._telling():
                    self._own.close()

    def __enter__(self) -> "FormWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
            return
        with suppress(UnwritableError):  # as was said before
            self._end()
