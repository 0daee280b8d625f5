"""Lost stretches of the signal."""

from typing import TYPE_CHECKING

import numpy as np

from dap.data.corruptions import Context
from dap.errors import DapError
from dap.observation import Observation

if TYPE_CHECKING:
    from dap.stft import STFT

CORRUPTIONS = {
    "gaps": {
        "task": "inpaint",
        "options": {
            "seconds": {
                "description": "Lengths of the shortest and the longest gap, in seconds.",
                "type": "array",
                "items": {"type": "number", "exclusiveMinimum": 0},
                "minItems": 2,
                "maxItems": 2,
                "ascending": True,
                "default": [0.1, 0.25],
            },
            "per_second": {
                "description": "Gaps in a second of the clip; at least one in a clip.",
                "type": "number",
                "exclusiveMinimum": 0,
                "default": 1.0,
            },
            "domain": {
                "description": "Whether whole frames of the spectrogram are lost, or samples.",
                "enum": ["frames", "samples"],
                "default": "frames",
            },
        },
    }
}


def corrupt(sources: list[np.ndarray], options: dict, context: Context) -> Observation:
    """Lose stretches of the signal (fidelity: gaps).

    Their number is `per_second` times the clip's length, at least one; lengths are uniform in
    `seconds`; they neither touch each other nor the clip's ends.

    With the `domain` "frames", whole frames of the STFT are set to zero over all bins, as in paper
    A: the frames beside a gap still see into it. With "samples", the samples are, and only the
    frames whose window touches none of them count as observed: a real dropout.

    Raises:
        DapError: the gaps do not fit into the clip.
    """
    import torch

    from dap.stft import STFT

    (clean,) = sources
    transform = STFT(**context.spectrogram)
    hop = transform.hop_length
    starts, lengths = _draw(len(clean), transform, options, context)
    lost_frames = np.zeros(transform.frames(len(clean)), bool)
    mask = np.zeros(len(clean), bool)
    for start, length in zip(starts, lengths, strict=True):
        lost_frames[start : start + length] = True
        # frame t is centred on sample t * hop: the samples nearest to a lost frame are lost
        first = start * hop - hop // 2
        mask[first : first + length * hop] = True
    metadata = {
        "gaps": len(lengths),
        "gap_seconds": " ".join(f"{n * hop / context.sample_rate:.3f}" for n in lengths),
        "lost_fraction": float(mask.mean()),
    }
    if options["domain"] == "samples":
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


def _draw(
    samples: int, transform: "STFT", options: dict, context: Context
) -> tuple[np.ndarray, np.ndarray]:
    """First frames and lengths in frames of the gaps of a clip."""
    hop, sample_rate = transform.hop_length, context.sample_rate
    count = max(1, round(options["per_second"] * samples / sample_rate))
    shortest, longest = options["seconds"]
    seconds = context.rng.uniform(shortest, longest, count)
    lengths = np.maximum(1, np.rint(seconds * sample_rate / hop)).astype(int)
    # a window's length and a hop stay between gaps and at the ends: a frame of each is observed
    margin = -(-transform.n_fft // hop) + 1
    free = transform.frames(samples) - lengths.sum() - (count + 1) * margin
    if free < 0:
        raise DapError(
            f"{count} gaps of {lengths.sum() * hop / sample_rate:.2f} s in all do not fit into a "
            f"clip of {samples / sample_rate:.2f} s: lengthen the clip, or lower `seconds` or "
            "`per_second`"
        )
    offsets = np.sort(context.rng.integers(0, free + 1, count))
    before = np.r_[0, np.cumsum(lengths)[:-1]]
    return offsets + margin * np.arange(1, count + 1) + before, lengths


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
