"""Clean clips: cut from recordings, or synthesised; and the files of a chunk of them."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dap.audio import Excerpt, excerpt, read
from dap.data.catalogue import Draw, recording_path
from dap.data.names import as_text
from dap.data.skipped import write_skipped
from dap.errors import DapError, named
from dap.plugins import plugin
from dap.seeds import derive
from dap.store import signal_file, write_rows, write_signal


class UnusableError(DapError):
    """A recording that gives no clip at all, not of any window.

    Args:
        path: of the recording.
        message: why; it may begin with the path.
    """

    def __init__(self, path: Path, message: str):
        self.reason = message.removeprefix(f"{path}: ")
        super().__init__(f"{path}: {self.reason}")


def make(corpus: str, entry: dict, draw: Draw, *, seed: int, sample_rate: int) -> Excerpt:
    """The clip that `draw` names.

    Args:
        entry: the study's entry of the corpus.

    Raises:
        UnusableError: the recording cannot be read, or is silent.
        DapError: it has no such window; the message names the file.
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
    try:
        recording = read(path, sample_rate)
    except DapError as error:
        raise UnusableError(path, str(error)) from error
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
        # each recording with sound has a first window of it
        if draw.window_index == 0:
            raise UnusableError(path, "is silent") from error
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


def make_or_replace(
    corpus: str,
    entry: dict,
    draw: Draw,
    spares: Callable[[], Iterable[Draw]],
    *,
    seed: int,
    sample_rate: int,
) -> tuple[Draw, Excerpt, list[tuple[str, str]]]:
    """The clip that `draw` names, or else the first of its spares that can be made.

    Args:
        spares: gives them; most clips need none.

    Returns:
        what was made, its clip, and which recordings were tried before: file and reason.

    Raises:
        DapError: none can be made; the message names the recording that was drawn.
    """
    try:
        return draw, make(corpus, entry, draw, seed=seed, sample_rate=sample_rate), []
    except UnusableError as error:
        first = error
    tried = [(draw.file, first.reason)]
    for spare in spares():
        try:
            clip = make(corpus, entry, spare, seed=seed, sample_rate=sample_rate)
        except UnusableError as error:
            tried.append((spare.file, error.reason))
        except DapError:  # it is too short for a further window
            continue
        else:
            return spare, clip, tried
    raise DapError(
        f"{first}; no other recording can take its place: remove it, add another, or ask for "
        "fewer clips"
    ) from first


def write_chunk(
    manifest: Path,
    corpus: str,
    entry: dict,
    draws: Sequence[Draw],
    *,
    seed: int,
    sample_rate: int,
    spares: Callable[[int], Iterable[Draw]] | None = None,
) -> list[dict]:
    """Make the clips of a chunk, and write them and, at last, their manifest.

    Args:
        spares: gives those that may take a clip's place, by its index among the draws, where its
            recording cannot be used; without it, such a recording is an error.

    Returns:
        the manifest's rows: clip, file, source, start, seconds, padded (both in seconds), gain and
        sha256.

    Raises:
        DapError: a recording cannot be used, or a file cannot be written.
    """
    rows, skipped = [], []
    options = {"seed": seed, "sample_rate": sample_rate}
    for index, drawn in enumerate(draws):
        if spares is None:
            draw, clip = drawn, make(corpus, entry, drawn, **options)
        else:
            replacing = partial(spares, index)
            draw, clip, tried = make_or_replace(corpus, entry, drawn, replacing, **options)
            skipped += [
                {"file": as_text(file), "reason": as_text(reason), "clip": draw.clip}
                for file, reason in tried
            ]
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
    write_skipped(manifest, skipped)
    write_rows(manifest, rows)
    return rows
