"""Clean clips: cut from recordings, or synthesised; and the files of a chunk of them."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dap.audio import Excerpt, check, excerpt, read
from dap.data.catalogue import Draw, draws, ordered, recording_path
from dap.data.names import as_text
from dap.data.skipped import none_left, write_skipped
from dap.errors import DapError, TooFewWindowsError, UnusableError, named
from dap.plugins import plugin
from dap.seeds import derive
from dap.store import signal_file, write_rows, write_signal

log = logging.getLogger("dap")


def make(corpus: str, entry: dict, draw: Draw, *, seed: int, sample_rate: int) -> Excerpt:
    """The clip that `draw` names.

    Args:
        entry: the study's entry of the corpus.

    Raises:
        UnusableError: the recording cannot be read, or is silent.
        TooFewWindowsError: it gives no further clip.
        DapError: it is not there, or not as it was listed.
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
    with named(str(path)):
        return excerpt(
            recording,
            entry["samples"],
            window=entry["window"],
            window_index=draw.window_index,
            level=entry["level"],
            seed=derive(seed, "windows", corpus, as_text(draw.file)),
        )


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


def select(
    corpus: str, entry: dict, count: int, *, seed: int, sample_rate: int, unreadable: str
) -> tuple[list[Draw], dict[str, str]]:
    """The first `count` clips of the recordings that can be used, and why others cannot be.

    Where one cannot be used, the next in the order takes its place, as if it were not there.

    Args:
        unreadable: what becomes of such a recording: "skip" lists it, "fail" makes it an error.

    Returns:
        the clips, and the reasons by recording.

    Raises:
        DapError: no recording can be used; or some cannot be, and are to fail.
    """
    if "synthetic" in entry:
        return draws(corpus, entry, seed, count), {}
    usable: list[str] = []
    reasons: dict[str, str] = {}
    errors = []
    for file in ordered(corpus, entry, seed):
        if len(usable) == count:
            break
        try:
            check(recording_path(entry, file), sample_rate)
        except UnusableError as error:
            reasons[file] = error.reason
            errors.append(str(error))
        else:
            usable.append(file)
    if errors and unreadable == "fail":
        raise DapError("; ".join(errors))
    if not usable:
        raise DapError(f"corpus {corpus}: {none_left(reasons)}")
    return draws(corpus, entry, seed, count, usable), reasons


def write_chunk(
    manifest: Path,
    corpus: str,
    entry: dict,
    span: Sequence[int],
    *,
    seed: int,
    sample_rate: int,
    expected: Sequence[Draw] | None = None,
    unreadable: str = "skip",
) -> list[dict]:
    """Make the clips of a chunk, and write them and, at last, their manifest.

    Beside it comes a list of the recordings that were skipped, in this chunk and before, if any
    were. Where no further recordings take their places, further windows of the others do; and where
    there are none, the chunk has fewer clips.

    Args:
        span: where the chunk begins and ends in the order of the corpus's clips.
        expected: the chunk's clips, if all recordings can be used.
        unreadable: as for `select`.

    Returns:
        the manifest's rows: clip, file, source, start, seconds, padded (both in seconds), gain and
        sha256.

    Raises:
        DapError: the recordings are others than expected, no recording can be used, one that is to
            fail cannot be, or has no further clip; or a file cannot be written.
    """
    first, last = span
    if expected is not None and draws(corpus, entry, seed, last)[first:] != list(expected):
        raise DapError(
            f"corpus {corpus}: its recordings are others than when Snakemake began: run it again"
        )
    chosen, reasons = select(
        corpus, entry, last, seed=seed, sample_rate=sample_rate, unreadable=unreadable
    )
    rows = []
    for index, draw in enumerate(chosen[first:], first):
        try:
            clip = make(corpus, entry, draw, seed=seed, sample_rate=sample_rate)
        except TooFewWindowsError:
            # with the recordings that were skipped, such a window would not have been asked for
            if not (reasons and draw.window_index > index // len(ordered(corpus, entry, seed))):
                raise
            reasons[draw.file] = "has no further clip, to take the place of one that is missing"
            continue
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
    for recording, reason in reasons.items():
        log.warning("corpus %s: %s is skipped: %s", corpus, as_text(recording), reason)
    write_skipped(manifest, reasons)
    write_rows(manifest, rows)
    return rows
