"""Finding the gaps of a recording: dropouts that left digital zeros, or one sample repeated."""

import numpy as np

from dap.errors import DapError
from dap.restoration.runs import held

# chosen on 151 recordings without gaps, where nothing is to be found, and on gaps put into them
# (docs/performance.md)
SHORTEST_SECONDS = 0.001
LONGEST_SECONDS = 0.5  # what is longer is a pause, and no method fills it
APART_SECONDS = 0.001  # of what is nearer to each other, one gap is made
LEAST_SECONDS = 0.00025  # shorter runs are in any smooth sound
# of the samples around a gap, so many at most equal the one before: in what is smoother, or
# quieter, runs are nothing but steps of quantization
EQUAL_SHARE = 0.25
# sound begins and ends abruptly: what is right beside a gap is no weaker than this, re what is
# around it, and that re the whole recording
BESIDE_SECONDS, AROUND_SECONDS = 0.002, 0.02
FADED_DB, QUIET_DB = -14.0, -35.0


def find_gaps(
    x: np.ndarray, sample_rate: int, *, shortest_seconds: float = SHORTEST_SECONDS
) -> list[tuple[float, float]]:
    """Find dropouts, as the `gaps` of `dap.restore`.

    They are runs of zeros, or of a sample that is repeated (the first of these is sound), in all
    channels at once, of 1 ms to 0.5 s. Sound ends abruptly before them, and begins so behind them:
    silence at the start, at the end and between phrases is none, nor is a clipped peak. A dropout
    that went through a lossy encoder since holds no zeros, and is not found.

    Args:
        x: (samples,) or (samples, channels).
        sample_rate: in Hz.
        shortest_seconds: how long a gap lasts at least.

    Returns:
        (start, end) in seconds, rising.

    Raises:
        DapError: `x` has another shape.

    >>> tone = np.sin(np.arange(8000) / 3)
    >>> tone[4000:4160] = 0
    >>> find_gaps(tone, 16000)
    [(0.25, 0.26)]
    """
    x = np.asarray(x)
    if x.ndim not in (1, 2):
        raise DapError(
            f"the recording has the shape {x.shape}: must be (samples,) or (samples, channels)"
        )
    if len(x) < 2:
        return []
    frames = x.reshape(len(x), -1).astype(np.float64)
    extremes = (frames.max(axis=0, initial=-np.inf), frames.min(axis=0, initial=np.inf))
    candidates: list[list[int]] = []
    found = held(frames)
    for start, end in found[np.diff(found)[:, 0] >= LEAST_SECONDS * sample_rate]:
        value = frames[start]
        if any(((value == extreme) & (value != 0)).any() for extreme in extremes):
            continue  # clipped
        first = start if not value.any() else start + 1
        if candidates and first - candidates[-1][1] < APART_SECONDS * sample_rate:
            candidates[-1][1] = end
        else:
            candidates.append([first, end])
    if not candidates:
        return []
    sound = frames - frames.mean(axis=0)
    level = np.sqrt(np.square(sound).mean())
    beside, around = (round(s * sample_rate) for s in (BESIDE_SECONDS, AROUND_SECONDS))

    def is_abrupt(near: np.ndarray, far: np.ndarray) -> bool:
        if len(far) < 2 or (far[1:] == far[:-1]).all(axis=1).mean() > EQUAL_SHARE:
            return False
        near_level, far_level = (np.sqrt(np.square(each).mean()) for each in (near, far))
        loud = far_level > level * 10 ** (QUIET_DB / 20)
        return bool(loud and near_level > far_level * 10 ** (FADED_DB / 20))

    return [
        (int(start) / sample_rate, int(end) / sample_rate)
        for start, end in candidates
        if shortest_seconds * sample_rate <= end - start <= LONGEST_SECONDS * sample_rate
        and is_abrupt(sound[max(0, start - beside) : start], sound[max(0, start - around) : start])
        and is_abrupt(sound[end : end + beside], sound[end : end + around])
    ]
