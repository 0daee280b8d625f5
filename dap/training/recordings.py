"""Which clips of a corpus may be trained on: none that tells of what is tested."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dap.errors import DapError


@dataclass(frozen=True)
class Clip:
    """A clip of a corpus.

    Attributes:
        index: its place in the corpus's order.
        name: its id.
        recording: that it is cut from; "" where it is its own, as a synthetic one is.
        signal: (samples,), without what it was padded with.
    """

    index: int
    name: str
    recording: str
    signal: np.ndarray


def usable(
    corpus: str, clips: Sequence[Clip], *, tested: int, count: int, samples: int
) -> tuple[dict[str, list[np.ndarray]], int]:
    """The excerpts that may be trained on, by recording.

    The first clips in the order are tested, and the next may be heard, but for those of a recording
    that is tested, too, and for those that are shorter than a mixture.

    Args:
        tested: how many are tested.
        count: how many may be heard.
        samples: of a mixture.

    Returns:
        The excerpts, and how many clips were left out.

    Raises:
        DapError: nothing is left.
    """
    taboo = {clip.recording for clip in clips if clip.index < tested} - {""}
    found: dict[str, list[np.ndarray]] = {}
    left_out = 0
    for clip in clips:
        if not tested <= clip.index < tested + count:
            continue
        if clip.recording in taboo or len(clip.signal) < samples:
            left_out += 1
        else:
            found.setdefault(clip.recording or clip.name, []).append(clip.signal)
    if not found:
        raise DapError(
            f"corpus {corpus}: no recording is left to train on: {left_out} clips are of "
            "recordings that are tested, or shorter than `training.samples`; add recordings, or "
            "ask for fewer tested clips"
        )
    return found, left_out
