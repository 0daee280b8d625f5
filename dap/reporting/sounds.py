"""Signals as a page plays them: at one loudness, and small enough to be kept in it."""

import base64
import io
from collections.abc import Mapping

import numpy as np
import soundfile

from dap.errors import extra

with extra("report"):
    import pyloudnorm

LOUDNESS = -23.0  # in LUFS, as of broadcasts; less where a peak would be clipped
PEAK = 0.99
BLOCK = 0.4  # seconds; shorter clips are one block


def matched(columns: Mapping[str, np.ndarray], sample_rate: int) -> dict[str, float]:
    """The gain of each signal, as a factor, that makes all of them equally loud.

    The loudness is that of ITU-R BS.1770. All have LOUDNESS, or the highest one at which no peak
    of any of them is above PEAK. What is silent has a gain of 1.

    Args:
        columns: label -> (samples,).
        sample_rate: in Hz.
    """
    loudness = {label: loudness_of(signal, sample_rate) for label, signal in columns.items()}
    heard = {label: level for label, level in loudness.items() if np.isfinite(level)}
    room = [
        level + 20 * np.log10(PEAK / np.abs(columns[label]).max()) for label, level in heard.items()
    ]
    common = min([LOUDNESS, *room])
    return {
        label: float(10 ** ((common - heard[label]) / 20)) if label in heard else 1.0
        for label in columns
    }


def loudness_of(signal: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness in LUFS; -inf of what is silent.

    Args:
        signal: (samples,).
        sample_rate: in Hz.
    """
    meter = pyloudnorm.Meter(sample_rate, block_size=min(BLOCK, len(signal) / sample_rate))
    with np.errstate(divide="ignore"):  # of silence
        return float(meter.integrated_loudness(np.asarray(signal, np.float64)))


def flac(signal: np.ndarray, sample_rate: int) -> bytes:
    """A 16-bit FLAC file: small, and without the artefacts of a lossy codec beside a method's own.

    Levels stay as they are; what exceeds [-1, 1] is clipped.

    Args:
        signal: (samples,).
        sample_rate: in Hz.

    Raises:
        ValueError: the signal is not of one dimension, or not finite.
    """
    signal = np.asarray(signal, np.float64)
    if signal.ndim != 1 or not np.isfinite(signal).all():
        raise ValueError(f"expected finite samples of shape (samples,), not {signal.shape}")
    # rounded here: libsndfile scales floats by 32767, which would change the level a little
    quantized = np.clip(np.rint(signal * 32768), -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, quantized, sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def data_uri(media_type: str, content: bytes) -> str:
    """A file that is part of the page."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
