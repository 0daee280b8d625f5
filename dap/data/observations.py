"""The observation of one clip in one experiment, drawn from the study's seed, and its files."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from dap.audio import read
from dap.data.catalogue import pick, recording_path
from dap.data.clips import synthesise
from dap.data.corruptions import Context
from dap.data.names import as_text
from dap.data.skipped import none_left, write_skipped
from dap.errors import DapError, UnusableError, named
from dap.observation import Observation
from dap.plugins import plugin
from dap.seeds import derive
from dap.store import (
    Entry,
    known_file,
    read_entries,
    sha256,
    signal_file,
    write_arrays,
    write_rows,
    write_signal,
)
from dap.tasks import TASKS


def pair(manifests: Mapping[str, Path], count: int) -> dict[str, dict[str, Entry]]:
    """What the observations of a chunk are made from.

    Args:
        manifests: of the chunk's clips, by corpus; in separation of two corpora.
        count: how many observations the chunk has; another experiment may need more clips of it.

    Returns:
        Observation -> "corpus/clip" of each of its clips -> its entry of the manifest.
    """
    columns = [read_entries(path)[:count] for path in manifests.values()]
    return {
        "+".join(entry.row["clip"] for entry in clips): {
            f"{corpus}/{entry.row['clip']}": entry
            for corpus, entry in zip(manifests, clips, strict=True)
        }
        # where recordings were skipped, a corpus may have fewer clips than the other
        for clips in zip(*columns, strict=False)
    }


def write_chunk(
    manifest: Path,
    pairs: Mapping[str, Mapping[str, Entry]],
    corruption: dict,
    *,
    seed: int,
    names: tuple[str, ...],
    sample_rate: int,
    spectrogram: dict,
    noise: tuple[str, dict] | None,
    log: logging.Logger,
    unreadable: str = "skip",
) -> None:
    """Make the observations of a chunk, and write them and, at last, their manifest.

    Beside it comes a list of the recordings of noise that were skipped, if any were.

    Args:
        pairs: what each is made from, as `pair` gives it.
        corruption, seed, names, sample_rate, spectrogram, noise, unreadable: as for `make`.

    Raises:
        DapError: a clip is torn, a recording of noise cannot be used, or a file cannot be written.
    """
    folder, rows = manifest.parent, []
    reasons: dict[str, str] = {}
    for clip, sources in pairs.items():
        observation = make(
            clip,
            [entry.signal() for entry in sources.values()],
            corruption,
            seed=seed,
            names=names,
            sample_rate=sample_rate,
            spectrogram=spectrogram,
            noise=noise,
            unreadable=unreadable,
        )
        reasons |= cast("dict[str, str]", observation.metadata.get("noise_skipped", {}))
        file, known = signal_file(clip), known_file(clip) if observation.known else ""
        digest = write_signal(folder / file, observation.signal, sample_rate)
        if known:
            write_arrays(folder / known, observation.known)
        metadata = json.dumps(observation.metadata)
        rows.append(
            {
                "clip": clip,
                "file": file,
                "sha256": digest,
                "known": known,
                "known_sha256": sha256(folder / known) if known else "",
                "sources": " ".join(sources),
                "metadata": metadata,
            }
        )
        log.info("%s: %s", clip, metadata)
    write_skipped(manifest, reasons)
    write_rows(manifest, rows)


def make(
    clip: str,
    sources: list[np.ndarray],
    corruption: dict,
    *,
    seed: int,
    names: tuple[str, ...],
    sample_rate: int,
    spectrogram: dict,
    noise: tuple[str, dict] | None,
    unreadable: str = "skip",
) -> Observation:
    """Corrupt one clip, or mix two.

    Args:
        clip: the observation's id.
        sources: clean clips (samples,): two in separation, else one.
        corruption: kind, and all options of that kind.
        names: what the random stream is named after, beside the clip: experiment and corpus.
        spectrogram: n_fft, hop_length and window.
        noise: name and entry of the noise corpus, where the corruption needs one.
        unreadable: what becomes of a recording of noise that cannot be read, or is silent where it
            was drawn: "skip" takes the next, "fail" makes it an error.

    Raises:
        DapError: the corruption cannot be applied to this clip.
        PluginError: the corruption's code failed, or that of the noise.
    """
    rng = np.random.default_rng(derive(seed, "corruption", *names, clip))

    def draw_noise(samples: int) -> tuple[np.ndarray, dict]:
        if noise is None:
            raise DapError(f"the corruption {corruption['kind']} has no option `noise`")
        name, entry = noise
        if "synthetic" in entry:
            excerpt = synthesise(entry["synthetic"], rng, samples, sample_rate)
            return excerpt, {"noise": name, "noise_file": "", "noise_start": 0}
        reasons: dict[str, str] = {}
        for file in pick(entry, seed, "noise", *names, clip):
            path = recording_path(entry, file)
            try:
                excerpt, start = noise_excerpt(read(path, sample_rate), samples, rng)
                if not excerpt.any():
                    raise UnusableError(
                        path,
                        f"the drawn noise is silent from sample {start} on; remove the file",
                    )
            except UnusableError as error:
                if unreadable == "fail":
                    raise
                reasons[as_text(file)] = error.reason
                continue
            drawn = {"noise": name, "noise_file": as_text(file), "noise_start": start}
            return excerpt, drawn | ({"noise_skipped": reasons} if reasons else {})
        raise DapError(f"corpus {name}: {none_left(reasons)}")

    context = Context(rng, sample_rate, spectrogram, draw_noise)
    offered = plugin("corruptions", corruption["kind"])
    with named(f"clip {clip}"), offered.running() as module:
        observation = module.corrupt(sources, corruption, context)
        if observation.signal.shape != sources[0].shape:
            raise ValueError(
                f"corrupt gave a signal of shape {observation.signal.shape}: must be that of the "
                f"clip, {sources[0].shape}"
            )
        task = TASKS[offered.metadata["task"]]
        if missing := [name for name in task.known if name not in observation.known]:
            raise ValueError(
                f"corrupt left no {', '.join(missing)} in `known`, without which no method can "
                f"{task.verb}"
            )
        return observation


def noise_excerpt(
    recording: np.ndarray, samples: int, rng: np.random.Generator
) -> tuple[np.ndarray, int]:
    """A window of `samples` that starts anywhere in a noise recording, and its start in samples.

    A recording that is too short is repeated.
    """
    if len(recording) < samples:
        recording = np.tile(recording, -(-samples // len(recording)))
    start = int(rng.integers(len(recording) - samples + 1))
    return recording[start : start + samples], start
