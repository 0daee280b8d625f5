"""Lost stretches of the signal."""

from typing import TYPE_CHECKING

import numpy as np

from dap.data.corruptions import Context
from dap.errors import DapError
from dap.observation import Observation, untouched_frames

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
            "where": {
                "description": (
                    "Where gaps lie: anywhere in the clip, or where the clean clip is at least "
                    "half as loud as it is on average (fidelity: gaps-where-there-is-sound)."
                ),
                "enum": ["anywhere", "sound"],
                "default": "anywhere",
            },
        },
    }
}


LEAST_LEVEL = 0.5  # RMS of the clean samples of a gap in sound, over that of their clip


def corrupt(sources: list[np.ndarray], options: dict, context: Context) -> Observation:
    """Lose stretches of the signal (fidelity: gaps).

    Their number is `per_second` times the clip's length, at least one; lengths are uniform in
    `seconds`; they neither touch each other nor the clip's ends.

    With the `domain` "frames", whole frames of the STFT are set to zero over all bins, as in paper
    A: the frames beside a gap still see into it, and of a gap of L samples only L - n_fft + hop are
    seen by none. With "samples", the samples are set to zero, and only the frames whose window
    touches none of them count as observed: a real dropout.

    With `where` "sound", the root mean square of the clean samples of each gap is at least
    `LEAST_LEVEL` times that of the clip, and above 0 (fidelity: gaps-where-there-is-sound).

    Raises:
        DapError: the gaps do not fit into the clip, or not where it has sound; or they are whole
            frames and may be as short as the window, so that nothing would be lost.
    """
    import torch

    from dap.stft import STFT

    (clean,) = sources
    transform = STFT(**context.spectrogram)
    hop = transform.hop_length
    if options["domain"] == "frames":
        _check_that_something_is_lost(options, transform.n_fft, context.sample_rate)
    starts, lengths = _draw(clean, transform, options, context)
    lost_frames = np.zeros(transform.frames(len(clean)), bool)
    mask = np.zeros(len(clean), bool)
    for start, length in zip(starts, lengths, strict=True):
        lost_frames[start : start + length] = True
        first = _first_sample(start, hop)
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


def _check_that_something_is_lost(options: dict, n_fft: int, sample_rate: int) -> None:
    shortest = options["seconds"][0]
    if shortest * sample_rate <= n_fft:
        raise DapError(
            f"gaps of {shortest:g} s as whole frames lose nothing: windows are {n_fft} samples "
            f"({n_fft / sample_rate:.4f} s) long, so that the frames beside a gap see all of it. "
            f"Set `seconds` above {n_fft / sample_rate:.4f}, or `domain: samples`"
        )


def _first_sample(start: np.ndarray, hop_length: int) -> np.ndarray:
    """The first lost sample of gaps that begin with these frames.

    Frame t is centred on sample t * hop_length: the samples nearest to a lost frame are lost.
    """
    return start * hop_length - hop_length // 2


def _draw(
    clean: np.ndarray, transform: "STFT", options: dict, context: Context
) -> tuple[np.ndarray, np.ndarray]:
    """First frames and lengths in frames of the gaps of a clip."""
    samples, hop, sample_rate = len(clean), transform.hop_length, context.sample_rate
    count = max(1, round(options["per_second"] * samples / sample_rate))
    shortest, longest = options["seconds"]
    seconds = context.rng.uniform(shortest, longest, count)
    lengths = np.maximum(1, np.rint(seconds * sample_rate / hop)).astype(int)
    # a window's length and a hop stay between gaps and at the ends: a frame of each is observed
    margin = -(-transform.n_fft // hop) + 1
    frames = transform.frames(samples)
    free = frames - lengths.sum() - (count + 1) * margin
    gaps = f"{count} gaps of {lengths.sum() * hop / sample_rate:.2f} s in all"
    if free < 0:
        raise DapError(
            f"{gaps} do not fit into a clip of {samples / sample_rate:.2f} s: lengthen the clip, "
            "or lower `seconds` or `per_second`"
        )
    if options["where"] == "sound":
        starts = _starts_in_sound(clean, lengths, margin, frames, hop, context.rng)
        if starts is None:
            raise DapError(
                f"{gaps} do not fit where the clip has sound (an RMS level of at least "
                f"{LEAST_LEVEL:g} times its own): lower `seconds` or `per_second`, or set "
                "`where: anywhere`"
            )
        return starts, lengths
    offsets = np.sort(context.rng.integers(0, free + 1, count))
    before = np.r_[0, np.cumsum(lengths)[:-1]]
    return offsets + margin * np.arange(1, count + 1) + before, lengths


def _starts_in_sound(
    clean: np.ndarray,
    lengths: np.ndarray,
    margin: int,
    frames: int,
    hop_length: int,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """First frames of gaps of these lengths, in this order, where there is sound.

    All ways to place them are equally likely. They are counted from the last gap to the first, and
    drawn from the first to the last.

    Args:
        lengths: (gaps,) in frames.
        margin: frames between gaps, and at the clip's ends.
        frames: of the clip.

    Returns:
        (gaps,); None where there is no way.
    """
    energy = np.r_[0.0, np.cumsum(np.square(clean, dtype=np.float64))]
    least = max(LEAST_LEVEL**2 * energy[-1] / len(clean), np.finfo(float).tiny)  # mean square
    counts = []  # of each gap, from the last: by its first frame, ways to place it and those after
    following = np.ones(frames + 1)  # ways to place the gaps after it, from a frame on
    for length in lengths[::-1]:
        starts = np.arange(margin, frames - length - margin + 1)
        first = _first_sample(starts, hop_length)
        samples = length * hop_length
        sounds = energy[first + samples] - energy[first] >= least * samples
        ways = np.zeros(frames + 1)
        ways[starts] = sounds * following[starts + length + margin]
        if not ways.any():
            return None
        ways /= ways.max()  # of many gaps there are more ways than a float can count
        counts.append(ways)
        following = np.cumsum(ways[::-1])[::-1]
    drawn, earliest = [], 0
    for length, ways in zip(lengths, counts[::-1], strict=True):
        ways[:earliest] = 0
        drawn.append(int(rng.choice(len(ways), p=ways / ways.sum())))
        earliest = drawn[-1] + length + margin
    return np.array(drawn)
