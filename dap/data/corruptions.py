"""Observations from clean clips: the forward operators.

`CORRUPTIONS` names each operator, the task it belongs to, and its options with their defaults.
"""

import numpy as np

from dap import decibels
from dap.errors import DapError
from dap.observation import Observation

CORRUPTIONS = {
    "gaussian": {"task": "denoise", "options": {"std": 0.1}},
    "environmental": {"task": "denoise", "options": {"noise": None, "snr_db": [5.0, 9.0]}},
    "gaps": {
        "task": "inpaint",
        "options": {"seconds": [0.1, 0.25], "per_second": 1.0, "domain": "frames"},
    },
    "mixture": {"task": "separate", "options": {}},
    "quantization": {"task": "dequantize", "options": {"bins": 16, "quantizer": "mid-rise"}},
}
QUANTIZERS = ("mid-rise", "mid-tread")


def gaussian(clean: np.ndarray, *, std: float, rng: np.random.Generator) -> Observation:
    """Add white noise of zero mean and standard deviation `std` (full scale is 1)."""
    noise = rng.normal(0.0, std, clean.shape).astype(np.float32)
    known = {"noise_std": np.float32(std)}
    return Observation(clean + noise, known, {"snr_db": decibels.snr_db(clean, noise)})


def environmental(clean: np.ndarray, noise: np.ndarray, *, snr_db: float) -> Observation:
    """Add a noise excerpt of the clip's length, scaled to the signal-to-noise ratio `snr_db`.

    Raises:
        DapError: the noise excerpt or the clip is silent.
    """
    for name, signal in (("noise excerpt", noise), ("clip", clean)):
        if not signal.any():
            raise DapError(f"the {name} is silent, so no signal-to-noise ratio can be reached")
    gain = 10 ** ((decibels.snr_db(clean, noise) - snr_db) / 20)
    scaled = (noise * gain).astype(np.float32)
    return Observation(clean + scaled, metadata={"snr_db": decibels.snr_db(clean, scaled)})


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


def mixture(sources: list[np.ndarray]) -> Observation:
    """The sum of the sources (fidelity: sources-of-a-mixture)."""
    total = np.sum(sources, axis=0, dtype=np.float32)
    return Observation(total, metadata={"peak": float(np.abs(total).max())})


def gaps(
    clean: np.ndarray,
    transform,
    *,
    sample_rate: int,
    seconds: tuple[float, float],
    per_second: float,
    domain: str,
    rng: np.random.Generator,
) -> Observation:
    """Lose stretches of the signal (fidelity: gaps).

    Their number is `per_second` times the clip's length, at least one; lengths are uniform in
    `seconds`; they neither touch each other nor the clip's ends.

    Args:
        transform: the study's `dap.stft.STFT`.
        domain: "frames" sets whole frames of the STFT to zero over all bins, as in paper A: the
            frames beside a gap still see into it. "samples" sets the samples to zero, and counts
            as observed only the frames whose window touches none of them: a real dropout.

    Raises:
        DapError: the gaps do not fit into the clip.
    """
    import torch

    hop = transform.hop_length
    frames = transform.frames(len(clean))
    count = max(1, round(per_second * len(clean) / sample_rate))
    lengths = np.maximum(1, np.rint(rng.uniform(*seconds, count) * sample_rate / hop)).astype(int)
    # a window's length and a hop stay between gaps and at the ends: a frame of each is observed
    margin = -(-transform.n_fft // hop) + 1
    free = frames - lengths.sum() - (count + 1) * margin
    if free < 0:
        raise DapError(
            f"{count} gaps of {lengths.sum() * hop / sample_rate:.2f} s in all do not fit into a "
            f"clip of {len(clean) / sample_rate:.2f} s: lengthen the clip, or lower `seconds` or "
            "`per_second`"
        )
    offsets = np.sort(rng.integers(0, free + 1, count))
    starts = offsets + margin * np.arange(1, count + 1) + np.r_[0, np.cumsum(lengths)[:-1]]
    lost_frames = np.zeros(frames, bool)
    mask = np.zeros(len(clean), bool)
    for start, length in zip(starts, lengths, strict=True):
        lost_frames[start : start + length] = True
        # frame t is centred on sample t * hop: the samples nearest to a lost frame are lost
        first = start * hop - hop // 2
        mask[first : first + length * hop] = True
    metadata = {
        "gaps": count,
        "gap_seconds": " ".join(f"{n * hop / sample_rate:.3f}" for n in lengths),
        "lost_fraction": float(mask.mean()),
    }
    if domain == "samples":
        observed = untouched_frames(mask, transform.n_fft, hop)
        signal = np.where(mask, np.float32(0), clean)
        return Observation(signal, {"mask": mask, "observed_frames": observed}, metadata)
    both = torch.from_numpy(np.stack((clean, np.ones_like(clean))))
    spectrograms = transform.analyse(both)  # (2, 2, F, T)
    spectrograms[..., torch.from_numpy(lost_frames)] = 0
    # what analysis and synthesis make of a constant 1 is what they make of each sample's weight
    signal, gain = transform.synthesise(spectrograms, len(clean)).numpy()
    known = {"mask": mask, "observed_frames": ~lost_frames, "gain": gain}
    known["spectrogram"] = spectrograms[0].numpy()
    return Observation(signal, known, metadata)


def untouched_frames(mask: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Which frames of the centred STFT touch no lost sample.

    Args:
        mask: (samples,) bool.

    Returns:
        (frames,) bool.
    """
    runs = np.flatnonzero(mask)
    centres = np.arange(len(mask) // hop_length + 1) * hop_length
    # a window covers [centre - n_fft/2, centre + n_fft/2)
    first = np.searchsorted(runs, centres - n_fft // 2, side="left")
    last = np.searchsorted(runs, centres + n_fft // 2, side="left")
    return first == last


def quantization(clean: np.ndarray, *, bins: int, quantizer: str) -> Observation:
    """Quantize the signal uniformly on [-1, 1] (fidelity: quantizer).

    Nothing is drawn. What lies beyond [-1, 1] saturates.

    Args:
        bins: number of levels.
        quantizer: as for `cells`.
    """
    level, lower, upper = cells(clean, bins, quantizer)
    known = {"lower": lower, "upper": upper}
    known |= {"bins": np.int64(bins), "quantizer": np.array(quantizer)}
    metadata = {
        "snr_db": decibels.snr_db(clean, level.astype(np.float64) - clean),
        "levels": len(np.unique(level)),
        "saturated_fraction": float((np.abs(clean) > 1).mean()),
    }
    return Observation(level, known, metadata)


def cells(
    signal: np.ndarray, bins: int, quantizer: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The level that a uniform quantizer on [-1, 1] gives each sample, and the cell around it.

    The step is 2 / bins. "mid-rise" has a decision at 0 and levels at the middles of its cells, for
    an even number of bins. "mid-tread" has a level at 0; for an even number of bins there is one
    level more below 0 than above, as in two's complement. The outermost cells reach to -1 and 1.

    Args:
        signal: (samples,).

    Returns:
        level, lower and upper, float32 (samples,) each.

    Raises:
        DapError: the quantizer does not exist, or not with this number of bins.
    """
    if quantizer not in QUANTIZERS:
        raise DapError(f"quantizer is {quantizer!r}: must be {' or '.join(QUANTIZERS)}")
    if bins < 2 or (quantizer == "mid-rise" and bins % 2):
        raise DapError(
            f"bins is {bins}: must be {'even and ' * (quantizer == 'mid-rise')}at least 2"
        )
    step = 2.0 / bins
    half = 0.5 if quantizer == "mid-rise" else 0.0  # of a step, from a level to the next decision
    index = np.floor(np.asarray(signal, np.float64) / step + 0.5 - half)
    index = np.clip(index, -(bins // 2), (bins - 1) // 2)
    level = (index + half) * step
    lower = np.where(index == -(bins // 2), -1.0, level - step / 2)
    upper = np.where(index == (bins - 1) // 2, 1.0, level + step / 2)
    return tuple(part.astype(np.float32) for part in (level, lower, upper))
