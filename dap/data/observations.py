"""The observation of one clip in one experiment, drawn from the study's seed, and its files."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dap.audio import read
from dap.data import corruptions
from dap.data.catalogue import pick, recording_path
from dap.data.clips import synthesise
from dap.errors import DapError
from dap.observation import Observation
from dap.seeds import derive
from dap.store import checked, read_arrays, read_checked_signal, read_rows


def pair(manifests: Iterable[Path], count: int) -> dict[str, dict[str, tuple[Path, dict]]]:
    """What the observations of a chunk are made from.

    Args:
        manifests: of the chunk's clips, one for each corpus of the cell.
        count: how many observations the chunk has; another experiment may need more clips of it.

    Returns:
        Observation -> "corpus/clip" of each of its clips -> folder and row of the manifest.
    """
    columns = [[(path.parent, row) for row in read_rows(path)[:count]] for path in manifests]
    return {
        "+".join(row["clip"] for _, row in clips): {
            f"{folder.parent.name}/{row['clip']}": (folder, row) for folder, row in clips
        }
        for clips in zip(*columns, strict=True)
    }


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
        names: what the random stream is named after, beside the clip: experiment and cell.
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


def load(folder: Path, row: dict[str, str], sample_rate: int = 16000) -> Observation:
    """Read an observation back, checked against its row of the chunk's manifest."""
    known = {}
    if row["known"]:
        known = read_arrays(checked(folder, row["known"], row["known_sha256"]))
    signal = read_checked_signal(folder, row["file"], row["sha256"])
    return Observation(signal, known, sample_rate=sample_rate)
