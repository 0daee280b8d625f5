"""Clean clips: cut from recordings, or synthesised; and the files of a chunk of them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dap.audio import Excerpt, excerpt, read
from dap.data.catalogue import Draw, recording_path
from dap.data.names import as_text
from dap.errors import DapError, named
from dap.plugins import plugin
from dap.seeds import derive
from dap.store import signal_file, write_rows, write_signal


def make(corpus: str, entry: dict, draw: Draw, *, seed: int, sample_rate: int) -> Excerpt:
    """The clip that `draw` names.

    Args:
        entry: the study's entry of the corpus.

    Raises:
        DapError: the recording cannot be used; the message names the file.
        PluginError: the code of a synthetic corpus failed.
    """
    clip_seed = derive(seed, "clip", corpus, draw.clip)
    if "synthetic" in entry:
        rng = np.random.default_rng(clip_seed)
        with named(f"corpus {corpus}, clip {draw.clip}"):
            signal = synthesise(entry["synthetic"], rng, entry["samples"], sample_rate)
        gain = 1.0 / float(np.abs(signal).max()) if entry["level"] == "peak" else 1.0
        return Excerpt((signal * gain).astype(np.float32), 0, 0, gain)
    path = recording_path(entry, draw.file)
    recording = read(path, sample_rate)
    try:
        return excerpt(
            recording,
            entry["samples"],
            window=entry["window"],
            window_index=draw.window_index,
            level=entry["level"],
            seed=derive(seed, "windows", corpus, as_text(draw.file)),
        )
    except DapError as error:
        raise DapError(f"{path}: {error}") from error


def synthesise(kind: str, rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """One clip of a synthetic corpus: float32 (samples,).

    Raises:
        PluginError: the corpus's code failed.
    """
    with plugin("synthetic", kind).running() as module:
        signal = module.generate(rng, samples, sample_rate)
        if signal.shape != (samples,):
            raise ValueError(f"generate gave the shape {signal.shape}: must be ({samples},)")
        return signal


def write_chunk(
    manifest: Path,
    corpus: str,
    entry: dict,
    draws: Iterable[Draw],
    *,
    seed: int,
    sample_rate: int,
) -> list[dict]:
    """Make the clips of a chunk, and write them and, at last, their manifest.

    Returns:
        the manifest's rows: clip, file, source, start, seconds, padded (both in seconds), gain and
        sha256.

    Raises:
        DapError: a recording cannot be used, or a file cannot be written.
    """
    rows = []
    for draw in draws:
        clip = make(corpus, entry, draw, seed=seed, sample_rate=sample_rate)
        file = signal_file(draw.clip)
        digest = write_signal(manifest.parent / file, clip.signal, sample_rate)
        rows.append(
            {
                "clip": draw.clip,
                "file": file,
                "source": as_text(draw.file),
                "start": clip.start / sample_rate,
                "seconds": len(clip.signal) / sample_rate,
                "padded": clip.padded / sample_rate,
                "gain": clip.gain,
                "sha256": digest,
            }
        )
    write_rows(manifest, rows)
    return rows
