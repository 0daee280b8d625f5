"""Mixtures to train on, drawn on the fly: each by its position, and by nothing else."""

from collections.abc import Mapping, Sequence

import numpy as np

from dap.errors import DapError
from dap.seeds import derive

# an excerpt whose peak is 60 dB below full scale has nothing to separate
SILENCE = 1e-3
MOST_DRAWS = 200

# of each corpus and recording, the excerpts that are there of it, (samples,) each
Recordings = Mapping[str, Mapping[str, Sequence[np.ndarray]]]


def split(recordings: Recordings, share: float, seed: int) -> tuple[Recordings, Recordings]:
    """Which recordings are trained on, and which validate: whole ones, never parts of one.

    Args:
        share: of each corpus's recordings that validate; one at least.

    Raises:
        DapError: a corpus has a single recording.
    """
    heard: dict[str, dict[str, Sequence[np.ndarray]]] = {}
    held: dict[str, dict[str, Sequence[np.ndarray]]] = {}
    for corpus, signals in recordings.items():
        if len(signals) < 2:
            raise DapError(
                f"corpus {corpus}: {len(signals)} recordings are left to train on, and there have "
                "to be two at least, since one validates: ask for more `training.clips`, or add "
                "recordings"
            )
        order = sorted(signals, key=lambda name: derive(seed, "split", corpus, name))
        count = min(len(order) - 1, max(1, round(share * len(order))))
        held[corpus] = {name: signals[name] for name in sorted(order[:count])}
        heard[corpus] = {name: signals[name] for name in sorted(order[count:])}
    return heard, held


class Mixtures:
    """Mixtures of excerpts of a target and of one other instrument each.

    Args:
        target: its corpus.
        recordings: by corpus, the target's among them.
        samples: of a mixture.
        seed: of all draws.

    Attributes:
        redrawn: how many excerpts were silent, and drawn again.

    Raises:
        DapError: a recording is shorter than a mixture, or there is no other instrument.
    """

    def __init__(self, target: str, recordings: Recordings, samples: int, seed: int):
        self.samples, self.seed, self.redrawn = samples, seed, 0
        flat: dict[str, list[np.ndarray]] = {}
        for corpus, by_recording in sorted(recordings.items()):
            for name, signals in by_recording.items():
                if shortest := [len(signal) for signal in signals if len(signal) < samples]:
                    raise DapError(
                        f"corpus {corpus}: {name} has {shortest[0]} samples, and a mixture "
                        f"{samples}: lower `training.samples`, or take the recording away"
                    )
            flat[corpus] = [signal for signals in by_recording.values() for signal in signals]
        self.target = (target, flat.pop(target))
        self.others = list(flat.items())
        if not self.others:
            raise DapError(f"there is nothing to mix {target} with: name one more to train on")

    def draw(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """The target's excerpt and the mixture of a position, (samples,) float32 each.

        Neither the other positions nor their order change what is drawn. The excerpts have the
        level that they have in their clips (fidelity: levels-of-training).

        Raises:
            DapError: an instrument gives silence again and again.
        """
        rng = np.random.default_rng(derive(self.seed, "mixture", position))
        target = self._excerpt(*self.target, rng)
        other = self._excerpt(*self.others[int(rng.integers(len(self.others)))], rng)
        return target, target + other

    def _excerpt(
        self, corpus: str, signals: Sequence[np.ndarray], rng: np.random.Generator
    ) -> np.ndarray:
        for _ in range(MOST_DRAWS):
            signal = signals[int(rng.integers(len(signals)))]
            start = int(rng.integers(len(signal) - self.samples + 1))
            excerpt = signal[start : start + self.samples]
            if np.abs(excerpt).max() > SILENCE:
                return excerpt
            self.redrawn += 1
        raise DapError(
            f"corpus {corpus}: {MOST_DRAWS} excerpts of {self.samples} samples were silent, one "
            "after the other: take recordings without sound away"
        )
