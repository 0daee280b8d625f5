"""The observation of one clip in one experiment, drawn from the study's seed, and its files."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dap.audio import read
from dap.data import corruptions
from dap.data.catalogue import pick, recording_path
from dap.data.clips import synthesise
from dap.errors import DapError
from dap.observation import Observation
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
        for clips in zip(*columns, strict=True)
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
) -> None:
    """Make the observations of a chunk, and write them and, at last, their manifest.

    Args:
        pairs: what each is made from, as `pair` gives it.
        corruption, seed, names, sample_rate, spectrogram, noise: as for `make`.

    Raises:
        DapError: a clip is torn, a recording of noise cannot be used, or a file cannot be written.
    """
    folder, rows = manifest.parent, []
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
        )
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
) -> Observation:
    """Corrupt one clip, or mix two.

    Args:
        clip: the observation's id.
        sources: clean clips (samples,): two in separation, else one.
        corruption: kind and options, as in `dap.data.corruptions.CORRUPTIONS`.
        names: what the random stream is named after, beside the clip: experiment and corpus.
        spectrogram: n_fft, hop_length and window.
        noise: name and entry of the noise corpus, where the corruption needs one.
    """
    rng = np.random.default_rng(derive(seed, "corruption", *names, clip))
    kind = corruption["kind"]
    if kind == "mixture":
        return corruptions.mixture(sources)
    clean = sources[0]
    if kind == "gaussian":
        return corruptions.gaussian(clean, std=corruption["std"], rng=rng)
    if kind == "environmental":
        return _environmental(clip, clean, corruption, noise, rng, seed, names, sample_rate)
    if kind == "quantization":
        return corruptions.quantization(
            clean, bins=corruption["bins"], quantizer=corruption["quantizer"]
        )
    from dap.stft import STFT

    return corruptions.gaps(
        clean,
        STFT(**spectrogram),
        sample_rate=sample_rate,
        seconds=corruption["seconds"],
        per_second=corruption["per_second"],
        domain=corruption["domain"],
        rng=rng,
    )


def _environmental(
    clip: str,
    clean: np.ndarray,
    corruption: dict,
    noise: tuple[str, dict],
    rng: np.random.Generator,
    seed: int,
    names: tuple[str, ...],
    sample_rate: int,
) -> Observation:
    name, entry = noise
    snr_db = rng.uniform(*corruption["snr_db"])
    if "synthetic" in entry:
        excerpt = synthesise(entry["synthetic"], rng, len(clean), sample_rate)
        drawn = {"noise": name, "noise_file": "", "noise_start": 0}
    else:
        file = pick(entry, seed, "noise", *names, clip)
        path = recording_path(entry, file)
        excerpt, start = corruptions.noise_excerpt(read(path, sample_rate), len(clean), rng)
        drawn = {"noise": name, "noise_file": file, "noise_start": start}
        if not excerpt.any():
            raise DapError(
                f"{path}: the drawn noise is silent from sample {start} on; remove the file"
            )
    observation = corruptions.environmental(clean, excerpt, snr_db=snr_db)
    return Observation(observation.signal, observation.known, observation.metadata | drawn)
